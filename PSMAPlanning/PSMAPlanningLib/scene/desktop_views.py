"""What desktop Slicer's three slice views show when it opens a scene that was saved without a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .labels import lesion_balls
from .owned_nodes import CT, PET, OwnedNodes

_LAYOUTS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
# Slicer's layouts bring these along; a view from a scene that lacks them gets a grey, nameless header.
_COLORS = {"Red": (0.953, 0.290, 0.200), "Green": (0.435, 0.690, 0.294), "Yellow": (0.929, 0.835, 0.298)}
_VIEW_PIXELS = 500
_PET_OVER_CT = 0.5


@contextmanager
def slice_views_for_saving(scene: Any) -> Iterator[None]:
    """While open, the scene holds the slice views of desktop Slicer, with PET and CT in them.

    Without them a loaded scene shows empty slice views until the user picks the volumes. A scene that has
    slice views of its own keeps those.
    """
    nodes = OwnedNodes(scene)
    base = nodes.get(CT) or nodes.get(PET)
    if base is None or scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode") > 0:
        yield
        return
    added = [
        node
        for layout, orientation in _LAYOUTS.items()
        for node in _slice_view(nodes, base, layout, orientation)
    ]
    try:
        yield
    finally:
        for node in added:
            scene.RemoveNode(node)


def _slice_view(nodes: OwnedNodes, base: Any, layout: str, orientation: str) -> tuple[Any, Any]:
    from slicer import vtkMRMLSliceLogic

    logic = vtkMRMLSliceLogic()
    logic.SetMRMLScene(nodes.scene)
    view = logic.AddSliceNode(layout)
    view.SetLayoutLabel(layout[0])
    view.SetLayoutColor(*_COLORS[layout])
    view.SetOrientation(orientation)
    view.SetDimensions(_VIEW_PIXELS, _VIEW_PIXELS, 1)
    composite = logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(base.GetID())
    if base is nodes.get(CT):
        composite.SetForegroundVolumeID(nodes.get(PET).GetID())
        composite.SetForegroundOpacity(_PET_OVER_CT)
    logic.FitSliceToBackground()
    for ball in list(lesion_balls(nodes).values())[:1]:
        view.JumpSliceByOffsetting(*ball.center_ras)
    return view, composite
