"""The left button in slice views as clicks and drags of the panel's; all else of the mouse stays Slicer's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..records import Point
from .volume_nodes import numpy_matrix

CLICK_PIXELS = 3.0
"""A press that moves no farther than this is a click."""
_PRIORITY = 2.0
"""Before the views' own handling at 0 and the segment editor's effects at 1."""
_LEFT_UP, _RIGHT_UP = "LeftButtonReleaseEvent", "RightButtonReleaseEvent"


class MouseListener(Protocol):
    """Who is told, in the middle of VTK's event."""

    def pressed(self) -> None:
        """A click or a drag begins."""

    def clicked(self, point_ras: Point) -> None: ...

    def dragged(self, moved: float) -> None:
        """The button is held; moved: how far up since the press, as a fraction of the view's height."""

    def released(self) -> None:
        """The end of what was dragged."""

    def cancelled(self) -> None:
        """The other end of it: Esc or the right button."""

    def escaped(self) -> None:
        """Esc while nothing was pressed."""


@dataclass(frozen=True)
class SliceView:
    """One slice view: its interactor, its slice node, and screen pixels per pixel of the mouse."""

    interactor: Any
    node: Any
    pixel_ratio: float = 1.0


@dataclass
class _Press:
    view: SliceView
    x: int
    y: int
    is_drag: bool = False


class SliceMouse:
    """Follows the views from `follow` to `leave`."""

    def __init__(self, listener: MouseListener) -> None:
        self._listener = listener
        self._tags: list[tuple[Any, int]] = []
        self._press: _Press | None = None
        self._swallowed: set[str] = set()
        # Each tells whether the event was meant for the panel.
        self._handlers: dict[str, Callable[[SliceView], bool]] = {
            "LeftButtonPressEvent": self._on_press,
            "LeftButtonDoubleClickEvent": self._on_double_click,
            "MouseMoveEvent": self._on_move,
            _LEFT_UP: self._on_release,
            "RightButtonPressEvent": self._on_right_press,
            _RIGHT_UP: self._on_right_release,
            "KeyPressEvent": self._on_key,
        }

    def follow(self, views: Sequence[SliceView]) -> None:
        """Take the left button of these views, and give back that of any others."""
        self.leave()
        for view in views:
            for event, handler in self._handlers.items():
                self._observe(view, event, handler)

    def leave(self) -> None:
        """Give every view its left button back; what is pressed now is forgotten."""
        for interactor, tag in self._tags:
            interactor.RemoveObserver(tag)
        self._tags, self._press = [], None
        self._swallowed.clear()

    def cancel(self) -> bool:
        """Forget what is pressed; whether there was anything."""
        press, self._press = self._press, None
        if press is None:
            return False
        self._swallowed.add(_LEFT_UP)
        if press.is_drag:
            self._listener.cancelled()
        return True

    def _observe(self, view: SliceView, event: str, handler: Callable[[SliceView], bool]) -> None:
        def on_event(interactor: Any, _event: str) -> None:
            command = interactor.GetCommand(tag)
            if handler(view) and command is not None:
                # Nobody else gets what was meant for the panel.
                command.AbortFlagOn()

        tag = view.interactor.AddObserver(event, on_event, _PRIORITY)
        self._tags.append((view.interactor, tag))

    def _on_press(self, view: SliceView) -> bool:
        interactor = view.interactor
        if interactor.GetShiftKey() or interactor.GetControlKey() or interactor.GetAltKey():
            # Slicer's own: panning, the crosshair.
            return False
        self._swallowed.discard(_LEFT_UP)
        self._press = _Press(view, *interactor.GetEventPosition())
        self._listener.pressed()
        return True

    def _on_double_click(self, _view: SliceView) -> bool:
        """The first of the two was a click; the second would make the view fill the window."""
        self._swallowed.add(_LEFT_UP)
        return True

    def _on_move(self, view: SliceView) -> bool:
        press = self._press
        if press is None or press.view is not view:
            return False
        x, y = view.interactor.GetEventPosition()
        distance = math.hypot(x - press.x, y - press.y)
        if press.is_drag or distance > CLICK_PIXELS * view.pixel_ratio:
            press.is_drag = True
            self._listener.dragged((y - press.y) / max(view.node.GetDimensions()[1], 1))
        return True

    def _on_release(self, view: SliceView) -> bool:
        press, self._press = self._press, None
        if press is None:
            return self._was_swallowed(_LEFT_UP)
        if press.is_drag:
            self._listener.released()
        else:
            self._listener.clicked(_point(press))
        return True

    def _on_right_press(self, _view: SliceView) -> bool:
        if not self.cancel():
            return False
        self._swallowed.add(_RIGHT_UP)
        return True

    def _on_right_release(self, _view: SliceView) -> bool:
        return self._was_swallowed(_RIGHT_UP)

    def _on_key(self, view: SliceView) -> bool:
        if view.interactor.GetKeySym() != "Escape":
            return False
        if not self.cancel():
            self._listener.escaped()
        return True

    def _was_swallowed(self, event: str) -> bool:
        was_swallowed = event in self._swallowed
        self._swallowed.discard(event)
        return was_swallowed


def _point(press: _Press) -> Point:
    """RAS mm of where the button was pressed."""
    from slicer import vtkMRMLAbstractSliceViewDisplayableManager

    node, xyz = press.view.node, [float(press.x), float(press.y), 0.0]
    if node.GetLayoutGridRows() * node.GetLayoutGridColumns() > 1:
        vtkMRMLAbstractSliceViewDisplayableManager.ConvertDeviceToXYZ(
            press.view.interactor, node, press.x, press.y, xyz
        )
    point = numpy_matrix(node.GetXYToRAS()) @ np.array([*xyz, 1.0])
    return tuple(float(x) for x in point[:3])
