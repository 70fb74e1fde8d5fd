"""What is known about a contour: volume and how sure it is, uptake, and what to beware of.

The interval of a volume has three parts, kept apart so that the widest is seen:
threshold: the volumes at thresholds 10 % of the uptake higher and lower (within-patient variation of PSMA
uptake, olde Heuvel 2020); psf: the change of the recovery-based volume with the FWHM's uncertainty;
repeatability: 77 % between two scans (Seifert 2022, J Nucl Med 63:746), 54 % for a single one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RuleError
from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at
from ..imaging.uptake import measure_uptake
from .lesion_crop import LesionCrop
from .peak import PeakKernel, SuvPeak, suv_peak
from .psf import PointSpread, diameter_of_volume_mm
from .rules.connected import NestedContours, nested_contours, reaches_edge, threshold_of_volume
from .rules.table import RULES

BELOW_RESOLUTION_FWHM = 1.5
UPTAKE_VARIATION = 0.10
VOLUME_REPEATABILITY = 0.77
_LEAK_CONTRAST_FRACTION = 0.1
_LEAK_STEP = 0.05
_LEAK_GROWTH = 2.0
_LEAST_STEP_SUV = 1e-6


@dataclass(frozen=True)
class VolumeInterval:
    """Lowest and highest volume in millilitres, and the same by cause; an unknown cause is absent."""

    low_ml: float
    high_ml: float
    by_cause: Mapping[str, tuple[float, float]]

    def __post_init__(self) -> None:
        if not 0 <= self.low_ml <= self.high_ml:
            raise ValueError(f"A volume cannot lie between {self.low_ml} and {self.high_ml} mL.")


@dataclass(frozen=True)
class ContourFacts:
    """What is known about one contour of one lesion.

    diameter_mm: of the sphere of its volume; resolution_diameter_mm: the one `below_resolution` rests on,
    and resolution_source where it is from: "recovery" or "smallest".
    equivalent_threshold_suv: the threshold whose contour at the peak has this volume.
    tlu: SUVmean times volume, mL. flags: "below_resolution", "leaks", "cut_by_field_of_view" and the like.
    Everything but the volume is None for an empty contour.
    """

    volume_ml: float
    interval: VolumeInterval | None
    diameter_mm: float | None
    suv_max: float | None
    suv_mean: float | None
    suv_peak: SuvPeak | None
    tlu: float | None
    equivalent_threshold_suv: float | None
    resolution_diameter_mm: float | None
    resolution_source: str | None
    below_resolution: bool | None
    flags: tuple[str, ...] = ()


def contour_facts(
    contour: Mask,
    crop: LesionCrop,
    pet: Image,
    point_spread: PointSpread,
    others: Sequence[Mask] = (),
    kernel: PeakKernel = PeakKernel.FRACTIONAL,
    background_suv: float | None = None,
) -> ContourFacts:
    """Facts about a contour of the lesion, on the crop's voxels or, drawn by hand, on any others.

    others: contours of the same lesion by other rules, for `below_resolution` where the recovery-based rule
    cannot be applied. background_suv: instead of the crop's.
    Raises RuleError when no part of the contour lies on the crop.
    """
    background = crop.background_suv if background_suv is None else background_suv
    if contour.is_empty:
        return ContourFacts(0.0, None, None, None, None, None, None, None, None, None, None, ("empty",))
    inside = _on_crop(contour, crop)
    uptake = measure_uptake(contour, pet)
    diameter_mm = diameter_of_volume_mm(uptake.volume_ml)
    recovered = _recovery_diameters(crop, background, point_spread)
    nested = nested_contours(crop, float(crop.suv[inside].min()))
    threshold = _equivalent_threshold(nested, crop, inside, uptake.volume_ml)
    if recovered is not None:
        resolution_mm, source = recovered[0], "recovery"
    else:
        volumes = [uptake.volume_ml, *(mask.volume_ml for mask in others if not mask.is_empty)]
        resolution_mm, source = diameter_of_volume_mm(min(volumes)), "smallest"
    below = resolution_mm < BELOW_RESOLUTION_FWHM * point_spread.fwhm_mm
    flags = tuple(crop.flags)
    if below:
        flags += ("below_resolution",)
    if leaks(inside, crop, threshold, background):
        flags += ("leaks",)
    return ContourFacts(
        volume_ml=uptake.volume_ml,
        interval=_interval(uptake.volume_ml, nested, threshold, recovered),
        diameter_mm=diameter_mm,
        suv_max=uptake.suv_max,
        suv_mean=uptake.suv_mean,
        suv_peak=suv_peak(pet, contour, kernel),
        tlu=uptake.total_uptake,
        equivalent_threshold_suv=threshold,
        resolution_diameter_mm=resolution_mm,
        resolution_source=source,
        below_resolution=below,
        flags=flags,
    )


def leaks(
    inside: np.ndarray, crop: LesionCrop, threshold_suv: float | None, background_suv: float | None
) -> bool:
    """Whether a contour runs into its surroundings.

    It does when it reaches the edge of the crop, when its threshold is within a tenth of the contrast of the
    background, or when a threshold 5 % higher would more than halve its volume.
    """
    if reaches_edge(inside):
        return True
    if threshold_suv is None:
        return False
    if background_suv is not None:
        contrast = crop.suv_max - background_suv
        if threshold_suv < background_suv + _LEAK_CONTRAST_FRACTION * contrast:
            return True
    higher = threshold_suv + _LEAK_STEP * abs(threshold_suv)
    if higher >= 0.98 * crop.suv_max:
        return False
    smaller = nested_contours(crop, threshold_suv).values(higher).size
    return np.count_nonzero(inside) > _LEAK_GROWTH * max(smaller, 1)


def _on_crop(contour: Mask, crop: LesionCrop) -> np.ndarray:
    """The contour on the whole crop's grid, bool; by half occupancy when it lies on other voxels."""
    if contour.grid.shape_kji == crop.grid.shape_kji and contour.grid.same_as(crop.grid):
        return contour.array
    start = crop.grid.kji_of(np.array(contour.grid.origin_ras))
    whole = np.rint(start).astype(int)
    stop = whole + contour.grid.shape_kji
    same_voxels = np.allclose(contour.grid.spacing_mm, crop.grid.spacing_mm, rtol=1e-4)
    fits = np.all(whole >= 0) and np.all(stop <= crop.grid.shape_kji)
    same_axes = np.allclose(contour.grid.direction_ras, crop.grid.direction_ras, atol=1e-4)
    inside = np.zeros(crop.suv.shape, dtype=bool)
    if same_voxels and same_axes and fits and np.abs(start - whole).max() < 0.01:
        inside[tuple(slice(a, b) for a, b in zip(whole, stop, strict=True))] = contour.array
        return inside
    corners = crop.grid.kji_of(contour.cropped().grid.corners_ras())
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, crop.suv.shape)
    if np.all(low < high):
        indices = np.moveaxis(np.indices(tuple(high - low)), 0, -1).reshape(-1, 3) + low
        held = occupancy_at(contour, crop.grid.ras_of(indices)) >= 0.5
        inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = held.reshape(high - low)
    if not inside.any():
        raise RuleError(
            "The contour does not lie on the lesion's voxels; draw it where the lesion is, "
            "on voxels not much finer than the PET's."
        )
    return inside


def _recovery_diameters(
    crop: LesionCrop, background_suv: float | None, point_spread: PointSpread
) -> tuple[float, float, float] | None:
    """Diameter by the recovery-based rule at the FWHM, and at the FWHM one uncertainty lower and higher."""
    if background_suv is None:
        return None
    fwhm, sd = point_spread.fwhm_mm, point_spread.fwhm_sd_mm
    found = []
    for width_mm in (fwhm, max(0.5, fwhm - sd), min(30.0, fwhm + sd)):
        numbers = {"fwhm_mm": width_mm, "background_suv": max(background_suv, 0.0)}
        details = RULES["recovery"].method(crop, numbers).details
        if "diameter_mm" not in details:
            return None
        found.append(details["diameter_mm"])
    return tuple(found)


def _equivalent_threshold(
    nested: NestedContours, crop: LesionCrop, inside: np.ndarray, volume_ml: float
) -> float:
    low = float(crop.suv[inside].min())
    if math.isclose(nested.volume_ml(low), volume_ml, rel_tol=1e-9):
        return low
    return threshold_of_volume(nested, volume_ml, low, crop.suv_max)


def _interval(
    volume_ml: float,
    nested: NestedContours,
    threshold_suv: float,
    recovered: tuple[float, float, float] | None,
) -> VolumeInterval:
    step = max(UPTAKE_VARIATION * abs(threshold_suv), _LEAST_STEP_SUV)
    smaller, larger = nested.volume_ml(threshold_suv + step), nested.volume_ml(threshold_suv - step)
    single_scan = VOLUME_REPEATABILITY / math.sqrt(2.0)
    causes = {
        "threshold": (min(smaller, volume_ml), max(larger, volume_ml)),
        "repeatability": (volume_ml * (1.0 - single_scan), volume_ml * (1.0 + single_scan)),
    }
    if recovered is not None:
        # Differences, not ratios: a recovered volume near zero has no meaningful ratio.
        at, *others = (math.pi * d**3 / 6000.0 for d in recovered)
        causes["psf"] = (
            max(0.0, volume_ml + min(0.0, *(v - at for v in others))),
            volume_ml + max(0.0, *(v - at for v in others)),
        )
    return VolumeInterval(
        min(low for low, _ in causes.values()), max(high for _, high in causes.values()), causes
    )
