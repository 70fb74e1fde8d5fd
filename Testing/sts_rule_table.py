"""The four soft-tissue sarcomas of IBSI by every rule and the default consensus, beside the experts' contour.

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/sts_rule_table.py [FOLDER_OF_THE_SHARED_DATA]
Each tumour is taken whole, contours may reach 15 mm beyond the experts'. The images hold no liver: rules
that need one get an assumed FDG liver, which is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.lesion_crop import LesionCrop, lesion_crop
from PSMAPlanningLib.delineation.rules import RULES, Rule, delineate
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.resampling import refine_labels
from PSMAPlanningLib.lesion_consensus import fuse_candidates
from PSMAPlanningLib.settings import ConsensusSettings, ContourSettings, DetectionSettings
from scipy import ndimage

REACH_MM = 15.0
FINE_MM = 2.0
DETECTION_SUV = 1.5
ASSUMED_LIVER = {"liver_mean": 2.0, "liver_sd": 0.3, "liver_max": 3.0}
CASES = {
    "STS_001": "sts001_ge_wholebody_pet/reference_ibsi_cropped",
    "STS_002": "ibsi_sts_petct/STS_002",
    "STS_003": "ibsi_sts_petct/STS_003",
    "STS_019": "ibsi_sts_petct/STS_019",
}


CONSENSUS = "default consensus"
MARKS = {"leaks": "!", "collapsed": "*"}


@dataclass(frozen=True)
class Row:
    """One rule on one tumour; distance_mm: mean symmetric distance of the surfaces."""

    case: str
    rule: str
    expert_ml: float
    volume_ml: float
    dice: float
    distance_mm: float | None
    threshold_suv: float | None
    flags: tuple[str, ...]


def rows(data: Path) -> Iterator[Row]:
    for case, folder in CASES.items():
        pet = read_image_file(data / folder / "PET_image.nii.gz", Quantity.SUVBW)
        (label,) = read_labels(data / folder / "PET_mask.nii.gz")
        crop, expert = _tumour(pet, label.mask)
        results = {name: delineate(crop, name, _given(rule)) for name, rule in RULES.items()}
        for name, result in results.items():
            yield _row(case, name, label.mask, expert, result.mask, result.threshold_suv, result.flags)
        fused = fuse_candidates([results[rule.name] for rule in ContourSettings().rules], ConsensusSettings())
        yield _row(case, CONSENSUS, label.mask, expert, fused.mask, None, ())


def _given(rule: Rule) -> dict[str, float]:
    wanted = {parameter.name for parameter in rule.measured}
    return {key: value for key, value in ASSUMED_LIVER.items() if key in wanted}


def _row(
    case: str,
    name: str,
    drawn: Mask,
    expert: np.ndarray,
    mask: Mask,
    threshold_suv: float | None,
    flags: tuple[str, ...],
) -> Row:
    """drawn: the experts' contour as it came; expert: the same on the voxels of `mask`."""
    inside = mask.array
    shared, total = np.count_nonzero(inside & expert), np.count_nonzero(inside) + np.count_nonzero(expert)
    distance_mm = _surface_distance_mm(inside, expert, mask.grid.spacing_kji_mm)
    return Row(
        case, name, drawn.volume_ml, mask.volume_ml, 2 * shared / total, distance_mm, threshold_suv, flags
    )


def _tumour(pet: Image, expert: Mask) -> tuple[LesionCrop, np.ndarray]:
    """The tumour's crop, and the experts' contour on its fine voxels."""
    spacing_mm = pet.grid.spacing_kji_mm
    near = ndimage.distance_transform_edt(~expert.array, sampling=spacing_mm) <= REACH_MM
    only = replace(pet, array=np.where(near, pet.array, 0).astype(np.float32))
    settings = DetectionSettings(threshold_suv=DETECTION_SUV, split_saddle_fraction=0.05)
    found = find_avid_regions(only, settings).regions
    region = max(found, key=lambda each: float(each.volume_ml))
    crop = lesion_crop(pet, (region,), region, ContourSettings(fine_spacing_mm=FINE_MM))
    box = region.box
    start = np.rint(pet.grid.kji_of(crop.grid.ras_of(np.zeros(3)))).astype(int)
    factors = tuple(int(f) for f in np.rint(np.array(spacing_mm) / crop.grid.spacing_kji_mm))
    box = tuple(
        slice(int(a), int(a + n // f)) for a, n, f in zip(start, crop.suv.shape, factors, strict=True)
    )
    territory = crop.territory & refine_labels(near[box], factors)
    return replace(crop, territory=territory), refine_labels(expert.array[box], factors)


def _surface_distance_mm(a: np.ndarray, b: np.ndarray, spacing_mm: tuple[float, ...]) -> float | None:
    if not a.any() or not b.any():
        return None
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (a, b)]
    distances = [ndimage.distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces]
    there, back = distances[1][surfaces[0]], distances[0][surfaces[1]]
    return float((there.sum() + back.sum()) / (there.size + back.size))


def table(found: list[Row]) -> str:
    """Markdown: volume, Dice and mean surface distance per tumour; then the spread over the rules."""
    by_case = {case: next((row.expert_ml for row in found if row.case == case), 0) for case in CASES}
    heads = [f"{case} ({ml:.0f} mL): mL | Dice | mm" for case, ml in by_case.items()]
    lines = ["| rule | " + " | ".join(heads) + " |", "|---" * (1 + 3 * len(CASES)) + "|"]
    for name in (*RULES, CONSENSUS):
        cells = []
        for case in CASES:
            row = next(row for row in found if row.case == case and row.rule == name)
            distance = "-" if row.distance_mm is None else f"{row.distance_mm:.1f}"
            mark = "".join(sign for flag, sign in MARKS.items() if flag in row.flags)
            cells.append(f"{row.volume_ml:.1f}{mark} | {row.dice:.2f} | {distance}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *(_spread(case, found) for case in CASES)]
    lines.append(
        f"Assumed liver: {ASSUMED_LIVER}. ! reaches the edge of the crop; * collapsed onto a hot spot: left "
        "out of the spread and of any consensus."
    )
    return "\n".join(lines)


def _spread(case: str, found: list[Row]) -> str:
    volumes = np.array(
        [
            row.volume_ml / row.expert_ml
            for row in found
            if row.case == case and row.rule in RULES and "collapsed" not in row.flags
        ]
    )
    low, middle, high = np.percentile(volumes, (0, 50, 100))
    variation = 100 * volumes.std(ddof=1) / volumes.mean()
    return (
        f"{case}: volumes over the experts' {low:.2f} to {high:.2f}, median {middle:.2f}, largest over "
        f"smallest {high / low:.0f}, coefficient of variation {variation:.0f} %."
    )


if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[1]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else repository.parent / "shared" / "data"
    print(table(list(rows(folder))))
