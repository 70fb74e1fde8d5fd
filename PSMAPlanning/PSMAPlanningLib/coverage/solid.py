"""A structure and signed distances to its surface, below the size of a voxel.

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
from scipy import ndimage

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.plane_cells import level_of, padded_fraction
from .surface_mesh import Foot, SurfacePatch, TriangleMesh, mesh_of

_FEW_POINTS = 100
"""So many points are told by every triangle in question; more of them by those at their nearest corner."""
_APART_MM = 0.05
"""A point nearer to a surface has no sure direction to it; there the triangle's normal stands in."""


class Filled(Protocol):
    """A `Mask`, or fractions of voxels filled: a KJI array of bool or of 0 to 1, and its grid."""

    array: np.ndarray
    grid: VoxelGrid


@dataclass(frozen=True, eq=False)
class Nearest:
    """How points lie to a surface.

    distance_mm: (N,), negative inside. point_ras, normal_ras: (N, 3), the surface next to each of them and
        the unit vector out of the structure there. half_layer_mm: (N,), how far the true surface may be from
        there: half a voxel along the normal for a mask, nothing for fractions.
    """

    distance_mm: np.ndarray
    point_ras: np.ndarray
    normal_ras: np.ndarray
    half_layer_mm: np.ndarray


class Seen(Protocol):
    """A structure as a ball of space sees it."""

    apart_mm: float
    """No surface comes nearer to the ball's centre, wherever in its half layer it truly is."""

    def exact(self, points_ras: np.ndarray) -> Nearest:
        """How a few RAS points of the ball, (N, 3), lie to the surface."""

    def distances(self, points_ras: np.ndarray) -> np.ndarray:
        """Signed distances, (N,), of many points; a few may come out farther by a part of a voxel."""

    def nearest_and_inside(self, points_ras: np.ndarray, step_mm: float) -> tuple[Nearest, np.ndarray]:
        """How many points lie, and the part, (N,) from 0 to 1, of a cube of that edge around each inside."""


class Volume(Protocol):
    """What lesions are compared with."""

    def seen_from(self, centre_ras: np.ndarray, reach_mm: float) -> Seen:
        """The structure as points within `reach_mm` of a place see it."""


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

    @cached_property
    def mesh(self) -> TriangleMesh:
        """The surface."""
        return mesh_of(self.level, self.grid)

    @cached_property
    def _from_ras(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix and offset from RAS to voxel indices K, J, I."""
        matrix = np.linalg.inv(self.grid.ijk_to_ras_matrix)[2::-1]
        return np.ascontiguousarray(matrix[:, :3]), matrix[:, 3:]

    def seen_from(self, centre_ras: np.ndarray, reach_mm: float) -> SeenSolid:
        """The solid as points within `reach_mm` of a place see it."""
        return SeenSolid(self, np.asarray(centre_ras, float), reach_mm)

    def nearest(self, points_ras: np.ndarray) -> Nearest:
        """How RAS points, (N, 3), lie to the surface."""
        points = np.asarray(points_ras, float).reshape(-1, 3)
        centre = 0.5 * (points.min(axis=0) + points.max(axis=0))
        seen = self.seen_from(centre, float(np.linalg.norm(points - centre, axis=1).max()))
        return seen.exact(points) if len(points) <= _FEW_POINTS else seen.nearest(points)

    @property
    def half_layer_most_mm(self) -> float:
        """The most that the true surface may be from the drawn one."""
        return 0.5 * max(self.grid.spacing_mm) if self.is_binary else 0.0

    def half_layer_mm(self, normals_ras: np.ndarray) -> np.ndarray:
        """How far the true surface may be from the drawn one, (N,), along normals, (N, 3)."""
        if not self.is_binary:
            return np.zeros(len(normals_ras))
        # Half the width of the ellipsoid inscribed in a voxel: half a voxel along each of its axes.
        along_axes = normals_ras @ np.array(self.grid.direction_ras) * np.array(self.grid.spacing_mm)
        return 0.5 * np.sqrt(np.einsum("ni,ni->n", along_axes, along_axes))

    def inside_at(self, points_ras: np.ndarray, nearest: Nearest, step_mm: float) -> np.ndarray:
        """The part, (N,) from 0 to 1, of a small cube around each point, (N, 3), that lies inside.

        step_mm: the cube's edge. A mask's voxels are in or out as a whole, so that a mask lies exactly inside
        one on the same grid that holds it.
        """
        if not self.is_binary:
            return np.clip(0.5 - nearest.distance_mm / step_mm, 0.0, 1.0)
        coordinates = self._kji_of(points_ras)
        shift = step_mm / np.array(self.grid.spacing_kji_mm)[:, None] / 4
        upper = np.array(self.fraction.shape)[:, None] - 1
        low, high = (
            np.clip(np.rint(coordinates + sign * shift).astype(np.intp), 0, upper) for sign in (-1, 1)
        )
        inside = np.zeros(coordinates.shape[1])
        for k, j, i in itertools.product(*zip(low, high, strict=True)):
            inside += self.fraction[k, j, i]
        return inside / 8

    def levels_at(self, points_ras: np.ndarray) -> np.ndarray:
        """The level, (N,), at RAS points, (N, 3), by linear interpolation; positive outside the grid."""
        coordinates = self._kji_of(points_ras)
        nearest = np.rint(coordinates)
        coordinates = np.where(np.abs(coordinates - nearest) < 1e-4, nearest, coordinates)
        return ndimage.map_coordinates(
            self.level, coordinates, output=np.float32, order=1, mode="nearest", prefilter=False
        )

    def _kji_of(self, points_ras: np.ndarray) -> np.ndarray:
        """Voxel indices K, J, I, (3, N)."""
        matrix, offset = self._from_ras
        return np.einsum("ij,nj->in", matrix, points_ras) + offset


class SeenSolid:
    """A solid as a ball of space sees it, see `Seen`."""

    def __init__(self, solid: Solid, centre_ras: np.ndarray, reach_mm: float) -> None:
        self._solid, self._reach_mm = solid, reach_mm
        self._patch = SurfacePatch(solid.mesh, centre_ras, reach_mm)
        self._centre_ras = centre_ras[None]
        self.apart_mm = self._patch.apart_mm - solid.half_layer_most_mm

    def exact(self, points_ras: np.ndarray) -> Nearest:
        """How a few RAS points of the ball, (N, 3), lie to the surface."""
        return self._signed(self._patch.exact(points_ras), points_ras, self._is_inside(points_ras))

    def nearest(self, points_ras: np.ndarray) -> Nearest:
        """The same for many points; a few of them may come out farther away by a part of a voxel."""
        return self._signed(self._patch.near(points_ras), points_ras, self._is_inside(points_ras))

    def distances(self, points_ras: np.ndarray) -> np.ndarray:
        """Signed distances, (N,), of many points, as `nearest` tells them."""
        distance = self._patch.distances(points_ras)
        return np.where(self._is_inside(points_ras), -distance, distance)

    def nearest_and_inside(self, points_ras: np.ndarray, step_mm: float) -> tuple[Nearest, np.ndarray]:
        """The same, and the part, (N,) from 0 to 1, of a cube of that edge around each that lies inside."""
        nearest = self.nearest(points_ras)
        return nearest, self._solid.inside_at(points_ras, nearest, step_mm)

    @cached_property
    def _is_centre_inside(self) -> bool:
        return bool(self._solid.levels_at(self._centre_ras)[0] < 0)

    def _is_inside(self, points_ras: np.ndarray) -> np.ndarray | bool:
        # The surface does not cross a ball whose centre is farther from it than the ball's radius.
        if self._patch.apart_mm > self._reach_mm:
            return self._is_centre_inside
        return self._solid.levels_at(points_ras) < 0

    def _signed(self, foot: Foot, points_ras: np.ndarray, is_inside: np.ndarray | bool) -> Nearest:
        distance = np.where(is_inside, -foot.distance_mm, foot.distance_mm)
        # On an edge no triangle's normal is better than another's; the way to the point is one, and smooth.
        is_apart = foot.distance_mm > _APART_MM
        away = (points_ras - foot.point_ras) / np.where(is_apart, distance, 1.0)[:, None]
        normals = np.where(is_apart[:, None], away, foot.facing_ras)
        return Nearest(distance, foot.point_ras, normals, self._solid.half_layer_mm(normals))


class UnionOfSolids:
    """Several volumes taken as one; outside of them distances are exact, inside they are lower bounds."""

    def __init__(self, solids: Sequence[Volume]) -> None:
        self._solids = tuple(solids)

    def seen_from(self, centre_ras: np.ndarray, reach_mm: float) -> SeenUnion:
        """The volumes as points within `reach_mm` of a place see them."""
        return SeenUnion([solid.seen_from(centre_ras, reach_mm) for solid in self._solids])


class SeenUnion:
    """Several volumes taken as one as a ball of space sees them, see `Seen`.

    A point goes by the volume it is nearest to or deepest in.
    """

    def __init__(self, seen: Sequence[Seen]) -> None:
        self._seen = tuple(seen)
        self.apart_mm = min(one.apart_mm for one in seen)

    def exact(self, points_ras: np.ndarray) -> Nearest:
        """How a few RAS points of the ball, (N, 3), lie to the surface."""
        return _first_met([one.exact(points_ras) for one in self._seen])

    def distances(self, points_ras: np.ndarray) -> np.ndarray:
        """Signed distances, (N,), of many points; a few may come out farther by a part of a voxel."""
        return np.min([one.distances(points_ras) for one in self._seen], axis=0)

    def nearest_and_inside(self, points_ras: np.ndarray, step_mm: float) -> tuple[Nearest, np.ndarray]:
        """The same, and the part, (N,) from 0 to 1, of a cube of that edge around each that lies inside."""
        found, insides = zip(*(o.nearest_and_inside(points_ras, step_mm) for o in self._seen), strict=True)
        parts = np.stack(insides)
        # On the common face of two volumes that touch, each holds its half of the cube.
        normals = np.stack([one.normal_ras for one in found])
        normals[(parts <= 0) | (parts >= 1)] = 0.0
        facing = np.einsum("anx,bnx->abn", normals, normals).min(axis=(0, 1)) < -0.5
        return _first_met(found), np.where(facing, np.minimum(1.0, parts.sum(axis=0)), parts.max(axis=0))


def _first_met(found: Sequence[Nearest]) -> Nearest:
    best = np.argmin([one.distance_mm for one in found], axis=0)
    row = np.arange(len(best))
    return Nearest(
        **{f.name: np.stack([getattr(one, f.name) for one in found])[best, row] for f in fields(Nearest)}
    )


def triangles_of(level: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Triangles, (N, 3, 3) RAS, of the zero level of a KJI array by linear interpolation."""
    mesh = mesh_of(level, grid)
    return mesh.points_ras[mesh.triangles]
