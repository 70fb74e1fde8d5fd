"""Surface distances: deepmind's own vectors, closed forms of spheres, added path length by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball, centred_grid
from PSMAPlanningLib.consensus.surface_elements import surface_areas_mm2
from PSMAPlanningLib.consensus.surface_metrics import (
    added_path_length_mm,
    compare_surfaces,
    path_distances_mm,
    path_points,
    surface_of,
)


def pair(one, other, spacing=(1, 1, 1)):
    return compare_surfaces(surface_of(one, spacing), surface_of(other, spacing))


def test_deepmind_two_voxels():
    one, other = np.zeros((2, 100, 100, 100), bool)
    one[50, 60, 70] = other[50, 60, 72] = True
    both = pair(one, other, (3, 2, 1))
    assert both.directed_means_mm == pytest.approx((1.5, 1.5))
    assert both.mean_mm == pytest.approx(1.5)
    assert both.hausdorff_mm == both.hausdorff_percentile_mm(100) == 2
    assert both.surface_dice(1) == pytest.approx(0.5)


def test_deepmind_slabs():
    one, other = np.zeros((2, 100, 100, 100), bool)
    one[:50] = other[:51] = True
    both = pair(one, other, (2, 1, 1))
    assert both.directed_means_mm == pytest.approx((0.322, 0.339), abs=5e-4)
    assert both.hausdorff_percentile_mm() == 2
    assert both.surface_dice(1) == pytest.approx(0.836, abs=5e-4)


@pytest.mark.parametrize("spacing", [1.0, 0.5])
def test_shifted_spheres(spacing):
    """Closed forms for R 10, shifted by 5; distances within half a voxel."""
    grid = centred_grid(17, (spacing,) * 3)
    both = pair(ball(grid, (0, 0, 0), 10).array, ball(grid, (5, 0, 0), 10).array, (spacing,) * 3)
    assert both.mean_mm == pytest.approx(2.5, abs=spacing / 2)
    assert both.hausdorff_percentile_mm() == pytest.approx(4.75, abs=spacing / 2)
    assert both.hausdorff_mm == pytest.approx(5, abs=spacing / 2)
    # Half a voxel on the tolerance: the share is linear in it, 0.2 per mm.
    assert both.surface_dice(2) == pytest.approx(0.4, abs=0.2 * spacing / 2)


@pytest.mark.parametrize("spacing", [1.0, 0.5])
def test_concentric_spheres(spacing):
    grid = centred_grid(14, (spacing,) * 3)
    both = pair(ball(grid, (0, 0, 0), 10).array, ball(grid, (0, 0, 0), 12).array, (spacing,) * 3)
    for distance in (both.mean_mm, both.hausdorff_percentile_mm(), both.hausdorff_mm):
        assert distance == pytest.approx(2, abs=spacing / 2)


def test_areas_of_a_ball_and_of_single_cubes():
    grid = centred_grid(12, (0.5, 0.5, 0.5))
    area = surface_of(ball(grid, (0, 0, 0), 10).array, (0.5,) * 3).areas_mm2.sum()
    assert area == pytest.approx(4 * np.pi * 100, rel=0.08)
    areas = surface_areas_mm2((2.0, 1.0, 3.0))
    assert areas[0] == areas[255] == 0
    # All four corners of one side: a flat rectangle.
    assert areas[0b00001111] == pytest.approx(3.0)
    assert areas[0b00110011] == pytest.approx(6.0)
    # One corner: a triangle; the same from the other side.
    assert areas[1] == pytest.approx(areas[254])
    assert (areas[1:255] > 0).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999))
def test_symmetric_and_zero_for_equal(seed):
    random = np.random.default_rng(seed)
    one, other = random.random((2, 6, 7, 8)) < 0.3
    one[0, 0, 0] = other[5, 6, 7] = True
    there, back = pair(one, other, (2, 1, 1)), pair(other, one, (2, 1, 1))
    assert there.mean_mm == pytest.approx(back.mean_mm)
    assert there.hausdorff_percentile_mm() == back.hausdorff_percentile_mm()
    assert there.surface_dice(1) == pytest.approx(back.surface_dice(1))
    assert there.surface_dice(1) <= there.surface_dice(2) <= 1 + 1e-12
    same = pair(one, one, (2, 1, 1))
    assert (same.mean_mm, same.hausdorff_mm, same.surface_dice(0)) == (0, 0, 1)


def test_place_in_the_grid_does_not_matter():
    grid = centred_grid(10, (1, 1, 1))
    one, other = (ball(grid, shift, 4).array for shift in ((0, 0, 0), (1, 2, 0)))
    box = np.s_[4:19, 4:19, 4:19]
    assert pair(one, other).mean_mm == pytest.approx(pair(one[box], other[box]).mean_mm)


def test_an_empty_mask_has_no_surface():
    assert surface_of(np.zeros((3, 3, 3), bool), (1, 1, 1)) is None


def squares(*edges):
    array = np.zeros((len(edges), 20, 20), bool)
    for k, edge in enumerate(edges):
        array[k, 5 : 5 + edge, 5 : 5 + edge] = True
    return path_points(array, (3.0, 2.0, 2.0))


def added(reference, test, tolerance_mm=0.0):
    return added_path_length_mm(reference, path_distances_mm(reference, test), tolerance_mm)


def test_added_path_length_by_hand():
    reference, test = squares(4, 4, 0, 6), squares(4, 0, 4, 4)
    # Slice 0 equal; 1 all 12 boundary pixels; 2 nothing in the reference; 3: 20 pixels less 7 shared.
    assert added(reference, test).tolist() == [0, 24, 0, 26]
    assert added(test, reference).tolist() == [0, 0, 24, 10]
    # 4 mm reach all of slice 3 but three pixels at the far corner; another slice never helps.
    assert added(reference, test, 4.0).tolist() == [0, 24, 0, 6]
    assert added(reference, squares(0, 0, 0, 0)).sum() == 2 * (12 + 12 + 20)
    assert added(squares(0, 0, 0, 0), reference).sum() == 0
