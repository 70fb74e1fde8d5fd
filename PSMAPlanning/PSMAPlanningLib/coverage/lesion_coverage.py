"""How much of a lesion lies inside a volume, and how far it is from the volume's surface.

Classes as published for the recurrence atlas that validated the NRG nodal volume: inside above 90 % of
the lesion's volume, outside below 10 %, partial between; the limits are settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from weakref import WeakKeyDictionary

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..imaging.grid import bounding_box
from ..imaging.image import Mask
from ..imaging.resampling import occupancy_at
from ..settings import CoverageSettings


class CoverageClass(str, Enum):
    INSIDE = "inside"
    PARTIAL = "partial"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class LesionVolumeCoverage:
    """One lesion against one volume. Distances in mm to the volume's surface, negative inside.

    All None when the lesion or the volume is empty.
    """

    coverage_class: CoverageClass | None
    fraction: float | None
    centroid_distance_mm: float | None
    peak_distance_mm: float | None


class VolumeSurface:
    """The surface of a volume, half-way between voxels in and out, and signed distances to it."""

    def __init__(self, volume: Mask) -> None:
        self._volume = volume
        self._locator = vtk.vtkStaticCellLocator()
        self._locator.SetDataSet(surface_of(volume))
        self._locator.BuildLocator()

    def signed_distance_mm(self, point_ras: tuple[float, float, float]) -> float:
        """Distance from a RAS position to the surface, negative inside."""
        nearest, cell_id, sub_id = [0.0, 0.0, 0.0], vtk.mutable(0), vtk.mutable(0)
        squared = vtk.mutable(0.0)
        self._locator.FindClosestPoint(point_ras, nearest, cell_id, sub_id, squared)
        distance = float(np.sqrt(float(squared)))
        inside = occupancy_at(self._volume, np.array([point_ras]))[0] >= 0.5
        return -distance if inside else distance


def surface_of(volume: Mask) -> vtk.vtkPolyData:
    """Triangles, in RAS, of a non-empty mask at the 0.5 level of its linear interpolation."""
    box = bounding_box(volume.array)
    # One empty layer around, or the surface stays open where the mask touches the edge of its grid.
    padded = np.pad(volume.array[box], 1).view(np.uint8)
    image = vtk.vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(), deep=True))
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    surface = edges.GetOutput()
    ijk = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    kji = ijk[:, ::-1] + [s.start - 1 for s in box]
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(volume.grid.ras_of(kji), deep=True))
    surface.SetPoints(points)
    return surface


def cover(
    lesion: Mask,
    peak_ras: tuple[float, float, float],
    volume: Mask,
    surface: VolumeSurface | None,
    settings: CoverageSettings,
) -> LesionVolumeCoverage:
    """Coverage of one lesion by one volume; `surface` is the volume's, None when it is empty.

    The fraction counts the lesion's own voxel centres, so the lesion's grid should be the finer one.
    """
    if lesion.is_empty or surface is None:
        return LesionVolumeCoverage(None, None, None, None)
    # Points exactly on the surface count half, or aligned grids would be biased towards inside.
    excess = np.round(occupancy_at(volume, lesion.points_ras()) - 0.5, 4)
    fraction = float(np.mean(np.heaviside(excess, 0.5), dtype=np.float64))
    return LesionVolumeCoverage(
        class_of_fraction(fraction, settings),
        fraction,
        surface.signed_distance_mm(lesion.centroid_ras()),
        surface.signed_distance_mm(peak_ras),
    )


def class_of_fraction(fraction: float, settings: CoverageSettings) -> CoverageClass:
    """The published class of a fraction inside; a fraction at a limit is partial."""
    if fraction > settings.inside_above_fraction:
        return CoverageClass.INSIDE
    if fraction < settings.outside_below_fraction:
        return CoverageClass.OUTSIDE
    return CoverageClass.PARTIAL


class CoverageCache:
    """Coverage by lesion contour and volume; masks never change, so neither do their results."""

    def __init__(self) -> None:
        self._surfaces: WeakKeyDictionary[Mask, VolumeSurface | None] = WeakKeyDictionary()
        self._results: WeakKeyDictionary[Mask, WeakKeyDictionary] = WeakKeyDictionary()

    def of(
        self,
        lesion: Mask,
        peak_ras: tuple[float, float, float],
        volume: Mask,
        settings: CoverageSettings,
    ) -> LesionVolumeCoverage:
        by_volume = self._results.setdefault(lesion, WeakKeyDictionary())
        by_settings = by_volume.setdefault(volume, {})
        key = (peak_ras, settings)
        if key not in by_settings:
            by_settings[key] = cover(lesion, peak_ras, volume, self._surface(volume), settings)
        return by_settings[key]

    def _surface(self, volume: Mask) -> VolumeSurface | None:
        if volume not in self._surfaces:
            self._surfaces[volume] = None if volume.is_empty else VolumeSurface(volume)
        return self._surfaces[volume]
