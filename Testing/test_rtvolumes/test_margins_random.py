"""Margins of shapes nobody chose: random spheres, boxes and ellipsoids, six random sides."""

import numpy as np
import pytest
from convex_shapes import BOX, ELLIPSOID, ConvexShape, random_case
from margin_shapes import ball, grid_around, grown_box_ml, grown_ellipsoid_ml, occupancy, voxels
from PSMAPlanningLib.rtvolumes.margins import SixMargins, grow, grow_distance, grow_occupancy

SIX = SixMargins(5, 4, 7, 3, 6, 8)


def error_percent(shape, grid, margin):
    grown = grow_occupancy(shape.occupancy(grid), margin, cut_at_image_edge=True)
    return 100 * (grown.volume_ml / shape.grown_ml(margin) - 1)


def test_the_check_formula_agrees_with_the_closed_forms():
    edges = np.array([20.0, 26.0, 30.0])
    box = ConvexShape(BOX, edges / 2, np.eye(3))
    assert box.grown_ml(SIX) == pytest.approx(grown_box_ml(edges, SIX), rel=1e-3)
    ellipsoid = ConvexShape(ELLIPSOID, edges / 2, np.eye(3))
    assert ellipsoid.grown_ml(SIX) == pytest.approx(grown_ellipsoid_ml(edges / 2, SIX), rel=1e-3)
    grid = grid_around(24, offset=(0.3, 0.1, -0.2))
    assert box.occupancy(grid).volume_ml == pytest.approx(edges.prod() / 1000, rel=1e-6)


def distance_error_percent(shape, grid, margin):
    grown = grow_distance(shape.distance_at, grid, margin, cut_at_image_edge=True)
    return 100 * (grown.volume_ml / shape.grown_ml(margin) - 1)


@pytest.mark.parametrize("seed", [6021, 30017])
def test_shapes_of_5_to_20_mm_from_their_distance(seed):
    assert abs(distance_error_percent(*random_case(np.random.default_rng(seed), 5, 20))) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6023, 9010, *range(200, 240)])
def test_shapes_of_5_to_40_mm_from_their_distance(seed):
    assert abs(distance_error_percent(*random_case(np.random.default_rng(seed), 5, 40))) <= 1


def test_occupancy_alone_does_not_tell_the_surface():
    """Two structures that fill every voxel of 1 x 1 x 3 mm alike, whose margins differ by more than 2 %.

    A box of 20 mm ends in the middle of a slice; a comb fills half of the same voxels with teeth that go
    on to the slice's end. No method can have both within 1 %: from shares the smoother one is taken.
    """
    grid = grid_around(18, (1.0, 1.0, 3.0))
    margin = SixMargins.uniform(5)

    def column(points):
        return (np.abs(points[..., :2]) < 10).all(axis=-1) & (points[..., 2] > -9)

    def capped(points):
        return column(points) & (points[..., 2] < 7.5)

    def combed(points):
        tooth = (points[..., 2] < 9) & (np.mod(points[..., 0], 1.0) < 0.5)
        return column(points) & ((points[..., 2] < 6) | tooth)

    shares = [occupancy(grid, shape, parts=(6, 2, 8)).fraction for shape in (capped, combed)]
    np.testing.assert_array_equal(*shares)
    fine = grid_around(18, (0.25, 1.0, 0.5))
    grown = [grow(voxels(fine, shape), margin).volume_ml for shape in (capped, combed)]
    assert grown[1] / grown[0] > 1.02


@pytest.mark.parametrize("seed", range(4))
def test_small_random_shapes(seed):
    assert abs(error_percent(*random_case(np.random.default_rng(seed), 20, 36))) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 130))
def test_random_shapes_of_all_sizes(seed):
    assert abs(error_percent(*random_case(np.random.default_rng(seed), 15, 80))) <= 1


def test_balls_of_voxels_are_not_too_large_on_average():
    """Every single one is known to half a voxel; what is wrong with all of them alike would be ours."""
    random = np.random.default_rng(11)
    errors = []
    for _ in range(24):
        grid = grid_around(19, (1.0, 1.0, 3.0), offset=random.uniform(-0.5, 0.5, 3))
        radius, margin_mm = random.uniform(6, 11), random.uniform(3, 6)
        grown = grow(voxels(grid, ball(radius)), SixMargins.uniform(margin_mm))
        errors.append(grown.volume_ml / (4 / 3 * np.pi * (radius + margin_mm) ** 3 / 1000) - 1)
    assert abs(np.mean(errors)) <= 0.02
