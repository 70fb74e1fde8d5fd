"""The mouse while clicks grow lesions: a cross over the slice views, the SUV beside it during a drag."""

from __future__ import annotations

from typing import Any

import qt
import slicer

from ..records import Point
from ..scene.slice_mouse import SliceMouse, SliceView
from . import contour_words as words
from .lesion_keys import LesionKeys
from .presenter import Presenter
from .view_state import ViewState

_ESCAPE = "Esc"


class GrowingMouse:
    """Follows the slice views of Slicer's layout as long as the presenter's mode is on."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._mouse = SliceMouse(self)
        self._views: list[Any] = []
        # Where the mouse is does not matter: Slicer's views have the keyboard only after a click.
        self._keys = LesionKeys({_ESCAPE: self._on_key})

    def show(self, view: ViewState) -> None:
        """Begin or end with the mode."""
        if view.contours.is_growing and not self._views:
            self._begin()
        elif not view.contours.is_growing:
            self.end()

    def end(self) -> None:
        """Give Slicer its views back; a second call does nothing."""
        if not self._views:
            return
        slicer.app.layoutManager().disconnect("layoutChanged(int)", self._on_layout)
        self._leave()
        self._keys.end()

    def _begin(self) -> None:
        slicer.app.layoutManager().connect("layoutChanged(int)", self._on_layout)
        self._follow()
        self._keys.begin()

    def _on_layout(self, _layout: int) -> None:
        # Another layout may bring views that were not there.
        self._leave()
        self._follow()

    def _follow(self) -> None:
        manager = slicer.app.layoutManager()
        widgets = [manager.sliceWidget(name) for name in manager.sliceViewNames()]
        self._views = [widget.sliceView() for widget in widgets]
        followed = []
        for widget, view in zip(widgets, self._views, strict=True):
            followed.append(SliceView(view.interactor(), widget.mrmlSliceNode(), view.devicePixelRatioF()))
            # The second is what the views go back to over nothing in particular.
            view.setViewCursor(qt.QCursor(qt.Qt.CrossCursor))
            view.setDefaultViewCursor(qt.QCursor(qt.Qt.CrossCursor))
        self._mouse.follow(followed)

    def _leave(self) -> None:
        self._mouse.leave()
        views, self._views = self._views, []
        for view in views:
            view.setViewCursor(qt.QCursor())
            view.setDefaultViewCursor(qt.QCursor())
        qt.QToolTip.hideText()

    # What the mouse did

    def pressed(self) -> None:
        self._presenter.ready_lesion_threshold()

    def clicked(self, point_ras: Point) -> None:
        self._presenter.grow_at(point_ras)

    def dragged(self, moved: float) -> None:
        self._presenter.drag_lesion_threshold(moved)
        view = self._presenter.view
        if view.threshold_preview is not None:
            text = words.goes_by_text(view.contours, view.threshold_preview)
            qt.QToolTip.showText(qt.QCursor.pos(), text)

    def released(self) -> None:
        qt.QToolTip.hideText()
        self._presenter.release_lesion_threshold()

    def cancelled(self) -> None:
        qt.QToolTip.hideText()
        self._presenter.end_lesion_preview()

    def escaped(self) -> None:
        # Soon: neither key nor view may lose its observer while it is telling.
        self._presenter.scheduler.soon("end growing", self._presenter.end_growing)

    def _on_key(self) -> None:
        if not self._mouse.cancel():
            self.escaped()
