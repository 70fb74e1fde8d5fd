"""Slicer's views kept from drawing while the nodes follow the case."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import qt
import slicer


class PausedRendering:
    """While open, no view draws; afterwards the panel's tables are painted, then the views one by one.

    Left to themselves all views draw at each change of a segment that comes more than a frame after the last:
    a stroke of the brush took seconds with software OpenGL, and its nodes a twentieth. Slicer's own pause
    ends for all views in one turn of the event loop, which is as long as all drawings together.
    """

    def __init__(self) -> None:
        self._views: list[Any] = []

    def __enter__(self) -> None:
        self._views = _views()
        for view in self._views:
            view.pauseRender()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        qt.QTimer.singleShot(0, self._resume_next)

    def _resume_next(self) -> None:
        if not self._views:
            return
        view = self._views.pop(0)
        if self._views:
            qt.QTimer.singleShot(0, self._resume_next)
        try:
            # At the end of its pause a view draws at once, when there is something new to draw.
            view.resumeRender()
        except ValueError:
            # PythonQt's answer for a view that Slicer deleted meanwhile, as with the nodes of a scene.
            return


def _views() -> list[Any]:
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    slices = [manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()]
    return slices + [manager.threeDWidget(number).threeDView() for number in range(manager.threeDViewCount)]
