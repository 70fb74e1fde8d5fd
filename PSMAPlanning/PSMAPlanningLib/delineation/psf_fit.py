"""FWHM of a scanner from one scan of a NEMA image-quality phantom: six spheres, one closed form.

All spheres hold the same activity, so that the large ones fix the uptake and the small ones the
resolution. The spheres' glass walls (about 1 mm, without activity) are not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.optimize import least_squares

from ..errors import PlanningError
from ..imaging.grid import Box, grow_box
from ..imaging.image import Image
from .psf import LARGEST_FWHM_MM, PointSpread, centre_recovery, sphere_recovery

NEMA_DIAMETERS_MM = (10.0, 13.0, 17.0, 22.0, 28.0, 37.0)
_REACH_MM = 8.0
_LEVELS = 60
_SMOOTHING_MM = 1.5
_BACKGROUND_PERCENTILE = 20
_SMALLEST_PART_ML = 0.1
_LARGEST_PART_ML = 60.0


@dataclass(frozen=True)
class FittedSphere:
    """One sphere of the phantom: where it is, and what is seen of it."""

    diameter_mm: float
    centre_ras: tuple[float, float, float]
    background: float
    measured_maximum: float
    volume_41_percent_ml: float


@dataclass(frozen=True)
class PhantomFit:
    """Resolution fitted to a phantom.

    uptake: true uptake of the spheres in the image's unit; residual: root mean square difference as a part
    of the contrast.
    """

    point_spread: PointSpread
    uptake: float
    residual: float
    spheres: tuple[FittedSphere, ...]


def fit_point_spread(phantom: Image, diameters_mm: Sequence[float] = NEMA_DIAMETERS_MM) -> PhantomFit:
    """FWHM from the spheres of a phantom, in any unit (no SUV needed).

    Raises PlanningError when the image does not show one hot part per sphere.
    """
    diameters = sorted(diameters_mm)
    parts = _hot_parts(phantom, len(diameters))
    voxels = [_voxels_around(phantom, part, d) for part, d in zip(parts, diameters, strict=True)]
    start = [6.0, max(float(part.values.max()) for part in parts)]
    for part, (_, values) in zip(parts, voxels, strict=True):
        start += [float(np.percentile(values, 10)), *part.centre_ras]

    def differences(unknown: np.ndarray) -> np.ndarray:
        fwhm_mm, uptake = unknown[:2]
        rows = []
        for n, (points, values) in enumerate(voxels):
            background, centre = unknown[2 + 4 * n], unknown[3 + 4 * n : 6 + 4 * n]
            distance_mm = np.linalg.norm(points - centre, axis=1)
            seen = sphere_recovery(distance_mm, 0.5 * diameters[n], fwhm_mm)
            # Each sphere counts the same, though the large ones hold most voxels.
            rows.append((background + (uptake - background) * seen - values) / np.sqrt(values.size))
        return np.concatenate(rows)

    low, high = np.full(len(start), -np.inf), np.full(len(start), np.inf)
    low[0], high[0] = 1.0, LARGEST_FWHM_MM
    fit = least_squares(differences, start, bounds=(low, high), x_scale=np.maximum(np.abs(start), 1.0))
    fwhm_mm, uptake = float(fit.x[0]), float(fit.x[1])
    contrast = uptake - float(np.mean(fit.x[2::4]))
    residual = float(np.sqrt(np.sum(fit.fun**2) / len(diameters)) / contrast)
    spheres = tuple(
        FittedSphere(
            d,
            tuple(float(x) for x in fit.x[3 + 4 * n : 6 + 4 * n]),
            float(fit.x[2 + 4 * n]),
            float(parts[n].values.max()),
            parts[n].volume_ml,
        )
        for n, d in enumerate(diameters)
    )
    note = f"fitted to {len(diameters)} spheres, {residual:.1%} of the contrast left over"
    return PhantomFit(
        PointSpread(fwhm_mm, "phantom", note, _spread_mm(fit, fwhm_mm)), uptake, residual, spheres
    )


def recovery_table(fit: PhantomFit) -> list[dict[str, float]]:
    """Measured and fitted recovery of the maximum per sphere, smallest first."""
    return [
        {
            "diameter_mm": sphere.diameter_mm,
            "measured": (sphere.measured_maximum - sphere.background) / (fit.uptake - sphere.background),
            "fitted": centre_recovery(sphere.diameter_mm, fit.point_spread.fwhm_mm),
        }
        for sphere in fit.spheres
    ]


@dataclass(frozen=True, eq=False)
class _HotPart:
    values: np.ndarray
    centre_ras: np.ndarray
    volume_ml: float
    excess: float


def _hot_parts(phantom: Image, count: int) -> list[_HotPart]:
    """The `count` hot parts of a phantom, at 41 % of their own maximum, smallest first."""
    sigma = _SMOOTHING_MM / np.array(phantom.grid.spacing_kji_mm)
    smooth = ndimage.gaussian_filter(phantom.array.astype(np.float32, copy=False), sigma)
    voxel_ml = phantom.grid.voxel_volume_ml
    # From below: the first level that tells all spheres apart; at higher ones noise splits the large ones.
    for level in np.linspace(0.15, 0.9, _LEVELS) * float(smooth.max()):
        labels, found = ndimage.label(smooth >= level)
        volumes_ml = np.bincount(labels.ravel(), minlength=found + 1)[1:] * voxel_ml
        parts = np.flatnonzero(volumes_ml >= _SMALLEST_PART_ML) + 1
        if parts.size == count and volumes_ml.max() <= _LARGEST_PART_ML:
            boxes = ndimage.find_objects(labels)
            found_parts = [_part_at_41_percent(phantom, labels, n, boxes[n - 1]) for n in parts]
            # By what they hold above background: blurring changes the contour of a small sphere, not that.
            return sorted(found_parts, key=lambda part: part.excess)
    raise PlanningError(
        f"The image does not show {count} separate hot spheres; give a NEMA image-quality scan."
    )


def _part_at_41_percent(phantom: Image, labels: np.ndarray, number: int, box: Box) -> _HotPart:
    margins = tuple(int(np.ceil(_REACH_MM / s)) for s in phantom.grid.spacing_kji_mm)
    window = grow_box(box, margins, phantom.array.shape)
    values = phantom.array[window]
    own = np.where(labels[window] == number, values, -np.inf)
    peak = np.unravel_index(int(own.argmax()), own.shape)
    hot, _ = ndimage.label(values >= 0.41 * own[peak], structure=np.ones((3, 3, 3)))
    inside = hot == hot[peak]
    centre = phantom.grid.crop(window).ras_of(np.argwhere(inside)).mean(axis=0)
    excess = float((values - np.percentile(values, _BACKGROUND_PERCENTILE)).sum(dtype=float))
    return _HotPart(values[inside], centre, float(inside.sum() * phantom.grid.voxel_volume_ml), excess)


def _voxels_around(phantom: Image, part: _HotPart, diameter_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """RAS positions (N, 3) and values (N,) of the voxels within a sphere's reach."""
    grid = phantom.grid
    reach_mm = 0.5 * diameter_mm + _REACH_MM
    middle = grid.kji_of(part.centre_ras)
    margin = reach_mm / np.array(grid.spacing_kji_mm)
    low = np.maximum(np.ceil(middle - margin).astype(int), 0)
    high = np.minimum(np.floor(middle + margin).astype(int) + 1, grid.shape_kji)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    indices = np.moveaxis(np.indices(tuple(high - low)), 0, -1).reshape(-1, 3) + low
    points = grid.ras_of(indices)
    near = np.linalg.norm(points - part.centre_ras, axis=1) <= reach_mm
    return points[near], phantom.array[box].reshape(-1)[near].astype(float)


def _spread_mm(fit: object, fwhm_mm: float) -> float:
    """Uncertainty of the FWHM from the fit's curvature; never below a tenth of a millimetre."""
    jacobian = fit.jac
    degrees = max(1, fit.fun.size - fit.x.size)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * float(np.sum(fit.fun**2)) / degrees
    return float(np.clip(np.sqrt(covariance[0, 0]), 0.1, 0.5 * fwhm_mm))
