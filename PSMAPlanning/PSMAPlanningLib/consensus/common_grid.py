"""Contours of differing grids brought to one grid around the lesion.

Crops of one lattice are only put in their places. Others are sampled on sub-millimetre voxels by their
signed distance, interpolated linearly: the nearest voxel would shift a surface by up to half a voxel,
which for a PET is the thickness of the whole dispute. Interpolation rounds corners off and loses volume
(6 % of a ball of 3 voxels' radius), so the level is the one that keeps the contour's volume.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from ..errors import ConsensusError
from ..imaging.grid import Box, VoxelGrid, bounding_box
from ..imaging.image import Mask
from .signed_distance import signed_distance_mm

LARGEST_SPACING_MM = 0.95
_LATTICE_TOLERANCE_VOXELS = 1e-3
_MOST_VOXELS = 100_000_000
_EDGE_VOXELS = 2
_LARGEST_LEVEL_VOXELS = 0.25


@dataclass(frozen=True, eq=False)
class CommonGrid:
    """Contours on one grid; resampled: whether any was interpolated to get there."""

    masks: tuple[Mask, ...]
    grid: VoxelGrid
    resampled: bool


def on_common_grid(
    masks: Sequence[Mask], margin_mm: float = 0.0, spacing_mm: float = LARGEST_SPACING_MM
) -> CommonGrid:
    """The contours on one grid; unchanged when they lie on one already.

    margin_mm: how far the grid reaches beyond the contours, where it has to be made.
    Raises ConsensusError when all are empty, or when they spread over more space than one grid can hold.
    """
    first = masks[0].grid
    if all(mask.grid is first or mask.grid.same_as(first) for mask in masks):
        return CommonGrid(tuple(masks), first, False)
    offsets = [_lattice_offset(first, mask.grid) for mask in masks]
    if all(offset is not None for offset in offsets):
        return _placed(masks, offsets)
    grid = _fine_grid(masks, margin_mm, spacing_mm)
    return CommonGrid(tuple(Mask(sampled_by_distance(mask, grid), grid) for mask in masks), grid, True)


def sampled_by_distance(mask: Mask, grid: VoxelGrid) -> np.ndarray:
    """Voxels of `grid`, (K, J, I) bool, that the mask holds by interpolated signed distance.

    The level keeps the mask's volume where all of it lies on `grid`, within a quarter of a voxel, so that
    holes and gaps of one voxel stay.
    """
    box = bounding_box(mask.array)
    if box is None:
        return np.zeros(grid.shape_kji, dtype=bool)
    inside = np.pad(mask.array[box], _EDGE_VOXELS)
    distance = signed_distance_mm(inside, mask.grid.spacing_kji_mm).astype(np.float32)
    corner = grid.ras_of(np.zeros(3))
    steps = grid.ras_of(np.eye(3)) - corner
    start = np.array([s.start - _EDGE_VOXELS for s in box])
    origin = mask.grid.kji_of(corner)
    matrix = np.stack([mask.grid.kji_of(corner + step) - origin for step in steps], axis=1)
    sampled = ndimage.affine_transform(
        distance, matrix, origin - start, grid.shape_kji, order=1, mode="nearest", prefilter=False
    )
    if not grid.holds(mask.grid.crop(box).ras_of(_extreme_centres(box))).all():
        return sampled <= 0
    return _at_volume_level(
        sampled,
        voxels=mask.volume_ml / grid.voxel_volume_ml,
        largest_mm=_LARGEST_LEVEL_VOXELS * min(mask.grid.spacing_mm),
    )


def _extreme_centres(box: Box) -> np.ndarray:
    """(8, 3) K, J, I of the voxels in the corners of a box, counted from its first voxel."""
    return np.array(list(product(*((0, s.stop - s.start - 1) for s in box))))


def _at_volume_level(sampled: np.ndarray, voxels: float, largest_mm: float) -> np.ndarray:
    """Voxels within the distance, at most `largest_mm` from zero, below which about so many voxels lie."""
    place = min(max(round(voxels), 1), sampled.size) - 1
    level = float(np.partition(sampled, place, axis=None)[place])
    if abs(level) > largest_mm:
        return sampled <= np.copysign(largest_mm, level)
    # Many voxels may lie at one distance: all of them or none, whichever is nearer.
    up_to, below = sampled <= level, sampled < level
    more, fewer = np.count_nonzero(up_to) - voxels, voxels - np.count_nonzero(below)
    return up_to if more <= fewer else below


def _lattice_offset(first: VoxelGrid, other: VoxelGrid) -> tuple[int, int, int] | None:
    """Whole voxels K, J, I from the first grid to a crop of the same lattice; None for another lattice."""
    steps = first.kji_of(other.ras_of(np.vstack([np.zeros(3), np.diag(other.shape_kji)])))
    offset = np.rint(steps[0])
    expected = offset + np.vstack([np.zeros(3), np.diag(other.shape_kji)])
    if np.abs(steps - expected).max() > _LATTICE_TOLERANCE_VOXELS:
        return None
    return tuple(int(n) for n in offset)


def _placed(masks: Sequence[Mask], offsets: Sequence[tuple[int, int, int]]) -> CommonGrid:
    low = np.min(offsets, axis=0)
    high = np.max([np.add(o, m.grid.shape_kji) for o, m in zip(offsets, masks, strict=True)], axis=0)
    shape = tuple(int(n) for n in high - low)
    _require_room(shape)
    first = masks[0].grid
    grid = VoxelGrid(shape, first.spacing_mm, first.position_of(low), first.direction_ras)
    placed = []
    for mask, offset in zip(masks, offsets, strict=True):
        array = np.zeros(shape, dtype=bool)
        array[tuple(slice(a, a + n) for a, n in zip(offset - low, mask.array.shape, strict=True))] = (
            mask.array
        )
        placed.append(Mask(array, grid))
    return CommonGrid(tuple(placed), grid, False)


def _fine_grid(masks: Sequence[Mask], margin_mm: float, spacing_mm: float) -> VoxelGrid:
    """Voxels of the finest input cut into equal parts, around all contours and a margin."""
    parent = min((mask.grid for mask in masks), key=lambda grid: grid.voxel_volume_ml)
    corners = []
    for mask in masks:
        box = bounding_box(mask.array)
        if box is not None:
            corners.append(parent.kji_of(mask.grid.crop(box).corners_ras()))
    if not corners:
        raise ConsensusError("All contours are empty; lower the threshold or choose another rule.")
    edges = np.concatenate(corners)
    spacing = np.array(parent.spacing_kji_mm)
    margin = margin_mm / spacing + 1
    low = np.floor(edges.min(axis=0) - margin + 0.5).astype(int)
    high = np.ceil(edges.max(axis=0) + margin + 0.5).astype(int)
    shape = tuple(int(n) for n in high - low)
    factors = tuple(max(1, math.ceil(s / spacing_mm - 1e-6)) for s in spacing)
    _require_room(tuple(n * f for n, f in zip(shape, factors, strict=True)))
    coarse = VoxelGrid(shape, parent.spacing_mm, parent.position_of(low), parent.direction_ras)
    return coarse.refine(factors)


def _require_room(shape: tuple[int, ...]) -> None:
    if math.prod(shape) > _MOST_VOXELS:
        raise ConsensusError(
            "The contours spread over too much space for one fine grid; fuse them lesion by lesion instead."
        )
