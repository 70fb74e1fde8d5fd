"""Masks to segments and back.

Each segment holds a small image of its own, just as large as its mask. Slicer merges them into as few
layers as possible when it saves, so nothing the size of the patient is ever kept in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .appearance import Color
from .node_contents import segment_voxels
from .surfaces import surface_for_display
from .volume_nodes import vtk_matrix

_PARALLEL = 1e-4
_ALIGNED_VOXELS = 0.01
_SAME_COLOR = 1e-4
_MOST_LATTICE_VOXELS = 30e6
_MOST_SAVED_VOXELS = 2e9
"""Over all segments: saving, Slicer resamples every segment to the extent of all, about 3 ns a voxel."""


@dataclass(frozen=True, eq=False)
class SegmentContent:
    """What a segment is to show: name, mask, color, tags and the terminology it goes by.

    lattice: the grid the mask was cropped from; segments with the same one merge exactly when saved.
    shape: the mask whose surface is shown in 3D, when `mask` is a copy of it on other voxels.
    image: its label image, where it was made already; the segment keeps it.
    """

    name: str
    mask: Mask
    color: Color
    terminology: str
    tags: Mapping[str, str]
    lattice: VoxelGrid
    shape: Mask | None = None
    image: Any | None = None


def write_segment(node: Any, segment_id: str, content: SegmentContent, with_mask: bool = True) -> None:
    """Add a segment to a segmentation node, or bring an existing one up to date.

    with_mask: False leaves voxels and surface of an existing segment as they are.
    """
    from slicer import vtkSegment, vtkSegmentationConverter

    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(segment_id)
    is_new = segment is None
    if is_new:
        segment = vtkSegment()
    # Every call counts as a change that all views follow, so only what differs is written.
    if segment.GetName() != content.name:
        segment.SetName(content.name)
    if np.abs(np.subtract(segment.GetColor(), content.color)).max() > _SAME_COLOR:
        segment.SetColor(*content.color)
    if is_new:
        segment.SetTerminology(content.terminology)
    for tag, value in content.tags.items():
        if segment_tag(segment, tag) != value:
            segment.SetTag(tag, value)
    if is_new or with_mask:
        segment.AddRepresentation(
            vtkSegmentationConverter.GetBinaryLabelmapRepresentationName(),
            content.image or oriented_image(content.mask, content.lattice),
        )
        # Saving merges segments into one image and numbers them; a fresh image of our own is 0 and 1 again.
        segment.SetLabelValue(1)
        segment.AddRepresentation(
            vtkSegmentationConverter.GetClosedSurfaceRepresentationName(),
            surface_for_display(content.shape or content.mask),
        )
    if is_new and not segmentation.AddSegment(segment, segment_id):
        raise SceneError(f"MRML did not take the segment {content.name!r}.")


def read_segment(node: Any, segment_id: str) -> Mask:
    """The voxels of a segment on their own grid, cropped, as a copy."""
    segment = node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise SceneError(f"The segmentation {node.GetName()!r} has no segment {segment_id!r}.")
    mask = mask_of_segment(segment)
    if mask is None:
        raise SceneError(f"The segment {segment.GetName()!r} holds no voxels.")
    return mask


def mask_of_segment(segment: Any) -> Mask | None:
    """The voxels of a vtkSegment on their own grid, cropped, as a copy; None when it has no label image."""
    voxels = segment_voxels(segment)
    return None if voxels is None else voxels.mask()


def segment_ids(node: Any) -> tuple[str, ...]:
    return tuple(node.GetSegmentation().GetSegmentIDs())


def segment_tag(segment: Any, tag: str) -> str | None:
    """A tag's text; None when the segment does not have it."""
    from vtk import reference

    value = reference("")
    return str(value.get()) if segment.GetTag(tag, value) else None


def oriented_image(mask: Mask, lattice: VoxelGrid) -> Any:
    """The mask, cropped, as a vtkOrientedImageData of 0 and 1 whose extent counts voxels of `lattice`."""
    from slicer import vtkOrientedImageData

    mask = mask.cropped()
    grid, first_kji = mask.grid, np.zeros(3, dtype=int)
    if _is_parallel(grid, lattice) and np.allclose(grid.spacing_mm, lattice.spacing_mm, rtol=1e-6):
        offset = lattice.kji_of(grid.origin_ras)
        if np.abs(offset - np.round(offset)).max() < _ALIGNED_VOXELS:
            grid, first_kji = lattice, np.round(offset).astype(int)
    last_kji = first_kji + mask.array.shape - 1
    image = vtkOrientedImageData()
    image.SetExtent(
        *(int(n) for first_last in zip(first_kji[::-1], last_kji[::-1], strict=True) for n in first_last)
    )
    image.GetPointData().SetScalars(numpy_to_vtk(mask.array.astype(np.uint8).ravel(), deep=True))
    image.SetImageToWorldMatrix(vtk_matrix(grid.ijk_to_ras_matrix))
    return image


def set_lattice(node: Any, lattice: VoxelGrid) -> None:
    """Have Slicer save a segmentation on these voxels.

    With the PET as reference it would save at the PET's spacing divided by one whole number for all axes,
    which moves every voxel of a mask that is refined differently along each axis.
    """
    from slicer import vtkOrientedImageData, vtkSegmentationConverter

    geometry = vtkOrientedImageData()
    geometry.SetDimensions(*lattice.shape_kji[::-1])
    geometry.SetImageToWorldMatrix(vtk_matrix(lattice.ijk_to_ras_matrix))
    node.GetSegmentation().SetConversionParameter(
        vtkSegmentationConverter.GetReferenceImageGeometryParameterName(),
        vtkSegmentationConverter.SerializeImageGeometry(geometry),
    )


def common_grid(masks: Sequence[Mask], base: VoxelGrid) -> VoxelGrid:
    """`base` cut as finely as the finest of the masks that are parallel to it.

    Less finely when the box around all masks would become too large to save, as for a body full of lesions;
    the case keeps its masks as they are.
    """
    factors = np.ones(3, dtype=int)
    for mask in masks:
        if _is_parallel(mask.grid, base):
            ratio = np.array(base.spacing_kji_mm) / np.array(mask.grid.spacing_kji_mm)
            factors = np.maximum(factors, np.round(ratio).astype(int))
    box_voxels = _box_voxels(masks, base)
    most_voxels = min(_MOST_LATTICE_VOXELS, _MOST_SAVED_VOXELS / max(len(masks), 1))
    while box_voxels * np.prod(factors) > most_voxels and factors.max() > 1:
        # Odd factors keep the voxel centres of `base` in place.
        factors[np.argmax(factors)] -= 2 if factors.max() > 2 else 1
    return base.refine(tuple(int(f) for f in factors))


def _box_voxels(masks: Sequence[Mask], base: VoxelGrid) -> float:
    """Voxels of `base` in the box around all masks."""
    if not masks:
        return 0.0
    corners = np.concatenate([base.kji_of(mask.grid.corners_ras()) for mask in masks])
    return float(np.prod(np.ptp(corners, axis=0)))


def onto_grid(mask: Mask, grid: VoxelGrid) -> Mask:
    """The mask on the voxels of `grid` it covers, by its nearest voxel; exact where it is a whole multiple.

    A mask that is not parallel to `grid` comes back as it is.
    """
    mask = mask.cropped()
    if mask.is_empty or not _is_parallel(mask.grid, grid):
        return mask
    ends = np.array([[-0.5] * 3, np.array(mask.grid.shape_kji) - 0.5])
    edges = np.sort(grid.kji_of(mask.grid.ras_of(ends)), axis=0)
    starts = np.round(edges[0] + 0.5).astype(int)
    stops = np.maximum(np.round(edges[1] + 0.5).astype(int), starts + 1)
    target = VoxelGrid(
        tuple(int(n) for n in stops - starts), grid.spacing_mm, tuple(grid.ras_of(starts)), grid.direction_ras
    )
    corners = np.array([np.zeros(3), np.array(target.shape_kji) - 1])
    first, last = mask.grid.kji_of(target.ras_of(corners))
    picked = [
        np.clip(np.round(np.linspace(a, b, n)), 0, size - 1).astype(int)
        for a, b, n, size in zip(first, last, target.shape_kji, mask.grid.shape_kji, strict=True)
    ]
    return Mask(mask.array[np.ix_(*picked)], target)


def _is_parallel(a: VoxelGrid, b: VoxelGrid) -> bool:
    return bool(np.abs(np.array(a.direction_ras) - np.array(b.direction_ras)).max() < _PARALLEL)
