"""What nodes hold, taken on the main thread in a moment, to be worked on in any other.

Voxels are not copied: VTK keeps an array for as long as somebody looks at it, even when its node goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from vtk import vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .volume_nodes import grid_of_matrix, numpy_matrix


@dataclass(frozen=True, eq=False)
class SegmentVoxels:
    """The label image of a segment, which it may share with others; its own voxels are `label`."""

    labels: np.ndarray
    label: int
    grid: VoxelGrid

    def mask(self) -> Mask:
        """The segment's voxels, cropped, as a copy."""
        return Mask(self.labels == self.label, self.grid).cropped()


def segment_voxels(segment: Any) -> SegmentVoxels | None:
    """The label image of a vtkSegment; None when it has none."""
    from slicer import vtkSegmentationConverter

    image = segment.GetRepresentation(vtkSegmentationConverter.GetBinaryLabelmapRepresentationName())
    if image is None or image.GetPointData().GetScalars() is None:
        return None
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    extent = image.GetExtent()
    shape = image.GetDimensions()[::-1]
    ijk_to_ras = numpy_matrix(matrix)
    ijk_to_ras[:3, 3] += ijk_to_ras[:3, :3] @ extent[::2]
    labels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape)
    return SegmentVoxels(labels, segment.GetLabelValue(), grid_of_matrix(shape, ijk_to_ras))
