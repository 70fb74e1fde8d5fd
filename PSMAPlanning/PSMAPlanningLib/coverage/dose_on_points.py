"""Dose at points of a structure, finer than voxels.

A structure is cut into equal cells below the size of a voxel; each cell is one point somewhere inside it
(stratified sampling). Points at the centres would lie on planes, and where the dose falls off across such
planes a percentile of the dose would jump by a whole step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Image
from ..imaging.plane_cells import level_of, padded_fraction
from ..imaging.resampling import refine_labels, refine_linear
from .solid import Filled

_STEP_MM = 0.5
"""Widest cell, as long as the cells are not too many; a dose grid has points every 2 to 3 mm."""
_MOST_POINTS = 200_000
_SEED = 20_000
_EDGE_VOXELS = 1e-3
"""Points this close beyond the outermost dose points still count as on them: rounding."""


@dataclass(frozen=True, eq=False)
class StructurePoints:
    """Points of a structure, (N, 3) RAS mm, and what volume each stands for, (N,) mL."""

    points_ras: np.ndarray
    volume_ml: np.ndarray


def structure_points(filled: Filled, most_points: int = _MOST_POINTS) -> StructurePoints:
    """Points of a mask or of fractions of voxels filled; none for an empty structure.

    The volumes sum to the structure's volume. A mask's voxels are in or out as a whole. Cells are half a
    millimetre or less; a structure of more than `most_points` such cells gets coarser ones, and one of more
    voxels than that has its voxels joined.
    """
    box = bounding_box(filled.array)
    if box is None:
        return StructurePoints(np.empty((0, 3)), np.empty(0))
    fraction = padded_fraction(filled.array, box)
    grid = filled.grid
    origin = grid.position_of([s.start - 2 for s in box])
    grid = VoxelGrid(fraction.shape, grid.spacing_mm, origin, grid.direction_ras)
    voxels = int(np.count_nonzero(fraction))
    if voxels > most_points:
        shares, cells = _joined(fraction, grid, voxels / most_points)
    else:
        factors = _factors(grid, voxels, most_points)
        cells = grid.refine(factors)
        is_whole = np.array_equal(fraction, fraction > 0)
        shares = refine_labels(fraction, factors) if is_whole else _shares(fraction, grid, factors)
    where = np.argwhere(shares > 0)
    # Seeded: the same structure has the same dose figures every time.
    inside_cell = np.random.default_rng(_SEED).random(where.shape) - 0.5
    volume_ml = shares[tuple(where.T)].astype(float) * cells.voxel_volume_ml
    return StructurePoints(cells.ras_of(where + inside_cell), volume_ml)


def dose_at(dose: Image, points_ras: np.ndarray) -> np.ndarray:
    """Dose in Gy, (N,), at RAS points, (N, 3), by trilinear interpolation between the dose points.

    NaN outside of them: beyond the outermost dose points nothing is known, so nothing is continued.
    """
    coordinates = dose.grid.kji_of(points_ras)
    last = np.array(dose.grid.shape_kji) - 1
    known = np.all((coordinates >= -_EDGE_VOXELS) & (coordinates <= last + _EDGE_VOXELS), axis=1)
    found = np.full(len(coordinates), np.nan)
    found[known] = ndimage.map_coordinates(
        dose.array, coordinates[known].T, output=float, order=1, mode="nearest", prefilter=False
    )
    return found


def _factors(grid: VoxelGrid, voxels: int, most_points: int) -> tuple[int, int, int]:
    step = _STEP_MM
    while True:
        factors = tuple(max(1, math.ceil(s / step - 1e-6)) for s in grid.spacing_kji_mm)
        if math.prod(factors) == 1 or voxels * math.prod(factors) <= most_points:
            return factors
        step *= 1.25


def _shares(fraction: np.ndarray, grid: VoxelGrid, factors: tuple[int, int, int]) -> np.ndarray:
    """The part of every cell that is filled; those of a voxel average to its fraction."""
    level = refine_linear(level_of(fraction, grid.spacing_kji_mm), factors)
    step_mm = (1000 * grid.refine(factors).voxel_volume_ml) ** (1 / 3)
    shares = np.clip(0.5 - level / step_mm, 0.0, 1.0)
    got = _block_means(shares, factors)
    scale = np.divide(fraction, got, out=np.zeros_like(fraction), where=got > 1e-6)
    lost = np.where(got <= 1e-6, fraction, np.float32(0))
    return shares * refine_labels(scale, factors) + refine_labels(lost, factors)


def _joined(fraction: np.ndarray, grid: VoxelGrid, times_too_many: float) -> tuple[np.ndarray, VoxelGrid]:
    """Blocks of voxels, the finest axes joined first, at least `times_too_many` voxels to a block."""
    factors = np.ones(3, int)
    while factors.prod() < times_too_many:
        factors[np.argmin(factors * grid.spacing_kji_mm)] += 1
    padding = [(0, int(-n % f)) for n, f in zip(fraction.shape, factors, strict=True)]
    shares = _block_means(np.pad(fraction, padding), tuple(factors))
    spacing = tuple(np.array(grid.spacing_mm) * factors[::-1])
    origin = grid.position_of((factors - 1) / 2)
    return shares, VoxelGrid(shares.shape, spacing, origin, grid.direction_ras)


def _block_means(array: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    k, j, i = (n // f for n, f in zip(array.shape, factors, strict=True))
    return array.reshape(k, factors[0], j, factors[1], i, factors[2]).mean(axis=(1, 3, 5))
