"""Slicer's views kept from drawing while the nodes follow the case."""

from __future__ import annotations

from types import TracebackType

import qt
import slicer


class PausedRendering:
    """While open, no view draws; afterwards the panel's tables are painted first, then the views.

    Left to themselves all views draw at each change of a segment that comes more than a frame after the last:
    a stroke of the brush took seconds with software OpenGL, and its nodes a twentieth.
    """

    def __enter__(self) -> None:
        slicer.app.pauseRender()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # At the end of the pause views draw at once.
        qt.QTimer.singleShot(0, slicer.app.resumeRender)
