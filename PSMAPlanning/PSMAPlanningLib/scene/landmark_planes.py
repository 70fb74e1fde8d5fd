"""Landmarks in the scene: levels as planes that can be dragged up and down, points as points.

The case decides where they lie; a drag is told to the listener, and the case puts the node where it wants it.
Nothing of it is saved with the scene: the case's own record brings the landmarks back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ..errors import SceneError
from ..records import Point
from ..rtvolumes.landmarks import Landmark, Landmarks
from .landmark_markups import NODE_NAMES, POINTS, color_by_source, plane_of, point_of, position_of
from .placing_click import PlacingClick

LANDMARK_ATTRIBUTE = "PSMAPlanning.Landmark"
_SAME_MM = 0.01


class LandmarkListener(Protocol):
    """Who is told what somebody did to the landmarks' nodes."""

    def landmark_moved(self, name: str, point_ras: Point) -> None: ...
    def landmark_placed(self, name: str, point_ras: Point) -> None: ...
    def placing_ended(self) -> None: ...


class LandmarkNodes:
    """The nodes of one case's landmarks; there are none until `is_shown` is set, and then hidden ones."""

    def __init__(self, scene: Any) -> None:
        self.listener: LandmarkListener | None = None
        self.is_shown = False
        self._scene = scene
        self._ids: dict[str, str] = {}
        self._display_ids: dict[str, str] = {}
        self._known: dict[str, Landmark] = {}
        self._observed: list[tuple[Any, int]] = []
        self._dragged: set[str] = set()
        self._is_ours = False
        self._click = PlacingClick(scene, self._on_placed, self._on_placing_ended)

    def node(self, name: str) -> Any | None:
        """The markups node of a landmark; None when there is none."""
        return self._scene.GetNodeByID(self._ids[name]) if name in self._ids else None

    def show(self, landmarks: Landmarks | None) -> None:
        """Bring the nodes to where the landmarks are; while not shown, none is new and none is seen."""
        for _step in self.show_steps(landmarks):
            pass

    def show_steps(self, landmarks: Landmarks | None) -> Iterator[None]:
        """What `show` does, one node at a time: in desktop Slicer a new one takes every view 15 ms."""
        placed = {} if landmarks is None else landmarks.placed
        wanted = {name: mark for name, mark in placed.items() if not mark.is_missing}
        with self._writing():
            for name in [name for name in self._ids if name not in wanted]:
                self._remove(name)
        for name, mark in wanted.items():
            with self._writing():
                if self.node(name) is not None:
                    self._put(name, mark)
                else:
                    self._forget_node(name)
                    if self.is_shown:
                        self._create(name, mark)
            yield

    def remove(self) -> None:
        """Take every node out of the scene."""
        self.end_place()
        self.show(None)

    def forget(self) -> None:
        """The scene is closing and takes the nodes itself."""
        self._click.forget()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed, self._ids, self._known = [], {}, {}
        self._display_ids.clear()
        self._dragged.clear()
        self.is_shown = False

    # Placing by a click

    @property
    def placing(self) -> str | None:
        """The landmark that the next click in a view places."""
        return self._click.name

    def begin_place(self, name: str) -> None:
        """Let the next click in a slice or 3D view place a landmark; a right click or Esc ends it."""
        self._click.begin(name, NODE_NAMES[name])

    def end_place(self) -> None:
        """Stop placing; the point of the click goes, the case shows the landmark by itself."""
        self._click.end()

    def _on_placed(self, name: str, point_ras: Point) -> None:
        if self.listener is not None:
            self.listener.landmark_placed(name, point_ras)

    def _on_placing_ended(self) -> None:
        if self.listener is not None:
            self.listener.placing_ended()

    # Nodes

    def _create(self, name: str, mark: Landmark) -> None:
        # Made ready before they enter the scene: each change of a node there is drawn by every view at once.
        node, display = plane_of(name, mark) if name not in POINTS else point_of(name, mark)
        node.SetName(NODE_NAMES[name])
        node.SetAttribute(LANDMARK_ATTRIBUTE, name)
        for each in (node, display):
            each.SetSaveWithScene(False)
        color_by_source(display, mark)
        if self._scene.AddNode(display) is None:
            raise SceneError(f"MRML could not show the landmark {name}.")
        node.SetAndObserveDisplayNodeID(display.GetID())
        if self._scene.AddNode(node) is None:
            raise SceneError(f"MRML could not make a node for the landmark {name}.")
        self._ids[name], self._display_ids[name] = node.GetID(), display.GetID()
        self._known[name] = mark
        events = {
            node.PointStartInteractionEvent: lambda *_: self._dragged.add(name),
            node.PointEndInteractionEvent: lambda *_: self._on_let_go(name),
            node.PointModifiedEvent: lambda *_: self._on_modified(name),
        }
        self._observed += [(node, node.AddObserver(event, call)) for event, call in events.items()]

    def _put(self, name: str, mark: Landmark) -> None:
        node, known = self.node(name), self._known[name]
        if known.source is not mark.source:
            color_by_source(node.GetDisplayNode(), mark)
        self._known[name] = mark
        # Hidden ones stay: ten nodes that leave and enter the scene again cost every view twenty changes.
        if bool(node.GetDisplayNode().GetVisibility()) is not self.is_shown:
            node.GetDisplayNode().SetVisibility(self.is_shown)
        if node.GetNumberOfControlPoints() == 0:
            node.AddControlPointWorld(*mark.point_ras)
        if np.linalg.norm(np.subtract(position_of(node), mark.point_ras)) < _SAME_MM and (
            known.normal_ras == mark.normal_ras
        ):
            return
        former = node.StartModify()
        if name in POINTS:
            node.SetNthControlPointPositionWorld(0, *mark.point_ras)
        else:
            node.SetNormalWorld(*mark.normal_ras)
            node.SetOriginWorld(*mark.point_ras)
        node.EndModify(former)

    def _remove(self, name: str) -> None:
        node = self.node(name)
        display = self._scene.GetNodeByID(self._display_ids.pop(name, None) or "")
        self._forget_node(name)
        # In this order: Slicer's Data module complains of a landmark without a display.
        for each in (node, display):
            if each is not None:
                self._scene.RemoveNode(each)

    def _forget_node(self, name: str) -> None:
        node_id = self._ids.pop(name, None)
        # Somebody who deletes the node in Python leaves its display node behind.
        display = self._scene.GetNodeByID(self._display_ids.pop(name, None) or "")
        if display is not None:
            self._scene.RemoveNode(display)
        self._known.pop(name, None)
        self._dragged.discard(name)
        kept = []
        for node, tag in self._observed:
            if node.GetID() in (node_id, None):
                node.RemoveObserver(tag)
            else:
                kept.append((node, tag))
        self._observed = kept

    @contextmanager
    def _writing(self) -> Iterator[None]:
        before, self._is_ours = self._is_ours, True
        try:
            yield
        finally:
            self._is_ours = before

    # Dragging

    def _on_modified(self, name: str) -> None:
        # While it is dragged nothing is told; somebody who moves a node from Python lets go at once.
        if not self._is_ours and name not in self._dragged:
            self._tell(name)

    def _on_let_go(self, name: str) -> None:
        self._dragged.discard(name)
        self._tell(name)

    def _tell(self, name: str) -> None:
        node, mark = self.node(name), self._known.get(name)
        if node is None or mark is None or self.listener is None or node.GetNumberOfControlPoints() == 0:
            return
        at = np.array(position_of(node))
        if name not in POINTS:
            # A level is moved along its own direction only, wherever the mouse went.
            normal = np.array(mark.normal_ras)
            at = np.array(mark.point_ras) + ((at - mark.point_ras) @ normal) * normal
        if np.linalg.norm(at - mark.point_ras) < _SAME_MM:
            with self._writing():
                self._put(name, mark)
            return
        self.listener.landmark_moved(name, tuple(float(x) for x in at))
