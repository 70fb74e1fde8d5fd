"""SUVpeak: mean over a sphere of 1 cm³ whose position is chosen so that the mean is largest.

Two kernels: whole voxels whose centres lie in the sphere (IBSI's reference values rest on it), or voxels
weighed by the part of them inside the sphere. They differ by several percent on PET voxels, so the kernel
is recorded with the number. Wahl 2009, 10.2967/jnumed.108.057307; IBSI: Zwanenburg 2020,
10.1148/radiol.2020191145.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve

from ..imaging.grid import bounding_box, grow_box
from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at
from .lesion_crop import LesionCrop

SPHERE_RADIUS_MM = (3.0 * 1000.0 / (4.0 * math.pi)) ** (1.0 / 3.0)
_PARTS_PER_VOXEL = 9
_FINEST_PART_MM = 0.2
_CANDIDATE_FRACTION = 0.5
_LEAST_HELD = 1e-6


class PeakKernel(str, Enum):
    """Which voxels a sphere of 1 cm³ holds."""

    CENTRES = "voxel_centres"
    FRACTIONAL = "fractional"


@dataclass(frozen=True)
class SuvPeak:
    """SUVpeak and how it was taken.

    position_ras: centre of the sphere; position: "maximised" or "at_maximum";
    fraction_in_pet: part of the sphere inside the image; below 1 the mean is of that part.
    """

    suv: float
    position_ras: tuple[float, float, float]
    kernel: PeakKernel
    position: str
    fraction_in_pet: float


@lru_cache(maxsize=32)
def sphere_kernel(spacing_kji_mm: tuple[float, float, float], kernel: PeakKernel) -> np.ndarray:
    """Weights (odd, odd, odd) of the voxels around a sphere of 1 cm³ on a voxel centre, sum 1."""
    halves = [math.ceil(SPHERE_RADIUS_MM / s + 0.5) for s in spacing_kji_mm]
    parts = [
        1 if kernel is PeakKernel.CENTRES else max(1, min(_PARTS_PER_VOXEL, math.ceil(s / _FINEST_PART_MM)))
        for s in spacing_kji_mm
    ]
    squares = []
    for half, spacing, count in zip(halves, spacing_kji_mm, parts, strict=True):
        size = 2 * half + 1
        squares.append((((np.arange(size * count) + 0.5) / count - 0.5 - half) * spacing) ** 2)
    distance = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    inside = (distance <= SPHERE_RADIUS_MM**2 * (1 + 1e-9)).astype(float)
    shape = [n for half, count in zip(halves, parts, strict=True) for n in (2 * half + 1, count)]
    weights = inside.reshape(shape).sum(axis=(1, 3, 5))
    return weights / weights.sum()


def suv_peak(
    pet: Image,
    mask: Mask,
    kernel: PeakKernel = PeakKernel.FRACTIONAL,
    at_maximum: bool = False,
) -> SuvPeak | None:
    """SUVpeak of a contour: spheres centred on the PET's voxels inside it; they may reach beyond it.

    at_maximum: the sphere stays on the hottest voxel (the best of several) instead.
    None when no voxel of the PET lies in the contour.
    """
    candidates = _voxels_of(pet, mask)
    box = bounding_box(candidates[1]) if candidates else None
    if candidates is None or box is None:
        return None
    start, inside = candidates
    if at_maximum:
        window = tuple(slice(a, a + n) for a, n in zip(start, inside.shape, strict=True))
        values = np.where(inside, pet.array[window], -np.inf)
        # Several voxels may share the maximum: IBSI takes the one with the largest mean around it.
        inside = values == values.max()
    mean, kji, fraction = _best(pet.array, start, inside, pet.grid.spacing_kji_mm, kernel)
    position = "at_maximum" if at_maximum else "maximised"
    return SuvPeak(mean, pet.grid.position_of(kji), kernel, position, fraction)


def peak_of_crop(crop: LesionCrop) -> float:
    """SUVpeak of a lesion on its fine crop: fractional kernel, sphere centred in the lesion's hot part."""
    inside = (crop.suv >= _CANDIDATE_FRACTION * crop.suv_max) & crop.territory
    inside[crop.peak_kji] = True
    mean, _, _ = _best(crop.suv, (0, 0, 0), inside, crop.grid.spacing_kji_mm, PeakKernel.FRACTIONAL)
    return mean


def _voxels_of(pet: Image, mask: Mask) -> tuple[tuple[int, ...], np.ndarray] | None:
    """First index and membership of the PET's voxels in a contour; None when there are none."""
    if mask.is_empty:
        return None
    corners = pet.grid.kji_of(mask.grid.corners_ras())
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, None)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, pet.grid.shape_kji)
    if np.any(low >= high):
        return None
    shape = tuple(high - low)
    indices = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3) + low
    inside = (occupancy_at(mask, pet.grid.ras_of(indices)) >= 0.5).reshape(shape)
    if not inside.any():
        # A contour on fine voxels can lie between the centres of the PET's.
        middle = np.rint(pet.grid.kji_of(np.array(mask.centroid_ras()))).astype(int)
        if np.any(middle < 0) or np.any(middle >= pet.grid.shape_kji):
            return None
        return tuple(middle), np.ones((1, 1, 1), dtype=bool)
    return tuple(low), inside


def _best(
    suv: np.ndarray,
    start: tuple[int, ...],
    inside: np.ndarray,
    spacing_kji_mm: tuple[float, float, float],
    kernel: PeakKernel,
) -> tuple[float, tuple[int, ...], float]:
    """Largest mean over spheres centred on the voxels `inside` (from index `start` on), where, how whole."""
    weights = sphere_kernel(tuple(spacing_kji_mm), kernel)
    box = bounding_box(inside)
    centres = inside[box]
    whole = tuple(slice(a + s.start, a + s.stop) for a, s in zip(start, box, strict=True))
    window = grow_box(whole, tuple(n // 2 for n in weights.shape), suv.shape)
    finite = np.isfinite(suv[window])
    values = np.where(finite, suv[window], 0.0).astype(float)
    sums = fftconvolve(values, weights, mode="same")
    inner = tuple(slice(w.start - o.start, w.stop - o.start) for w, o in zip(whole, window, strict=True))
    cut = any(
        w.start - n // 2 < 0 or w.stop + n // 2 > size
        for w, n, size in zip(whole, weights.shape, suv.shape, strict=True)
    )
    if cut or not finite.all():
        # Of a sphere that the image cuts, or that holds voxels without a value, the rest is averaged.
        held = np.maximum(fftconvolve(finite.astype(float), weights, mode="same")[inner], _LEAST_HELD)
    else:
        held = np.ones(centres.shape)
    means = np.where(centres, sums[inner] / held, -np.inf)
    best = np.unravel_index(int(means.argmax()), means.shape)
    kji = tuple(int(b) + w.start for b, w in zip(best, whole, strict=True))
    return float(means[best]), kji, float(min(held[best], 1.0))
