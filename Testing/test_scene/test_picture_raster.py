"""Surfaces drawn by the processor: what covers which pixel, and what shines through what."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.errors import CancelledError
from PSMAPlanningLib.progress import Stage
from PSMAPlanningLib.scene import picture_raster
from PSMAPlanningLib.scene.picture_content import Triangles
from PSMAPlanningLib.scene.picture_raster import DrawnSurface, ParallelView, draw_surfaces

# From the front: R to the left of the page, S up, A toward the viewer.
TOWARD = np.array([0.0, -1.0, 0.0])
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def view_of(size=(60, 40), pixels_per_mm=1.0):
    right, up = np.array([-1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    return ParallelView(np.zeros(3), right, up, TOWARD, pixels_per_mm, size)


def square(half_mm, a_mm, opacity, color, center=(0.0, 0.0)):
    """Two triangles that face the viewer, at A = a_mm."""
    r, s = center
    points = [(r + x * half_mm, a_mm, s + z * half_mm) for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    normals = np.tile((0.0, 1.0, 0.0), (4, 1))
    corners = np.array([[0, 1, 2], [0, 2, 3]])
    return DrawnSurface(Triangles(np.array(points), corners, normals), color, opacity, ambient=0.0)


def test_a_square_covers_its_pixels_once_and_no_others():
    colors, passed = draw_surfaces([square(8.2, 0.0, 0.25, RED)], view_of())
    inside = np.zeros((40, 60), dtype=bool)
    inside[12:28, 22:38] = True
    # Seen through twice, the diagonal would be darker than the rest.
    assert passed[inside] == pytest.approx(0.75)
    assert (passed[~inside] == 1).all()
    assert colors[inside] == pytest.approx(np.tile((0.25, 0, 0), (256, 1)))


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_surface_lies_on_top_whatever_comes_first_in_the_list(order):
    near, far = square(5.0, 10.0, 0.5, RED), square(5.0, -10.0, 0.4, BLUE)
    colors, passed = draw_surfaces([near, far][::order], view_of())
    assert colors[20, 30] == pytest.approx((0.5, 0.0, 0.5 * 0.4))
    assert passed[20, 30] == pytest.approx(0.5 * 0.6)


def test_behind_something_opaque_nothing_is_seen():
    colors, passed = draw_surfaces([square(5.0, 10.0, 1.0, RED), square(5.0, 0.0, 1.0, BLUE)], view_of())
    assert colors[20, 30] == pytest.approx((1, 0, 0), abs=1e-4)
    assert passed[20, 30] == pytest.approx(0, abs=1e-4)


def test_what_leaves_the_picture_is_cut_off():
    colors, passed = draw_surfaces([square(100.0, 0.0, 0.5, RED)], view_of())
    assert passed == pytest.approx(np.full((40, 60), 0.5))
    assert np.isfinite(colors).all()


def test_bands_fit_together(monkeypatch):
    rows = np.random.default_rng(5)
    points = rows.uniform(-25, 25, (60, 3))
    normals = rows.normal(size=(60, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    tangle = DrawnSurface(Triangles(points, rows.integers(0, 60, (80, 3)), normals), RED, 0.3)
    whole = draw_surfaces([tangle], view_of())
    monkeypatch.setattr(picture_raster, "_BAND_PIXELS", 60 * 7)
    monkeypatch.setattr(picture_raster, "_MOST_SAMPLES", 500)
    for one, other in zip(whole, draw_surfaces([tangle], view_of()), strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_surface_is_brightest_where_it_faces_the_viewer():
    flat = square(8.0, 0.0, 1.0, RED)
    tilted = Triangles(flat.triangles.points_ras, flat.triangles.corners, np.tile((0.8, 0.6, 0.0), (4, 1)))
    colors = draw_surfaces([DrawnSurface(tilted, RED, 1.0, ambient=0.2)], view_of())[0]
    assert colors[20, 30, 0] == pytest.approx(0.2 + 0.8 * 0.6, abs=1e-3)


def test_work_can_be_stopped_between_bands(monkeypatch):
    monkeypatch.setattr(picture_raster, "_BAND_PIXELS", 60 * 10)
    told = []

    def progress(fraction, _doing):
        told.append(fraction)
        return len(told) < 3

    with pytest.raises(CancelledError):
        draw_surfaces(
            [square(5.0, 0.0, 1.0, RED)], view_of(), lambda part: Stage(progress).report(part, "drawing")
        )
    assert told == [0.0, 0.25, 0.5]


def test_a_box_fits_into_the_picture_as_tightly_as_asked():
    box = np.array([[-50.0, -10.0, 0.0], [50.0, 30.0, 400.0]])
    view = ParallelView.of_box(box, TOWARD, (300, 500), fill=0.9)
    corners = view.project(np.array([box[0], box[1]]))
    assert sorted(corners[:, 1]) == pytest.approx([25, 475])
    assert sorted(corners[:, 0]) == pytest.approx([150 - 50 * 450 / 400, 150 + 50 * 450 / 400])
    finer = view.enlarged(2).project(np.array(box[0]))
    assert finer[:2] == pytest.approx(2 * view.project(box[0])[:2])


def test_nothing_leaves_the_background():
    nothing = Triangles(np.empty((0, 3)), np.empty((0, 3), int), np.empty((0, 3)))
    colors, passed = draw_surfaces([DrawnSurface(nothing, RED)], view_of())
    assert not colors.any() and (passed == 1).all()
