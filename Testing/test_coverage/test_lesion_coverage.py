"""Coverage against closed forms: spheres at known depth in half-spaces and boxes, on all kinds of grids."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.coverage.lesion_coverage import CoverageCache, CoverageClass, LesionVolumeCoverage, cover
from PSMAPlanningLib.coverage.lesion_samples import sample_lesion
from PSMAPlanningLib.coverage.solid import Solid
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.settings import CoverageSettings
from scipy.optimize import brentq
from test_imaging.test_grid import LEFT_HANDED, OBLIQUE

from .fillings import Fractions, cap_fraction, half_space, sampled

SETTINGS = CoverageSettings()
GRIDS = {
    "straight": ((1, 1, 3), None),
    "oblique": ((1, 1, 3), OBLIQUE),
    "coarse": ((2.5, 2.5, 2.5), OBLIQUE),
    "left_handed": ((1, 1, 3), LEFT_HANDED),
}


def moved(grid, by_mm):
    return replace(grid, origin_ras=tuple(np.add(grid.origin_ras, by_mm)))


@pytest.fixture(scope="module")
def spheres():
    """Spheres of 6, 10 and 20 mm as fractions of 1 mm voxels, by diameter."""
    return {
        diameter: sampled(
            centred_grid(diameter / 2 + 2, (1, 1, 1)),
            lambda p, d=diameter: np.linalg.norm(p, axis=-1) < d / 2,
        )
        for diameter in (6, 10, 20)
    }


@pytest.mark.parametrize("kind", GRIDS)
@pytest.mark.parametrize("diameter_mm", [6, 10, 20])
def test_sphere_and_half_space_to_a_fraction_of_a_voxel(spheres, diameter_mm, kind):
    """Fraction to 0.005, distances to 0.2 mm, missing margin to 0.3 mm, and the direction."""
    spacing_mm, direction = GRIDS[kind]
    radius = diameter_mm / 2
    lesion = sample_lesion(spheres[diameter_mm])
    random = np.random.default_rng(diameter_mm)
    axes = {"L": (-1, 0, 0), "P": (0, -1, 0), "S": (0, 0, 1)}
    for (letter, normal), relative_depth in zip(axes.items(), (-1.3, 0.4, -0.6), strict=True):
        depth = relative_depth * radius
        grid = moved(centred_grid(1.5 * radius + 12, spacing_mm, direction), random.random(3) * 3)
        result = cover(lesion, (0.0, 0.0, 0.0), Solid(half_space(grid, np.array(normal), depth)), SETTINGS)
        reach_95 = brentq(lambda x: cap_fraction(radius, x) - 0.95, -radius, radius)
        assert result.fraction == pytest.approx(cap_fraction(radius, depth), abs=0.005)
        assert result.centroid_distance_mm == pytest.approx(-depth, abs=0.2)
        assert result.surface_distance_mm.least == pytest.approx(-depth - radius, abs=0.2)
        assert result.surface_distance_mm.greatest == pytest.approx(radius - depth, abs=0.2)
        assert result.margin_to_100_mm == pytest.approx(radius - depth, abs=0.3)
        assert result.margin_to_95_mm == pytest.approx(max(0, reach_95 - depth), abs=0.3)
        assert result.direction == letter
        assert result.fraction_bounds == (result.fraction, result.fraction)


@pytest.mark.parametrize("kind", GRIDS)
def test_sphere_in_a_box_at_known_depth(spheres, kind):
    spacing_mm, direction = GRIDS[kind]
    lesion = sample_lesion(spheres[10])
    turn = np.eye(3) if direction is None else np.array(direction)
    half_mm = np.array([14.3, 15.2, 16.4])
    centre = turn @ np.array([0.0, 0.0, 13.4])
    grid = moved(centred_grid(26, spacing_mm, direction), -centre)
    # The box lies along the grid, as a box of voxels would; its fractions are exact.
    box = np.ones(grid.shape_kji, np.float32)
    for axis, half in enumerate(half_mm):
        for sign in (-1, 1):
            box = np.minimum(box, half_space(grid, sign * turn[:, axis], half, -centre).array)
    result = cover(lesion, (0.0, 0.0, 0.0), Solid(Fractions(box, grid)), SETTINGS)
    assert result.fraction == pytest.approx(cap_fraction(5, 3.0), abs=0.005)
    assert result.centroid_distance_mm == pytest.approx(-3.0, abs=0.2)
    assert result.margin_to_100_mm == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("diameter_mm", [6, 10, pytest.param(20, marks=pytest.mark.slow)])
def test_truth_lies_within_the_bounds_of_binary_masks(diameter_mm):
    """Over 200 random offsets at least 95 of 100, and the bounds are no wider than one voxel layer."""
    random = np.random.default_rng(diameter_mm)
    radius, inside, excess = diameter_mm / 2, [], []
    lesion_grid = centred_grid(radius + 2, (1, 1, 1))
    volume_grid = centred_grid(radius + 6, (1, 1, 3), OBLIQUE)
    for _ in range(200):
        normal = random.normal(size=3)
        normal /= np.linalg.norm(normal)
        depth, offset = random.uniform(-radius, radius), random.random(3) - 0.5
        grid = moved(volume_grid, 3 * random.random(3))
        volume = Mask((points_of(grid) - offset) @ normal < depth, grid)
        lesion = sample_lesion(ball(lesion_grid, offset, radius))
        low, high = cover(lesion, (0, 0, 0), Solid(volume), SETTINGS).fraction_bounds
        inside.append(low <= cap_fraction(radius, depth) <= high)
        excess.append(high - low - widest(radius, depth, normal @ np.array(OBLIQUE)))
    assert np.mean(inside) >= 0.95
    # Points half a millimetre apart tell a surface to a part of that.
    assert max(excess) <= 0.05


def widest(radius, depth, normal_on_axes):
    """Greatest range of the fraction when both surfaces move by one layer, wherever voxels put them."""
    half = 0.5 * np.linalg.norm(normal_on_axes * (1, 1, 3))
    drawn = depth + np.linspace(-half, half, 9)
    # Drawn by voxels, a small sphere is half a voxel smaller or larger; then half a layer more.
    radii = radius + np.array([-1.0, 0.0, 1.0])[:, None]
    high = cap_fraction(radii[:, :, None], drawn + half).max(axis=0)
    low = cap_fraction(radii[:, :, None], drawn - half).min(axis=0)
    return float((high - low).max())


@pytest.mark.parametrize(
    ("fraction_of_ten", "expected"),
    [(0, "outside"), (1, "partial"), (9, "partial"), (10, "inside")],
)
def test_class_limits_are_as_published(fraction_of_ten, expected):
    """Exactly 10 % and exactly 90 % are partial: outside is below, inside is above."""
    lesion = Mask(np.ones((1, 1, 10), bool), VoxelGrid((1, 1, 10), (1, 1, 1)))
    wide = VoxelGrid((3, 3, 10), (1, 1, 1), (0, -1, -1))
    array = np.zeros(wide.shape_kji, bool)
    array[:, :, :fraction_of_ten] = True
    result = CoverageCache().of(lesion, (0.0, 0.0, 0.0), Mask(array, wide), SETTINGS)
    if fraction_of_ten:
        assert result.coverage_class == CoverageClass(expected)
        assert result.fraction == pytest.approx(fraction_of_ten / 10)
    else:
        assert result == LesionVolumeCoverage()


@pytest.mark.parametrize("direction", [None, OBLIQUE, LEFT_HANDED])
def test_distance_is_signed_and_right_in_any_direction(direction):
    grid = centred_grid(30, (1, 1.2, 1.5), direction)
    solid = Solid(ball(grid, (0, 0, 0), 20))
    points = np.array([(0, 0, 0), (0, 0, 26), (12, 16, 0), (-8, 0, 6)], float)
    assert solid.nearest(points).distance_mm == pytest.approx([-20, 6, 0, -10], abs=0.75)


def test_surface_is_closed_at_the_edge_of_the_grid():
    solid = Solid(Mask(np.ones((4, 5, 6), bool), VoxelGrid((4, 5, 6), (1, 1, 1))))
    assert np.allclose(solid.mesh.points_ras.min(axis=0), -0.5, atol=0.01)
    assert solid.nearest(np.array([(2.5, 2.0, 1.5)])).distance_mm[0] == pytest.approx(-2, abs=1e-4)


def test_same_grid_containment_is_exact():
    grid = centred_grid(20, (3, 3, 3), OBLIQUE)
    inner, outer = ball(grid, (0, 0, 0), 10), ball(grid, (0, 0, 0), 12)
    assert CoverageCache().of(inner, (0.0, 0.0, 0.0), outer, SETTINGS).fraction == 1.0


def test_volumes_that_touch_cover_together_what_neither_covers_alone():
    grid = centred_grid(20, (1, 1, 2))
    points = points_of(grid)
    left, right = (Mask(side, grid) for side in (points[..., 0] < 0, points[..., 0] >= 0))
    lesion = ball(centred_grid(8, (1, 1, 1)), (0.3, 0, 0), 5)
    cache = CoverageCache()
    for volume in (left, right):
        assert not cache.of(lesion, (0, 0, 0), volume, SETTINGS).is_covered
    together = cache.of_union(lesion, (0, 0, 0), (left, right), SETTINGS)
    assert together.fraction == pytest.approx(1.0, abs=1e-6)
    # Half a voxel between the two is not known to be covered by either, and the bound says so.
    assert together.fraction_bounds[0] < 0.99
    overlapping = Mask(points[..., 0] >= -3, grid)
    assert cache.of_union(lesion, (0, 0, 0), (left, overlapping), SETTINGS).is_covered
    assert cache.of_union(lesion, (0, 0, 0), (left,), SETTINGS) is cache.of(lesion, (0, 0, 0), left, SETTINGS)


def test_empty_lesion_and_lesion_outside_the_grid_and_of_one_voxel():
    grid = centred_grid(10, (1, 1, 1))
    volume = ball(grid, (0, 0, 0), 5)
    empty = Mask(np.zeros(grid.shape_kji, bool), grid)
    cache = CoverageCache()
    assert cache.of(empty, (0, 0, 0), volume, SETTINGS) == LesionVolumeCoverage()
    assert cache.of(volume, (0, 0, 0), empty, SETTINGS) == LesionVolumeCoverage()
    far = Mask(np.ones((1, 1, 1), bool), VoxelGrid((1, 1, 1), (1, 1, 1), (100, 0, 0)))
    result = cache.of(far, (100.0, 0.0, 0.0), volume, SETTINGS)
    assert (result.fraction, result.direction) == (0, "R")
    assert result.centroid_distance_mm == pytest.approx(95, abs=0.6)
    assert result.margin_to_100_mm == pytest.approx(95.5, abs=0.8)


def test_cache_computes_once_and_lets_go(monkeypatch):
    from PSMAPlanningLib.coverage import lesion_coverage as module

    calls = []
    monkeypatch.setattr(module, "cover", lambda *arguments: calls.append(1) or len(calls))
    grid = centred_grid(10, (1, 1, 1))
    cache = CoverageCache()
    lesion, volume = ball(grid, (0, 0, 0), 3), ball(grid, (0, 0, 0), 5)
    first = cache.of(lesion, (0, 0, 0), volume, SETTINGS)
    assert cache.of(lesion, (0, 0, 0), volume, SETTINGS) is first
    cache.of(lesion, (0, 0, 0), volume, CoverageSettings(0.8, 0.2))
    assert len(calls) == 2
    del lesion
    gc.collect()
    assert len(cache._results) == 0
