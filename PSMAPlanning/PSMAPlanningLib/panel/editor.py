"""Slicer's segment editor, embedded: it draws on a node of its own, and has no undo of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer

EFFECTS = ("Paint", "Erase", "Draw", "Threshold", "Islands", "Margin", "Smoothing", "Scissors")
_PARAMETERS_TAG = "PSMAPlanningEditor"


class ContourEditor:
    """The editor widget in `frame`, made when it is first needed.

    It comes over several turns of the event loop: Slicer takes 0.1 s to make it and 0.1 s to bind it.
    """

    def __init__(self, frame: Any, tag: str = _PARAMETERS_TAG) -> None:
        self._frame, self._tag = frame, tag
        self._frame.setVisible(False)
        self._shown_node: Any | None = None
        self._to_do: list[Callable[[], object]] = []
        self._lowest_suv: float | None = None
        self.widget: Any | None = None

    def show(self, edit_node: Any | None, lesion_id: str | None, pet_node: Any | None) -> None:
        """Bind the editor to a segmentation and its PET; None closes it."""
        if edit_node is None or pet_node is None:
            self._unbind()
            return
        if edit_node is self._shown_node:
            return
        self._shown_node = edit_node
        # What has not been done for another node is of no use any more.
        self._to_do = [
            self._make,
            lambda: self.widget.setSegmentationNode(edit_node),
            lambda: self.widget.setSourceVolumeNode(pet_node),
            lambda: self._open(lesion_id),
        ]
        self._do_next()

    def _do_next(self) -> None:
        if not self._to_do:
            return
        step = self._to_do.pop(0)
        if self._to_do:
            qt.QTimer.singleShot(0, self._do_next)
        if slicer.mrmlScene.IsNodePresent(self._shown_node):
            step()

    def _open(self, lesion_id: str | None) -> None:
        self.widget.setCurrentSegmentID(lesion_id)
        self.widget.setupViewObservations()
        self._frame.setVisible(True)
        self._mask()

    def mask_from(self, lowest_suv: float | None) -> None:
        """Let effects change only voxels of the PET at or above this uptake (SUV); None: any voxel."""
        self._lowest_suv = lowest_suv
        self._mask()

    def _mask(self) -> None:
        pet_node = self.widget.sourceVolumeNode() if self.widget is not None else None
        if pet_node is None:
            return
        node, lowest_suv = _editor_parameters(self._tag), self._lowest_suv
        is_wanted = lowest_suv is not None
        if is_wanted:
            highest = pet_node.GetImageData().GetScalarRange()[1]
            node.SetSourceVolumeIntensityMaskRange(lowest_suv, max(highest, lowest_suv))
        if bool(node.GetSourceVolumeIntensityMask()) is not is_wanted:
            node.SetSourceVolumeIntensityMask(is_wanted)

    def cleanup(self) -> None:
        """Let go of scene and views, and remove the editor's parameter node."""
        self._unbind()
        if self.widget is not None:
            self.widget.setMRMLSegmentEditorNode(None)
            self.widget.setMRMLScene(None)
            self.widget.deleteLater()
            self.widget = None
        node = slicer.mrmlScene.GetSingletonNode(self._tag, "vtkMRMLSegmentEditorNode")
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)

    def _unbind(self) -> None:
        self._frame.setVisible(False)
        self._shown_node, self._to_do = None, []
        if self.widget is not None:
            self.widget.setActiveEffect(None)
            self.widget.setSegmentationNode(None)
            self.widget.setSourceVolumeNode(None)
            self.widget.removeViewObservations()

    def _make(self) -> None:
        if self.widget is not None:
            self.widget.setMRMLSegmentEditorNode(_editor_parameters(self._tag))
            return
        editor = slicer.qMRMLSegmentEditorWidget()
        # Before first use: its own undo would also take back what the case wrote, and still acts on states
        # that exist when it is switched off.
        editor.setMaximumNumberOfUndoStates(0)
        editor.setUndoEnabled(False)
        editor.setMRMLSegmentEditorNode(_editor_parameters(self._tag))
        editor.setMRMLScene(slicer.mrmlScene)
        editor.setEffectNameOrder(list(EFFECTS))
        editor.unorderedEffectsVisible = False
        editor.segmentationNodeSelectorVisible = False
        editor.sourceVolumeNodeSelectorVisible = False
        editor.specifyGeometryButtonVisible = False
        editor.addRemoveSegmentButtonsVisible = False
        editor.show3DButtonVisible = False
        editor.switchToSegmentationsButtonVisible = False
        self._frame.layout().addWidget(editor)
        self.widget = editor


def _editor_parameters(tag: str) -> Any:
    scene = slicer.mrmlScene
    node = scene.GetSingletonNode(tag, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(tag)
        node.SetSaveWithScene(False)
        node = scene.AddNode(node)
    return node
