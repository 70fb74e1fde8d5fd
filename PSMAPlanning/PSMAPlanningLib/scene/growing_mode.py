"""The mode in which clicks in the slice views are the panel's: begun and ended with Slicer's other modes.

One thing at a time follows the left button: who places a point, or takes up an effect of a segment editor,
ends this mode, and its beginning ends theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtk import VTK_OBJECT, vtkCommand

_INTERACTION = "vtkMRMLInteractionNodeSingleton"
_EDITOR_CLASS = "vtkMRMLSegmentEditorNode"


class GrowingMode:
    """on_other: called when another mode begins, in the middle of MRML's own work; it should end this one."""

    def __init__(self, scene: Any, on_other: Callable[[], None]) -> None:
        self.is_on = False
        self._scene = scene
        self._on_other = on_other
        self._tags: list[tuple[Any, int]] = []

    def begin(self) -> None:
        """Leave Slicer's place mode and every effect; a second call does nothing."""
        if self.is_on:
            return
        self.is_on = True
        interaction = self._scene.GetNodeByID(_INTERACTION)
        if interaction is not None:
            if interaction.GetCurrentInteractionMode() == interaction.Place:
                interaction.SetCurrentInteractionMode(interaction.ViewTransform)
            self._observe(interaction, interaction.InteractionModeChangedEvent, self._on_interaction)
        for n in range(self._scene.GetNumberOfNodesByClass(_EDITOR_CLASS)):
            editor = self._scene.GetNthNodeByClass(n, _EDITOR_CLASS)
            if editor.GetActiveEffectName():
                editor.SetActiveEffectName("")
            self._observe(editor, vtkCommand.ModifiedEvent, self._on_editor)
        # An editor's node is made when something is edited for the first time.
        self._observe(self._scene, self._scene.NodeAddedEvent, self._on_added)

    def end(self) -> None:
        """Take every observation back; a second call does nothing."""
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags, self.is_on = [], False

    def _observe(self, observed: Any, event: int | str, callback: Callable[..., None]) -> None:
        self._tags.append((observed, observed.AddObserver(event, callback)))

    def _on_interaction(self, interaction: Any, _event: str) -> None:
        if self.is_on and interaction.GetCurrentInteractionMode() == interaction.Place:
            self._on_other()

    def _on_editor(self, editor: Any, _event: str) -> None:
        if self.is_on and editor.GetActiveEffectName():
            self._on_other()

    def _on_added(self, _scene: Any, _event: str, node: Any) -> None:
        if self.is_on and node is not None and node.IsA(_EDITOR_CLASS):
            self._observe(node, vtkCommand.ModifiedEvent, self._on_editor)

    _on_added.CallDataType = VTK_OBJECT
