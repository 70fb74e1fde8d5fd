"""One lesion's contour in a segmentation of its own, for the segment editor to draw on.

The editor never touches the nodes that show the case: its own undo would take back tags and names there.
What was drawn is read back, cropped, and compared with what was there before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .appearance import LESIONS_TERMINOLOGY, Color
from .segments import mask_of_segment, oriented_image, set_lattice

EDIT_ATTRIBUTE = "PSMAPlanning.Edit"
REACH_MM = 40.0
"""How far beyond the contour one can draw; the editor keeps an image of this whole box in memory."""


class EditSession:
    """Editing of one lesion, from its making to `close`.

    on_modified: called after each change of the voxels, more than once for one Apply of the editor.
    """

    def __init__(
        self,
        scene: Any,
        lesion_id: str,
        mask: Mask,
        pet_node: Any,
        pet_grid: VoxelGrid,
        color: Color,
        on_modified: Callable[[], None],
    ) -> None:
        from slicer import vtkSegment, vtkSegmentation

        self.lesion_id = lesion_id
        self._scene = scene
        self._lattice = _lattice_around(mask, pet_grid)
        self._known = mask
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Editing {lesion_id}")
        if node is None:
            raise SceneError("MRML could not make a segmentation to edit the lesion in.")
        node.SetAttribute(EDIT_ATTRIBUTE, lesion_id)
        node.SetSaveWithScene(False)
        node.SetReferenceImageGeometryParameterFromVolumeNode(pet_node)
        set_lattice(node, self._lattice)
        segment = vtkSegment()
        segment.SetName(lesion_id)
        segment.SetColor(*color)
        segment.SetTerminology(LESIONS_TERMINOLOGY)
        self._node_id = node.GetID()
        self._write(segment, mask)
        if not node.GetSegmentation().AddSegment(segment, lesion_id):
            scene.RemoveNode(node)
            raise SceneError(f"MRML did not take the contour of {lesion_id} for editing.")
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetVisibility3D(False)
        self._display_id = node.GetDisplayNode().GetID()
        self._observed = node.GetSegmentation()
        self._tag = self._observed.AddObserver(
            vtkSegmentation.SourceRepresentationModified, lambda _caller, _event: on_modified()
        )

    @property
    def node(self) -> Any | None:
        """The node the editor draws on; None when somebody deleted it."""
        return self._scene.GetNodeByID(self._node_id)

    def drawn(self) -> Mask | None:
        """What was drawn since the last call or `show`; None when nothing changed or the node is gone.

        Comparing voxels is what makes two events of one Apply into one edit.
        """
        segment = self._segment()
        mask = mask_of_segment(segment) if segment is not None else None
        if mask is None:
            mask = Mask(np.zeros((1, 1, 1), dtype=bool), self._lattice.crop((slice(0, 1),) * 3))
        if segment is None or _same_voxels(mask, self._known):
            return None
        self._known = mask
        return mask

    def show(self, mask: Mask) -> None:
        """Put another contour on the node, as after undo; this is no edit."""
        if _same_voxels(mask, self._known):
            return
        self._known = mask
        segment = self._segment()
        if segment is not None:
            self._write(segment, mask)
            self.node.GetSegmentation().InvokeEvent(self.node.GetSegmentation().SourceRepresentationModified)

    def close(self) -> None:
        """Take the node, and all that was made for it, out of the scene."""
        self._observed.RemoveObserver(self._tag)
        # Somebody who deletes the node may leave its display node behind.
        for node in (self.node, self._scene.GetNodeByID(self._display_id)):
            if node is not None and self._scene.IsNodePresent(node):
                self._scene.RemoveNode(node)

    def _segment(self) -> Any | None:
        node = self.node
        return node.GetSegmentation().GetSegment(self.lesion_id) if node is not None else None

    def _write(self, segment: Any, mask: Mask) -> None:
        from slicer import vtkSegmentationConverter

        name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
        segment.AddRepresentation(name, oriented_image(mask, self._lattice))
        segment.SetLabelValue(1)
        self._known = mask


def put_drawing(node: Any, segment_id: str, mask: Mask) -> None:
    """Put voxels on a node being edited without its events, as an effect of the segment editor does."""
    from slicer import vtkSegmentationConverter

    segment = node.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise SceneError(f"The node being edited has no segment {segment_id!r}.")
    name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, oriented_image(mask, mask.grid))


def _lattice_around(mask: Mask, pet_grid: VoxelGrid) -> VoxelGrid:
    """The mask's voxels, continued in all directions as far as one may draw, but not beyond the PET."""
    grid = mask.grid
    reach_kji = np.ceil(REACH_MM / np.array(grid.spacing_kji_mm)).astype(int)
    pet_kji = grid.kji_of(pet_grid.corners_ras())
    low = np.maximum(-reach_kji, np.floor(pet_kji.min(axis=0) + 0.51).astype(int))
    high = np.minimum(
        np.array(grid.shape_kji) + reach_kji, np.ceil(pet_kji.max(axis=0) - 0.51).astype(int) + 1
    )
    low, high = np.minimum(low, 0), np.maximum(high, grid.shape_kji)
    return VoxelGrid(tuple(high - low), grid.spacing_mm, grid.position_of(low), grid.direction_ras)


def _same_voxels(a: Mask, b: Mask) -> bool:
    a, b = a.cropped(), b.cropped()
    if a.is_empty or b.is_empty:
        return a.is_empty and b.is_empty
    return a.grid.same_as(b.grid) and np.array_equal(a.array, b.array)
