"""The orientation cube: the right letter on each side, and not mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.scene import picture_cube
from PSMAPlanningLib.scene.canvas import Canvas
from PSMAPlanningLib.scene.picture_3d import VIEWS
from PSMAPlanningLib.scene.picture_cube import draw_cube
from PSMAPlanningLib.scene.picture_raster import ParallelView

BOX = np.array([[-10.0] * 3, [10.0] * 3])


def drawn(view_from):
    canvas = Canvas(120, 120)
    draw_cube(canvas, ParallelView.of_box(BOX, VIEWS[view_from], (120, 120)), 60, 60, 60)
    return canvas.pixels[..., 0]


@pytest.mark.parametrize(
    ("view_from", "letters"),
    [
        ("anterior", "A"),
        ("posterior", "P"),
        ("left", "L"),
        ("right", "R"),
        ("anterior-left", "LAS"),
        ("anterior-right", "RAS"),
    ],
)
def test_sides_that_face_the_viewer_are_named(view_from, letters, monkeypatch):
    shown = []
    letter = picture_cube._letter
    monkeypatch.setattr(
        picture_cube, "_letter", lambda name, *places: shown.append(name) or letter(name, *places)
    )
    page = drawn(view_from)
    assert sorted(shown) == sorted(letters)
    assert page[40, 60] < 0.4 and page[2, 2] == 1, "A dark cube on a white page."


def test_the_letters_are_not_mirrored():
    """The upright of R and of P is on the left of the letter, from both sides and from behind."""
    for view_from in ("right", "posterior"):
        face = drawn(view_from)[32:88, 32:88]
        rows, columns = np.nonzero(face > 0.8)
        low = rows > np.median(rows)
        assert columns[low].min() == columns.min()
        upright = (columns < columns.min() + 6).sum()
        assert upright > (columns > columns.max() - 6).sum()
