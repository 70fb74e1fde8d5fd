"""Images on finer voxels, and images and masks read at positions of another grid."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from .grid import VoxelGrid
from .image import Image, Mask


def odd_factors_kji(grid: VoxelGrid, target_spacing_mm: float) -> tuple[int, int, int]:
    """Smallest odd numbers of parts, along K, J, I, that make voxels no larger than the target.

    Odd, so that every original voxel centre stays a sample and the measured maximum is not lost:
    four-fold interpolation never visits the voxel whose value is SUVmax.
    """
    parts = (math.ceil(s / target_spacing_mm - 1e-6) for s in grid.spacing_kji_mm)
    return tuple(max(1, n) | 1 for n in parts)


def refine_linear(array: np.ndarray, factors_kji: tuple[int, int, int]) -> np.ndarray:
    """A KJI array interpolated linearly to `factors_kji` samples per voxel, float32.

    Sample positions are those of `VoxelGrid.refine`. Beyond the outermost voxel centres the value of
    the nearest voxel is kept.
    """
    fine = np.asarray(array, dtype=np.float32)
    for axis, factor in enumerate(factors_kji):
        if factor > 1:
            fine = _refine_axis(fine, axis, factor)
    return fine


def _refine_axis(array: np.ndarray, axis: int, factor: int) -> np.ndarray:
    size = array.shape[axis]
    positions = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    below = np.floor(positions).astype(np.intp)
    above = np.minimum(below + 1, size - 1)
    weight_shape = [1, 1, 1]
    weight_shape[axis] = -1
    weight = (positions - below).astype(np.float32).reshape(weight_shape)
    low = np.take(array, below, axis=axis)
    return low + weight * (np.take(array, above, axis=axis) - low)


def refine_labels(array: np.ndarray, factors_kji: tuple[int, int, int]) -> np.ndarray:
    """A KJI label or mask array with each voxel repeated `factors_kji` times."""
    for axis, factor in enumerate(factors_kji):
        if factor > 1:
            array = np.repeat(array, factor, axis=axis)
    return array


def values_at(image: Image, points_ras: np.ndarray) -> np.ndarray:
    """Image values at RAS positions, (N, 3), by linear interpolation; NaN outside the image."""
    coordinates = image.grid.kji_of(points_ras).T
    values = ndimage.map_coordinates(
        image.array, coordinates, output=np.float32, order=1, mode="nearest", prefilter=False
    )
    values[~image.grid.holds(points_ras)] = np.nan
    return values


def occupancy_at(mask: Mask, points_ras: np.ndarray) -> np.ndarray:
    """Mask occupancy (0 to 1) at RAS positions, (N, 3), by linear interpolation; 0 outside the grid.

    At voxel centres of the mask's own grid the answer is exactly 0 or 1. The 0.5 level lies half-way
    between voxel centres, which is where `vtkFlyingEdges3D` puts the surface at 0.5.
    """
    coordinates = mask.grid.kji_of(points_ras)
    nearest = np.rint(coordinates)
    coordinates = np.where(np.abs(coordinates - nearest) < 1e-4, nearest, coordinates)
    return ndimage.map_coordinates(
        mask.array.view(np.uint8),
        coordinates.T,
        output=np.float32,
        order=1,
        mode="grid-constant",
        prefilter=False,
    )
