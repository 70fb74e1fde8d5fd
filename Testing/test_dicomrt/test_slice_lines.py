"""Lines around pixels: each pixel on its side, areas known, parts and holes told apart."""

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.crossings import crossing_lines
from PSMAPlanningLib.dicomrt.rasterise import even_odd
from PSMAPlanningLib.dicomrt.simplify import Lines, simplified, with_areas
from PSMAPlanningLib.dicomrt.slice_lines import lines_of_level, lines_of_mask


def pieces(loops, number):
    return [
        loops.points[loops.starts[n] : loops.starts[n + 1]]
        for n in range(loops.count)
        if loops.slices[n] == number
    ]


@pytest.mark.parametrize("seed", range(4))
def test_every_pixel_stays_on_its_side_whatever_the_shape(seed):
    """Noise has every arrangement of pixels: corners that touch, holes, parts in holes."""
    inside = np.random.default_rng(seed).random((3, 17, 13)) < 0.45
    loops = lines_of_mask(inside)
    for number in range(3):
        np.testing.assert_array_equal(even_odd(pieces(loops, number), (17, 13)), inside[number])
        assert loops.areas[loops.slices == number].sum() == np.count_nonzero(inside[number])


def test_holes_are_negative_and_parts_are_apart():
    inside = np.zeros((1, 12, 12), bool)
    inside[0, 2:9, 2:9] = True
    inside[0, 4:6, 4:6] = False
    inside[0, 10, 10] = True
    loops = lines_of_mask(inside)
    assert sorted(loops.areas) == [-4.0, 1.0, 49.0]


def test_pixels_at_the_border_have_closed_lines():
    loops = lines_of_mask(np.ones((1, 3, 4), bool))
    assert loops.count == 1 and loops.areas[0] == 12.0
    assert loops.points.min() == pytest.approx(-0.5, abs=0.2)


def test_a_level_is_followed_below_the_pixel():
    rows, columns = np.mgrid[:40, :40]
    level = np.hypot(rows - 19.3, columns - 20.6) - 11.7
    loops = lines_of_level(level[None].astype(np.float32))
    radii = np.hypot(*(loops.points - [19.3, 20.6]).T)
    np.testing.assert_allclose(radii, 11.7, atol=0.02)


def test_nothing_inside_gives_no_line():
    assert lines_of_mask(np.zeros((2, 5, 5), bool)).count == 0


def test_simplified_lines_stay_within_the_tolerance():
    rows, columns = np.mgrid[:80, :80]
    inside = (np.hypot(rows - 40, columns - 40) < 25 + 6 * np.sin(5 * np.arctan2(rows - 40, columns - 40)))[
        None
    ]
    traced = lines_of_mask(inside)
    lines = Lines(traced.points, traced.starts)
    fewer = simplified(lines, 0.1)
    assert len(fewer.points) < 0.6 * len(lines.points)
    assert max(off_line(point, fewer.points) for point in lines.points) <= 0.1


def off_line(point, polygon):
    following = np.roll(polygon, -1, axis=0)
    along = following - polygon
    share = np.clip(((point - polygon) * along).sum(1) / (along**2).sum(1), 0, 1)
    return np.linalg.norm(polygon + share[:, None] * along - point, axis=1).min()


def test_areas_are_reached_by_each_line_and_by_groups():
    rows, columns = np.mgrid[:60, :60]
    ring = (np.hypot(rows - 30, columns - 30) < 20) & (np.hypot(rows - 30, columns - 30) > 8)
    traced = lines_of_mask(ring[None])
    lines = simplified(Lines(traced.points, traced.starts), 0.1)
    np.testing.assert_allclose(with_areas(lines, traced.areas).areas(), traced.areas, rtol=1e-6)
    together = with_areas(lines, np.array([1000.0]), np.zeros(2, int))
    assert together.areas().sum() == pytest.approx(1000.0, rel=1e-4)


def test_crossings_are_found_on_the_same_slice_only():
    square = np.array([[0, 0], [0, 4], [4, 4], [4, 0]], float)
    bow = np.array([[10, 0], [14, 4], [14, 0], [10, 4]], float)
    lines = Lines(np.concatenate([square, square + 2, bow, square]), np.array([0, 4, 8, 12, 16]))
    np.testing.assert_array_equal(crossing_lines(lines, np.array([0, 0, 0, 0])), [True, True, True, True])
    np.testing.assert_array_equal(crossing_lines(lines, np.array([0, 1, 1, 2])), [False, False, True, False])


def test_touching_edges_do_not_cross():
    """The two sides of a keyhole's channel coincide."""
    keyhole = np.array(
        [[0, 0], [0, 9], [9, 9], [9, 0], [3, 3], [3, 6], [6, 6], [6, 3], [3, 3], [9, 0]], float
    )
    lines = Lines(keyhole, np.array([0, 10]))
    assert not crossing_lines(lines, np.zeros(1, int)).any()
