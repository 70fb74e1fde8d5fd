"""Margins of structures known below the voxel: from occupancy, or from a signed distance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..errors import MarginError
from ..imaging.grid import VoxelGrid
from .gauge_edges import sharp_places, with_places
from .gauge_surface import fraction_within
from .local_planes import LocalPlanes, local_planes, touched
from .margin_work import (
    MOST_NODES,
    Part,
    TowardsRas,
    along_index,
    margin_gauge,
    part_around,
    patient_axes,
    patient_grid,
    placed,
    require_room,
    sampled,
    voxel_parts,
)
from .occupancy import OccupancyField
from .surface_level import level_of_occupancy

_CELLS = ((0.34, 6_000_000), (0.5, 24_000_000), (0.75, 24_000_000))
"""Cells in mm, and how many of them are too many. The finest serve small structures, which feel them most."""
_COARSEST_CELL_MM = 1.0
_MOST_PLANES = 8_000
"""Voxels at the surface up to which planes are fitted and edges found: boxes of 50 mm on 1 x 1 x 3 mm. What
is larger has less surface for its volume, so one plane per voxel is within 1 % there."""

DistanceAt = Callable[[np.ndarray], np.ndarray]
"""Signed distance in mm, negative inside, at places (N, 3) in RAS mm."""


def grown_occupancy(
    occupancy: OccupancyField, towards_ras: TowardsRas, shrinks: bool
) -> tuple[np.ndarray, float]:
    """Occupancy (K, J, I) float32 after growing (or shrinking), and how far past the image it reaches, mm."""
    part = part_around(occupancy.fraction, occupancy.grid, towards_ras, shrinks)
    cut = np.count_nonzero(touched(part.array))
    if cut <= _MOST_PLANES:
        planes = local_planes(part.array, part.grid.spacing_kji_mm)
        fraction = _grown_planes(planes, part, towards_ras, shrinks)
    else:
        fraction = _grown_cells(part, towards_ras, shrinks)
    return placed(fraction, part, occupancy.grid)


def grown_distance(
    distance_at: DistanceAt, grid: VoxelGrid, towards_ras: TowardsRas, shrinks: bool
) -> tuple[np.ndarray, float]:
    """The same for a structure given by its signed distance."""
    half_mm = 0.5 * float(np.linalg.norm(grid.spacing_mm))
    rows = np.stack(np.meshgrid(*map(np.arange, grid.shape_kji[1:]), indexing="ij"), -1)
    near = np.empty(grid.shape_kji, dtype=bool)
    for k in range(len(near)):
        kji = np.concatenate([np.full((*rows.shape[:2], 1), k), rows], axis=-1)
        near[k] = (distance_at(grid.ras_of(kji.reshape(-1, 3))) <= half_mm).reshape(near[k].shape)
    if not near.any():
        raise MarginError("No part of the structure lies in the image; check its place.")
    part = part_around(near, grid, towards_ras, shrinks)

    def level_at(kji: np.ndarray) -> np.ndarray:
        return distance_at(part.grid.ras_of(kji))

    fraction = _grown_level(level_at, part, np.argwhere(part.array), towards_ras, shrinks)
    return placed(fraction, part, grid)


def _grown_planes(planes: LocalPlanes, part: Part, towards_ras: TowardsRas, shrinks: bool) -> np.ndarray:
    return _grown_level(planes.level_mm, part, planes.voxels, towards_ras, shrinks)


def _grown_level(
    level_at: Callable[[np.ndarray], np.ndarray],
    part: Part,
    around: np.ndarray,
    towards_ras: TowardsRas,
    shrinks: bool,
) -> np.ndarray:
    """Occupancy of the part's voxels after growing the region where level_at, of places in its voxels, is
    negative; nothing of it lies farther than a voxel from the voxels `around`, (N, 3)."""
    factors = _cell_factors(part.grid)
    cells = part.grid.refine(factors)
    axes = patient_axes(part.grid)
    work = cells if axes else patient_grid(part.grid, min(cells.spacing_mm))
    sides = along_index(axes, towards_ras) if axes else towards_ras[::-1]
    spacing, sign = work.spacing_kji_mm, -1 if shrinks else 1

    def level_at_nodes(nodes: np.ndarray) -> np.ndarray:
        return level_at(part.grid.kji_of(work.ras_of(nodes)))

    level = _level_on(level_at_nodes, work, part.grid, around)
    gauge = margin_gauge(level, spacing, sides, shrinks)
    places = sharp_places(sign * level, spacing, lambda nodes: sign * level_at_nodes(nodes))
    squared = with_places(gauge.squared, places, spacing, gauge.sides)
    fraction = fraction_within(squared, spacing, gauge.sides)
    fraction = fraction if axes else sampled(fraction, work, cells)
    fraction = _per_voxel(fraction, factors)
    return 1 - fraction if shrinks else fraction


def _level_on(
    level_at: Callable[[np.ndarray], np.ndarray], work: VoxelGrid, source: VoxelGrid, around: np.ndarray
) -> np.ndarray:
    """Level (K, J, I) float32 at all nodes of `work`; outside what surrounds the voxels, a positive one."""
    box = np.array([around.min(axis=0) - 1.5, around.max(axis=0) + 1.5])
    corners = np.stack(np.meshgrid(*box.T, indexing="ij"), -1).reshape(-1, 3)
    nodes = work.kji_of(source.ras_of(corners))
    low = np.maximum(np.floor(nodes.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(nodes.max(axis=0)).astype(int) + 1, work.shape_kji)
    level = np.full(work.shape_kji, max(work.spacing_mm), dtype=np.float32)
    inner = level[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    j, i = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
    for number in range(len(inner)):
        places = np.stack([np.full(j.shape, low[0] + number), j, i], axis=-1).reshape(-1, 3)
        inner[number] = level_at(places).reshape(j.shape)
    return level


def _grown_cells(part: Part, towards_ras: TowardsRas, shrinks: bool) -> np.ndarray:
    """The same from one plane per voxel, as cells that are filled behind it."""
    factors = _cell_factors(part.grid)
    cells = part.grid.refine(factors)
    level = level_of_occupancy(part.array, factors, part.grid.spacing_kji_mm)
    axes = patient_axes(part.grid)
    work = cells if axes else patient_grid(cells, min(cells.spacing_mm))
    sides = along_index(axes, towards_ras) if axes else towards_ras[::-1]
    level = level if axes else sampled(level, cells, work)
    fraction = margin_gauge(level, work.spacing_kji_mm, sides, shrinks).fraction()
    fraction = _per_voxel(fraction if axes else sampled(fraction, work, cells), factors)
    return 1 - fraction if shrinks else fraction


def _per_voxel(cells: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    k, j, i = (n // f for n, f in zip(cells.shape, factors, strict=True))
    return cells.reshape(k, factors[0], j, factors[1], i, factors[2]).mean(axis=(1, 3, 5))


def _cell_factors(grid: VoxelGrid) -> tuple[int, int, int]:
    """The finest cells that are not too many."""
    for cell_mm, many in (*_CELLS, (_COARSEST_CELL_MM, MOST_NODES)):
        factors = voxel_parts(grid, cell_mm)
        nodes = [n * f for n, f in zip(grid.shape_kji, factors, strict=True)]
        if math.prod(nodes) <= many:
            break
    require_room(nodes)
    return factors
