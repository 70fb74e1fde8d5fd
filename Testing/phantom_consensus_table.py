"""Lesions of digital patients by every rule and every consensus, beside the truth.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/phantom_consensus_table.py --seeds 1 2 3 4 5 6 [--lesions]
[--scale 2]. The patients are found and contoured as `psma-planning run` does it, by all rules; lesions that
were not found are counted. Size classes: below and from 1.5 FWHM (9 mm), where contours can be trusted.
--scale: diameters of the lesions times this, for larger ones; --lesions: one line per lesion as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.consensus.agreement import agreement
from PSMAPlanningLib.consensus.common_grid import on_common_grid
from PSMAPlanningLib.consensus.inputs import ContourInput
from PSMAPlanningLib.delineation.physiologic import physiologic_organs
from PSMAPlanningLib.delineation.rules import RULES
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.phantom import Phantom, PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.phantom.lesions import standard_lesions
from PSMAPlanningLib.imaging.phantom.phantom import LesionTruth
from PSMAPlanningLib.lesion_consensus import fuse_candidates
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import CaseState, Lesion
from PSMAPlanningLib.settings import ConsensusSettings, ContourSettings, RuleSettings, Settings

RELIABLE_FROM_MM = 9.0
REACH_MM = 4.0
DEFAULT_RULES = tuple(rule.name for rule in ContourSettings().rules)
MEMBERS = {"all rules": tuple(RULES), "default rules": DEFAULT_RULES}
FUSIONS = {
    "majority": ConsensusSettings("majority", weigh_families=False),
    "majority by family": ConsensusSettings("majority", weigh_families=True),
    "STAPLE": ConsensusSettings("staple", weigh_families=False),
    "STAPLE by family": ConsensusSettings("staple", weigh_families=True),
    "SIMPLE": ConsensusSettings("simple", weigh_families=False),
    "probability by family": ConsensusSettings("probability", weigh_families=True),
    "mean distance by family": ConsensusSettings("mean_distance", weigh_families=True),
}
BEST_EACH = "best rule, chosen anew for each lesion"


@dataclass(frozen=True)
class Row:
    """One contour of one lesion; distance_mm: symmetric mean of the surfaces, None for an empty contour."""

    seed: int
    lesion: str
    diameter_mm: float
    true_ml: float
    contour: str
    volume_ml: float
    dice: float
    distance_mm: float | None

    @property
    def volume_error_percent(self) -> float:
        return 100.0 * (self.volume_ml / self.true_ml - 1.0)


def rows(seed: int, scale: float = 1.0) -> tuple[list[Row], list[str]]:
    """Every contour of every lesion of one patient, and the names of the lesions that were not found."""
    phantom = _phantom(seed, scale)
    state = _found(phantom)
    found: list[Row] = []
    missed: list[str] = []
    for truth in phantom.lesions:
        lesion = _lesion_at(truth, state.lesions)
        if lesion is None:
            missed.append(truth.name)
            continue
        found += [_row(seed, truth, name, mask) for name, mask in contours(lesion, state).items()]
    return found, missed


def contours(lesion: Lesion, state: CaseState) -> dict[str, Mask | None]:
    """Every rule's contour and every consensus of a lesion, by name."""
    masks: dict[str, Mask | None] = {candidate.rule: candidate.mask for candidate in lesion.candidates}
    for members, names in MEMBERS.items():
        candidates = [candidate for candidate in lesion.candidates if candidate.rule in names]
        for fusion, settings in FUSIONS.items():
            masks[f"{fusion}, {members}"] = fuse_candidates(candidates, settings).mask
    return masks


def _phantom(seed: int, scale: float) -> Phantom:
    if scale == 1.0:
        return make_phantom(PhantomParameters(seed=seed))
    lesions = standard_lesions(np.random.default_rng(seed))
    larger = tuple(replace(lesion, diameter_mm=lesion.diameter_mm * scale) for lesion in lesions)
    return make_phantom(PhantomParameters(seed=seed, lesions=larger))


def _found(phantom: Phantom) -> CaseState:
    rules = tuple(RuleSettings(name) for name in RULES)
    case = PlanningCase(Settings(contours=ContourSettings(rules=rules)), who="phantom table")
    organs = {name for name in phantom.structure_names if name in physiologic_organs()} | {"aorta"}
    anatomy = {name: phantom.structure(name) for name in sorted(organs & set(phantom.structure_names))}
    state = replace(case.state, pet=phantom.pet, anatomy=anatomy)
    return find_lesions(state, case.change("found"), Stage(no_progress))


def _lesion_at(truth: LesionTruth, lesions: Sequence[Lesion]) -> Lesion | None:
    def distance_mm(lesion: Lesion) -> float:
        return float(np.linalg.norm(np.subtract(lesion.region.peak_ras, truth.centre_ras)))

    nearest = min(lesions, key=distance_mm, default=None)
    return nearest if nearest and distance_mm(nearest) <= truth.diameter_mm / 2 + REACH_MM else None


def _row(seed: int, truth: LesionTruth, name: str, mask: Mask | None) -> Row:
    common = (seed, truth.name, truth.diameter_mm, truth.volume_ml, name)
    if mask is None or mask.is_empty:
        return Row(*common, 0.0, 0.0, None)
    pair = on_common_grid([mask, _ball_like(truth, mask.grid)])
    compared = agreement([ContourInput(str(n), each) for n, each in enumerate(pair.masks)])
    distance_mm = float(compared.mean_surface_distance_mm[0, 1])
    return Row(*common, mask.volume_ml, float(compared.dice[0, 1]), distance_mm)


def _ball_like(truth: LesionTruth, grid: VoxelGrid) -> Mask:
    """The true sphere on the lattice of a grid."""
    middle = grid.kji_of(np.array(truth.centre_ras))
    reach = truth.diameter_mm / 2 / np.array(grid.spacing_kji_mm) + 2
    low, high = np.floor(middle - reach), np.ceil(middle + reach) + 1
    lattice = VoxelGrid(
        tuple(int(n) for n in high - low), grid.spacing_mm, grid.position_of(low), grid.direction_ras
    )
    points = lattice.ras_of(np.moveaxis(np.indices(lattice.shape_kji), 0, -1))
    return Mask(np.linalg.norm(points - truth.centre_ras, axis=-1) <= truth.diameter_mm / 2, lattice)


def table(found: Sequence[Row]) -> str:
    """Markdown: Dice, median and mean absolute volume error, mean surface distance; by size class."""
    small = [row for row in found if row.diameter_mm < RELIABLE_FROM_MM]
    large = [row for row in found if row.diameter_mm >= RELIABLE_FROM_MM]
    classes = [("all", found), (f"below {RELIABLE_FROM_MM:g} mm", small), ("larger", large)]
    classes = [(title, part) for title, part in classes if part]
    heads = [
        f"{title} ({len({(row.seed, row.lesion) for row in part})}): Dice | volume error, median (mean of "
        "sizes) % | distance mm"
        for title, part in classes
    ]
    lines = ["| contour | " + " | ".join(heads) + " |", "|---" * (1 + 3 * len(classes)) + "|"]
    for name in _by_dice(found):
        cells = [_cells([row for row in part if row.contour == name]) for _, part in classes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    cells = [_cells(list(_best_each(part))) for _, part in classes]
    lines.append(f"| {BEST_EACH} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _by_dice(found: Sequence[Row]) -> list[str]:
    names = list(dict.fromkeys(row.contour for row in found))
    return sorted(names, key=lambda name: -mean_dice(found, name))


def mean_dice(found: Sequence[Row], contour: str) -> float:
    return float(np.mean([row.dice for row in found if row.contour == contour]))


def best_rule(found: Sequence[Row]) -> str:
    """The single rule with the highest mean Dice."""
    return max(RULES, key=lambda name: mean_dice(found, name))


def _best_each(found: Sequence[Row]) -> Iterator[Row]:
    for lesion in dict.fromkeys((row.seed, row.lesion) for row in found):
        of_rules = [row for row in found if (row.seed, row.lesion) == lesion and row.contour in RULES]
        yield max(of_rules, key=lambda row: row.dice)


def _cells(part: Sequence[Row]) -> str:
    errors = np.array([row.volume_error_percent for row in part])
    distances = [row.distance_mm for row in part if row.distance_mm is not None]
    dice = np.mean([row.dice for row in part])
    distance = f"{np.mean(distances):.2f}" if distances else "-"
    return f"{dice:.3f} | {np.median(errors):+.0f} ({np.mean(np.abs(errors)):.0f}) | {distance}"


def lesion_lines(found: Sequence[Row]) -> str:
    """Markdown: per lesion the truth, the best single rule's volume and those of the consensus contours."""
    best = best_rule(found)
    wanted = [best, *(f"{fusion}, default rules" for fusion in FUSIONS)]
    lines = [
        "| seed | lesion | mm | true mL | " + " | ".join(wanted) + " |",
        "|---" * (4 + len(wanted)) + "|",
    ]
    for seed, name in dict.fromkeys((row.seed, row.lesion) for row in found):
        of_lesion = {row.contour: row for row in found if (row.seed, row.lesion) == (seed, name)}
        first = of_lesion[best]
        volumes = " | ".join(f"{of_lesion[each].volume_ml:.2f}" for each in wanted)
        lines.append(f"| {seed} | {name} | {first.diameter_mm:.1f} | {first.true_ml:.2f} | {volumes} |")
    return "\n".join(lines)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--lesions", action="store_true")
    arguments = parser.parse_args()
    found: list[Row] = []
    missed: list[str] = []
    for seed in arguments.seeds:
        of_seed, not_found = rows(seed, arguments.scale)
        found += of_seed
        missed += not_found
    print(table(found))
    print(
        f"\nNot found at the detection threshold: {len(missed)} ({', '.join(sorted(set(missed))) or 'none'})."
    )
    print(f"Best single rule: {best_rule(found)}.")
    if arguments.lesions:
        print("\n" + lesion_lines(found))


if __name__ == "__main__":
    _main()
