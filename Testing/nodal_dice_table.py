"""How far the generated nodal CTV agrees with the one a digital patient was drawn with.

    python Testing/nodal_dice_table.py --seeds 601-610
    python Testing/nodal_dice_table.py --seeds 611-614 --names totalsegmentator
    python Testing/nodal_dice_table.py --seeds 615-616 --variant small

Seeds 1-20, 401-405 and 501-505 were used to develop the rules. Rules "truth" are those the phantom's CTVn
documents (imaging/phantom/volumes.py): RTOG 2009 from the aortic bifurcation, the obturator fossa alone
between external and internal vessels, a rounded end, and 10 mm anterolaterally as in Taylor 2005.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "PSMAPlanning"))

from nodal_cases import TOTALSEGMENTATOR, structures_of
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.rtvolumes.guideline import Guideline
from PSMAPlanningLib.rtvolumes.guideline_files import load_guideline
from PSMAPlanningLib.rtvolumes.nodal import NodalGenerator
from PSMAPlanningLib.rtvolumes.nodal_anatomy import anatomy_of
from PSMAPlanningLib.rtvolumes.nodal_space import make_space

NAMES = ("phantom", "totalsegmentator")
RULES = ("nrg2021_nodes", "truth", "rtog2009_nodes", "pivotal2015_nodes")
PARTS = ("LN_Iliac_Cmn", "LN_Iliac_Ext", "LN_Iliac_Int", "LN_Obturator", "LN_Presacral")


@dataclass(frozen=True)
class Row:
    """One generated volume beside its truth. parts: name to (mL, mL of it outside the truth), both sides."""

    seed: int
    rules: str
    dice: float
    ours_ml: float
    truth_ml: float
    outside_ml: float
    missed_ml: float
    parts: dict[str, tuple[float, float]]


def guideline_of(rules: str) -> Guideline:
    """A shipped preset, or the rules the phantom's truth documents."""
    if rules != "truth":
        return load_guideline(rules)
    return (
        load_guideline("rtog2009_nodes")
        .with_level("cranial", "aortic_bifurcation")
        .with_switch("connect_external_internal", False)
        .with_switch("taper_external_end", True)
        .with_value("external_anterolateral", 10)
    )


def rows(seed: int, names: str, variant: str, rules: Sequence[str]) -> list[Row]:
    """The volumes of one digital patient by several rules."""
    phantom = make_phantom(PhantomParameters(seed=seed, variant=variant, lesions=()))
    structures = structures_of(phantom)
    if names == "totalsegmentator":
        structures = {name: mask for name, mask in structures.items() if name in TOTALSEGMENTATOR}
    anatomy, found = anatomy_of(structures), []
    for each in rules:
        generator = NodalGenerator(anatomy, guideline_of(each), phantom.ct)
        found.append(_row(seed, each, generator, phantom.volumes["CTVn"]))
    return found


def _row(seed: int, rules: str, generator: NodalGenerator, truth: Mask) -> Row:
    volume = generator.generate()
    corners = np.concatenate([volume.mask.grid.corners_ras(), truth.grid.corners_ras()])
    space = make_space(volume.mask.grid, corners.min(axis=0), corners.max(axis=0))
    ours, true = space.exact([volume.mask]), space.exact([truth])
    voxel_ml = space.grid.voxel_volume_ml
    ml = {name: float(np.count_nonzero(array)) * voxel_ml for name, array in
          (("ours", ours), ("true", true), ("both", ours & true))}  # fmt: skip
    made, parts = generator.parts(), {}
    for part in PARTS:
        held = space.exact([mask for name, mask in made.items() if name.startswith(part)])
        sizes = (np.count_nonzero(held), np.count_nonzero(held & ~true))
        parts[part] = tuple(float(n) * voxel_ml for n in sizes)
    dice = 2 * ml["both"] / (ml["ours"] + ml["true"])
    outside_ml, missed_ml = ml["ours"] - ml["both"], ml["true"] - ml["both"]
    return Row(seed, rules, dice, ml["ours"], ml["true"], outside_ml, missed_ml, parts)


def table(found: Sequence[Row]) -> str:
    """Markdown: a line per volume, and per rules the smallest and the mean Dice."""
    heads = ["seed", "rules", "Dice", "mL", "true mL", "outside mL", "missed mL",
             *(f"{part} (outside)" for part in PARTS)]  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for row in found:
        parts = " | ".join(f"{row.parts[part][0]:.0f} ({row.parts[part][1]:.0f})" for part in PARTS)
        lines.append(
            f"| {row.seed} | {row.rules} | {row.dice:.4f} | {row.ours_ml:.0f} | {row.truth_ml:.0f} "
            f"| {row.outside_ml:.0f} | {row.missed_ml:.0f} | {parts} |"
        )
    for rules in dict.fromkeys(row.rules for row in found):
        dice = np.array([row.dice for row in found if row.rules == rules])
        lines.append(
            f"\n{rules}: Dice {dice.min():.3f} to {dice.max():.3f}, mean {dice.mean():.3f}; 0.85 reached in "
            f"{np.count_nonzero(dice >= 0.85)} of {len(dice)}."
        )
    return "\n".join(lines)


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=_seeds, nargs="+", default=[range(601, 611)])
    parser.add_argument("--names", choices=NAMES, default="phantom")
    parser.add_argument("--variant", choices=("full", "small"), default="full")
    parser.add_argument("--rules", choices=RULES, nargs="+", default=list(RULES[:2]))
    arguments = parser.parse_args()
    seeds = [seed for each in arguments.seeds for seed in each]
    found = [row for seed in seeds for row in rows(seed, arguments.names, arguments.variant, arguments.rules)]
    print(table(found))


if __name__ == "__main__":
    _main()
