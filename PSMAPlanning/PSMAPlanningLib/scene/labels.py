"""Names beside what they name: in two columns at the edges, with a line to each, never over each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .canvas import BLACK, GRAY, WHITE, Canvas
from .owned_nodes import LESIONS, OwnedNodes
from .segments import read_segment, segment_ids

_SIZE = 20
_LINE_HEIGHT = 26
_MARGIN = 14
_OFFSET_FROM_LESION = 70
_MOST_NAMES = 24


@dataclass(frozen=True)
class LesionBall:
    """Where a lesion is, and the radius of a ball as large as it."""

    center_ras: tuple[float, float, float]
    radius_mm: float


def lesion_balls(nodes: OwnedNodes) -> dict[str, LesionBall]:
    """Place and size of each lesion in the scene, by its id; an empty contour has neither."""
    node = nodes.get(LESIONS)
    if node is None:
        return {}
    masks = {segment_id: read_segment(node, segment_id) for segment_id in segment_ids(node)}
    return {
        lesion_id: LesionBall(mask.centroid_ras(), (mask.volume_ml * 1000 * 0.75 / math.pi) ** (1 / 3))
        for lesion_id, mask in masks.items()
        if not mask.is_empty
    }


def place_labels(
    canvas: Canvas,
    places: Mapping[str, tuple[float, float]],
    radii: Mapping[str, float],
    area: tuple[int, int, int, int],
) -> None:
    """Write each name beside its place, within `area` (x, y, width, height), with a line to its edge.

    radii: how large each place is, in pixels. Of many places only the first are named, and the picture
    says so.
    """
    x, y, width, height = area
    inside = {
        name: place
        for name, place in places.items()
        if x <= place[0] < x + width and y <= place[1] < y + height
    }
    if not inside:
        return
    if len(inside) > _MOST_NAMES:
        note = f"Names of the first {_MOST_NAMES} of {len(inside)} lesions"
        canvas.text(note, x + width / 2, y + height - _MARGIN, 16, BLACK, "center", halo=WHITE)
        inside = dict(list(inside.items())[:_MOST_NAMES])
    middle = sum(place[0] for place in inside.values()) / len(inside)
    for is_left in (True, False):
        column = sorted(
            (name for name, place in inside.items() if (place[0] < middle) == is_left),
            key=lambda name: inside[name][1],
        )
        if not column:
            continue
        heights = spread([inside[name][1] for name in column], y + _MARGIN, y + height - _MARGIN)
        edge = _column_edge([inside[name][0] for name in column], is_left, x, width)
        for name, label_y in zip(column, heights, strict=True):
            text_width = canvas.text_width(name, _SIZE, bold=True)
            if is_left:
                text_x = max(edge, x + _MARGIN + text_width)
            else:
                text_x = min(edge, x + width - _MARGIN - text_width)
            start = (text_x + (4 if is_left else -4), label_y)
            end = _short_of(start, inside[name], radii[name])
            canvas.line(start, end, WHITE, 3.5)
            canvas.line(start, end, GRAY, 1.5)
            align = "right" if is_left else "left"
            canvas.text(name, text_x, label_y, _SIZE, BLACK, align, bold=True, halo=WHITE)


def spread(wanted: list[float], low: float, high: float) -> list[float]:
    """Heights near the wanted ones (ascending), a line apart, between low and high if there is room."""
    step = min(_LINE_HEIGHT, (high - low) / max(len(wanted), 1))
    placed: list[float] = []
    for value in wanted:
        placed.append(max(value, placed[-1] + step) if placed else max(value, low))
    limit = high
    for n in range(len(placed) - 1, -1, -1):
        placed[n] = min(placed[n], limit)
        limit = placed[n] - step
    return placed


def _short_of(start: tuple[float, float], center: tuple[float, float], radius: float) -> tuple[float, float]:
    """The point of the line from `start` to `center` that is a radius away from the center."""
    length = math.hypot(center[0] - start[0], center[1] - start[1])
    part = max(0.0, 1 - radius / max(length, 1e-6))
    return start[0] + part * (center[0] - start[0]), start[1] + part * (center[1] - start[1])


def _column_edge(xs: list[float], is_left: bool, x: int, width: int) -> float:
    return min(xs) - _OFFSET_FROM_LESION if is_left else max(xs) + _OFFSET_FROM_LESION
