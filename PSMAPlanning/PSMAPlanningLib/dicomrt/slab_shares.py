"""What of a structure each slice shows, pixel by pixel, whatever voxels it came on.

Either where the slice's plane cuts it, which is what a person would draw there, or how much of the slab lies
in it that the slice stands for, from half-way to the slice below to half-way to the one above. A structure on
the CT's own voxels is taken as it is, which is the same for both; on any other voxels (of the PET, finer,
turned) its surface is followed below the voxel, placed so that the whole has the volume of its voxels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ..imaging.grid import Box, VoxelGrid, bounding_box
from ..imaging.image import Mask
from ..imaging.plane_cells import level_of
from ..rtvolumes.occupancy import OccupancyField
from ..rtvolumes.surface_level import level_of_mask
from ..settings import SLICE_FORMS
from .planning_series import PlanningSeries

Shape = Mask | OccupancyField
CROSS_SECTION, VOLUME = SLICE_FORMS
_STEP_MM = 0.5
_MOST_SAMPLES = 3_000_000
_LATTICE_TOLERANCE_MM = 0.02
"""Voxels this close to the CT's are the CT's."""
_HALVINGS = 20
_FAR, _BINS = 1.5, 3000
"""Levels in voxels beyond which a sample is in or out whatever the shift, and how finely others are told."""
_LARGEST_SHIFT = 0.9


@dataclass(frozen=True, eq=False)
class SlabShares:
    """share: (K, J, I) bool or float32 0 to 1, slices from `first_slice` on.

    In the plane its pixels are the CT's cut into `factors` (rows, columns); pixel (0, 0) begins at the edge
    of the CT's pixel `corner` (row, column). volume_ml: of the whole structure. outside_ml: beyond the CT's
    slabs or pixels. slices_ml: what the slices hold when all shares are drawn, each taken through its slab.
    meets_slice: whether the plane of any slice runs through it.
    """

    share: np.ndarray
    first_slice: int
    corner: tuple[int, int]
    factors: tuple[int, int]
    volume_ml: float
    outside_ml: float
    meets_slice: bool
    slices_ml: float = 0.0

    def rows_columns(self, points: np.ndarray) -> np.ndarray:
        """Fractional rows and columns of the CT, (N, 2), of those of `share`."""
        return (points + 0.5) / np.array(self.factors) - 0.5 + np.array(self.corner)


def array_of(shape: Shape) -> np.ndarray:
    return shape.array if isinstance(shape, Mask) else shape.fraction


def slab_shares(shape: Shape, series: PlanningSeries, slices: str = CROSS_SECTION) -> SlabShares:
    """The structure on the slices of a series; an empty one gives no slices.

    slices: "cross-section" (where the plane of a slice cuts it) or "volume" (what its slab holds).
    """
    array = array_of(shape)
    box = _filled_box(array)
    if box is None:
        return SlabShares(np.zeros((0, 1, 1), bool), 0, (0, 0), (1, 1), 0.0, 0.0, False)
    part, grid = array[box], shape.grid.crop(box)
    lattice = _on_lattice(part, grid, series)
    found = lattice or _sampled(part, grid, series, slices == CROSS_SECTION)
    thickness = series.slab_thickness_mm[found.first_slice : found.first_slice + len(found.share)]
    pixel_mm2 = series.pixel_area_mm2 / (found.factors[0] * found.factors[1])
    filled = np.array([_amount(each) for each in found.share])
    return replace(
        found,
        volume_ml=_amount(part) * grid.voxel_volume_ml,
        slices_ml=float(filled @ thickness) * pixel_mm2 / 1000.0,
    )


def _amount(shares: np.ndarray) -> float:
    """The sum of all; true values are counted, which is ten times faster than adding them."""
    return float(np.count_nonzero(shares) if shares.dtype == bool else shares.sum(dtype=np.float64))


def _filled_box(array: np.ndarray) -> Box | None:
    """Smallest box around what is filled; slices first, which spares two passes over a whole CT."""
    levels = np.flatnonzero(array.any(axis=(1, 2)))
    if not levels.size:
        return None
    part = array[levels[0] : levels[-1] + 1]
    _, rows, columns = bounding_box(part if part.dtype == bool else part > 0)
    return slice(int(levels[0]), int(levels[-1]) + 1), rows, columns


def _on_lattice(part: np.ndarray, grid: VoxelGrid, series: PlanningSeries) -> SlabShares | None:
    """The voxels themselves where they are the CT's: turned round or cut off, but not between them."""
    target = series.grid
    steps = target.kji_of(grid.ras_of(np.eye(3))) - target.kji_of(grid.ras_of(np.zeros(3)))
    turned = np.rint(steps)
    start = target.kji_of(grid.ras_of(np.zeros(3)))
    spacing = np.array(target.spacing_kji_mm)
    if not np.array_equal(np.abs(turned).sum(axis=0), (1, 1, 1)) or not np.array_equal(
        np.abs(turned).sum(axis=1), (1, 1, 1)
    ):
        return None
    # The far corner, where a spacing that differs a little has gone furthest.
    far = np.array(part.shape) - 1.0
    drift = np.abs(far @ (steps - turned)) + np.abs(start - np.rint(start))
    even_mm = np.abs(series.heights_mm - series.heights_mm[0] - np.arange(len(series.slices)) * spacing[0])
    if np.any(drift * spacing > _LATTICE_TOLERANCE_MM) or even_mm.max() > 0.1:
        return None
    axes = np.abs(turned).argmax(axis=0)
    array = part.transpose(axes)
    low = np.rint(start).astype(int)
    for axis in range(3):
        if turned[axes[axis], axis] < 0:
            array = np.flip(array, axis)
            low[axis] -= array.shape[axis] - 1
    keep = tuple(
        slice(max(0, -a), max(0, min(n, size - a)))
        for a, n, size in zip(low, array.shape, target.shape_kji, strict=True)
    )
    inside = array[keep]
    lost = (_amount(array) - _amount(inside)) * grid.voxel_volume_ml
    if 0 in inside.shape:
        return _nothing_inside(lost)
    first = [int(max(0, a)) for a in low]
    share = inside if inside.dtype == bool else np.asarray(inside, np.float32)
    return SlabShares(share, first[0], (first[1], first[2]), (1, 1), 0.0, lost, True)


def _nothing_inside(lost_ml: float) -> SlabShares:
    return SlabShares(np.zeros((0, 1, 1), bool), 0, (0, 0), (1, 1), 0.0, lost_ml, False)


def _sampled(part: np.ndarray, grid: VoxelGrid, series: PlanningSeries, by_planes: bool) -> SlabShares:
    corners = grid.corners_ras()
    heights = _heights_ras(corners, series)
    centres = grid.ras_of(np.argwhere(part > 0))
    reach = 0.5 * float(np.abs(series.normal_ras @ np.array(grid.direction_ras)) @ np.array(grid.spacing_mm))
    height = _heights_ras(centres, series)
    weight = part[part > 0].astype(np.float64)
    held = _held(centres, height, series)
    within_ml = float(weight[held].sum()) * grid.voxel_volume_ml
    lost = float(weight[~held].sum()) * grid.voxel_volume_ml
    met = (series.heights_mm >= height.min() - reach) & (series.heights_mm <= height.max() + reach)
    edges = series.slab_edges_mm
    slices = np.flatnonzero((edges[1:] > heights.min()) & (edges[:-1] < heights.max()))
    kji = series.grid.kji_of(corners)
    size = np.array(series.grid.shape_kji)[1:]
    # One pixel more on each side: a level smoothed across voxels reaches a little beyond them.
    low = np.clip(np.floor(kji[:, 1:].min(axis=0)).astype(int) - 1, 0, size)
    high = np.clip(np.ceil(kji[:, 1:].max(axis=0)).astype(int) + 2, 0, size)
    if not slices.size or np.any(low >= high) or not held.any():
        return replace(_nothing_inside(lost), meets_slice=bool(met.any()))
    spacing = np.array(series.grid.spacing_kji_mm)
    extent = np.array([len(slices), *(high - low)]) * spacing
    step = max(_STEP_MM, (float(extent.prod()) / _MOST_SAMPLES) ** (1 / 3))
    factors = tuple(max(1, math.ceil(float(s) / step - 1e-6)) for s in spacing[1:])
    level_at = _levels(part, grid, series, (low, high), factors)
    depths = max(2, math.ceil(float(series.slab_thickness_mm.max()) / step - 1e-6))
    samples = level_at(_slab_heights_mm(series, slices, depths))
    shift = _fitted_shift(samples, within_ml, series, slices, factors)
    meets = bool(met.any())
    if by_planes:
        # As sharp as the pixels that are drawn on, for the blur of a voxel would add a rim at each pole.
        sharpness = 2.0 * max(1.0, min(grid.spacing_mm) / float(max(spacing[1:] / factors)))
        planes = level_at(series.heights_mm[slices][:, None])[:, 0]
        share = np.clip(0.5 + np.float32(sharpness) * (shift - planes), 0, 1)
        meets = meets and bool(np.any(share > 0.5))
    else:
        share = np.stack([np.clip(0.5 + shift - level, 0, 1).mean(axis=0) for level in samples])
    return SlabShares(share, int(slices[0]), (int(low[0]), int(low[1])), factors, 0.0, lost, meets)


def _slab_heights_mm(series: PlanningSeries, slices: np.ndarray, depths: int) -> np.ndarray:
    """(slices, depths) mm along the normal: evenly through each slab."""
    within = (np.arange(depths) + 0.5) / depths
    return series.slab_edges_mm[slices][:, None] + series.slab_thickness_mm[slices][:, None] * within


def _heights_ras(points_ras: np.ndarray, series: PlanningSeries) -> np.ndarray:
    return points_ras @ series.normal_ras


def _held(centres: np.ndarray, height: np.ndarray, series: PlanningSeries) -> np.ndarray:
    """Which points lie within the CT's slabs and pixels."""
    edges, size = series.slab_edges_mm, np.array(series.grid.shape_kji)[1:]
    rows_columns = series.grid.kji_of(centres)[:, 1:]
    aside = np.all((rows_columns >= -0.5) & (rows_columns < size - 0.5), axis=1)
    return aside & (height >= edges[0]) & (height < edges[-1])


def _levels(
    part: np.ndarray,
    grid: VoxelGrid,
    series: PlanningSeries,
    window: tuple[np.ndarray, np.ndarray],
    factors: tuple[int, int],
) -> Callable[[np.ndarray], np.ndarray]:
    """From heights, (slices, depths) mm, to levels there, (slices, depths, rows, columns) float32, negative
    inside, in voxels."""
    padded = np.pad(part, 2)
    if part.dtype == bool:
        # Twice, because the level of a mask falls by a half from voxel to voxel.
        level = 2.0 * level_of_mask(padded)
    else:
        level = level_of(padded.astype(np.float32), grid.spacing_kji_mm) / min(grid.spacing_mm)
    low, high = window
    rows = low[0] + (np.arange((high[0] - low[0]) * factors[0]) + 0.5) / factors[0] - 0.5
    columns = low[1] + (np.arange((high[1] - low[1]) * factors[1]) + 0.5) / factors[1] - 0.5
    origin = grid.kji_of(series.grid.ras_of(np.zeros(3)))
    by_index = grid.kji_of(series.grid.ras_of(np.eye(3))) - origin
    by_mm = by_index[0] / series.grid.spacing_mm[2]
    bottom = float(_heights_ras(series.grid.ras_of(np.zeros((1, 3))), series)[0])
    in_plane = origin + rows[:, None, None] * by_index[1] + columns[None, :, None] * by_index[2] + 2.0

    def level_at(heights_mm: np.ndarray) -> np.ndarray:
        result = np.empty((*heights_mm.shape, len(rows), len(columns)), np.float32)
        for place in np.ndindex(heights_mm.shape):
            points = in_plane + (heights_mm[place] - bottom) * by_mm
            ndimage.map_coordinates(
                level,
                points.transpose(2, 0, 1),
                output=result[place],
                order=1,
                mode="nearest",
                prefilter=False,
            )
        return result

    return level_at


def _fitted_shift(
    levels: np.ndarray,
    volume_ml: float,
    series: PlanningSeries,
    slices: np.ndarray,
    factors: tuple[int, int],
) -> np.float32:
    """By how much the level must be shifted for the samples of all slabs to add up to the volume."""
    cell_ml = series.pixel_area_mm2 * series.slab_thickness_mm[slices] / (1000.0 * factors[0] * factors[1])
    cell_ml = cell_ml / levels.shape[1]
    # How many samples have which level, one slice after the other: the sum for any shift is had from that.
    edges = np.linspace(-_FAR, _FAR, _BINS + 1)
    amounts = np.zeros(_BINS)
    certain = 0.0
    for level, weight in zip(levels, cell_ml, strict=True):
        amounts += weight * np.histogram(level, edges)[0]
        certain += float(weight) * np.count_nonzero(level < -_FAR)
    middles = 0.5 * (edges[1:] + edges[:-1])
    low, high = -_LARGEST_SHIFT, _LARGEST_SHIFT
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        total = certain + float(np.clip(0.5 - middles + middle, 0, 1) @ amounts)
        low, high = (middle, high) if total < volume_ml else (low, middle)
    return np.float32(0.5 * (low + high))
