"""Segments of one segmentation packed into as few label images as overlap allows, while it is saved.

Segments with an image of their own are quick to change but slow to save: Slicer pads each of them to the
extent of all and merges them one by one (19 lesions with 3 contours each took 11 to 16 s).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .volume_nodes import numpy_matrix


@contextmanager
def shared_layers(node: Any) -> Iterator[None]:
    """Share layers among the segments of a segmentation node; afterwards each has its own image again."""
    from slicer import vtkSegmentationConverter

    name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation = node.GetSegmentation()
    segments = [segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()]
    former = [(s, s.GetRepresentation(name), s.GetLabelValue()) for s in segments]
    former = [(s, image, value) for s, image, value in former if _holds_voxels(image)]
    try:
        for group in _by_geometry(former):
            _share(group, name)
        yield
    finally:
        for segment, image, value in former:
            segment.AddRepresentation(name, image)
            segment.SetLabelValue(value)


def _holds_voxels(image: Any) -> bool:
    return image is not None and image.GetPointData().GetScalars() is not None


def _by_geometry(former: list[tuple[Any, Any, int]]) -> list[list[tuple[Any, Any, int]]]:
    """Segments whose images count the same voxels, in groups of two or more."""
    from vtk import vtkMatrix4x4

    groups: dict[tuple, list[tuple[Any, Any, int]]] = {}
    for entry in former:
        matrix = vtkMatrix4x4()
        entry[1].GetImageToWorldMatrix(matrix)
        groups.setdefault(tuple(np.round(numpy_matrix(matrix), 6).ravel()), []).append(entry)
    return [group for group in groups.values() if len(group) > 1]


def _share(group: list[tuple[Any, Any, int]], name: str) -> None:
    extents = np.array([image.GetExtent() for _, image, _ in group]).reshape(-1, 3, 2)
    low, high = extents[:, :, 0].min(axis=0), extents[:, :, 1].max(axis=0)
    shape_kji = tuple(int(n) for n in (high - low + 1)[::-1])
    layers: list[np.ndarray] = []
    members: list[list[Any]] = []
    for (segment, image, value), extent in zip(group, extents, strict=True):
        start = (extent[:, 0] - low)[::-1]
        array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1]) == value
        box = tuple(slice(int(a), int(a) + n) for a, n in zip(start, array.shape, strict=True))
        layer = next((n for n, other in enumerate(layers) if not other[box][array].any()), len(layers))
        if layer == len(layers):
            layers.append(np.zeros(shape_kji, dtype=np.int16 if len(group) > 255 else np.uint8))
            members.append([])
        members[layer].append(segment)
        layers[layer][box][array] = len(members[layer])
    for array, segments in zip(layers, members, strict=True):
        image = _image(array, low, high, group[0][1])
        for value, segment in enumerate(segments, start=1):
            segment.AddRepresentation(name, image)
            segment.SetLabelValue(value)


def _image(array: np.ndarray, low: np.ndarray, high: np.ndarray, like: Any) -> Any:
    from slicer import vtkOrientedImageData
    from vtk import vtkMatrix4x4

    image = vtkOrientedImageData()
    image.SetExtent(*(int(n) for ends in zip(low, high, strict=True) for n in ends))
    image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    matrix = vtkMatrix4x4()
    like.GetImageToWorldMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    return image
