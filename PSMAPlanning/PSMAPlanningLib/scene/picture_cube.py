"""The cube that says from where a 3D picture looks at the patient."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .canvas import Canvas
from .picture_raster import ParallelView

# Letter, the face's outward normal, and what runs to the right and up on it when looked at, in RAS. Seen
# from the front, the letters on top and below stand upright too.
_FACES = (
    ("R", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ("L", (-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    ("A", (0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    ("P", (0, -1, 0), (1, 0, 0), (0, 0, 1)),
    ("S", (0, 0, 1), (-1, 0, 0), (0, -1, 0)),
    ("I", (0, 0, -1), (-1, 0, 0), (0, 1, 0)),
)
_LETTER_PIXELS = 96
_LETTER_OF_FACE = 0.62
_SUPERSAMPLING = 3
_DARKEST, _BRIGHTEST = 0.10, 0.30


def draw_cube(canvas: Canvas, view: ParallelView, x: float, y: float, edge: float) -> None:
    """Draw a cube of `edge` pixels around x, y, or as near to it as the page has room, as the view looks."""
    size = int(np.ceil(edge * np.sqrt(3))) + 2
    fine = size * _SUPERSAMPLING
    rows, columns = np.mgrid[0:fine, 0:fine]
    points = (np.stack([columns, rows], axis=-1) + 0.5) / _SUPERSAMPLING - size / 2
    gray, covered = np.zeros((fine, fine)), np.zeros((fine, fine), dtype=bool)
    for letter, *axes in _FACES:
        normal, right, up = (np.array(axis, dtype=float) for axis in axes)
        facing = -float(normal @ view.toward)
        if facing <= 1e-3:
            continue
        on_page = np.array([[axis @ view.right, -(axis @ view.up)] for axis in (normal, right, up)])
        across, upward = np.moveaxis(
            (points - on_page[0] * edge / 2) @ np.linalg.inv(on_page[1:] * edge), -1, 0
        )
        face = (np.abs(across) <= 0.5) & (np.abs(upward) <= 0.5)
        ink = _letter(letter, across[face], upward[face])
        shade = _DARKEST + (_BRIGHTEST - _DARKEST) * facing
        gray[face] = shade + (1 - shade) * ink
        covered |= face
    alpha = _smaller(covered.astype(float))
    mean = np.where(alpha > 0, _smaller(gray * covered) / np.maximum(alpha, 1e-6), 0)
    left = min(max(round(x - size / 2), 0), max(canvas.width - size, 0))
    top = min(max(round(y - size / 2), 0), max(canvas.height - size, 0))
    area = canvas.pixels[top : top + size, left : left + size]
    alpha, mean = (values[: area.shape[0], : area.shape[1], None] for values in (alpha, mean))
    area += (alpha * (mean - area)).astype(np.float32)


def _letter(letter: str, across: np.ndarray, upward: np.ndarray) -> np.ndarray:
    """How much of a white letter lies at places on a face, which goes from -0.5 to 0.5."""
    page = Canvas(2 * _LETTER_PIXELS, 2 * _LETTER_PIXELS, (0.0, 0.0, 0.0))
    page.text(letter, _LETTER_PIXELS, _LETTER_PIXELS, _LETTER_PIXELS, (1.0, 1.0, 1.0), "center", bold=True)
    scale = _LETTER_PIXELS / _LETTER_OF_FACE
    places = (_LETTER_PIXELS - upward * scale, _LETTER_PIXELS + across * scale)
    return ndimage.map_coordinates(page.pixels[..., 0], places, order=1, mode="nearest")


def _smaller(values: np.ndarray) -> np.ndarray:
    n = values.shape[0] // _SUPERSAMPLING
    return values.reshape(n, _SUPERSAMPLING, n, _SUPERSAMPLING).mean(axis=(1, 3))
