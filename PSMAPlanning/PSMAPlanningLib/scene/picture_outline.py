"""Outlines of shadows and cut faces on a page."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .appearance import Color
from .canvas import Canvas

_ROOM_PIXELS = 4


def draw_outline(
    canvas: Canvas, inside: np.ndarray, x: int, y: int, color: Color, line_pixels: float, opacity: float = 1.0
) -> None:
    """Draw a smooth line along the edge of the true pixels of `inside`, (rows, columns), put at x, y.

    What touches the border of `inside` is left open there: it goes on beyond the picture.
    """
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return
    top, left = max(rows[0] - _ROOM_PIXELS, 0), max(columns[0] - _ROOM_PIXELS, 0)
    inside = inside[top : rows[-1] + _ROOM_PIXELS + 1, left : columns[-1] + _ROOM_PIXELS + 1]
    if inside.all():
        return
    distance = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside) + 0.5
    line = np.clip(line_pixels / 2 + 0.5 - np.abs(distance), 0, 1).astype(np.float32) * opacity
    canvas.blend(line, x + int(left), y + int(top), color)
