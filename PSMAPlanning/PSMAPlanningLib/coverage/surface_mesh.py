"""The surface of a structure as triangles, and the part of it that a ball of space can be nearest to.

Distances are told to the triangles themselves, not to points sampled from them: they depend only on where
the surface is, not on how it was cut into pieces, and a surface that is stored and read again gives them
again. Few corners come into question for a small ball; those are found first, by one pass over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import vtk
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..imaging.grid import VoxelGrid

_RIM = 1e-6
_MOST_STEPS = 3
_ROUNDED_MM2 = 0.05
"""What rounding to 32 bits can do to a squared distance within half a metre."""
_LEAST_AREA_MM2 = 1e-9
_MANY_PAIRS = 100_000
"""From so many pairs of points and corners on a tree is faster than comparing all."""


@dataclass(frozen=True, eq=False)
class Foot:
    """The surface next to points: distance_mm, (N,), unsigned; point_ras, (N, 3); facing_ras, (N, 3).

    facing_ras: outward unit normal of the triangle the point lies on.
    """

    distance_mm: np.ndarray
    point_ras: np.ndarray
    facing_ras: np.ndarray


@dataclass(frozen=True, eq=False)
class OnTriangle:
    """Nearest points on triangles: squared_mm2, triangle, and s, t along its two sides; (N,) each."""

    squared_mm2: np.ndarray
    triangle: np.ndarray
    s: np.ndarray
    t: np.ndarray

    def put(self, where: np.ndarray, other: OnTriangle, chosen: np.ndarray) -> None:
        """Replaces what is at the indices `where` by what another has at `chosen`."""
        for mine, theirs in zip(self._arrays(), other._arrays(), strict=True):
            mine[where] = theirs[chosen]

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return self.squared_mm2, self.triangle, self.s, self.t


class TriangleMesh:
    """Triangles that share corners.

    points_ras: (V, 3) corners; triangles: (T, 3) indices of them, counter-clockwise from outside;
    longest_mm: no edge is longer.
    """

    def __init__(self, points_ras: np.ndarray, triangles: np.ndarray, longest_mm: float) -> None:
        corners = points_ras[triangles]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        normals = np.cross(first, second)
        length = np.linalg.norm(normals, axis=1)
        keep = length > _LEAST_AREA_MM2
        if not keep.all():
            # Where the level is zero at a voxel's centre, triangles shrink to a point.
            triangles, normals, length = triangles[keep], normals[keep], length[keep]
            corners, first, second = corners[keep], first[keep], second[keep]
            used, triangles = np.unique(triangles, return_inverse=True)
            points_ras, triangles = points_ras[used], triangles.reshape(-1, 3)
        self.points_ras = points_ras
        self.triangles = triangles
        self.normals_ras = normals / length[:, None]
        # A point of a triangle lies no farther than this from the triangle's nearest corner.
        self.squared_reach_mm2 = longest_mm**2 / 3
        self._origins = np.ascontiguousarray(corners[:, 0].T)
        self._first = np.ascontiguousarray(first.T)
        self._second = np.ascontiguousarray(second.T)

    @cached_property
    def _around(self) -> tuple[np.ndarray, np.ndarray]:
        """Triangles around each corner: where they start, and all of them one corner after the other."""
        count = len(self.triangles)
        where = (self.triangles.ravel(), np.repeat(np.arange(count, dtype=np.int32), 3))
        table = csr_matrix((np.ones(3 * count, bool), where), shape=(len(self.points_ras), count))
        return table.indptr.astype(np.intp), table.indices

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """The middle of the surface, and its corners from there, (3, V) in 32 bits."""
        middle = 0.5 * (self.points_ras.min(axis=0) + self.points_ras.max(axis=0))
        return middle, np.ascontiguousarray((self.points_ras - middle).T.astype(np.float32))

    def corners_seen_from(self, centre_ras: np.ndarray, reach_mm: float) -> tuple[np.ndarray, float]:
        """Indices of the corners of every triangle nearest to some point of a ball; how far its centre is.

        The centre lies at least that far from the surface, mm.

        A corner v can beat the corner q next to the centre c at a point of the ball only when
        |v - c|^2 - |q - c|^2 < 2 reach |v - q|; a triangle's nearest point lies no farther beyond one of its
        corners than its reach (Pythagoras).
        """
        middle, columns = self._columns
        apart = columns - (np.asarray(centre_ras) - middle).astype(np.float32)[:, None]
        apart *= apart
        from_centre = apart[0] + apart[1]
        from_centre += apart[2]
        nearest = int(from_centre.argmin())
        slack = self.squared_reach_mm2 + _ROUNDED_MM2
        apart_mm = max(0.0, float(from_centre[nearest]) - slack) ** 0.5
        limit = from_centre[nearest] + np.float32(slack)
        if reach_mm == 0:
            return np.flatnonzero(from_centre <= limit), apart_mm
        np.subtract(columns, columns[:, nearest : nearest + 1], out=apart)
        apart *= apart
        from_nearest = apart[0] + apart[1]
        from_nearest += apart[2]
        np.sqrt(from_nearest, out=from_nearest)
        from_nearest *= np.float32(2 * reach_mm)
        from_nearest += limit
        return np.flatnonzero(from_centre <= from_nearest), apart_mm

    def fans(self, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Triangles around corners, one corner after the other, and how many each has."""
        starts, triangles = self._around
        first, counts = starts[corners], starts[corners + 1] - starts[corners]
        ends = np.cumsum(counts)
        return triangles[np.repeat(first - ends + counts, counts) + np.arange(ends[-1])], counts

    def squared_to(
        self, points_ras: np.ndarray, triangles: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Squared distances, (M,), of points, (N, 3), to triangles, (M,), and where on their two sides.

        counts: (N,), so many of the triangles belong to each point, one point after the other.

        The nearest point of a triangle lies inside it or on one of its three sides; all four are tried.
        """
        points = (np.repeat(column, counts) for column in points_ras.T)
        ax, ay, az = (row[triangles] for row in self._first)
        bx, by, bz = (row[triangles] for row in self._second)
        wx, wy, wz = (p - row[triangles] for p, row in zip(points, self._origins, strict=True))
        aa, ab, bb = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
        wa, wb = wx * ax + wy * ay + wz * az, wx * bx + wy * by + wz * bz
        determinant = aa * bb - ab * ab
        s, t = (bb * wa - ab * wb) / determinant, (aa * wb - ab * wa) / determinant
        outside = np.flatnonzero((s < 0) | (t < 0) | (s + t > 1))
        if len(outside):
            aa_, ab_, bb_ = aa[outside], ab[outside], bb[outside]
            wa_, wb_ = wa[outside], wb[outside]
            on_first = np.clip(wa_ / aa_, 0.0, 1.0)
            on_second = np.clip(wb_ / bb_, 0.0, 1.0)
            on_third = np.clip((wb_ - wa_ + aa_ - ab_) / (aa_ - 2 * ab_ + bb_), 0.0, 1.0)
            off_first = on_first * (on_first * aa_ - 2 * wa_)
            off_second = on_second * (on_second * bb_ - 2 * wb_)
            rest = 1 - on_third
            off_third = rest * (rest * aa_ + 2 * on_third * ab_ - 2 * wa_) + on_third * (
                on_third * bb_ - 2 * wb_
            )
            best = np.minimum(np.minimum(off_first, off_second), off_third)
            s[outside] = np.where(best == off_first, on_first, np.where(best == off_second, 0.0, rest))
            t[outside] = np.where(best == off_first, 0.0, np.where(best == off_second, on_second, on_third))
        squared = wx * wx + wy * wy + wz * wz + s * (s * aa + 2 * t * ab - 2 * wa) + t * (t * bb - 2 * wb)
        return np.maximum(squared, 0.0), s, t

    def nearest_of(self, points_ras: np.ndarray, triangles: np.ndarray, counts: np.ndarray) -> OnTriangle:
        """Where each point, (N, 3), is nearest to its triangles; `counts`, (N,), of them belong to each."""
        squared, s, t = self.squared_to(points_ras, triangles, counts)
        starts = np.cumsum(counts) - counts
        least = np.minimum.reduceat(squared, starts)
        ties = np.flatnonzero(squared <= np.repeat(least, counts))
        chosen = ties[np.searchsorted(ties, starts)]
        return OnTriangle(least, triangles[chosen], s[chosen], t[chosen])

    def foot(self, on: OnTriangle) -> Foot:
        """The same as distances and positions."""
        place = self._origins[:, on.triangle] + on.s * self._first[:, on.triangle]
        place += on.t * self._second[:, on.triangle]
        return Foot(np.sqrt(on.squared_mm2), place.T, self.normals_ras[on.triangle])


class SurfacePatch:
    """What a ball of space, `centre_ras` and `reach_mm`, can be nearest to of a surface.

    apart_mm: the ball's centre lies at least that far from it.
    """

    def __init__(self, mesh: TriangleMesh, centre_ras: np.ndarray, reach_mm: float) -> None:
        self._mesh = mesh
        self._seen, self.apart_mm = mesh.corners_seen_from(centre_ras, reach_mm)
        self._corners_ras = mesh.points_ras[self._seen]

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._corners_ras, leafsize=32, balanced_tree=False, compact_nodes=False)

    def exact(self, points_ras: np.ndarray) -> Foot:
        """The surface next to a few points, (N, 3), of the ball; every triangle in question is tried."""
        squared = cdist(points_ras, self._corners_ras, "sqeuclidean")
        limit = squared.min(axis=1, keepdims=True) + self._mesh.squared_reach_mm2 + 1e-9
        point, corner = np.nonzero(squared <= limit)
        triangles, counts = self._mesh.fans(self._seen[corner])
        of_points = np.add.reduceat(counts, np.searchsorted(point, np.arange(len(points_ras))))
        return self._mesh.foot(self._mesh.nearest_of(points_ras, triangles, of_points))

    def near(self, points_ras: np.ndarray) -> Foot:
        """The surface next to many points, (N, 3), of the ball.

        Looked for around the nearest corner and on from there as long as it comes nearer: exact but for a few
        points half-way between two parts of the surface, which may go by the other one.
        """
        return self._mesh.foot(self._descend(points_ras))

    def distances(self, points_ras: np.ndarray) -> np.ndarray:
        """Only the unsigned distances, (N,), that `near` tells."""
        return np.sqrt(self._descend(points_ras).squared_mm2)

    def _descend(self, points_ras: np.ndarray) -> OnTriangle:
        mesh = self._mesh
        corner = self._seen[self._nearest_corner(points_ras)]
        found = mesh.nearest_of(points_ras, *mesh.fans(corner))
        # On the rim of the triangles around a corner, the surface may come nearer beyond.
        weights = np.stack([1 - found.s - found.t, found.s, found.t], axis=1)
        is_rim = (weights * (mesh.triangles[found.triangle] == corner[:, None])).sum(axis=1) < _RIM
        moving = np.flatnonzero(is_rim)
        for _ in range(_MOST_STEPS):
            if len(moving) == 0:
                break
            triangles, counts = mesh.fans(mesh.triangles[found.triangle[moving]].ravel())
            beyond = mesh.nearest_of(points_ras[moving], triangles, counts.reshape(-1, 3).sum(axis=1))
            nearer = np.flatnonzero(beyond.squared_mm2 < found.squared_mm2[moving] - _RIM)
            moving = moving[nearer]
            found.put(moving, beyond, nearer)
        return found

    def _nearest_corner(self, points_ras: np.ndarray) -> np.ndarray:
        if len(points_ras) * len(self._seen) < _MANY_PAIRS:
            return cdist(points_ras, self._corners_ras, "sqeuclidean").argmin(axis=1)
        return self._tree.query(points_ras)[1]


def mesh_of(level: np.ndarray, grid: VoxelGrid) -> TriangleMesh:
    """The zero level of a KJI array by linear interpolation."""
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
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    # Left-handed grids turn triangles inside out.
    if np.linalg.det(np.array(grid.direction_ras)) < 0:
        triangles = triangles[:, ::-1]
    # A triangle lies within the cell between eight voxels.
    return TriangleMesh(points, triangles, float(np.linalg.norm(grid.spacing_mm)))
