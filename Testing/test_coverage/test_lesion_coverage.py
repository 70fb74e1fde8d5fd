"""Coverage against closed forms: spheres at known depth in boxes, on straight and oblique grids."""

import gc

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.coverage.lesion_coverage import (
    CoverageCache,
    CoverageClass,
    VolumeSurface,
    cover,
    surface_of,
)
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.settings import CoverageSettings
from test_imaging.test_grid import LEFT_HANDED, OBLIQUE

SETTINGS = CoverageSettings()


def half_space(grid, depth_mm):
    """Everything with A below `depth_mm`; the true surface is the plane A = depth_mm."""
    return Mask(points_of(grid)[..., 1] < depth_mm, grid)


def cap_fraction(radius_mm, distance_mm):
    """Part of a ball below a plane at `distance_mm` from its centre."""
    h = np.clip(radius_mm + distance_mm, 0, 2 * radius_mm)
    return h**2 * (3 * radius_mm - h) / (4 * radius_mm**3)


@pytest.mark.parametrize("direction", [None, LEFT_HANDED])
@pytest.mark.parametrize(("radius_mm", "depth_mm"), [(3, 0.5), (5, 2.5), (10, -4.5), (10, 20.5), (5, -20.5)])
def test_sphere_and_plane(direction, radius_mm, depth_mm):
    volume_grid = centred_grid(60, (1, 1, 3)) if direction is None else centred_grid(60, (1, 1, 1))
    lesion = ball(centred_grid(12, (0.5, 0.5, 0.5), direction), (0, 0, 0), radius_mm)
    volume = half_space(volume_grid, depth_mm)
    result = cover(lesion, (0.0, 0.0, 0.0), volume, VolumeSurface(volume), SETTINGS)
    assert result.fraction == pytest.approx(cap_fraction(radius_mm, depth_mm), abs=0.02)
    assert result.centroid_distance_mm == pytest.approx(-depth_mm, abs=0.05)


@pytest.mark.parametrize(
    ("fraction_of_ten", "expected"),
    [(0, "outside"), (1, "partial"), (9, "partial"), (10, "inside")],
)
def test_class_limits_are_as_published(fraction_of_ten, expected):
    """Exactly 10 % and exactly 90 % are partial: outside is below, inside is above."""
    grid = VoxelGrid((1, 1, 10), (1, 1, 1))
    lesion = Mask(np.ones((1, 1, 10), bool), grid)
    wide = VoxelGrid((3, 3, 10), (1, 1, 1), (0, -1, -1))
    array = np.zeros(wide.shape_kji, bool)
    array[:, :, :fraction_of_ten] = True
    volume = Mask(array, wide)
    surface = VolumeSurface(volume) if fraction_of_ten else None
    result = cover(lesion, (0.0, 0.0, 0.0), volume, surface, SETTINGS)
    if fraction_of_ten:
        assert result.coverage_class == CoverageClass(expected)
        assert result.fraction == pytest.approx(fraction_of_ten / 10)
    else:
        assert result.coverage_class is None


@pytest.mark.parametrize("direction", [None, OBLIQUE, LEFT_HANDED])
def test_distance_is_signed_and_right_in_any_direction(direction):
    grid = centred_grid(30, (1, 1.2, 1.5), direction)
    surface = VolumeSurface(ball(grid, (0, 0, 0), 20))
    for point, expected in [((0, 0, 0), -20), ((0, 0, 26), 6), ((12, 16, 0), 0), ((-8, 0, 6), -10)]:
        assert surface.signed_distance_mm(point) == pytest.approx(expected, abs=0.75)


def test_surface_is_closed_at_the_edge_of_the_grid():
    mask = Mask(np.ones((4, 5, 6), bool), VoxelGrid((4, 5, 6), (1, 1, 1)))
    assert np.allclose(surface_of(mask).GetBounds(), (-0.5, 5.5, -0.5, 4.5, -0.5, 3.5))
    assert VolumeSurface(mask).signed_distance_mm((2.5, 2.0, 1.5)) == pytest.approx(-2, abs=1e-4)


def test_same_grid_containment_is_exact():
    grid = centred_grid(20, (3, 3, 3), OBLIQUE)
    inner, outer = ball(grid, (0, 0, 0), 10), ball(grid, (0, 0, 0), 12)
    result = cover(inner, (0.0, 0.0, 0.0), outer, VolumeSurface(outer), SETTINGS)
    assert result.fraction == 1.0


def test_empty_lesion_and_lesion_outside_the_grid():
    grid = centred_grid(10, (1, 1, 1))
    volume = ball(grid, (0, 0, 0), 5)
    empty = Mask(np.zeros(grid.shape_kji, bool), grid)
    nothing = cover(empty, (0.0, 0.0, 0.0), volume, VolumeSurface(volume), SETTINGS)
    assert (nothing.coverage_class, nothing.fraction) == (None, None)
    far = Mask(np.ones((1, 1, 1), bool), VoxelGrid((1, 1, 1), (1, 1, 1), (100, 0, 0)))
    result = cover(far, (100.0, 0.0, 0.0), volume, VolumeSurface(volume), SETTINGS)
    assert result.fraction == 0
    assert result.centroid_distance_mm == pytest.approx(95, abs=0.6)


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
