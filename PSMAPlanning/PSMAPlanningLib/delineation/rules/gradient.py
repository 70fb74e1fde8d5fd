"""Watershed on the gradient of the deblurred uptake.

The steepest place of a blurred sphere lies inside its true edge (up to 44 % too small a volume at 10 mm
and FWHM 6 mm), so the uptake is first deblurred with the scanner's point spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ...imaging.grid import bounding_box, grow_box
from ..lesion_crop import LesionCrop
from ..psf import FWHM_PER_SIGMA
from .connected import connected_to_peak, part_at_peak
from .rule import BACKGROUND, CORE, FWHM, Outcome, Parameter, Rule

_WORKING_SPACING_MM = 1.5
_OUTER_FRACTION = 0.1
_MARGIN_MM = 8.0
_STEP = 1.8
"""Below 2 the iteration converges: a Gaussian passes no frequency amplified."""


def _gradient(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    background = numbers["background_suv"]
    contrast = crop.suv_max - background
    if contrast <= 0:
        return Outcome(flags=("no_contrast",))
    spacing = np.array(crop.grid.spacing_kji_mm)
    around = connected_to_peak(crop, background + _OUTER_FRACTION * contrast)
    margins = tuple(math.ceil(_MARGIN_MM / s) for s in spacing)
    box = grow_box(bounding_box(around), margins, around.shape)
    peak = tuple(p - s.start for p, s in zip(crop.peak_kji, box, strict=True))
    deblurred = _deblurred(
        crop.suv[box] - background, spacing, peak, numbers["fwhm_mm"], round(numbers["iterations"])
    )
    core = part_at_peak(crop, crop.suv >= background + numbers["core_percent"] / 100 * contrast)[box]
    core[peak] = True
    inside = _basin(deblurred, around[box], spacing, core)
    whole = np.zeros(crop.suv.shape, dtype=bool)
    whole[box] = inside
    return Outcome(inside=whole, details={"fwhm_mm": numbers["fwhm_mm"]})


def _deblurred(
    suv: np.ndarray, spacing_mm: np.ndarray, peak: tuple[int, ...], fwhm_mm: float, iterations: int
) -> np.ndarray:
    """The uptake above background after Landweber deconvolution with a Gaussian, kept from falling below 0.

    The floor brings detail back that the scanner did not pass; without it the edges of spheres below 13 mm
    move inwards. Not Richardson-Lucy, which sharpens the bright side first and moves every edge inwards.

    Computed on every n-th voxel and interpolated by cubic splines: the scanner passes nothing finer, and
    the linear interpolation of the crop would show as edges in its gradient.
    """
    strides = np.maximum(1, np.floor(_WORKING_SPACING_MM / spacing_mm + 1e-6)).astype(int)
    starts = np.array(peak) % strides
    measured = suv[tuple(slice(a, None, n) for a, n in zip(starts, strides, strict=True))].astype(float)
    estimate = measured.copy()
    sigma = fwhm_mm / FWHM_PER_SIGMA / (spacing_mm * strides)
    for _ in range(iterations):
        missing = measured - ndimage.gaussian_filter(estimate, sigma, mode="nearest")
        estimate += _STEP * ndimage.gaussian_filter(missing, sigma, mode="nearest")
        np.maximum(estimate, 0.0, out=estimate)
    if np.all(strides == 1):
        return estimate
    positions = [(np.arange(n) - a) / s for n, a, s in zip(suv.shape, starts, strides, strict=True)]
    fine = estimate
    for axis, where in enumerate(positions):
        fine = _spline_axis(fine, axis, where)
    return fine


def _spline_axis(array: np.ndarray, axis: int, positions: np.ndarray) -> np.ndarray:
    """Cubic spline through the samples along one axis, read at fractional indices; ends are kept."""
    coefficients = ndimage.spline_filter1d(array, order=3, axis=axis, mode="mirror")
    size = array.shape[axis]
    where = np.clip(positions, 0, size - 1)
    below = np.floor(where).astype(int)
    t = where - below
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    shape = [1, 1, 1]
    shape[axis] = -1
    result = 0.0
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        index = np.abs(below + offset)
        index = np.where(index >= size, 2 * (size - 1) - index, index)
        index = np.clip(index, 0, size - 1)
        result = result + weight.reshape(shape) * np.take(coefficients, index, axis=axis)
    return result


def _basin(suv: np.ndarray, around: np.ndarray, spacing_mm: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The watershed basin of the core against everything outside `around`, on the gradient's magnitude.

    A core rather than the hottest voxel: noise puts ridges around a single voxel.
    """
    steps = np.gradient(suv, *spacing_mm)
    magnitude = np.sqrt(sum(step**2 for step in steps)).astype(np.float32)
    markers = np.zeros(suv.shape, dtype=np.uint8)
    markers[~around] = 2
    markers[core] = 1
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(magnitude),
        sitk.GetImageFromArray(markers),
        markWatershedLine=False,
        fullyConnected=False,
    )
    return sitk.GetArrayFromImage(basins) == 1


RULES = (
    Rule(
        "gradient",
        "watershed between the core (core_percent of the contrast and more) and the surroundings on the "
        "gradient of the uptake, deblurred by Landweber iterations with the point spread "
        "(0 iterations: the plain gradient)",
        "gradient",
        "after Geets 2007, 10.1007/s00259-006-0363-4; recalled, without their denoising and clustering",
        False,
        (
            FWHM,
            Parameter("iterations", "", 30.0, 0.0, 500.0),
            CORE,
        ),
        _gradient,
        measured=(BACKGROUND,),
        needs=("background_suv",),
    ),
)
