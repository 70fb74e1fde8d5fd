"""Organ masks out of a segmentation node: its voxels copied on the main thread, searched on another.

A segmentation of TotalSegmentator has a hundred segments in one image as large as the CT; asking each segment
for its own mask would go through that image a hundred times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..rtvolumes.nodal_anatomy import is_known
from .inputs import with_labelmaps
from .volume_nodes import grid_of_matrix, numpy_matrix


@dataclass(frozen=True, eq=False)
class _Layer:
    """labels: (K, J, I), a copy of the image; names: of the segments by label value."""

    labels: np.ndarray
    grid: VoxelGrid
    names: Mapping[int, str]


def organ_reader(node: Any) -> Callable[[Mapping[str, str]], dict[str, Mask]]:
    """Copies a segmentation's voxels; the function returned makes masks of them, on any thread.

    It is given the user's table, structure name to organ name, and returns the masks by organ name, each
    cropped. A segment goes by its name; by its ID where only that is a known name of TotalSegmentator, CADS
    or TG-263. Raises SceneError for a node that is moved, is empty or cannot become voxels.
    """
    from slicer import vtkSegmentationConverter

    labelmap = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation = with_labelmaps(node, "organs")
    images: dict[str, tuple[Any, dict[int, str]]] = {}
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(labelmap)
        if image is None or image.GetPointData().GetScalars() is None:
            continue
        name = segment.GetName()
        if not is_known(name) and is_known(segment_id):
            name = segment_id
        images.setdefault(image.__this__, (image, {}))[1][int(segment.GetLabelValue())] = name
    layers = [_copied(image, names) for image, names in images.values()]
    return lambda table: _masks(layers, table)


def _copied(image: Any, names: Mapping[int, str]) -> _Layer:
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    shape, extent = image.GetDimensions()[::-1], image.GetExtent()
    ijk_to_ras = numpy_matrix(matrix)
    ijk_to_ras[:3, 3] += ijk_to_ras[:3, :3] @ extent[::2]
    labels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape).copy()
    return _Layer(labels, grid_of_matrix(shape, ijk_to_ras), names)


def _masks(layers: list[_Layer], table: Mapping[str, str]) -> dict[str, Mask]:
    masks: dict[str, Mask] = {}
    for layer in layers:
        boxes = ndimage.find_objects(layer.labels.astype(np.int32, copy=False))
        for value, name in layer.names.items():
            box = boxes[value - 1] if 0 < value <= len(boxes) else None
            if box is not None:
                mask = Mask(layer.labels[box] == value, layer.grid.crop(box))
                masks.setdefault(table.get(name, name), mask)
    return masks
