"""The outline of what a threshold finds, in the slices, while the threshold is being dragged.

A label volume on the voxels of the PET, or of one lesion's crop, lies over the slices and is gone with the
drag. Each step writes only the voxels outlined now or before, so that it costs the same in a larger image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from .volume_nodes import vtk_matrix

_YELLOW = (1.0, 0.85, 0.0)
_OPACITY = 1.0


class LiveOutline:
    """Shown from its making to `close`, which leaves the slice views as they were."""

    def __init__(self, scene: Any, grid: VoxelGrid) -> None:
        from vtk import vtkImageData

        self._scene = scene
        self.grid = grid
        self._former: list[tuple[Any, str | None, float]] = []
        self._outlined: list[tuple[Any, int]] = []
        self._set = np.empty(0, dtype=np.int64)
        self.node = _added(scene, "vtkMRMLLabelMapVolumeNode")
        data = vtkImageData()
        data.SetDimensions(*grid.shape_kji[::-1])
        data.GetPointData().SetScalars(
            numpy_to_vtk(np.zeros(int(np.prod(grid.shape_kji)), dtype=np.uint8), deep=True)
        )
        self.node.SetAndObserveImageData(data)
        self.node.SetIJKToRASMatrix(vtk_matrix(grid.ijk_to_ras_matrix))
        self._voxels = vtk_to_numpy(data.GetPointData().GetScalars())
        self._colors = _added(scene, "vtkMRMLColorTableNode")
        self._colors.SetTypeToUser()
        self._colors.SetNumberOfColors(2)
        # What is not found must not be painted over the images.
        self._colors.SetColor(0, "below the threshold", 0.0, 0.0, 0.0, 0.0)
        self._colors.SetColor(1, "at or above the threshold", *_YELLOW, 1.0)
        self._display = _added(scene, "vtkMRMLLabelMapVolumeDisplayNode")
        self._display.SetAndObserveColorNodeID(self._colors.GetID())
        self.node.SetAndObserveDisplayNodeID(self._display.GetID())
        self._put_over_slices()

    def show(self, flat: np.ndarray) -> None:
        """Outline the voxels of these flat indices into the grid's array (K, J, I), ascending."""
        # Writing all of them twice is quicker than finding those that differ.
        self._voxels[self._set] = 0
        self._voxels[flat] = 1
        self._set = flat
        data = self.node.GetImageData()
        data.GetPointData().GetScalars().Modified()
        data.Modified()
        # The views follow the node and not its image. Its own event takes three times as long as all of this
        # step, in everything that shows volumes; who has the views has them draw.

    def close(self) -> None:
        """Take the outline away."""
        for slice_node, outlined in self._outlined:
            _set_outline(slice_node, outlined)
        for composite, label_id, opacity in self._former:
            composite.SetLabelVolumeID(label_id)
            composite.SetLabelOpacity(opacity)
        for node in (self.node, self._display, self._colors):
            if node.GetScene() is not None:
                self._scene.RemoveNode(node)

    def _put_over_slices(self) -> None:
        for slice_node in _nodes(self._scene, "vtkMRMLSliceNode"):
            self._outlined.append((slice_node, slice_node.GetUseLabelOutline()))
            _set_outline(slice_node, True)
        for composite in _nodes(self._scene, "vtkMRMLSliceCompositeNode"):
            self._former.append((composite, composite.GetLabelVolumeID(), composite.GetLabelOpacity()))
            composite.SetLabelVolumeID(self.node.GetID())
            composite.SetLabelOpacity(_OPACITY)


def _added(scene: Any, kind: str) -> Any:
    """A node that nobody sees in lists, and that no scene file keeps."""
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetName("Threshold preview")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    added = scene.AddNode(node)
    if added is None:
        raise SceneError("MRML did not take the preview of the threshold.")
    return added


def _set_outline(slice_node: Any, is_outlined: bool) -> None:
    """Before the label volume, which asks for it when it is set; a slice's own event draws the view."""
    former = slice_node.GetDisableModifiedEvent()
    slice_node.SetDisableModifiedEvent(True)
    slice_node.SetUseLabelOutline(is_outlined)
    slice_node.SetDisableModifiedEvent(former)


def _nodes(scene: Any, kind: str) -> list[Any]:
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
