from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.surfaces import enclosed_volume_ml, smooth_surface
from vtk.util.numpy_support import vtk_to_numpy

from .cases import DIRECTIONS, ball


def grid_of(direction, spacing=(1.0, 1.0, 1.0), shape=(40, 40, 40)):
    return VoxelGrid(shape, spacing, (5.0, -3.0, 12.0), tuple(map(tuple, DIRECTIONS[direction])))


def middle(grid):
    return grid.ras_of((np.array(grid.shape_kji) - 1) / 2)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("radius", [3.0, 6.0, 15.0])
def test_surface_is_as_large_as_the_mask_and_wound_outward(direction, radius):
    grid = grid_of(direction)
    mask = ball(grid, middle(grid), radius)
    assert enclosed_volume_ml(smooth_surface(mask)) == pytest.approx(mask.volume_ml, rel=1e-3)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_surface_of_a_ball_is_a_ball(direction):
    grid = grid_of(direction)
    points = vtk_to_numpy(smooth_surface(ball(grid, middle(grid), 12.0)).GetPoints().GetData())
    distances = np.linalg.norm(points - middle(grid), axis=1)
    assert distances.min() > 11.4
    assert distances.max() < 12.6


def test_anisotropic_voxels_keep_their_volume():
    grid = grid_of("oblique", (1.0, 1.0, 3.0), (15, 40, 40))
    mask = ball(grid, middle(grid), 10.0)
    assert enclosed_volume_ml(smooth_surface(mask)) == pytest.approx(mask.volume_ml, rel=1e-3)


def test_a_mask_at_the_edge_of_its_grid_is_closed():
    mask = Mask(np.ones((6, 6, 6), dtype=bool), grid_of("straight", shape=(6, 6, 6)))
    assert enclosed_volume_ml(smooth_surface(mask)) == pytest.approx(mask.volume_ml, rel=1e-3)


def test_a_single_voxel_has_a_surface():
    array = np.zeros((5, 5, 5), dtype=bool)
    array[2, 2, 2] = True
    mask = Mask(array, grid_of("straight", shape=(5, 5, 5)))
    assert enclosed_volume_ml(smooth_surface(mask)) == pytest.approx(mask.volume_ml, rel=0.05)


def test_nothing_has_an_empty_surface():
    grid = grid_of("straight")
    assert smooth_surface(Mask(np.zeros(grid.shape_kji, bool), grid)).GetNumberOfPolys() == 0


def test_specks_and_thin_sheets_beside_something_large_stay():
    grid = grid_of("straight", (1.0, 1.0, 3.0))
    array = np.zeros((40, 40, 40), dtype=bool)
    array[15:25, 4:20, 4:20] = True
    array[20, 30, 30] = True
    array[17:23, 10, 18:34] = True
    mask = Mask(array, grid)
    surface = smooth_surface(mask)
    assert enclosed_volume_ml(surface) == pytest.approx(mask.volume_ml, rel=1e-3)
    points = grid.kji_of(vtk_to_numpy(surface.GetPoints().GetData()).astype(float))
    for place in ((20, 30, 30), (20, 10, 30)):
        assert np.linalg.norm((points - place) * grid.spacing_kji_mm, axis=1).min() < 2
