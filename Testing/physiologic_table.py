"""How the rules on position do without organ masks, on digital patients whose anatomy is withheld.

    python Testing/physiologic_table.py --seeds 1001-1020 --tracer 68Ga-PSMA-11 [--ct]

Counts lesions that end up in a physiologic region (the dangerous error), and how much of each organ's avid
voxels gets a physiologic reason.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "PSMAPlanning"))

from PSMAPlanningLib.delineation.avid_regions import (
    AvidRegion,
    RegionClass,
    find_avid_regions,
    labels_in,
)
from PSMAPlanningLib.delineation.physiologic import classify_regions
from PSMAPlanningLib.imaging.phantom import Phantom, PhantomParameters, make_phantom
from PSMAPlanningLib.settings import Settings

ORGANS = {
    "kidneys": ("kidney_right", "kidney_left"),
    "bladder": ("urinary_bladder",),
    "liver": ("liver",),
    "spleen": ("spleen",),
    "bowel": ("small_bowel", "duodenum", "colon"),
    "ureters": ("ureter_right", "ureter_left"),
}
_SMALLEST_BALL_MM = 2.5


def judged(phantom: Phantom, with_ct: bool) -> tuple[AvidRegion, ...]:
    """The avid regions of a phantom, classified without its anatomy."""
    settings = Settings()
    found = find_avid_regions(phantom.pet, settings.detection).regions
    return classify_regions(found, {}, phantom.pet, settings, ct=phantom.ct if with_ct else None)


def lesion_outcomes(phantom: Phantom, regions: tuple[AvidRegion, ...]) -> dict[str, str]:
    """Per lesion: "wrong" (its middle, or most of its avid voxels, physiologic), "kept", or "not avid"."""
    labels = labels_in(regions, tuple(slice(0, n) for n in phantom.pet.grid.shape_kji))
    physiologic = np.array([False, *(r.region_class is RegionClass.PHYSIOLOGIC for r in regions)])
    outcomes = {}
    for lesion in phantom.lesions:
        middle = tuple(np.rint(phantom.pet.grid.kji_of(np.array(lesion.centre_ras))).astype(int))
        inside = labels[phantom.lesion_mask(lesion.name, phantom.pet.grid).array]
        inside = inside[inside > 0]
        if labels[middle] == 0 and inside.size == 0:
            outcomes[lesion.name] = "not avid"
        elif physiologic[labels[middle]] or (inside.size and physiologic[inside].mean() > 0.5):
            outcomes[lesion.name] = "wrong"
        else:
            outcomes[lesion.name] = "kept"
    return outcomes


def explained_shares(phantom: Phantom, regions: tuple[AvidRegion, ...]) -> dict[str, tuple[int, int]]:
    """Per organ: avid PET voxels whose centre lies in it, and how many of them are physiologic."""
    points = np.concatenate([region.mask.points_ras() for region in regions])
    physiologic = np.concatenate(
        [np.full(r.mask.voxels, r.region_class is RegionClass.PHYSIOLOGIC) for r in regions]
    )
    at = np.rint(phantom.ct.grid.kji_of(points)).astype(int)
    shares = {}
    for organ, names in ORGANS.items():
        inside = np.zeros(len(points), dtype=bool)
        for name in names:
            inside |= phantom.structure(name).array[tuple(at.T)]
        shares[organ] = (int(inside.sum()), int((inside & physiologic).sum()))
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--tracer", action="append", default=[])
    parser.add_argument("--ct", action="store_true")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("-")
    for tracer in arguments.tracer or ["68Ga-PSMA-11"]:
        large, small, wrong, avid, reasoned = Counter(), Counter(), [], Counter(), Counter()
        classes, reasons = Counter(), Counter()
        for seed in range(int(first), int(last or first) + 1):
            phantom = make_phantom(PhantomParameters(seed=seed, tracer=tracer))
            regions = judged(phantom, arguments.ct)
            sizes = {lesion.name: lesion.diameter_mm for lesion in phantom.lesions}
            for name, outcome in lesion_outcomes(phantom, regions).items():
                (large if sizes[name] >= 8 else small)[outcome] += 1
                if outcome == "wrong":
                    wrong.append(f"{seed}: {name}")
            for organ, (voxels, explained) in explained_shares(phantom, regions).items():
                avid[organ] += voxels
                reasoned[organ] += explained
            classes.update(region.region_class.value for region in regions)
            reasons.update(r.reason for r in regions if r.region_class is RegionClass.PHYSIOLOGIC)
        print(f"{tracer}, seeds {arguments.seeds}, CT {'given' if arguments.ct else 'withheld'}")
        print(f"  lesions of 8 mm and more: {dict(large)}; smaller: {dict(small)}; wrong: {wrong}")
        print(f"  regions: {dict(classes)}; physiologic reasons: {dict(reasons)}")
        shares = ", ".join(f"{o} {100 * reasoned[o] / max(1, avid[o]):.0f} %" for o in ORGANS)
        print(f"  avid voxels of each organ that are physiologic: {shares}", flush=True)


if __name__ == "__main__":
    main()
