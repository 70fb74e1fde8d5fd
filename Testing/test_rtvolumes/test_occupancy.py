"""Occupancy fields: what they hold, their bounds, and what is refused."""

import numpy as np
import pytest
from margin_shapes import ball, box, grid_around, occupancy, voxels
from PSMAPlanningLib.errors import GridError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.boolean import difference, exclusive, intersection, on_grid, union
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField, occupancy_of_mask


def test_field_of_a_sphere():
    field = occupancy(grid_around(12), ball(8))
    assert field.volume_ml == pytest.approx(4 / 3 * np.pi * 0.512, rel=0.002)
    assert field.volume_bounds_ml == pytest.approx((field.volume_ml,) * 2)
    assert field.mask().volume_ml == pytest.approx(field.volume_ml, rel=0.05)
    assert all(s.stop - s.start >= n for s, n in zip(field.box(), (5, 16, 16), strict=True))


def test_a_mask_bounds_what_it_stands_for():
    grid = grid_around(12, (1.0, 1.0, 2.0))
    for radius in (5.0, 5.7, 7.3):
        field = occupancy_of_mask(voxels(grid, ball(radius)))
        low, high = field.volume_bounds_ml
        assert low < 4 / 3 * np.pi * radius**3 / 1000 < high
        assert field.volume_ml == pytest.approx(voxels(grid, ball(radius)).volume_ml)
    whole = occupancy_of_mask(voxels(grid, box((1, 1, 1))))
    assert whole.lowest.max() <= 0.5


@pytest.mark.parametrize(
    "fraction", [np.full((2, 2, 2), 1.2), np.full((2, 2, 2), -0.1), np.full((2, 2, 2), np.nan)]
)
def test_what_is_no_share(fraction):
    with pytest.raises(GridError, match="0 to 1"):
        OccupancyField(fraction, VoxelGrid((2, 2, 2), (1, 1, 1)))
    with pytest.raises(GridError, match="does not fit"):
        OccupancyField(np.zeros((1, 2, 2)), VoxelGrid((2, 2, 2), (1, 1, 1)))


def test_fields_are_not_written_to():
    field = OccupancyField(np.zeros((2, 2, 2)), VoxelGrid((2, 2, 2), (1, 1, 1)))
    assert field.is_empty
    with pytest.raises(ValueError, match="read-only"):
        field.fraction[0, 0, 0] = 1


def test_booleans_of_two_balls():
    grid = grid_around(14, (1.0, 1.0, 2.0))
    first, second = voxels(grid, ball(8)), voxels(grid, box((6, 24, 24)))
    joined, common = union([first, second]), intersection([first, second])
    assert joined.voxels + common.voxels == first.voxels + second.voxels
    assert difference(first, [second]).voxels == first.voxels - common.voxels
    assert exclusive(first, second).voxels == joined.voxels - common.voxels
    with pytest.raises(GridError, match="different grids"):
        union([first, voxels(grid_around(14, (1.0, 1.0, 2.0), offset=(0.5, 0, 0)), ball(8))])
    with pytest.raises(GridError, match="no structure"):
        union([])


def test_bringing_masks_to_a_grid():
    grid = grid_around(14, (1.0, 1.0, 2.0))
    mask = voxels(grid, ball(8))
    np.testing.assert_array_equal(on_grid(mask.cropped(), grid).array, mask.array)
    part = grid.crop((slice(4, 9), slice(3, 20), slice(10, 28)))
    np.testing.assert_array_equal(on_grid(mask, part).array, mask.array[4:9, 3:20, 10:28])
    turned = grid_around(16, (1.1, 1.0, 1.5), (10, 20, 30))
    assert on_grid(mask, turned).volume_ml == pytest.approx(mask.volume_ml, rel=0.03)
    far = VoxelGrid((4, 4, 4), (1, 1, 1), (300.3, 0.2, 0.1))
    assert on_grid(mask, far).is_empty
    assert on_grid(Mask(np.zeros(mask.array.shape, bool), grid), turned).is_empty
