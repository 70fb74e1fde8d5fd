"""The isotropic working grid of a margin: to it from voxels, and back from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import MarginError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .gauge import Sides, gauge_squared
from .gauge_surface import fraction_within
from .surface_level import level_of_mask

_ALIGNED_TILT = 0.005
"""Largest component of a grid axis across its patient axis; 10 mm tilted by this ends 0.05 mm aside."""
_FINEST_MM, _COARSEST_MM = 0.4, 1.25
_STEPS_PER_MARGIN = 2.5
"""A ball of margin m around seeds w apart is short by w^2 / 6 m on average: 0.03 mm at m = 5 w."""
MOST_NODES = 250_000_000

TowardsRas = tuple[Sides, Sides, Sides]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the image around a structure, which may reach past the image.

    start: its first voxel K, J, I in the image.
    """

    array: np.ndarray
    grid: VoxelGrid
    start: tuple[int, int, int]


def grown_inside(mask: Mask, towards_ras: TowardsRas, shrinks: bool) -> tuple[np.ndarray, float]:
    """Voxels (K, J, I) bool inside after growing or shrinking, and how far past the image they reach, mm."""
    part = part_around(mask.array, mask.grid, towards_ras, shrinks)
    level = level_of_mask(part.array)
    step_mm = _step_mm(towards_ras)
    factors = voxel_parts(mask.grid, step_mm)
    axes = patient_axes(mask.grid)
    if axes is None:
        work = patient_grid(part.grid, min(step_mm, *mask.grid.spacing_mm))
        level = sampled(level, part.grid, work)
        gauge = margin_gauge(level, work.spacing_kji_mm, towards_ras[::-1], shrinks)
        inside = sampled(gauge.fraction(), work, part.grid) >= 0.5
    else:
        require_room([n * f for n, f in zip(level.shape, factors, strict=True)])
        for axis, count in enumerate(factors):
            level = _between(level, axis, count)
        fine = tuple(s / f for s, f in zip(mask.grid.spacing_kji_mm, factors, strict=True))
        gauge = margin_gauge(level, fine, along_index(axes, towards_ras), shrinks, factors[0])
        inside = gauge.squared[:, :: factors[1], :: factors[2]] <= 1
    return placed(~inside if shrinks else inside, part, mask.grid)


@dataclass(frozen=True, eq=False)
class MarginGauge:
    """Squared distance in margins on a working grid."""

    squared: np.ndarray
    spacing_kji_mm: tuple[float, float, float]
    sides: TowardsRas

    def fraction(self) -> np.ndarray:
        return fraction_within(self.squared, self.spacing_kji_mm, self.sides)


def margin_gauge(
    level: np.ndarray,
    spacing_kji_mm: tuple[float, float, float],
    sides: TowardsRas,
    shrinks: bool,
    every_k: int = 1,
) -> MarginGauge:
    """sides: along K, J, I. To shrink, what is outside grows the other way and takes away what it reaches."""
    if shrinks:
        level, sides = -level, tuple((high, low) for low, high in sides)
    return MarginGauge(gauge_squared(level, spacing_kji_mm, sides, every_k), spacing_kji_mm, sides)


def patient_grid(around: VoxelGrid, step_mm: float) -> VoxelGrid:
    """An isotropic grid along the patient's axes around an oblique one."""
    corners = around.corners_ras()
    low = corners.min(axis=0)
    shape = tuple(int(n) for n in np.ceil((corners.max(axis=0) - low) / step_mm).astype(int) + 1)[::-1]
    require_room(shape)
    return VoxelGrid(shape, (step_mm,) * 3, tuple(low))


def part_around(array: np.ndarray, grid: VoxelGrid, towards_ras: TowardsRas, shrinks: bool) -> Part:
    """What is not zero of an array (K, J, I) on `grid`, with room for the margin around it."""
    box = tight_box(array)
    largest = np.zeros(3) if shrinks else np.max(towards_ras, axis=1)
    reach_mm = np.abs(np.array(grid.direction_ras)).T @ largest
    # Two voxels more: one that stays empty, and one for the smoothing of the surface.
    pads = [math.ceil(r / s) + 2 for r, s in zip(reach_mm[::-1], grid.spacing_kji_mm, strict=True)]
    padded = np.pad(array[box], [(pad, pad) for pad in pads])
    start = tuple(s.start - pad for s, pad in zip(box, pads, strict=True))
    place = VoxelGrid(padded.shape, grid.spacing_mm, grid.position_of(start), grid.direction_ras)
    return Part(padded, place, start)


def tight_box(array: np.ndarray) -> tuple[slice, slice, slice]:
    """Smallest box around what is not zero; each axis is looked through only where the others left it."""
    box = [slice(0, n) for n in array.shape]
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        hits = np.flatnonzero(array[tuple(box)].any(axis=others))
        box[axis] = slice(box[axis].start + int(hits[0]), box[axis].start + int(hits[-1]) + 1)
    return tuple(box)


def _step_mm(towards_ras: TowardsRas) -> float:
    smallest = min(side for pair in towards_ras for side in pair if side > 0)
    return float(np.clip(smallest / _STEPS_PER_MARGIN, _FINEST_MM, _COARSEST_MM))


def voxel_parts(grid: VoxelGrid, step_mm: float) -> tuple[int, int, int]:
    """Into how many parts, along K, J, I, voxels are cut so that none is longer than step_mm."""
    return tuple(max(1, math.ceil(s / step_mm - 1e-6)) for s in grid.spacing_kji_mm)


def patient_axes(grid: VoxelGrid) -> tuple[tuple[int, bool], ...] | None:
    """For K, J, I: the patient axis (0 R, 1 A, 2 S) and whether the index runs along it; None if oblique."""
    found = []
    for column in (2, 1, 0):
        direction = np.array(grid.direction_ras)[:, column]
        axis = int(np.abs(direction).argmax())
        if np.abs(np.delete(direction, axis)).max() > _ALIGNED_TILT:
            return None
        found.append((axis, bool(direction[axis] > 0)))
    return tuple(found)


def along_index(axes: tuple[tuple[int, bool], ...], towards_ras: TowardsRas) -> TowardsRas:
    """The margins towards lower and higher index of K, J, I; axes as of patient_axes."""
    """Margins towards lower and higher index along K, J, I."""
    return tuple(towards_ras[axis] if forwards else towards_ras[axis][::-1] for axis, forwards in axes)


def _between(values: np.ndarray, axis: int, parts: int) -> np.ndarray:
    """`parts` - 1 nodes between every two neighbours along an axis, by linear interpolation."""
    if parts == 1:
        return values
    shape = list(values.shape)
    shape[axis] = (shape[axis] - 1) * parts + 1
    result = np.empty(shape, dtype=np.float32)
    source, target = np.moveaxis(values, axis, 0), np.moveaxis(result, axis, 0)
    target[::parts] = source
    for n in range(1, parts):
        share = np.float32(n / parts)
        target[n::parts] = source[:-1] * (1 - share) + source[1:] * share
    return result


def sampled(values: np.ndarray, source: VoxelGrid, target: VoxelGrid) -> np.ndarray:
    """Values of one grid, interpolated linearly at the voxel centres of another; float32."""
    origin = source.kji_of(target.ras_of(np.zeros(3)))
    matrix = np.stack([source.kji_of(target.ras_of(step)) - origin for step in np.eye(3)], axis=1)
    return ndimage.affine_transform(
        values, matrix, origin, target.shape_kji, output=np.float32, order=1, mode="nearest", prefilter=False
    )


def placed(values: np.ndarray, part: Part, grid: VoxelGrid) -> tuple[np.ndarray, float]:
    """The part put into an array of the image, and how far what it holds reaches past the image, in mm."""
    whole = np.zeros(grid.shape_kji, dtype=values.dtype)
    source, target = [], []
    for start, count, size in zip(part.start, values.shape, grid.shape_kji, strict=True):
        first, last = max(0, start), min(size, start + count)
        target.append(slice(first, last))
        source.append(slice(first - start, last - start))
    lost_mm = 0.0
    for axis, (inner, step_mm) in enumerate(zip(source, grid.spacing_kji_mm, strict=True)):
        others = tuple(other for other in range(3) if other != axis)
        whole_inside = inner.start == 0 and inner.stop == values.shape[axis]
        filled = () if whole_inside else np.flatnonzero((values > 0).any(axis=others))
        if len(filled):
            lost_mm = max(
                lost_mm, (inner.start - filled[0]) * step_mm, (filled[-1] + 1 - inner.stop) * step_mm
            )
    whole[tuple(target)] = values[tuple(source)]
    return whole, lost_mm


def require_room(shape: Sequence[int]) -> None:
    """MarginError for a working grid that would not fit into memory."""
    if math.prod(shape) > MOST_NODES:
        raise MarginError(
            "The structure is too large for a margin this fine; use a larger smallest margin, "
            "or coarser voxels."
        )
