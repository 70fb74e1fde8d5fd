"""A lesion as points that each stand for a part of its volume, and points on its surface."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging.grid import VoxelGrid
from ..imaging.resampling import refine_labels, refine_linear
from .solid import Filled, Solid, thinned

_STEP_MM = 0.5
"""Widest step between points inside a lesion, as long as they are not too many."""
_MOST_POINTS = 5_000
_SURFACE_CELL_MM = 1.0
"""One point of a lesion's surface per cell; the farthest is missed by less than a tenth of a millimetre."""
_FAR_POINTS = 1000
_FAR_END_POINTS = 75
"""So many points tell the distances to a volume that is far away, which change little over a lesion."""


@dataclass(frozen=True, eq=False)
class LesionSamples:
    """One lesion, ready to be compared with volumes.

    points_ras: (N, 3); weights: (N,), the part of a step's volume that is lesion.
    may_be_outside, may_be_inside: (N,), points that lie within half a voxel of the lesion's surface, where
        it is drawn by voxels; some with weight 0 are among the points because the lesion may reach them.
    step_mm: edge of the cube of the same volume as the part of a voxel that each point stands for.
    surface_ras: (M, 3).
    centroid_ras, reach_mm: a ball that holds all of these points.
    """

    points_ras: np.ndarray
    weights: np.ndarray
    may_be_outside: np.ndarray
    may_be_inside: np.ndarray
    step_mm: float
    surface_ras: np.ndarray
    centroid_ras: tuple[float, float, float]
    reach_mm: float
    volume_ml: float

    def from_afar(self, toward_ras: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points, weights and surface points that are enough for a volume whose nearest point is given.

        The points are evenly spaced in the order of their distance, so that its percentiles stay what they
        are; of the surface points those at both ends of the lesion are kept.
        """
        direction = np.asarray(self.centroid_ras) - toward_ras
        inside = np.flatnonzero(self.weights > 0)
        chosen = _evenly(inside[np.argsort(self.points_ras[inside] @ direction, kind="stable")])
        order = np.argsort(self.surface_ras @ direction, kind="stable")
        ends = min(len(order) // 10, _FAR_END_POINTS)
        surface = np.concatenate(
            [order[:ends], _evenly(order[ends : len(order) - ends]), order[-ends or None :]]
        )
        return self.points_ras[chosen], self.weights[chosen], self.surface_ras[surface]


def _evenly(indices: np.ndarray) -> np.ndarray:
    if len(indices) <= _FAR_POINTS:
        return indices
    return indices[np.linspace(0, len(indices) - 1, _FAR_POINTS).round().astype(np.intp)]


def sample_lesion(filled: Filled, most_points: int = _MOST_POINTS) -> LesionSamples:
    """Points for a lesion given as a mask or as fractions of voxels filled; raises ValueError when empty."""
    solid = Solid(filled)
    grid, fraction = solid.grid, solid.fraction
    factors = _factors(grid, int(np.count_nonzero(fraction)), most_points)
    fine = grid.refine(factors)
    if solid.is_binary:
        weights = refine_labels(fraction, factors)
        loose = tuple(1.0 / n for n in factors)
        # In voxels, so that half a voxel is half of one along each axis.
        outside = ndimage.distance_transform_edt(weights == 0, sampling=loose) - 0.5 * max(loose)
        inside = ndimage.distance_transform_edt(weights > 0, sampling=loose) - 0.5 * max(loose)
        shell_outside = (weights == 0) & (outside <= 0.5)
        shell_inside = (weights > 0) & (inside <= 0.5)
    else:
        weights = _weights_by_level(solid, fine, factors)
        shell_outside = shell_inside = np.zeros(weights.shape, bool)
    cells = np.nonzero((weights > 0) | shell_outside)
    points = fine.ras_of(np.stack(cells, axis=1))
    chosen = weights[cells].astype(float)
    centroid = tuple(float(x) for x in np.average(points, axis=0, weights=chosen))
    surface = thinned(solid.surface, _SURFACE_CELL_MM).points_ras
    reach = max(np.linalg.norm(p - centroid, axis=1).max() for p in (points, surface))
    return LesionSamples(
        points_ras=points,
        weights=chosen,
        may_be_outside=shell_inside[cells],
        may_be_inside=shell_outside[cells],
        step_mm=(1000 * fine.voxel_volume_ml) ** (1 / 3),
        surface_ras=surface,
        centroid_ras=centroid,
        reach_mm=float(reach),
        volume_ml=float(fraction.sum(dtype=float)) * grid.voxel_volume_ml,
    )


def _factors(grid: VoxelGrid, voxels: int, most_points: int) -> tuple[int, int, int]:
    """Points per voxel along K, J, I: steps of half a millimetre, fewer for large lesions."""
    step = _STEP_MM
    while True:
        factors = tuple(max(1, math.ceil(s / step - 1e-6)) for s in grid.spacing_kji_mm)
        if math.prod(factors) == 1 or voxels * math.prod(factors) <= most_points:
            return factors
        step *= 1.25


def _weights_by_level(solid: Solid, fine: VoxelGrid, factors: tuple[int, int, int]) -> np.ndarray:
    """The part, KJI, of each part of a voxel that is filled; those of a voxel average to its fraction."""
    level = refine_linear(solid.level, factors)
    step = (1000 * fine.voxel_volume_ml) ** (1 / 3)
    weights = np.clip(0.5 - level / step, 0.0, 1.0)
    got = _voxel_means(weights, factors)
    wanted = solid.fraction
    scale = np.divide(wanted, got, out=np.zeros_like(wanted), where=got > 1e-6)
    weights = weights * refine_labels(scale, factors)
    # A filled voxel whose parts all fell outside keeps its fraction, spread evenly.
    lost = np.where((got <= 1e-6) & (wanted > 0), wanted, np.float32(0))
    return weights + refine_labels(lost, factors)


def _voxel_means(fine: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    k, j, i = (n // f for n, f in zip(fine.shape, factors, strict=True))
    return fine.reshape(k, factors[0], j, factors[1], i, factors[2]).mean(axis=(1, 3, 5))
