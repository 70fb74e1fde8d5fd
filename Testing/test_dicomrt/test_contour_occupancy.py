"""Contours below the voxel: closed forms, keyholes, foreign slice spacing, oblique grids."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.dicomrt.contour_coverage import pixel_coverage
from PSMAPlanningLib.dicomrt.contour_occupancy import roi_occupancy
from PSMAPlanningLib.dicomrt.rasterise import even_odd, rasterise
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi
from PSMAPlanningLib.imaging.grid import VoxelGrid
from scipy.spatial.transform import Rotation

GRID = VoxelGrid((10, 40, 50), (1.0, 1.0, 3.0), (-24.5, -19.5, 0.0))


def rectangle(x0, x1, y0, y1, z):
    return np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], dtype=float)


def circle(radius, z, points=720):
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(points, z)])


def roi_of(*contours):
    return Roi(1, "test", contours=contours)


def test_a_box_has_its_volume_wherever_it_lies():
    contours = [rectangle(-5.2, 7.1, -3.9, 2.6, z) for z in (3.7, 6.7, 9.7)]
    field = roi_occupancy(roi_of(*contours), GRID)
    # Rows are cut exactly, columns on eight lines per pixel: 6.5 mm may read 1/16 mm long or short per end.
    assert field.volume_ml == pytest.approx(12.3 * 6.5 * 9 / 1000, rel=0.02)
    along = field.fraction.sum(axis=(1, 2))
    assert along[1:5] / along.max() == pytest.approx([0.7666667, 1, 1, 0.2333333], abs=1e-5)


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.0, 4.0])
def test_volume_is_area_times_spacing_on_any_slices(spacing):
    """No end caps: seven discs 3 mm apart make 21 mm."""
    roi = roi_of(*(circle(9, 3.0 * k) for k in range(7)))
    grid = VoxelGrid((int(40 / spacing), 30, 30), (1, 1, spacing), (-14.6, -14.3, -10))
    assert roi_occupancy(roi, grid).volume_ml == pytest.approx(np.pi * 81 * 21 / 1000, rel=0.001)


def test_holes_parts_and_keyholes():
    outer, hole = rectangle(-10.3, 10.4, -10, 10, 3), rectangle(-5.1, 5.2, -5, 5, 3)
    keyhole = np.vstack([outer, outer[:1], hole[[0, 3, 2, 1, 0]], outer[:1]])[:-1]
    ring = roi_occupancy(roi_of(outer, hole), GRID)
    assert ring.volume_ml == pytest.approx((20.7 * 20 - 10.3 * 10) * 3 / 1000, rel=1e-4)
    np.testing.assert_allclose(roi_occupancy(roi_of(keyhole), GRID).fraction, ring.fraction, atol=1e-6)


def test_small_structures_between_the_centres_are_there():
    speck = roi_of(rectangle(0.1, 0.4, 0.1, 0.9, 3.0))
    assert rasterise(speck, GRID).voxels <= 1
    assert roi_occupancy(speck, GRID).volume_ml == pytest.approx(0.3 * 0.8 * 3 / 1000, rel=0.1)


@pytest.mark.parametrize("angles", [(25, 30, 40), (3, 0, 0)])
def test_oblique_grids(angles):
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    grid = VoxelGrid(
        (20, 40, 40), (1.2, 1.2, 3.0), tuple(direction @ [-23.4, -23.4, -28.5]), tuple(map(tuple, direction))
    )
    roi = roi_of(*(circle(10, z) for z in np.arange(-9.0, 9.1, 3.0)))
    assert roi_occupancy(roi, grid).volume_ml == pytest.approx(np.pi * 100 * 21 / 1000, rel=0.005)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 12), st.floats(-3, 12)), min_size=3, max_size=9))
def test_coverage_agrees_with_many_points(points):
    """Against the even-odd rule at 40 x 40 points per pixel, self-crossing polygons included."""
    polygon = np.array(points)
    fine = even_odd([(polygon + 0.5) * 40 - 0.5], (360, 360)).reshape(9, 40, 9, 40).mean(axis=(1, 3))
    assert np.abs(pixel_coverage([polygon], (9, 9)) - fine).max() < 0.2
    assert abs(pixel_coverage([polygon], (9, 9)).sum() - fine.sum()) < 1.5


def test_nothing_and_beyond_the_grid():
    assert roi_occupancy(roi_of(), GRID).is_empty
    half = roi_occupancy(roi_of(rectangle(-100, 0, -100, 100, 3)), GRID)
    assert half.volume_ml == pytest.approx(25 * 40 * 3 / 1000)
