"""Voxel grids: closed forms, oblique and left-handed grids, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PSMAPlanningLib.errors import GridError
from PSMAPlanningLib.imaging.grid import VoxelGrid, bounding_box, grow_box


def rotation(angle_deg, axis):
    """Rodrigues' formula."""
    axis = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis)
    a = np.radians(angle_deg)
    return np.eye(3) + np.sin(a) * cross + (1 - np.cos(a)) * cross @ cross


OBLIQUE = tuple(map(tuple, rotation(33, (1, 2, 3))))
LEFT_HANDED = tuple(map(tuple, rotation(20, (0, 0, 1)) @ np.diag([1, 1, -1])))


def test_axes_are_ras_and_arrays_kji():
    grid = VoxelGrid((4, 5, 6), (1.0, 2.0, 3.0), (10, 20, 30))
    assert grid.position_of((1, 2, 3)) == (13.0, 24.0, 33.0)
    assert grid.voxel_volume_ml == pytest.approx(0.006)
    assert grid.spacing_kji_mm == (3.0, 2.0, 1.0)


def test_lps_and_back():
    grid = VoxelGrid.from_lps((3, 4, 5), (1, 1, 2), (10, 20, 30), np.eye(3))
    assert grid.origin_ras == (-10, -20, 30)
    assert grid.origin_lps == (10, 20, 30)
    assert np.allclose(grid.direction_lps, np.eye(3))


@pytest.mark.parametrize("direction", [OBLIQUE, LEFT_HANDED])
@given(point=st.tuples(*[st.floats(-500, 500)] * 3))
@settings(max_examples=30)
def test_positions_round_trip(direction, point):
    grid = VoxelGrid((7, 8, 9), (0.98, 4.07, 3.27), (-12, 7, 31), direction)
    assert np.allclose(grid.ras_of(grid.kji_of(np.array(point))), point, atol=1e-9)


@pytest.mark.parametrize("direction", [OBLIQUE, LEFT_HANDED])
@pytest.mark.parametrize("factors", [(1, 1, 1), (3, 5, 5), (2, 1, 4)])
def test_refined_grid_fills_the_same_space(direction, factors):
    grid = VoxelGrid((4, 5, 6), (4.0, 4.0, 3.0), (5, 6, 7), direction)
    fine = grid.refine(factors)
    assert np.allclose(fine.corners_ras(), grid.corners_ras())
    assert fine.voxel_count * fine.voxel_volume_ml == pytest.approx(grid.voxel_count * grid.voxel_volume_ml)


def test_odd_refinement_keeps_voxel_centres():
    grid = VoxelGrid((4, 5, 6), (4.0, 4.0, 3.0), direction_ras=OBLIQUE)
    fine = grid.refine((3, 5, 5))
    assert np.allclose(fine.ras_of([2 * 3 + 1, 1 * 5 + 2, 4 * 5 + 2]), grid.ras_of([2, 1, 4]))


def test_crop_keeps_positions():
    grid = VoxelGrid((10, 11, 12), (1, 2, 3), (4, 5, 6), LEFT_HANDED)
    crop = grid.crop((slice(2, 5), slice(3, 7), slice(4, 9)))
    assert crop.shape_kji == (3, 4, 5)
    assert np.allclose(crop.ras_of([0, 0, 0]), grid.ras_of([2, 3, 4]))
    with pytest.raises(GridError, match="does not lie inside"):
        grid.crop((slice(0, 11), slice(0, 1), slice(0, 1)))


def test_overlap_by_separating_axes():
    a = VoxelGrid((10, 10, 10), (1, 1, 1))
    assert a.overlaps(VoxelGrid((10, 10, 10), (1, 1, 1), (9, 0, 0)))
    assert not a.overlaps(VoxelGrid((10, 10, 10), (1, 1, 1), (10, 0, 0)))
    # Axis-aligned boxes of these two overlap although the grids do not.
    turned = VoxelGrid((10, 10, 10), (1, 1, 1), (15.5, 6, 0), tuple(map(tuple, rotation(45, (0, 0, 1)))))
    assert not a.overlaps(turned)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 1, 1), (1, 1, 1)), "at least one voxel"),
        (((1, 1, 1), (1, 0, 1)), "positive"),
        (((1, 1, 1), (1, float("nan"), 1)), "positive"),
        (((1, 1, 1), (1, 1, 1), (float("inf"), 0, 0)), "finite"),
        (((1, 1, 1), (1, 1, 1), (0, 0, 0), ((1, 0, 0.2), (0, 1, 0), (0, 0, 1))), "perpendicular"),
        (((1, 1, 1), (1, 1, 1), (0, 0, 0), ((1, 0, 0), (0, 0, 0), (0, 0, 1))), "perpendicular"),
    ],
)
def test_impossible_geometry_is_refused(arguments, message):
    with pytest.raises(GridError, match=message):
        VoxelGrid(*arguments)


def test_boxes():
    mask = np.zeros((6, 7, 8), dtype=bool)
    assert bounding_box(mask) is None
    mask[2, 3, 4] = mask[4, 3, 6] = True
    assert bounding_box(mask) == (slice(2, 5), slice(3, 4), slice(4, 7))
    assert bounding_box(mask, 5) == (slice(0, 6), slice(0, 7), slice(0, 8))
    assert grow_box(bounding_box(mask), (1, 0, 2), mask.shape) == (slice(1, 6), slice(3, 4), slice(2, 8))


def test_boxes_of_scattered_voxels():
    random = np.random.default_rng(4)
    for count in (1, 2, 3, 5, 9):
        mask = np.zeros((6, 7, 8), dtype=bool)
        indices = random.integers(0, mask.shape, (count, 3))
        mask[tuple(indices.T)] = True
        box = bounding_box(mask)
        assert [s.start for s in box] == indices.min(axis=0).tolist()
        assert [s.stop for s in box] == (indices.max(axis=0) + 1).tolist()
        assert bounding_box(np.asfortranarray(mask)) == box
