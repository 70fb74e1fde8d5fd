"""Slice views drawn while a threshold is dragged."""

from __future__ import annotations

import slicer


def draw_slices() -> None:
    """Have every slice view draw soon, which an image that changes without its node's event does not."""
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).sliceView().scheduleRender()
