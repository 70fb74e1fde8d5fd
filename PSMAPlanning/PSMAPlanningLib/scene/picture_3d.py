"""The case in Slicer's 3D view: lesions by coverage, translucent volumes, and the patient around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError
from .canvas import WHITE, Canvas
from .context import context_node
from .labels import lesion_balls, place_labels
from .legend import draw_legend, legend_entries
from .owned_nodes import LESIONS, VOLUMES, OwnedNodes
from .views import ThreeDView

# Where the viewer looks, in RAS; from the left of the patient that is toward +R.
VIEWS = {
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "right": (-1.0, 0.0, 0.0),
    "anterior-left": (0.5, -1.0, -0.2),
    "anterior-right": (-0.5, -1.0, -0.2),
}
_SUPERSAMPLING = 2
_SHINE_THROUGH = 0.6
_SHOWN_MARGIN_MM = 8.0
_LEAST_EDGE_MM = 160.0


def render_3d(
    scene: Any,
    path: Path,
    size: tuple[int, int] = (1200, 1000),
    view_from: str = "anterior-left",
    whole_context: bool = True,
    title: str = "",
) -> None:
    """Lesions colored by coverage in translucent volumes, with bones or body around, as a PNG.

    scene: one that a SceneProjection wrote to. whole_context: frame everything, not only lesions and volumes.
    """
    if view_from not in VIEWS:
        raise SceneError(f"There is no view from {view_from!r}; choose one of {', '.join(VIEWS)}.")
    nodes = OwnedNodes(scene)
    context = context_node(nodes)
    bounds = _framed_bounds(nodes, context if whole_context else None)
    entries = legend_entries(nodes, context, volume_opacity=0.5)
    width, height = size
    canvas = Canvas(width, height)
    legend_height = draw_legend(canvas, entries, title)
    picture_size = (width, height - legend_height)
    toward = np.array(VIEWS[view_from])
    with ThreeDView(scene, tuple(_SUPERSAMPLING * n for n in picture_size), WHITE) as view:
        view.look(toward, np.array([0.0, 0.0, 1.0]), bounds)
        pixels = _lesions_shining_through(view, [nodes.get(VOLUMES), context])
        balls = lesion_balls(nodes)
        places = {
            name: tuple(v / _SUPERSAMPLING for v in view.position_of(ball.center_ras))
            for name, ball in balls.items()
        }
        radii = {name: ball.radius_mm * view.pixels_per_mm / _SUPERSAMPLING for name, ball in balls.items()}
    canvas.picture(_halved(pixels), 0, 0)
    place_labels(canvas, places, radii, (0, 0, *picture_size))
    canvas.write(path)


def _lesions_shining_through(view: ThreeDView, others: list[Any | None]) -> np.ndarray:
    """The view, with the lesions laid over it once more, half transparent.

    Behind volumes and bones alone, a color that says "outside" would turn brown and say nothing.
    """
    everything = view.pixels()
    displays = [node.GetDisplayNode() for node in others if node is not None]
    former = [display.GetVisibility() for display in displays]
    marker = view.node.GetOrientationMarkerType()
    try:
        for display in displays:
            display.SetVisibility(False)
        view.node.SetOrientationMarkerType(view.node.OrientationMarkerTypeNone)
        lesions = view.pixels()
    finally:
        for display, visible in zip(displays, former, strict=True):
            display.SetVisibility(visible)
        view.node.SetOrientationMarkerType(marker)
    shining = np.any(lesions < 255, axis=2)
    mixed = _SHINE_THROUGH * lesions[shining] + (1 - _SHINE_THROUGH) * everything[shining]
    everything[shining] = np.round(mixed).astype(np.uint8)
    return everything


def _halved(pixels: np.ndarray) -> np.ndarray:
    rows, columns = (n // _SUPERSAMPLING for n in pixels.shape[:2])
    blocks = pixels[: rows * _SUPERSAMPLING, : columns * _SUPERSAMPLING].astype(np.uint16)
    means = blocks.reshape(rows, _SUPERSAMPLING, columns, _SUPERSAMPLING, 3).mean(axis=(1, 3))
    return np.round(means).astype(np.uint8)


def _framed_bounds(nodes: OwnedNodes, context: Any | None) -> np.ndarray:
    """The RAS box, (2, 3), to show; not too small, so that one lesion is seen in its surroundings."""
    boxes = [_bounds(node) for node in (nodes.get(LESIONS), nodes.get(VOLUMES), context) if node is not None]
    boxes = [box for box in boxes if box is not None]
    if not boxes:
        raise SceneError("There is nothing to show yet: no lesions, no volumes and no images.")
    low = np.min([box[0] for box in boxes], axis=0) - _SHOWN_MARGIN_MM
    high = np.max([box[1] for box in boxes], axis=0) + _SHOWN_MARGIN_MM
    missing = np.maximum(_LEAST_EDGE_MM - (high - low), 0) / 2
    return np.array([low - missing, high + missing])


def _bounds(node: Any) -> np.ndarray | None:
    values = [0.0] * 6
    node.GetRASBounds(values)
    box = np.array(values).reshape(3, 2).T
    return box if np.all(box[0] <= box[1]) else None
