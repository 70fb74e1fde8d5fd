"""Structures joined, intersected and taken away from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import GridError
from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Mask
from ..imaging.resampling import occupancy_at

_LATTICE_TOLERANCE_VOXELS = 1e-3


def union(masks: Sequence[Mask]) -> Mask:
    """What lies in any of the masks; all on one grid, else GridError."""
    return _combined(masks, np.logical_or)


def intersection(masks: Sequence[Mask]) -> Mask:
    """What lies in all of the masks; all on one grid, else GridError."""
    return _combined(masks, np.logical_and)


def difference(mask: Mask, away: Sequence[Mask]) -> Mask:
    """The mask without what lies in any of the others; all on one grid, else GridError."""
    _require_one_grid([mask, *away])
    array = mask.array.copy()
    for other in away:
        np.greater(array, other.array, out=array)
    return Mask(array, mask.grid)


def exclusive(first: Mask, second: Mask) -> Mask:
    """What lies in exactly one of two masks on one grid, else GridError."""
    return _combined([first, second], np.logical_xor)


def on_grid(mask: Mask, grid: VoxelGrid) -> Mask:
    """The mask on another grid: moved voxel by voxel between crops of one lattice, else by half occupancy.

    What lies outside the grid is cut off.
    """
    if mask.grid is grid or mask.grid.same_as(grid):
        return mask
    array = np.zeros(grid.shape_kji, dtype=bool)
    offset = _lattice_offset(mask.grid, grid)
    if offset is not None:
        source, target = [], []
        for shift, theirs, ours in zip(offset, mask.grid.shape_kji, grid.shape_kji, strict=True):
            start, stop = max(0, shift), min(ours, shift + theirs)
            if start >= stop:
                return Mask(array, grid)
            target.append(slice(start, stop))
            source.append(slice(start - shift, stop - shift))
        array[tuple(target)] = mask.array[tuple(source)]
        return Mask(array, grid)
    box = bounding_box(mask.array, 1)
    if box is None:
        return Mask(array, grid)
    corners = grid.kji_of(mask.grid.crop(box).corners_ras())
    low = np.clip(np.floor(corners.min(axis=0)), 0, grid.shape_kji).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, grid.shape_kji).astype(int)
    if np.any(low >= high):
        return Mask(array, grid)
    for k in range(low[0], high[0]):
        j, i = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
        points = grid.ras_of(np.stack([np.full(j.shape, k), j, i], axis=-1).reshape(-1, 3))
        inside = occupancy_at(mask, points) >= 0.5
        array[k, low[1] : high[1], low[2] : high[2]] = inside.reshape(j.shape)
    return Mask(array, grid)


def _lattice_offset(source: VoxelGrid, target: VoxelGrid) -> tuple[int, int, int] | None:
    """Where the source's first voxel lies in the target, in whole voxels; None for another lattice."""
    ends = np.vstack([np.zeros(3), np.diag(source.shape_kji)])
    places = target.kji_of(source.ras_of(ends))
    offset = np.rint(places[0])
    if np.abs(places - offset - ends).max() > _LATTICE_TOLERANCE_VOXELS:
        return None
    return tuple(int(n) for n in offset)


def _combined(masks: Sequence[Mask], operation: np.ufunc) -> Mask:
    _require_one_grid(masks)
    array = masks[0].array.copy()
    for mask in masks[1:]:
        operation(array, mask.array, out=array)
    return Mask(array, masks[0].grid)


def _require_one_grid(masks: Sequence[Mask]) -> None:
    if not masks:
        raise GridError("There is no structure to combine; give one or more.")
    if not all(mask.grid is masks[0].grid or mask.grid.same_as(masks[0].grid) for mask in masks[1:]):
        raise GridError("The structures lie on different grids; bring them to one grid first.")
