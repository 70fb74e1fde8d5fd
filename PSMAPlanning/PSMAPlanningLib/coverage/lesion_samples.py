"""A lesion as points that each stand for a part of its volume, and points on its surface."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..imaging.grid import VoxelGrid
from ..imaging.resampling import refine_labels, refine_linear
from .far import third_order_terms
from .sampled_surface import sampled_surface, thinned
from .solid import Filled, Solid

_STEP_MM = 0.5
"""Widest step between points inside a lesion, as long as they are not too many."""
_MOST_POINTS = 2_500
"""The fraction inside is then told to a thousandth or two."""
_SURFACE_CELL_MM = 1.0
"""One point of a lesion's surface per cell; what sticks out between them is found by its corners."""
_TIPS = 3


@dataclass(frozen=True, eq=False)
class LesionSamples:
    """One lesion, ready to be compared with volumes.

    points_ras: (N, 3); weights: (N,), the part of a step's volume that is lesion.
    may_be_outside, may_be_inside: (N,), points that lie within half a voxel of the lesion's surface, where
        it is drawn by voxels; some with weight 0 are among the points because the lesion may reach them.
    step_mm: edge of the cube of the same volume as the part of a voxel that each point stands for.
    surface_ras: (M, 3). corners: those of its surface, from the centroid, to be asked for the nearest ones.
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
    corners: cKDTree

    @cached_property
    def held(self) -> np.ndarray:
        """Indices of the points that are lesion at all."""
        return np.flatnonzero(self.weights > 0)

    def tips(self, surface: np.ndarray) -> np.ndarray:
        """Some points of the surface, given by index, and the corners next to them, (M, 3).

        A lesion bulges outwards between the points of its surface; its corners are what sticks out.
        """
        points = self.surface_ras[surface]
        nearest = self.corners.query(points - self.centroid_ras, k=min(_TIPS, self.corners.n))[1]
        return np.concatenate([points, self.corners.data[np.unique(nearest)] + self.centroid_ras])

    @cached_property
    def from_middle(self) -> tuple[np.ndarray, np.ndarray]:
        """Products of coordinates, (20, N), of the held points and of the surface, in the ball as unit."""
        return tuple(
            third_order_terms((points - self.centroid_ras) / self.reach_mm)
            for points in (self.points_ras[self.held], self.surface_ras)
        )


def sample_lesion(filled: Filled) -> LesionSamples:
    """Points for a lesion given as a mask or as fractions of voxels filled; raises ValueError when empty."""
    solid = Solid(filled)
    grid, fraction = solid.grid, solid.fraction
    factors = _factors(grid, int(np.count_nonzero(fraction)))
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
    mesh = solid.mesh
    surface = thinned(sampled_surface(mesh.points_ras[mesh.triangles]), _SURFACE_CELL_MM)
    reach = max(np.linalg.norm(p - centroid, axis=1).max() for p in (points, mesh.points_ras))
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
        corners=cKDTree(mesh.points_ras - centroid, balanced_tree=False),
    )


def _factors(grid: VoxelGrid, voxels: int) -> tuple[int, int, int]:
    """Points per voxel along K, J, I: steps of half a millimetre, fewer for large lesions."""
    step = _STEP_MM
    while True:
        factors = tuple(max(1, math.ceil(s / step - 1e-6)) for s in grid.spacing_kji_mm)
        if math.prod(factors) == 1 or voxels * math.prod(factors) <= _MOST_POINTS:
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
