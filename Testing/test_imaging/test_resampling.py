"""Finer voxels and values at positions: linear functions come back exactly."""

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.resampling import (
    occupancy_at,
    odd_factors_kji,
    refine_labels,
    refine_linear,
    values_at,
)
from PSMAPlanningLib.imaging.uptake import measure_uptake

from .test_grid import LEFT_HANDED, OBLIQUE


@pytest.mark.parametrize(
    ("spacing", "target", "expected"),
    [((4, 4, 3), 1.0, (3, 5, 5)), ((2, 2, 1), 1.0, (1, 3, 3)), ((0.5, 0.5, 0.5), 1.0, (1, 1, 1))],
)
def test_factors_are_odd_and_small_enough(spacing, target, expected):
    assert odd_factors_kji(VoxelGrid((2, 2, 2), spacing), target) == expected


def test_linear_function_is_refined_exactly():
    grid = VoxelGrid((6, 7, 8), (4, 4, 3))
    ramp = grid.ras_of(np.stack(np.meshgrid(*map(np.arange, grid.shape_kji), indexing="ij"), -1)) @ [1, 2, 3]
    factors = (3, 5, 1)
    fine_grid = grid.refine(factors)
    fine = refine_linear(ramp, factors)
    expected = fine_grid.ras_of(
        np.stack(np.meshgrid(*map(np.arange, fine_grid.shape_kji), indexing="ij"), -1)
    ) @ [1, 2, 3]
    inner = (slice(1, -1), slice(2, -2), slice(None))
    assert np.allclose(fine[inner], expected[inner], atol=1e-4)


def test_refinement_keeps_the_measured_maximum():
    array = np.random.default_rng(1).random((5, 5, 5)).astype(np.float32)
    fine = refine_linear(array, (3, 5, 5))
    assert fine.max() == array.max()
    assert np.array_equal(fine[1::3, 2::5, 2::5], array)


def test_labels_are_repeated():
    labels = np.arange(8).reshape(2, 2, 2)
    fine = refine_labels(labels, (2, 1, 3))
    assert fine.shape == (4, 2, 6)
    assert np.array_equal(fine[::2, :, ::3], labels)


@pytest.mark.parametrize("direction", [OBLIQUE, LEFT_HANDED])
def test_values_at_positions(direction):
    grid = VoxelGrid((6, 7, 8), (4, 4, 3), (5, 5, 5), direction)
    array = np.random.default_rng(2).random(grid.shape_kji).astype(np.float32)
    image = Image(array, grid, Quantity.SUVBW)
    points = grid.ras_of([[2, 3, 4], [2.5, 3, 4]])
    assert values_at(image, points) == pytest.approx([array[2, 3, 4], array[2:4, 3, 4].mean()], rel=1e-5)
    assert np.isnan(values_at(image, grid.ras_of([[-1, 0, 0]]))).all()


def test_occupancy_is_a_half_between_voxels_and_zero_outside():
    array = np.zeros((4, 4, 4), dtype=bool)
    array[:, :, 2:] = True
    mask = Mask(array, VoxelGrid((4, 4, 4), (2, 2, 2)))
    points = mask.grid.ras_of([[1, 1, 1], [1, 1, 1.5], [1, 1, 2], [1, 1, 3.5], [1, 1, 9]])
    assert occupancy_at(mask, points) == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_uptake_on_own_and_on_other_grids():
    grid = VoxelGrid((6, 6, 6), (4, 4, 4))
    array = np.full(grid.shape_kji, 2.0, dtype=np.float32)
    pet = Image(array, grid, Quantity.SUVBW)
    half = np.zeros(grid.shape_kji, dtype=bool)
    half[:, :, :3] = True
    own = measure_uptake(Mask(half, grid), pet)
    assert (own.suv_max, own.suv_mean, own.fraction_in_pet) == (2.0, 2.0, 1.0)
    assert own.total_uptake == pytest.approx(2 * own.volume_ml)
    away = VoxelGrid((2, 2, 2), (4, 4, 4), (-4, 0, 0))
    partly = measure_uptake(Mask(np.ones((2, 2, 2), dtype=bool), away), pet)
    assert partly.fraction_in_pet == pytest.approx(0.5)
    nowhere = measure_uptake(
        Mask(np.ones((1, 1, 1), bool), VoxelGrid((1, 1, 1), (1, 1, 1), (900, 0, 0))), pet
    )
    assert nowhere.suv_max is None
    empty = measure_uptake(Mask(np.zeros((1, 1, 1), bool), VoxelGrid((1, 1, 1), (1, 1, 1))), pet)
    assert (empty.volume_ml, empty.suv_mean) == (0.0, None)
