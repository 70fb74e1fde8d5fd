"""The four soft-tissue sarcomas of IBSI by every delineation rule, beside the experts' contour.

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
from PSMAPlanningLib.delineation.rules import RULES, delineate
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from PSMAPlanningLib.imaging.resampling import refine_labels
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings
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
        for name, rule in RULES.items():
            given = {
                key: value for key, value in ASSUMED_LIVER.items() if key in {p.name for p in rule.measured}
            }
            result = delineate(crop, name, given)
            inside = result.mask.array
            both = (
                2 * np.count_nonzero(inside & expert) / (np.count_nonzero(inside) + np.count_nonzero(expert))
            )
            yield Row(
                case,
                name,
                label.mask.volume_ml,
                result.mask.volume_ml,
                both,
                _surface_distance_mm(inside, expert, crop.grid.spacing_kji_mm),
                result.threshold_suv,
                result.flags,
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
    by_case = {case: next((row.expert_ml for row in found if row.case == case), 0) for case in CASES}
    head = " ".join(f"{f'{case} ({ml:.0f} mL)':>24}" for case, ml in by_case.items())
    lines = [f"{'rule':<20}{head}", f"{'':<20}" + " ".join(f"{'mL   Dice   mm':>24}" for _ in CASES)]
    for name in RULES:
        cells = []
        for case in CASES:
            row = next(row for row in found if row.case == case and row.rule == name)
            distance = "-" if row.distance_mm is None else f"{row.distance_mm:.1f}"
            mark = "!" if "leaks" in row.flags else " "
            cells.append(f"{row.volume_ml:>10.1f}{row.dice:>7.2f}{distance:>6}{mark}")
        lines.append(f"{name:<20}" + " ".join(cells))
    lines.append(f"Assumed liver: {ASSUMED_LIVER}. ! reaches the edge of the crop.")
    return "\n".join(lines)


if __name__ == "__main__":
    repository = Path(__file__).resolve().parents[1]
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else repository.parent / "shared" / "data"
    print(table(list(rows(folder))))
