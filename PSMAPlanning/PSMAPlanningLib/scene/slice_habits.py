"""What the panel changes of Slicer's own slice views, and how to put that back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .pet_look import slice_composites

_PET_OVER_CT = 0.5


@dataclass(frozen=True)
class _Kept:
    """One property as it was."""

    node: Any
    write: Callable[[Any], None]
    former: Any


class SliceHabits:
    """Keeps how slices are mixed and crossed from `begin` to `end`, links them from `link` to `unlink`."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._mixed: list[_Kept] = []
        self._linked: list[_Kept] = []

    def begin(self) -> None:
        """Remember what a PET's look and the intersections change; a second call does nothing."""
        if self._mixed:
            return
        for node in slice_composites(self._scene):
            self._mixed.append(_Kept(node, node.SetCompositing, node.GetCompositing()))
            # The opacity of nothing says nothing; put back, it would hide the PET from other modules.
            former = node.GetForegroundOpacity() if node.GetForegroundVolumeID() else _PET_OVER_CT
            self._mixed.append(_Kept(node, node.SetForegroundOpacity, former))
        for node in slice_displays(self._scene):
            shown = node.GetIntersectingSlicesVisibility()
            self._mixed.append(_Kept(node, node.SetIntersectingSlicesVisibility, shown))

    def link(self) -> None:
        """Slices and a crosshair follow each other; a second call does nothing."""
        if self._linked:
            return
        for node in slice_composites(self._scene):
            self._linked.append(_Kept(node, node.SetLinkedControl, node.GetLinkedControl()))
            node.SetLinkedControl(True)
        crosshair = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if crosshair is not None:
            mode, behavior = crosshair.GetCrosshairMode(), crosshair.GetCrosshairBehavior()
            self._linked.append(_Kept(crosshair, crosshair.SetCrosshairMode, mode))
            self._linked.append(_Kept(crosshair, crosshair.SetCrosshairBehavior, behavior))
            crosshair.SetCrosshairMode(crosshair.ShowSmallIntersection)
            crosshair.SetCrosshairBehavior(crosshair.OffsetJumpSlice)

    def unlink(self) -> None:
        self._linked = self._put_back(self._linked)

    def end(self) -> None:
        """Put everything back."""
        self.unlink()
        self._mixed = self._put_back(self._mixed)

    def _put_back(self, kept: list[_Kept]) -> list[_Kept]:
        for one in kept:
            if self._scene.IsNodePresent(one.node):
                one.write(one.former)
        return []


def slice_displays(scene: Any) -> list[Any]:
    """The nodes that say whether a slice view shows where the others cut it."""
    name = "vtkMRMLSliceDisplayNode"
    return [scene.GetNthNodeByClass(n, name) for n in range(scene.GetNumberOfNodesByClass(name))]


def show_intersections(scene: Any, is_shown: bool) -> None:
    """Show or hide in each slice view where the others cut it."""
    for display in slice_displays(scene):
        display.SetIntersectingSlicesVisibility(is_shown)
    # The views follow their slice, not how it is displayed.
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        scene.GetNthNodeByClass(n, "vtkMRMLSliceNode").Modified()


def intersections_shown(scene: Any) -> bool:
    displays = slice_displays(scene)
    return bool(displays) and all(display.GetIntersectingSlicesVisibility() for display in displays)
