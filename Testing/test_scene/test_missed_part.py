"""The surface around what the volumes miss: its volume is known in closed form for a ball cut by a plane."""

import numpy as np
import pytest
from PSMAPlanningLib.coverage.solid import Solid
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.missed_part import missed_part
from PSMAPlanningLib.scene.surfaces import enclosed_volume_ml, smooth_surface

from .cases import DIRECTIONS, ball

SHAPE = (40, 40, 40)


def grid_of(direction, spacing=(1.0, 1.0, 1.0)):
    return VoxelGrid(SHAPE, spacing, (5.0, -3.0, 12.0), tuple(map(tuple, DIRECTIONS[direction])))


def slab(grid, first, last):
    """The voxels from `first` to `last` along I."""
    array = np.zeros(SHAPE, dtype=bool)
    array[3:-3, 3:-3, first : last + 1] = True
    return Solid(Mask(array, grid))


def middle(grid):
    return grid.ras_of((np.array(SHAPE) - 1) / 2)


def cap_ml(radius_mm, height_mm):
    return np.pi * height_mm**2 * (3 * radius_mm - height_mm) / 3 / 1000


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("edge", [12, 17, 24])
def test_a_ball_cut_by_a_plane(direction, edge):
    grid, radius_mm = grid_of(direction), 10.0
    lesion = smooth_surface(ball(grid, middle(grid), radius_mm))
    # The slab holds everything from half a voxel beyond its last voxel on.
    expected_ml = cap_ml(radius_mm, 19.5 + radius_mm - (edge + 0.5))
    surface = missed_part(lesion, [slab(grid, 3, edge)], expected_ml)
    assert enclosed_volume_ml(surface) == pytest.approx(expected_ml, rel=0.005)
    # Nothing of it lies deeper in the slab than a voxel.
    far = grid.kji_of(np.array(surface.GetBounds()).reshape(3, 2).mean(axis=1))[2]
    assert far > edge - 1


def test_the_known_volume_moves_the_cut_by_less_than_half_a_voxel():
    grid = grid_of("straight")
    lesion = smooth_surface(ball(grid, middle(grid), 10.0))
    whole_ml = enclosed_volume_ml(lesion)
    surface = missed_part(lesion, [slab(grid, 3, 19)], 0.55 * whole_ml)
    # Half a millimetre of a disc of 10 mm is 0.16 mL of 4.2.
    assert enclosed_volume_ml(surface) == pytest.approx(0.5375 * whole_ml, rel=0.01)


def test_two_volumes_that_touch_are_one():
    grid = grid_of("straight")
    lesion = smooth_surface(ball(grid, middle(grid), 10.0))
    expected_ml = cap_ml(10.0, 19.5 + 10.0 - 24.5)
    surface = missed_part(lesion, [slab(grid, 3, 15), slab(grid, 16, 24)], expected_ml)
    assert enclosed_volume_ml(surface) == pytest.approx(expected_ml, rel=0.01)


def test_a_plate_through_the_middle_leaves_both_ends():
    grid = grid_of("straight")
    lesion = smooth_surface(ball(grid, middle(grid), 10.0))
    height_mm = 10.0 - 2.5
    expected_ml = 2 * cap_ml(10.0, height_mm)
    surface = missed_part(lesion, [slab(grid, 18, 21)], expected_ml - 0.3)
    assert 0 < enclosed_volume_ml(surface) < enclosed_volume_ml(lesion)
    # Found again within half a voxel on both sides although told a wrong volume.
    assert enclosed_volume_ml(surface) == pytest.approx(expected_ml, rel=0.15)


def test_all_or_nothing():
    grid = grid_of("straight")
    mask = ball(grid, middle(grid), 6.0)
    lesion = smooth_surface(mask)
    assert missed_part(lesion, [slab(grid, 3, 36)], 0.0).GetNumberOfPolys() == 0
    apart = missed_part(lesion, [slab(grid, 3, 6)], mask.volume_ml)
    assert enclosed_volume_ml(apart) == pytest.approx(mask.volume_ml, rel=0.002)
    lifted = missed_part(lesion, [slab(grid, 3, 6)], mask.volume_ml, lift_mm=0.02)
    assert enclosed_volume_ml(lifted) > enclosed_volume_ml(apart)
    assert missed_part(smooth_surface(Mask(np.zeros(SHAPE, bool), grid)), [], 0.0).GetNumberOfPolys() == 0
