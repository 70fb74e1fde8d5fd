"""Smooth surfaces of masks that keep the mask's volume."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..imaging.grid import bounding_box
from ..imaging.image import Mask

_PASS_BAND = 0.08
_ITERATIONS = 20
_VOLUME_CORRECTIONS = 12
_VOLUME_TOLERANCE = 2e-4
_LEAST_KEPT = 0.7


_made: WeakKeyDictionary[Mask, vtk.vtkPolyData] = WeakKeyDictionary()


def surface_for_display(mask: Mask) -> vtk.vtkPolyData:
    """The smooth surface of a mask, made once; whoever shows it must not change it.

    Work beside the interface calls this ahead of time, so that showing the result takes no time.
    """
    if mask not in _made:
        _made[mask] = smooth_surface(mask)
    return _made[mask]


def smooth_surface(mask: Mask) -> vtk.vtkPolyData:
    """Triangles, in RAS and wound outward, around a mask; as large as the mask to about 0.1 %.

    An empty mask gives an empty surface.
    """
    box = bounding_box(mask.array)
    if box is None:
        return vtk.vtkPolyData()
    spacing = np.array(mask.grid.spacing_mm)
    raw = triangles_of(np.pad(mask.array[box], 1), mask.grid.spacing_mm, 0.5)
    corners = vtk_to_numpy(raw.GetPolys().GetConnectivityArray()).reshape(-1, 3).copy()
    points_mm, raw_points_mm = _points(_smoothed(raw)), _points(raw)
    # A surface of a handful of triangles collapses under smoothing.
    if _enclosed_mm3(points_mm, corners) < _LEAST_KEPT * _enclosed_mm3(raw_points_mm, corners):
        points_mm = raw_points_mm
    points_mm = _volume_restored(points_mm, corners, mask.voxels * spacing.prod(), spacing.min())
    kji = (points_mm / spacing)[:, ::-1] + [s.start - 1 for s in box]
    if np.linalg.det(np.array(mask.grid.direction_ras)) < 0:
        corners = corners[:, ::-1]
    return polydata(mask.grid.ras_of(kji), corners)


def enclosed_volume_ml(surface: vtk.vtkPolyData) -> float:
    """The volume a closed surface encloses; negative when its triangles are wound inward."""
    if surface.GetNumberOfPolys() == 0:
        return 0.0
    points_mm = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    corners = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return _enclosed_mm3(points_mm, corners) / 1000.0


def triangles_of(field: np.ndarray, spacing_mm: tuple[float, float, float], level: float) -> vtk.vtkPolyData:
    """Triangles where a KJI field crosses `level`, in millimetres along I, J, K from voxel (0, 0, 0)."""
    values = field.view(np.uint8) if field.dtype == bool else field
    image = vtk.vtkImageData()
    image.SetDimensions(*field.shape[::-1])
    image.SetSpacing(*spacing_mm)
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, level)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    return edges.GetOutput()


def polydata(points: np.ndarray, corners: np.ndarray) -> vtk.vtkPolyData:
    """Triangles from points, (N, 3), and point numbers, (M, 3), with normals for shading."""
    surface = vtk.vtkPolyData()
    vtk_points = vtk.vtkPoints()
    vtk_points.SetData(numpy_to_vtk(np.ascontiguousarray(points, dtype=np.float32), deep=True))
    surface.SetPoints(vtk_points)
    cells = vtk.vtkCellArray()
    offsets = numpy_to_vtk(np.arange(0, corners.size + 1, 3, dtype=np.int64), deep=True)
    cells.SetData(offsets, numpy_to_vtk(np.ascontiguousarray(corners, dtype=np.int64).ravel(), deep=True))
    surface.SetPolys(cells)
    normals = numpy_to_vtk(_point_normals(points, corners).astype(np.float32), deep=True)
    normals.SetName("Normals")
    surface.GetPointData().SetNormals(normals)
    return surface


def _smoothed(surface: vtk.vtkPolyData) -> vtk.vtkPolyData:
    smoother = vtk.vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(surface)
    smoother.SetNumberOfIterations(_ITERATIONS)
    smoother.SetPassBand(_PASS_BAND)
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.NormalizeCoordinatesOn()
    smoother.Update()
    return smoother.GetOutput()


def _volume_restored(
    points_mm: np.ndarray, corners: np.ndarray, volume_mm3: float, voxel_mm: float
) -> np.ndarray:
    """The points moved along their normals until the surface encloses `volume_mm3`.

    The level 0.5 of a mask cuts every convex voxel corner off, which costs a small lesion several percent.
    """
    for _ in range(_VOLUME_CORRECTIONS):
        missing = volume_mm3 - _enclosed_mm3(points_mm, corners)
        if abs(missing) < _VOLUME_TOLERANCE * volume_mm3:
            break
        step_mm = np.clip(missing / _area_mm2(points_mm, corners), -voxel_mm / 4, voxel_mm / 4)
        points_mm = points_mm + _point_normals(points_mm, corners) * step_mm
    return points_mm


def _points(surface: vtk.vtkPolyData) -> np.ndarray:
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float)


def _enclosed_mm3(points_mm: np.ndarray, corners: np.ndarray) -> float:
    a, b, c = (points_mm[corners[:, n]] - points_mm.mean(axis=0) for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def _area_mm2(points_mm: np.ndarray, corners: np.ndarray) -> float:
    return float(np.linalg.norm(_face_normals(points_mm, corners), axis=1).sum() / 2)


def _face_normals(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b, c = (points[corners[:, n]] for n in range(3))
    return np.cross(b - a, c - a)


def _point_normals(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    faces = _face_normals(points, corners)
    normals = np.stack(
        [sum(np.bincount(corners[:, n], faces[:, axis], len(points)) for n in range(3)) for axis in range(3)],
        axis=1,
    )
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1)
