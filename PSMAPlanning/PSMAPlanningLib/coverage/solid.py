"""The surface of a structure and signed distances to it, below the size of a voxel.

A structure comes as a mask (voxels in or out; its surface lies half-way between them and is known to half a
voxel) or as fractions of voxels filled (its surface is known much better, see imaging/plane_cells.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Protocol

import numpy as np
import vtk
from scipy import ndimage
from scipy.spatial import cKDTree
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.plane_cells import level_of, padded_fraction

_SAMPLE_MM = 1.5
"""Widest gap between sampled points of a surface; between them the surface is taken as flat."""
_NEAR_ENOUGH = 2e-4
"""A distance may be too great by this part of it: two hundredths of a millimetre in ten centimetres."""
_THINNED_MM = ((16.0, 3.0), (4.0, 1.25))
"""From a distance d on, one point per cell of the surface is enough: a point that lies half a cell beside the
nearest one is too far by cell^2 / 8d, at most 0.07 mm."""
_TOLD_EXACTLY = 4
_FEW_POINTS = 30
_LEAF_POINTS = 16
_MANY_POINTS = 500
"""Worth sharing between the cores."""


class Filled(Protocol):
    """A `Mask`, or fractions of voxels filled: a KJI array of bool or of 0 to 1, and its grid."""

    array: np.ndarray
    grid: VoxelGrid


@dataclass(frozen=True, eq=False)
class Surface:
    """Sampled triangles: points and outward unit normals, (N, 3) RAS; reach_mm, (N,): half a gap."""

    points_ras: np.ndarray
    normals_ras: np.ndarray
    reach_mm: np.ndarray


@dataclass(frozen=True, eq=False)
class Nearest:
    """How points lie to a surface.

    distance_mm: (N,), negative inside. point_ras, normal_ras: (N, 3), the surface next to each of them, to
        half a sampling gap. half_layer_mm: (N,), how far the true surface may be from there: half a voxel
        along its normal for a mask, nothing for fractions.
    """

    distance_mm: np.ndarray
    point_ras: np.ndarray
    normal_ras: np.ndarray
    half_layer_mm: np.ndarray


class Solid:
    """One structure with its surface; raises ValueError when nothing is filled.

    level: KJI, negative inside, zero on the surface; grid: where its voxels are.
    is_binary: whether it came from a mask; then the surface is uncertain by half a voxel either way.
    """

    def __init__(self, filled: Filled) -> None:
        box = bounding_box(filled.array)
        if box is None:
            raise ValueError("An empty structure has no surface.")
        self.is_binary = filled.array.dtype == bool
        self.fraction = padded_fraction(filled.array, box)
        grid = filled.grid
        origin = grid.position_of([s.start - 2 for s in box])
        self.grid = VoxelGrid(self.fraction.shape, grid.spacing_mm, origin, grid.direction_ras)
        self.level = 0.5 - self.fraction if self.is_binary else level_of(self.fraction, grid.spacing_kji_mm)
        self.surface = sampled_surface(triangles_of(self.level, self.grid))

    @cached_property
    def _levels(self) -> tuple[_Level, ...]:
        """The surface seen from afar, nearer, and next to it, with the distance from which each is enough."""
        levels, surface = [], self.surface
        for from_mm, cell_mm in reversed(_THINNED_MM):
            surface = thinned(surface, cell_mm)
            levels.append(_Level(surface, from_mm))
        return (*reversed(levels), _Level(self.surface, 0.0))

    def nearest(self, points_ras: np.ndarray) -> Nearest:
        """How RAS points, (N, 3), lie to the surface."""
        points = np.asarray(points_ras, float).reshape(-1, 3)
        # A few points, such as a lesion's centre, are told to the last digit; that costs nothing.
        levels = self._levels[-1:] if len(points) <= _TOLD_EXACTLY else self._levels_for(points)
        distance, nearest, normals = levels[0].query(points)
        for before, level in itertools.pairwise(levels):
            near = np.flatnonzero(distance < before.from_mm)
            if len(near):
                distance[near], nearest[near], normals[near] = level.query(points[near])
        signed = np.where(self.levels_at(points) < 0, -distance, distance)
        return Nearest(signed, nearest, normals, self._half_layer_mm(normals))

    def _levels_for(self, points_ras: np.ndarray) -> tuple[_Level, ...]:
        """The levels without those that are too coarse for every one of the points."""
        if len(points_ras) <= _FEW_POINTS:
            return self._levels
        middle = points_ras.mean(axis=0, keepdims=True)
        spread = float(np.linalg.norm(points_ras - middle, axis=1).max())
        farthest = float(self._levels[0].query(middle)[0][0]) + spread
        return tuple(level for level in self._levels if level.from_mm <= farthest)

    def _half_layer_mm(self, normals_ras: np.ndarray) -> np.ndarray:
        if not self.is_binary:
            return np.zeros(len(normals_ras))
        # Half the width of the ellipsoid inscribed in a voxel: half a voxel along each of its axes.
        along_axes = normals_ras @ np.array(self.grid.direction_ras) * np.array(self.grid.spacing_mm)
        return 0.5 * np.linalg.norm(along_axes, axis=1)

    def inside_at(self, points_ras: np.ndarray, nearest: Nearest, step_mm: float) -> np.ndarray:
        """The part, (N,) from 0 to 1, of a small cube around each point, (N, 3), that lies inside.

        step_mm: the cube's edge. A mask's voxels are in or out as a whole, so that a mask lies exactly inside
        one on the same grid that holds it.
        """
        if not self.is_binary:
            return np.clip(0.5 - nearest.distance_mm / step_mm, 0.0, 1.0)
        coordinates = self.grid.kji_of(points_ras)
        shift = step_mm / np.array(self.grid.spacing_kji_mm) / 4
        upper = np.array(self.fraction.shape) - 1
        inside = np.zeros(len(coordinates))
        for corner in itertools.product((-1, 1), repeat=3):
            voxel = np.clip(np.rint(coordinates + shift * corner).astype(np.intp), 0, upper)
            inside += self.fraction[tuple(voxel.T)]
        return inside / 8

    def levels_at(self, points_ras: np.ndarray) -> np.ndarray:
        """The level, (N,), at RAS points, (N, 3), by linear interpolation; positive outside the grid."""
        coordinates = self.grid.kji_of(points_ras)
        nearest = np.rint(coordinates)
        coordinates = np.where(np.abs(coordinates - nearest) < 1e-4, nearest, coordinates)
        return ndimage.map_coordinates(
            self.level, coordinates.T, output=np.float32, order=1, mode="nearest", prefilter=False
        )


class _Level:
    """A surface at one fineness; good for points at least `from_mm` away from it."""

    def __init__(self, surface: Surface, from_mm: float) -> None:
        self.from_mm = from_mm
        self._surface = surface
        self._tree = cKDTree(surface.points_ras, leafsize=_LEAF_POINTS, balanced_tree=False)

    def query(self, points_ras: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Unsigned distance, nearest point and normal of RAS points, (N, 3)."""
        workers = -1 if len(points_ras) > _MANY_POINTS else 1
        distance, index = self._tree.query(points_ras, eps=_NEAR_ENOUGH, workers=workers)
        surface, normals = self._surface, self._surface.normals_ras[index]
        nearest = surface.points_ras[index]
        if self.from_mm > 0:
            # From afar the distance to the point itself is nearer the truth than that to its plane, which
            # the steps of a mask tilt.
            return distance, nearest, normals
        flat = np.abs(np.einsum("ni,ni->n", points_ras - nearest, normals))
        least = np.sqrt(np.maximum(0.0, distance**2 - surface.reach_mm[index] ** 2))
        return np.clip(flat, least, distance), nearest, normals


class UnionOfSolids:
    """Several volumes taken as one; outside of them distances are exact, inside they are lower bounds."""

    def __init__(self, solids: Sequence[Solid]) -> None:
        self._solids = tuple(solids)

    def nearest(self, points_ras: np.ndarray) -> Nearest:
        """How RAS points, (N, 3), lie to the surface of the solid they are nearest to or deepest in."""
        found = [solid.nearest(points_ras) for solid in self._solids]
        best = np.argmin([one.distance_mm for one in found], axis=0)
        row = np.arange(len(best))
        parts = {
            f.name: np.stack([getattr(one, f.name) for one in found])[best, row] for f in fields(Nearest)
        }
        return Nearest(**parts)

    def inside_at(self, points_ras: np.ndarray, _nearest: Nearest, step_mm: float) -> np.ndarray:
        """The part, (N,) from 0 to 1, of a small cube around each point that lies in any of the volumes."""
        found = [solid.nearest(points_ras) for solid in self._solids]
        parts = np.stack(
            [s.inside_at(points_ras, n, step_mm) for s, n in zip(self._solids, found, strict=True)]
        )
        # On the common face of two volumes that touch, each holds its half of the cube.
        normals = np.stack([one.normal_ras for one in found])
        normals[(parts <= 0) | (parts >= 1)] = 0.0
        facing = np.einsum("anx,bnx->abn", normals, normals).min(axis=(0, 1)) < -0.5
        return np.where(facing, np.minimum(1.0, parts.sum(axis=0)), parts.max(axis=0))


def triangles_of(level: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Triangles, (N, 3, 3) RAS, of the zero level of a KJI array by linear interpolation."""
    image = vtk.vtkImageData()
    image.SetDimensions(*level.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(level, np.float32).ravel(), deep=True))
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.0)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    found = edges.GetOutput()
    points = grid.ras_of(vtk_to_numpy(found.GetPoints().GetData()).astype(float)[:, ::-1])
    corners = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    triangles = points[corners]
    # Left-handed grids turn triangles inside out.
    if np.linalg.det(np.array(grid.direction_ras)) < 0:
        triangles = triangles[:, ::-1]
    return triangles


def sampled_surface(triangles: np.ndarray) -> Surface:
    """Points at most a sampling gap apart on triangles, (N, 3, 3), with their normals."""
    edges = np.roll(triangles, -1, axis=1) - triangles
    cross = np.cross(edges[:, 0], -edges[:, 2])
    area = np.linalg.norm(cross, axis=1)
    keep = area > 1e-9
    triangles, normals = triangles[keep], cross[keep] / area[keep, None]
    longest = np.linalg.norm(edges[keep], axis=2).max(axis=1)
    parts = np.maximum(1, np.ceil(longest / _SAMPLE_MM)).astype(int)
    points, directions, reach = [], [], []
    for number in np.unique(parts):
        chosen = parts == number
        weights = _lattice(number)
        points.append(np.einsum("pw,nwi->npi", weights, triangles[chosen]).reshape(-1, 3))
        directions.append(np.repeat(normals[chosen], len(weights), axis=0))
        reach.append(np.repeat(longest[chosen] / number / np.sqrt(3), len(weights)))
    return Surface(np.concatenate(points), np.concatenate(directions), np.concatenate(reach))


def thinned(surface: Surface, cell_mm: float) -> Surface:
    """One of the points in each cell of space, the one nearest to their middle, with their mean normal."""
    cells = ((surface.points_ras - surface.points_ras.min(axis=0)) / cell_mm).astype(np.int64)
    size = cells.max(axis=0) + 1
    key = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
    order = np.argsort(key, kind="stable")
    key, points = key[order], surface.points_ras[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    number = np.diff(np.append(starts, len(key)))
    middles = np.add.reduceat(points, starts) / number[:, None]
    normals = np.add.reduceat(surface.normals_ras[order], starts) / number[:, None]
    away = np.square(points - np.repeat(middles, number, axis=0)).sum(axis=1)
    is_nearest = away <= np.repeat(np.minimum.reduceat(away, starts), number)
    candidates = np.flatnonzero(is_nearest)
    chosen = candidates[np.searchsorted(candidates, starts)]
    reach = np.sqrt(np.square(points - np.repeat(points[chosen], number, axis=0)).sum(axis=1))
    reach = np.maximum.reduceat(reach + surface.reach_mm[order], starts)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    # Where both sides of a thin sheet share a cell their normals cancel out.
    normals = np.where(length > 0.2, normals / np.maximum(length, 1e-9), surface.normals_ras[order[chosen]])
    return Surface(points[chosen], normals, reach)


def _lattice(number: int) -> np.ndarray:
    """Barycentric weights, (number squared, 3), of the centres of the equal parts of a triangle."""
    weights = []
    for i in range(number):
        for j in range(number - i):
            weights.append(((i + 1 / 3) / number, (j + 1 / 3) / number))
            if i + j < number - 1:
                weights.append(((i + 2 / 3) / number, (j + 2 / 3) / number))
    pairs = np.array(weights)
    return np.column_stack([pairs, 1 - pairs.sum(axis=1)])
