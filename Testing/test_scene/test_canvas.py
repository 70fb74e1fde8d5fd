from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage
from PSMAPlanningLib.scene.canvas import BLACK, Canvas
from PSMAPlanningLib.scene.labels import place_labels, spread
from PSMAPlanningLib.scene.legend import LegendEntry, draw_legend


def ink(canvas):
    return np.argwhere(canvas.pixels.min(axis=2) < 0.5)


@pytest.mark.parametrize(("x", "align"), [(0, "left"), (300, "left"), (0, "right"), (150, "center")])
def test_text_is_never_cut_off(x, align):
    free, placed = Canvas(600, 60), Canvas(300, 60)
    free.text("Läsion ≥ 41 %", 300, 30, align="center")
    placed.text("Läsion ≥ 41 %", x, 0 if align == "left" else 59, align=align)
    assert len(ink(placed)) == len(ink(free))


def test_text_stands_upright():
    canvas = Canvas(100, 60)
    canvas.text("L", 50, 30, size=40, align="center")
    rows, columns = ink(canvas).T
    foot = columns[rows > rows.max() - 4]
    assert np.ptp(foot) > 10
    assert np.ptp(columns[rows < rows.min() + 4]) < 8


def test_a_line_goes_where_it_is_told():
    canvas = Canvas(50, 40)
    canvas.line((10, 20), (40, 20), BLACK, 3)
    assert canvas.pixels[20, 25].max() < 0.2
    assert canvas.pixels[30, 25].min() == 1
    assert canvas.pixels[20, 3].min() == 1


def test_drawing_beyond_the_page_is_cut_quietly():
    canvas = Canvas(50, 40)
    canvas.line((-30, -30), (90, 70), BLACK, 3)
    canvas.rectangle(40, 30, 100, 100, BLACK)
    canvas.rectangle(-200, -200, 20, 20, BLACK)
    assert len(ink(canvas)) > 50


def test_a_picture_comes_back_from_its_file(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    canvas = Canvas(40, 50)
    canvas.picture(pixels, 5, 10)
    canvas.write(tmp_path / "ä b.png")
    back = np.asarray(PillowImage.open(tmp_path / "ä b.png"))
    np.testing.assert_array_equal(back[10:40, 5:25], pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["ä b.png"]


def test_labels_keep_their_distance_and_their_order():
    heights = spread([10, 11, 12, 300, 399], 0, 400)
    assert heights == sorted(heights)
    assert min(np.diff(heights)) >= 26
    assert heights[0] >= 0
    assert heights[-1] <= 400


def test_more_labels_than_room_still_fit_the_page():
    heights = spread([50.0] * 30, 0, 400)
    assert min(heights) >= -1e-6
    assert max(heights) <= 400


def test_what_is_outside_the_picture_gets_no_label():
    canvas = Canvas(200, 200)
    place_labels(canvas, {"L01": (500.0, 50.0)}, {"L01": 5.0}, (0, 0, 200, 200))
    assert len(ink(canvas)) == 0


def test_a_legend_too_long_for_one_row_takes_more():
    entries = [LegendEntry(f"a volume with a long name {n}", (0.2, 0.3, 0.4)) for n in range(9)]
    one, many = draw_legend(Canvas(3000, 300), entries), draw_legend(Canvas(500, 600), entries)
    assert many > 3 * one


def test_of_many_places_the_first_are_named_and_the_picture_says_so():
    """168 names on one page were 168 names nobody could read."""
    written = []

    class Listening(Canvas):
        def text(self, text, *arguments, **options):
            written.append(text)
            super().text(text, *arguments, **options)

    places = {f"L{n}": (20.0 + n, 5.0 * n) for n in range(1, 61)}
    place_labels(Listening(400, 700), places, dict.fromkeys(places, 3.0), (0, 0, 400, 700))
    assert written[0] == "Names of the first 24 of 60 lesions"
    assert sorted(written[1:], key=lambda name: int(name[1:])) == [f"L{n}" for n in range(1, 25)]
