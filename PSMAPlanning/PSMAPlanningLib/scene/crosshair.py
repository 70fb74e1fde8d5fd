"""Where the crosshair of the slice views is."""

from __future__ import annotations

from typing import Any

_NODE = "vtkMRMLCrosshairNode"


def crosshair_ras(scene: Any) -> tuple[float, float, float] | None:
    """Position of the crosshair, RAS mm; None where the scene has none."""
    node = scene.GetSingletonNode("default", _NODE) or scene.GetFirstNodeByClass(_NODE)
    if node is None:
        return None
    return tuple(float(x) for x in node.GetCrosshairRAS())
