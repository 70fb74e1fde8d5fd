"""Holes joined to the line around them: one contour, the same area, no crossing."""

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.crossings import crossing_lines
from PSMAPlanningLib.dicomrt.keyholes import with_keyholes
from PSMAPlanningLib.dicomrt.polygon_area import even_odd_area, holds_point, signed_area
from PSMAPlanningLib.dicomrt.rasterise import even_odd
from PSMAPlanningLib.dicomrt.simplify import Lines
from PSMAPlanningLib.dicomrt.slice_lines import lines_of_mask


def polygons_of(inside):
    loops = lines_of_mask(inside[None])
    return [loops.points[loops.starts[n] : loops.starts[n + 1]] for n in range(loops.count)]


def holed():
    """Two holes side by side, one of them with an island, and a part with a hole of its own."""
    inside = np.zeros((40, 50), bool)
    inside[3:37, 3:35] = True
    inside[8:16, 8:16] = False
    inside[10:13, 10:13] = True
    inside[8:30, 20:30] = False
    inside[5:20, 38:48] = True
    inside[9:14, 41:45] = False
    return inside


def test_holes_become_channels():
    inside = holed()
    apart = polygons_of(inside)
    joined = with_keyholes(apart)
    assert (len(apart), len(joined)) == (6, 3)
    np.testing.assert_array_equal(even_odd(joined, inside.shape), inside)
    assert sum(signed_area(p) for p in joined) == pytest.approx(sum(signed_area(p) for p in apart))
    lines = Lines(np.concatenate(joined), np.concatenate([[0], np.cumsum([len(p) for p in joined])]))
    assert not crossing_lines(lines, np.zeros(len(joined), int)).any()


@pytest.mark.parametrize("seed", range(3))
def test_noise_keeps_every_pixel(seed):
    inside = np.random.default_rng(seed).random((25, 25)) < 0.7
    np.testing.assert_array_equal(even_odd(with_keyholes(polygons_of(inside)), inside.shape), inside)


def test_even_odd_area_counts_islands_in_holes():
    square = np.array([[0, 0], [0, 10], [10, 10], [10, 0]], float)
    nested = [square, 2 + 0.6 * square, 4 + 0.2 * square, 20 + square[::-1]]
    assert even_odd_area(nested) == pytest.approx(100 - 36 + 4 + 100)
    assert holds_point(square, np.array([5.0, 5.0])) and not holds_point(square, np.array([5.0, 11.0]))
