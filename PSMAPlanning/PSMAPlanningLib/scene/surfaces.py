"""Smooth surfaces of masks that keep the mask's volume."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import vtk
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..imaging.grid import bounding_box
from ..imaging.image import Mask

_BLUR_OF_WIDEST_SPACING = 0.65
"""Standard deviation of the blur as a part of the widest voxel edge, in mm the same along every axis: on
slices 3 mm apart balls of 3 to 12 mm come out 0.65 mm (Hausdorff) from themselves, with half of it 1.0."""
_BLUR_ENDS_AT = 2.5
_STAYS_BELOW = 0.9
_VOLUME_CORRECTIONS = 12
_VOLUME_TOLERANCE = 2e-4


_made: WeakKeyDictionary[Mask, vtk.vtkPolyData] = WeakKeyDictionary()


def surface_for_display(mask: Mask) -> vtk.vtkPolyData:
    """The smooth surface of a mask, made once; whoever shows it must not change it.

    Work beside the interface calls this ahead of time, so that showing the result takes no time.
    """
    if mask not in _made:
        _made[mask] = smooth_surface(mask)
    return _made[mask]


def keep_for_display(mask: Mask, surface: vtk.vtkPolyData) -> None:
    """Have a mask shown by another surface than its own from now on; whoever made it must not change it."""
    _made[mask] = surface


def smooth_surface(mask: Mask) -> vtk.vtkPolyData:
    """Triangles, in RAS and wound outward, around a mask; as large as the mask to about 0.1 %.

    An empty mask gives an empty surface.
    """
    box = bounding_box(mask.array)
    if box is None:
        return vtk.vtkPolyData()
    spacing = np.array(mask.grid.spacing_mm)
    field, level, padding = _blurred(mask.array[box], spacing)
    raw = triangles_of(field, mask.grid.spacing_mm, level)
    corners = vtk_to_numpy(raw.GetPolys().GetConnectivityArray()).reshape(-1, 3).copy()
    points_mm = _volume_restored(_points(raw), corners, mask.voxels * spacing.prod(), spacing.min())
    kji = (points_mm / spacing)[:, ::-1] + [s.start - n for s, n in zip(box, padding, strict=True)]
    if np.linalg.det(np.array(mask.grid.direction_ras)) < 0:
        corners = corners[:, ::-1]
    return polydata(mask.grid.ras_of(kji), corners)


def enclosed_volume_ml(surface: vtk.vtkPolyData) -> float:
    """The volume a closed surface encloses; negative when its triangles are wound inward."""
    if surface.GetNumberOfPolys() == 0:
        return 0.0
    points_mm = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    corners = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return _enclosed_mm3(points_mm, corners, _face_normals(points_mm, corners)) / 1000.0


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
    normals = _point_normals(points, corners, _face_normals(points, corners))
    normals = numpy_to_vtk(np.ascontiguousarray(normals, dtype=np.float32), deep=True)
    normals.SetName("Normals")
    surface.GetPointData().SetNormals(normals)
    return surface


def _blurred(array: np.ndarray, spacing_mm: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """A mask blurred, the level that holds as many voxels as the mask, and the padding along K, J, I."""
    sigma = _BLUR_OF_WIDEST_SPACING * spacing_mm.max() / spacing_mm[::-1]
    padding = np.ceil(_BLUR_ENDS_AT * sigma).astype(int) + 1
    padded = np.pad(array, [(int(n), int(n)) for n in padding])
    field = ndimage.gaussian_filter(padded.astype(np.float32), sigma, truncate=_BLUR_ENDS_AT)
    voxels = int(np.count_nonzero(array))
    level = np.partition(field.ravel(), -voxels)[-voxels]
    # Specks and thin sheets beside something large would be blurred away; corners are meant to be.
    reach = 2 * np.ceil(sigma).astype(int) + 1
    lost = padded & ~ndimage.maximum_filter(field > level, tuple(int(n) for n in reach))
    field[lost] = np.maximum(field[lost], level / _STAYS_BELOW)
    return field, float(level), padding


def _volume_restored(
    points_mm: np.ndarray, corners: np.ndarray, volume_mm3: float, voxel_mm: float
) -> np.ndarray:
    """The points moved along their normals until the surface encloses `volume_mm3`.

    The level 0.5 of a mask cuts every convex voxel corner off, which costs a small lesion several percent.
    """
    for _ in range(_VOLUME_CORRECTIONS):
        faces = _face_normals(points_mm, corners)
        missing = volume_mm3 - _enclosed_mm3(points_mm, corners, faces)
        if abs(missing) < _VOLUME_TOLERANCE * volume_mm3:
            break
        area_mm2 = np.sqrt(np.einsum("ij,ij->i", faces, faces)).sum() / 2
        step_mm = np.clip(missing / area_mm2, -voxel_mm / 4, voxel_mm / 4)
        points_mm = points_mm + _point_normals(points_mm, corners, faces) * step_mm
    return points_mm


def _points(surface: vtk.vtkPolyData) -> np.ndarray:
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float)


def _enclosed_mm3(points_mm: np.ndarray, corners: np.ndarray, faces: np.ndarray) -> float:
    # From the middle: far from the origin the terms would cancel digits.
    first = points_mm[corners[:, 0]] - points_mm.mean(axis=0)
    return float(np.einsum("ij,ij->", first, faces) / 6)


def _face_normals(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Twice the area of each triangle, (M, 3), along its normal."""
    a, b, c = (points[corners[:, n]] for n in range(3))
    u, v = (b - a).T, (c - a).T
    # numpy.cross would take as long for its checks as a small lesion takes for everything.
    faces = np.empty((3, len(a)))
    for n in range(3):
        faces[n] = u[n - 2] * v[n - 1] - u[n - 1] * v[n - 2]
    return faces.T


def _point_normals(points: np.ndarray, corners: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals, (N, 3), of the points as the mean of the triangles around them."""
    around = corners.T.ravel()
    normals = np.empty((3, len(points)))
    for axis in range(3):
        normals[axis] = np.bincount(around, np.tile(faces[:, axis], 3), len(points))
    lengths = np.sqrt((normals**2).sum(axis=0))
    return (normals / np.where(lengths > 0, lengths, 1)).T
