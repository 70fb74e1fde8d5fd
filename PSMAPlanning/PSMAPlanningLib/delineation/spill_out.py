"""How far the uptake of an organ reaches beyond its wall in a blurred image."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.special import ndtr, ndtri

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Mask
from .psf import FWHM_PER_SIGMA


def spill_out_mm(organ_suv: float, threshold_suv: float, fwhm_mm: float) -> float:
    """How far beyond a plane wall an organ's blurred uptake stays at or above a threshold.

    x = sigma * inverse normal(1 - threshold / uptake); 0 for an organ below twice the threshold.
    """
    if organ_suv <= 2 * threshold_suv:
        return 0.0
    return float(fwhm_mm / FWHM_PER_SIGMA * ndtri(1.0 - threshold_suv / organ_suv))


def spill_out_suv(organ_suv: float, distance_mm: np.ndarray, fwhm_mm: float) -> np.ndarray:
    """What is seen of an organ's uptake at distances beyond a plane wall (negative: inside); same shape."""
    return organ_suv * ndtr(-np.asarray(distance_mm, dtype=float) * FWHM_PER_SIGMA / fwhm_mm)


def distance_from_wall_mm(organ: Mask, grid: VoxelGrid, reach_mm: float) -> np.ndarray:
    """Distance of each voxel centre of `grid` from the wall of an organ; 0 inside, right up to `reach_mm`."""
    cap_mm = reach_mm + 2.0 * max(organ.grid.spacing_mm)
    spacing_mm = np.array(organ.grid.spacing_kji_mm)
    corners = organ.grid.kji_of(grid.corners_ras())
    margin = np.ceil(cap_mm / spacing_mm)
    start = np.floor(corners.min(axis=0) - margin).astype(int)
    stop = np.ceil(corners.max(axis=0) + margin).astype(int) + 1
    window = np.zeros(tuple(stop - start), dtype=bool)
    low, high = np.maximum(start, 0), np.minimum(stop, organ.grid.shape_kji)
    if np.any(low >= high):
        return np.full(grid.shape_kji, cap_mm)
    inner = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
    window[inner] = organ.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    if bounding_box(window) is None:
        return np.full(grid.shape_kji, cap_mm)
    # Distances run between voxel centres; the wall lies half a voxel before the first centre outside.
    outside_mm = ndimage.distance_transform_edt(~window, sampling=spacing_mm) - 0.5 * spacing_mm.min()
    indices = np.moveaxis(np.indices(grid.shape_kji), 0, -1)
    coordinates = organ.grid.kji_of(grid.ras_of(indices)) - start
    distance_mm = ndimage.map_coordinates(
        outside_mm, np.moveaxis(coordinates, -1, 0), order=1, mode="nearest", prefilter=False
    )
    return np.clip(distance_mm, 0.0, cap_mm)
