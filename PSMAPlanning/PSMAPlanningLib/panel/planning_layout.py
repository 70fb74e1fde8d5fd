"""The layout "PSMA Planning": three slice views, the PET's projection and the 3D view.

It is set when asked for and gone when another module is opened; the user's own layout comes back.
"""

from __future__ import annotations

from typing import Any

import slicer

from ..scene.layout_description import LAYOUT_ID, MIP_TAG, register_layout
from ..scene.slice_habits import SliceHabits
from .mip_view import MipView


class PlanningLayout:
    """Registers the layout once, sets it, and puts back what was there.

    mip: the view of the PET's projection, made when it is first needed.
    """

    def __init__(self, on_jump: Any) -> None:
        self.mip: MipView | None = None
        self._on_jump = on_jump
        self._factory: Any = None
        self._former: int | None = None
        self.habits = SliceHabits(slicer.mrmlScene)

    @property
    def is_shown(self) -> bool:
        node = self._node()
        return node is not None and node.GetViewArrangement() == LAYOUT_ID

    def show(self) -> None:
        """Set the layout, link the slices and the crosshair; a second call does nothing."""
        node = self._node()
        if node is None or self.is_shown:
            return
        self._register(node)
        self._former = node.GetViewArrangement()
        self.habits.link()
        node.SetViewArrangement(LAYOUT_ID)
        # A scene saved meanwhile would open with empty views in a Slicer without this module.
        node.SaveWithSceneOff()

    def hide(self) -> None:
        """Put the former layout back; nothing happens when the user has chosen another one meanwhile."""
        if self.mip is not None:
            self.mip.rotate(False)
        self.habits.unlink()
        node = self._node()
        if node is None or self._former is None:
            return
        former, self._former = self._former, None
        node.SaveWithSceneOn()
        if node.GetViewArrangement() == LAYOUT_ID:
            node.SetViewArrangement(former)

    def close(self) -> None:
        """Leave nothing behind but the name of a layout that nobody can choose."""
        self.hide()
        self.habits.end()
        if self.mip is not None:
            self.mip.close()
        if self._factory is not None:
            # Python cannot take a factory back; without a widget it makes nothing, and a newer goes first.
            self._factory.setWidget(None)
            self._factory = None
        if self.mip is not None:
            self.mip.widget.deleteLater()
            self.mip = None

    def _register(self, node: Any) -> None:
        if self._factory is None:
            self.mip = MipView(self._on_jump)
            self._factory = slicer.qSlicerSingletonViewFactory()
            self._factory.setTagName(MIP_TAG)
            self._factory.setWidget(self.mip.widget)
            slicer.app.layoutManager().registerViewFactory(self._factory)
        register_layout(node)

    @staticmethod
    def _node() -> Any | None:
        return slicer.app.layoutManager().layoutLogic().GetLayoutNode()
