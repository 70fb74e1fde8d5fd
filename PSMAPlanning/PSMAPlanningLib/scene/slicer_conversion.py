"""Slicer's own conversion of a segmentation into surfaces, to be compared with ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .segments import oriented_image

if TYPE_CHECKING:
    from vtk import vtkPolyData


def one_layer(masks: Sequence[Mask], grid: VoxelGrid) -> Any:
    """A vtkSegmentation of masks, crops of `grid` that do not overlap, in one label image as Slicer keeps it.

    Needs the conversion rules that a HeadlessSlicer, or desktop Slicer, registers.
    """
    from slicer import vtkSegment, vtkSegmentation, vtkSegmentationConverter

    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    for number, mask in enumerate(masks, 1):
        start = np.round(grid.kji_of(mask.grid.origin_ras)).astype(int)
        box = tuple(slice(a, a + n) for a, n in zip(start, mask.array.shape, strict=True))
        labels[box][mask.array] = number
    shared = oriented_image(Mask(labels > 0, grid), grid)
    extent = shared.GetExtent()
    held = tuple(slice(extent[n], extent[n + 1] + 1) for n in (4, 2, 0))
    shared.GetPointData().SetScalars(numpy_to_vtk(labels[held].ravel(), deep=True))
    name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation = vtkSegmentation()
    segmentation.SetSourceRepresentationName(name)
    for number in range(1, len(masks) + 1):
        segment = vtkSegment()
        segment.AddRepresentation(name, shared)
        segment.SetLabelValue(number)
        segmentation.AddSegment(segment, str(number))
    return segmentation


def default_surfaces(segmentation: Any) -> list[vtkPolyData]:
    """Every segment's closed surface, made anew with the default settings of the conversion."""
    from slicer import vtkSegmentationConverter

    name = vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    segmentation.CreateRepresentation(name, True)
    segments = map(segmentation.GetSegment, segmentation.GetSegmentIDs())
    return [segment.GetRepresentation(name) for segment in segments]
