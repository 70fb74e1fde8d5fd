"""The part of a lesion that lies outside of the volumes, as a closed surface.

Its outside is the very surface by which the lesion is drawn, cut where the volumes begin; its other side is
the surface of the volumes inside the lesion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import vtk
from scipy.spatial import cKDTree
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..coverage.solid import Solid, triangles_of
from ..imaging.grid import VoxelGrid
from .surfaces import enclosed_volume_ml, polydata

_CUT_EDGE_MM = 1.0
_MOST_SPLITS = 4
_ROOM_VOXELS = 2


def missed_part(
    lesion: vtk.vtkPolyData, solids: Sequence[Solid], volume_ml: float, lift_mm: float = 0.0
) -> vtk.vtkPolyData:
    """Triangles, RAS, wound outward, around what of a lesion no solid holds; empty when they hold it all.

    lesion: its closed surface, RAS, wound outward. volume_ml: how much is known to be missed; the solids'
    surface, which voxels tell to half of one, is moved as far as this needs. lift_mm: how far the lesion's
    own side is moved outward, so that it does not lie where the lesion's surface is when both are drawn.
    """
    points, corners = _arrays(lesion)
    if len(corners) == 0:
        return vtk.vtkPolyData()
    normals = _normals(lesion)
    whole = _Lesion(points, corners, normals, cKDTree(points))
    distance_mm = _distance_to_all(points, solids)
    surfaces = [_split(_near(solid, points)) for solid in solids]

    def made(shift_mm: float, lift_mm: float) -> tuple[vtk.vtkPolyData, float]:
        skin = _clipped(points + lift_mm * normals, corners, distance_mm - shift_mm)
        lids = [_lid(n, solids, surfaces, whole, shift_mm) for n in range(len(solids))]
        return _joined([skin, *lids]), sum(_area_mm2(*lid) for lid in lids)

    found, lid_mm2 = made(0.0, 0.0)
    if lid_mm2 == 0:
        return made(0.0, lift_mm)[0]
    most_mm = max(solid.grid.spacing_mm[axis] for solid in solids for axis in range(3)) / 2
    shift_mm = 1000 * (enclosed_volume_ml(found) - volume_ml) / lid_mm2
    return made(float(np.clip(shift_mm, -most_mm, most_mm)), lift_mm)[0]


@dataclass(frozen=True, eq=False)
class _Lesion:
    """A closed surface: points and normals, (N, 3), triangles as point numbers, (M, 3)."""

    points: np.ndarray
    corners: np.ndarray
    normals: np.ndarray
    tree: cKDTree

    def depth_mm(self, points_ras: np.ndarray) -> np.ndarray:
        """How deep points, (N, 3), lie in the lesion; negative outside."""
        _, nearest = self.tree.query(points_ras)
        return np.einsum("ni,ni->n", self.points[nearest] - points_ras, self.normals[nearest])


def _lid(
    number: int, solids: Sequence[Solid], surfaces: Sequence[np.ndarray], lesion: _Lesion, shift_mm: float
) -> tuple[np.ndarray, np.ndarray]:
    """One solid's surface, moved outward, in the lesion and in no other solid; wound into the solid."""
    triangles = surfaces[number]
    if len(triangles) == 0:
        return np.empty((0, 3)), np.empty((0, 3), dtype=int)
    into = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    into /= np.maximum(np.linalg.norm(into, axis=1, keepdims=True), 1e-12)
    points = (triangles - shift_mm * into[:, None]).reshape(-1, 3)
    points, corners = _clipped(points, np.arange(len(points)).reshape(-1, 3), lesion.depth_mm(points))
    others = [solid for n, solid in enumerate(solids) if n != number]
    if others and len(points):
        points, corners = _clipped(points, corners, _distance_to_all(points, others) - shift_mm)
    return points, corners


def _near(solid: Solid, points_ras: np.ndarray) -> np.ndarray:
    """Triangles, (N, 3, 3) RAS, of the solid's surface in the box around the points, wound into it."""
    kji = solid.grid.kji_of(points_ras)
    low = np.clip(np.floor(kji.min(axis=0)).astype(int) - _ROOM_VOXELS, 0, None)
    high = np.minimum(np.ceil(kji.max(axis=0)).astype(int) + _ROOM_VOXELS + 1, solid.level.shape)
    if np.any(high - low < 2):
        return np.empty((0, 3, 3))
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    level = solid.level[box]
    if level.min() >= 0 or level.max() <= 0:
        return np.empty((0, 3, 3))
    grid = VoxelGrid(
        level.shape, solid.grid.spacing_mm, tuple(solid.grid.ras_of(low)), solid.grid.direction_ras
    )
    return triangles_of(level, grid)


def _split(triangles: np.ndarray) -> np.ndarray:
    """Triangles cut in four until their edges are about a millimetre, so that they can be cut smoothly."""
    for _ in range(_MOST_SPLITS if len(triangles) else 0):
        edges = np.linalg.norm(np.roll(triangles, -1, axis=1) - triangles, axis=2)
        if np.median(edges.max(axis=1)) <= _CUT_EDGE_MM:
            break
        a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        quarters = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        triangles = np.concatenate([np.stack(corners, axis=1) for corners in quarters])
    return triangles


def _distance_to_all(points_ras: np.ndarray, solids: Sequence[Solid]) -> np.ndarray:
    """mm to the nearest solid, negative inside of one."""
    return np.min([solid.nearest(points_ras).distance_mm for solid in solids], axis=0)


def _clipped(points: np.ndarray, corners: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles where `values`, one per point, are above zero, cut at zero."""
    if len(points) == 0 or values.max() <= 0:
        return np.empty((0, 3)), np.empty((0, 3), dtype=int)
    if values.min() > 0:
        return points, corners
    surface = polydata(points, corners)
    surface.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(values, dtype=float), deep=True))
    clip = vtk.vtkClipPolyData()
    clip.SetInputData(surface)
    clip.SetValue(0.0)
    clip.Update()
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputConnection(clip.GetOutputPort())
    triangles.PassVertsOff()
    triangles.PassLinesOff()
    triangles.Update()
    return _arrays(triangles.GetOutput())


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> vtk.vtkPolyData:
    parts = [part for part in parts if len(part[1])]
    if not parts:
        return vtk.vtkPolyData()
    starts = np.cumsum([0, *(len(points) for points, _ in parts[:-1])])
    points = np.concatenate([points for points, _ in parts])
    corners = np.concatenate([corners + n for (_, corners), n in zip(parts, starts, strict=True)])
    return polydata(points, corners)


def _arrays(surface: vtk.vtkPolyData) -> tuple[np.ndarray, np.ndarray]:
    if surface.GetNumberOfPolys() == 0:
        return np.empty((0, 3)), np.empty((0, 3), dtype=int)
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    return points, vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)


def _area_mm2(points: np.ndarray, corners: np.ndarray) -> float:
    a, b, c = (points[corners[:, n]] for n in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _normals(surface: vtk.vtkPolyData) -> np.ndarray:
    return vtk_to_numpy(surface.GetPointData().GetNormals()).astype(float)
