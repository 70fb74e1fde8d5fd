"""One click in a view that says where something lies, by Slicer's own place mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SceneError
from ..records import Point

_INTERACTION, _SELECTION = "vtkMRMLInteractionNodeSingleton", "vtkMRMLSelectionNodeSingleton"


class PlacingClick:
    """Waits for one click at a time.

    on_placed: told what was placed and where, RAS mm; it ends the waiting. on_ended: told when the user left
    the place mode without a click.
    """

    def __init__(
        self, scene: Any, on_placed: Callable[[str, Point], None], on_ended: Callable[[], None]
    ) -> None:
        self.name: str | None = None
        self._scene = scene
        self._on_placed, self._on_ended = on_placed, on_ended
        self._node: Any | None = None
        self._tags: list[tuple[Any, int]] = []

    def begin(self, name: str, title: str) -> None:
        """Let the next click place `name`; the cursor carries `title`."""
        self.end()
        interaction, selection = map(self._scene.GetNodeByID, (_INTERACTION, _SELECTION))
        if interaction is None or selection is None:
            raise SceneError("This scene has no interaction node; points are placed in Slicer's views.")
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"Place: {title}")
        if node is None:
            raise SceneError("MRML could not make a point to place.")
        node.SetSaveWithScene(False)
        node.SetMaximumNumberOfControlPoints(1)
        node.SetControlPointLabelFormat(title)
        node.CreateDefaultDisplayNodes()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(node.GetID())
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self.name, self._node = name, node
        self._tags = [
            (node, node.AddObserver(node.PointPositionDefinedEvent, self._on_click)),
            (interaction, interaction.AddObserver(interaction.InteractionModeChangedEvent, self._on_mode)),
        ]

    def end(self) -> None:
        """Stop waiting and take the point of the click out of the scene."""
        if self.name is None:
            return
        node = self._node
        self.forget()
        interaction = self._scene.GetNodeByID(_INTERACTION)
        if interaction is not None and interaction.GetCurrentInteractionMode() == interaction.Place:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        # This may run inside the node's own event; VTK still needs it when that returns, so it is kept.
        self._node = node
        for each in (node, node.GetDisplayNode()):
            if each is not None and self._scene.IsNodePresent(each):
                self._scene.RemoveNode(each)

    def forget(self) -> None:
        """Stop waiting; the scene is closing and takes the point itself."""
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags, self.name, self._node = [], None, None

    def _on_click(self, _caller: Any, _event: str) -> None:
        if self.name is not None:
            self._on_placed(self.name, tuple(self._node.GetNthControlPointPositionWorld(0)))

    def _on_mode(self, interaction: Any, _event: str) -> None:
        if self.name is None or interaction.GetCurrentInteractionMode() == interaction.Place:
            return
        # After the click the mode changes too, and what was placed is told by its own event.
        if self._node.GetNumberOfDefinedControlPoints() == 0:
            self._on_ended()
