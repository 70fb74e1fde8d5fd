"""Faint foci: peaks of local contrast below the detection threshold, for the user to look at.

A difference of Gaussians finds them on tiles of up to 5 mm; each is then measured on the PET's own voxels
against the shell around it. They are offered, not contoured: a click makes one of them a region
(`seeded_regions.region_at`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import RuleError
from ..imaging.grid import Box, grow_box
from ..imaging.image import Image
from .avid_regions import AvidRegion, labels_in
from .body_frame import body_frame, coarse_pet

_FINE_SIGMA_MM = 3.0
_WIDE_SIGMA_MM = 9.0
_SEPARATE_MM = 10.0
_MEASURED = 400
"""How many of the strongest peaks are measured exactly; noise makes the rest."""
_PEAK_WITHIN_MM = 5.0
_SHELL_FROM_MM = 8.0
_SHELL_TO_MM = 18.0
_FEWEST_SHELL_VOXELS = 30
_EDGE_VOXELS = 2
_LEAST_BACKGROUND_SHARE = 0.3
"""Of the body's median uptake: a peak in less is not in the body."""
_CLEAR_OF_AVID_MM = 6.0
_LEAST_RATIO = 1.5
_LEAST_SPREADS = 4.0
_SMALLEST_SPREAD_SHARE = 0.05
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class FaintFocus:
    """A peak below the threshold.

    position_ras: of its hottest voxel; background_suv, spread_suv: median and robust SD of the shell 8 to
    18 mm around it; contrast: SUVmax over background; spreads: SUVmax above the background in robust SDs.
    """

    position_ras: tuple[float, float, float]
    suv_max: float
    background_suv: float
    spread_suv: float

    @property
    def contrast(self) -> float | None:
        return self.suv_max / self.background_suv if self.background_suv > 0 else None

    @property
    def spreads(self) -> float:
        floor = _SMALLEST_SPREAD_SHARE * max(self.background_suv, 1e-6)
        return (self.suv_max - self.background_suv) / max(self.spread_suv, floor)

    def to_document(self) -> dict[str, object]:
        return {
            "position": list(self.position_ras),
            "suv_max": self.suv_max,
            "background_suv": self.background_suv,
            "contrast": self.contrast,
            "spreads": self.spreads,
        }


@dataclass(frozen=True)
class FaintFoci:
    """The strongest foci, and how many more passed and are not listed."""

    foci: tuple[FaintFocus, ...]
    left_out: int

    def to_document(self) -> dict[str, object]:
        return {"foci": [focus.to_document() for focus in self.foci], "left_out": self.left_out}


def faint_foci(
    pet: Image,
    regions: tuple[AvidRegion, ...],
    threshold_suv: float,
    limit: int = 20,
    go_on: Callable[[], None] = lambda: None,
) -> FaintFoci:
    """Peaks below a threshold that stand out of their surroundings, strongest contrast first.

    regions: of this PET at this threshold; what they hold, or touch within 6 mm, is no focus. A focus has
    1.5 times its shell's median and stands 4 robust SDs above it. limit: how many are listed at most.
    Raises RuleError for a limit below 1. go_on: called before each piece of work.
    """
    if limit < 1:
        raise RuleError(f"The list of faint foci is limited to {limit}; ask for at least one.")
    coarse = coarse_pet(pet)
    if coarse is None:
        # Too oblique for tiles along the body: the PET's own voxels serve.
        places = _strongest_peaks(np.asarray(pet.array), pet.grid.spacing_kji_mm, threshold_suv, None)
        positions, least_suv = pet.grid.ras_of(places), 0.0
    else:
        frame = body_frame(pet)
        body, least_suv = (
            (None, 0.0) if frame is None else (frame.body, _LEAST_BACKGROUND_SHARE * frame.soft_suv)
        )
        coarse = coarse if frame is None else frame.coarse
        go_on()
        places = _strongest_peaks(coarse.suv, coarse.spacing_mm, threshold_suv, body)
        positions = coarse.positions(places)
    found: list[FaintFocus] = []
    starts = np.array([[s.start for s in region.box] for region in regions]).reshape(-1, 3)
    stops = np.array([[s.stop for s in region.box] for region in regions]).reshape(-1, 3)
    for position in positions:
        go_on()
        at = pet.grid.kji_of(position)
        reach = (_SHELL_TO_MM + _PEAK_WITHIN_MM) / np.array(pet.grid.spacing_kji_mm) + 1
        near = np.flatnonzero(np.all((starts < at + reach) & (stops > at - reach), axis=1))
        focus = _measured(pet, tuple(regions[n] for n in near), position, threshold_suv, least_suv)
        if focus is not None and all(_apart(focus, other) for other in found):
            found.append(focus)
    found.sort(key=lambda focus: -focus.spreads)
    return FaintFoci(tuple(found[:limit]), max(0, len(found) - limit))


def _strongest_peaks(
    suv: np.ndarray, spacing_mm: tuple[float, float, float], threshold_suv: float, body: np.ndarray | None
) -> np.ndarray:
    """Indices (N, 3) of the peaks with most local contrast, strongest first; N up to 400."""
    suv = np.nan_to_num(suv, nan=0.0, posinf=0.0, neginf=0.0)
    # A hot organ's skirt would hide what lies beside it: nothing counts more than the threshold.
    capped = np.minimum(suv, np.float32(threshold_suv))
    fine = ndimage.gaussian_filter(capped, [_FINE_SIGMA_MM / s for s in spacing_mm], truncate=3.0)
    wide = ndimage.gaussian_filter(capped, [_WIDE_SIGMA_MM / s for s in spacing_mm], truncate=3.0)
    contrast = fine - wide
    size = [2 * max(1, round(0.5 * _SEPARATE_MM / s)) + 1 for s in spacing_mm]
    peaks = (contrast == ndimage.maximum_filter(contrast, size)) & (contrast > 0.05 * wide) & (contrast > 0)
    if body is not None:
        peaks &= body
    places = np.argwhere(peaks)
    # In standard deviations of a counting image, which grow with the root of the uptake.
    strength = contrast[peaks] / np.sqrt(np.maximum(wide[peaks], 0.05))
    return places[np.argsort(-strength, kind="stable")[:_MEASURED]]


def _measured(
    pet: Image,
    regions: tuple[AvidRegion, ...],
    position_ras: np.ndarray,
    threshold_suv: float,
    least_suv: float,
) -> FaintFocus | None:
    """The focus at a peak, on the PET's voxels; None when it does not stand out, or is avid or beside it.

    least_suv: surroundings below it are air.
    """
    at = np.clip(np.rint(pet.grid.kji_of(position_ras)).astype(int), 0, np.array(pet.grid.shape_kji) - 1)
    near = _around(pet, at, _PEAK_WITHIN_MM)
    values = np.nan_to_num(pet.array[near], nan=0.0, posinf=0.0, neginf=0.0)
    peak = np.unravel_index(int(values.argmax()), values.shape)
    suv_max = float(values[peak])
    kji = np.array([s.start + p for s, p in zip(near, peak, strict=True)])
    # At the edge of the image half of the surroundings are missing, and the first slices are noisy.
    at_edge = np.any((kji < _EDGE_VOXELS) | (kji >= np.array(pet.grid.shape_kji) - _EDGE_VOXELS))
    if at_edge or suv_max >= threshold_suv or suv_max <= 0:
        return None
    if labels_in(regions, _around(pet, kji, _CLEAR_OF_AVID_MM)).any():
        return None
    box = _around(pet, kji, _SHELL_TO_MM)
    offsets = np.meshgrid(
        *(
            (np.arange(s.start, s.stop) - c) * mm
            for s, c, mm in zip(box, kji, pet.grid.spacing_kji_mm, strict=True)
        ),
        indexing="ij",
    )
    distance_mm = np.sqrt(sum(offset**2 for offset in offsets))
    suv = pet.array[box]
    shell = (distance_mm >= _SHELL_FROM_MM) & (distance_mm <= _SHELL_TO_MM) & np.isfinite(suv)
    shell &= (labels_in(regions, box) == 0) & (suv >= least_suv)
    around = np.asarray(suv[shell], dtype=float)
    if around.size < _FEWEST_SHELL_VOXELS:
        return None
    median = float(np.median(around))
    spread = _MAD_TO_SD * float(np.median(np.abs(around - median)))
    focus = FaintFocus(pet.grid.position_of(kji), suv_max, median, spread)
    stands_out = focus.spreads >= _LEAST_SPREADS and suv_max >= _LEAST_RATIO * median
    return focus if stands_out else None


def _around(pet: Image, kji: np.ndarray, reach_mm: float) -> Box:
    at = tuple(slice(int(n), int(n) + 1) for n in kji)
    return grow_box(at, tuple(int(reach_mm / s) for s in pet.grid.spacing_kji_mm), pet.grid.shape_kji)


def _apart(focus: FaintFocus, other: FaintFocus) -> bool:
    between_mm = np.linalg.norm(np.subtract(focus.position_ras, other.position_ras))
    return bool(between_mm >= _SEPARATE_MM)
