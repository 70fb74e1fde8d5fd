"""The phantom's ten lesions as the program finds and contours them: region, class and miTNM beside the truth.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/found_lesions_table.py [--seeds 701 702 703 704 705]
Nothing is told to the program but PET, CT, organs and volumes. The internal iliac node (7 mm, contrast 4)
stays below the threshold on purpose: it is added by hand at its true place, as a reader would.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.coverage.mitnm import propose_mitnm
from PSMAPlanningLib.coverage.regions import Region, stated_region
from PSMAPlanningLib.errors import PlanningError
from PSMAPlanningLib.imaging.phantom import Phantom, PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.tracers import tracer_facts
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import Lesion, RtVolume
from PSMAPlanningLib.settings import RegionSettings

SEEDS = (701, 702, 703, 704, 705)
"""None of these was looked at while rules were made."""
_NEAR_MM = 4.0


@dataclass(frozen=True)
class FoundLesion:
    """One true lesion and what was made of it; region and classes None when it was not found.

    by_hand: whether a reader had to add it. wrong_classes: volume to found and true class, where they differ.
    """

    name: str
    true_region: Region
    by_hand: bool
    region: Region | None
    wrong_classes: dict[str, tuple[str, str]] | None
    volume_ratio: float | None


@dataclass(frozen=True)
class FoundPatient:
    """extra: regions of found lesions that are none of the ten. mitnm: of the ten as found, and the truth."""

    seed: int
    lesions: tuple[FoundLesion, ...]
    extra: tuple[str, ...]
    mitnm: str
    true_mitnm: str


def true_region(region: str) -> Region:
    """A region of the phantom's as the program calls it."""
    return Region("bone" if region == "pelvic bone" else region.replace(" ", "_"))


def case_of(phantom: Phantom) -> PlanningCase:
    """A case with the phantom's images, organs and volumes, its lesions found."""
    case = PlanningCase(who="table")
    structures = {name: phantom.structure(name).cropped() for name in phantom.structure_names}
    anatomy = {name: mask for name, mask in structures.items() if not mask.is_empty}
    volumes = tuple(RtVolume(n, m, n[:3], "imported", "phantom") for n, m in phantom.volumes.items())
    state = replace(case.state, pet=phantom.pet, ct=phantom.ct, anatomy=anatomy, volumes=volumes)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    return case


def found_patient(seed: int) -> FoundPatient:
    """The ten lesions of one digital patient."""
    phantom = make_phantom(PhantomParameters(seed=seed, variant="small"))
    case = case_of(phantom)
    matched: dict[str, tuple[Lesion | None, bool]] = {}
    for truth in phantom.lesions:
        lesion, by_hand = _at(case, truth.centre_ras, truth.diameter_mm), False
        if lesion is None:
            by_hand = True
            try:
                lesion = case.lesion(case.add_lesion_at(truth.centre_ras))
            except PlanningError:
                lesion = None
        matched[truth.name] = lesion, by_hand
    regions, coverage = case.assigned_regions(), case.coverage()
    found = []
    for truth in phantom.lesions:
        lesion, by_hand = matched[truth.name]
        wrong = ratio = None
        if lesion is not None:
            classes = {name: row.coverage_class.value for name, row in coverage[lesion.id].items()}
            wrong = {
                n: (c, truth.coverage_class[n]) for n, c in classes.items() if c != truth.coverage_class[n]
            }
            ratio = lesion.contour.mask.volume_ml / truth.volume_ml
        region = regions[lesion.id].region if lesion is not None else None
        found.append(FoundLesion(truth.name, true_region(truth.region), by_hand, region, wrong, ratio))
    ids = [lesion.id for lesion, _ in matched.values() if lesion is not None]
    extra = tuple(f"{id_} {region.region.value}" for id_, region in regions.items() if id_ not in ids)
    tracer, settings = tracer_facts("68Ga-PSMA-11"), RegionSettings()
    truths = [
        stated_region(each.true_region.value, t.side, "hip bone" if t.region == "pelvic bone" else None)
        for each, t in zip(found, phantom.lesions, strict=True)
    ]
    return FoundPatient(
        seed,
        tuple(found),
        extra,
        propose_mitnm([regions[id_] for id_ in ids], tracer, settings).v1,
        propose_mitnm(truths, tracer, settings).v1,
    )


def _at(case: PlanningCase, centre_ras: Sequence[float], diameter_mm: float) -> Lesion | None:
    """The lesion whose hottest voxel lies in the true ball, or within 4 mm of it."""
    away = [
        (float(np.linalg.norm(np.subtract(lesion.region.peak_ras, centre_ras))), lesion)
        for lesion in case.state.lesions
    ]
    near = [pair for pair in away if pair[0] <= diameter_mm / 2 + _NEAR_MM]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def table(patients: Sequence[FoundPatient]) -> str:
    """A line per patient, and one for everything that is not as it should be."""
    lines = [f"{'seed':>5}{'found':>7}{'by hand':>9}{'region':>8}{'class':>7}  miTNM"]
    for patient in patients:
        there = [each for each in patient.lesions if each.region is not None]
        alone = sum(not each.by_hand for each in there)
        regions = sum(each.region is each.true_region for each in there)
        classes = sum(not each.wrong_classes for each in there)
        same = (
            "as true"
            if patient.mitnm == patient.true_mitnm
            else f"{patient.mitnm}, true {patient.true_mitnm}"
        )
        lines.append(f"{patient.seed:>5}{alone:>7}{len(there) - alone:>9}{regions:>8}{classes:>7}  {same}")
        for each in patient.lesions:
            if each.region is None:
                lines.append(f"      {each.name}: nothing stands out at its place")
            elif each.region is not each.true_region or each.wrong_classes:
                lines.append(
                    f"      {each.name}: {each.region.value}, {each.wrong_classes or 'classes right'}, "
                    f"{each.volume_ratio:.1f} times its true volume"
                )
        if patient.extra:
            lines.append(f"      besides: {', '.join(patient.extra)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    arguments = parser.parse_args()
    print(table([found_patient(seed) for seed in arguments.seeds]))


if __name__ == "__main__":
    main()
