"""What is told of a lesion from afar, from a few points of it, against every point told exactly."""

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.coverage import far
from PSMAPlanningLib.coverage.far import distances_from_afar, percentile
from PSMAPlanningLib.coverage.lesion_coverage import cover
from PSMAPlanningLib.coverage.lesion_samples import sample_lesion
from PSMAPlanningLib.coverage.solid import Solid, UnionOfSolids
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.settings import CoverageSettings
from test_imaging.test_grid import OBLIQUE

SETTINGS = CoverageSettings()


def lesion_at(centre, diameter_mm):
    small = centred_grid(diameter_mm / 2 + 2, (1, 1, 1))
    grid = VoxelGrid(small.shape_kji, small.spacing_mm, tuple(np.add(small.origin_ras, centre)))
    return sample_lesion(ball(grid, centre, diameter_mm / 2))


def two_limbs(direction=None):
    """Two tubes 40 mm apart; half-way between them the nearest point changes over."""
    grid = centred_grid(45, (1, 1, 3), direction)
    points = points_of(grid)
    right = (points[..., 0] - 20) ** 2 + points[..., 1] ** 2 < 8**2
    left = (points[..., 0] + 20) ** 2 + points[..., 1] ** 2 < 8**2
    return Mask((right | left) & (np.abs(points[..., 2]) < 35), grid)


PLACES = {
    "far away": (70.0, 60.0, 10.0),
    "between two limbs": (0.5, 1.0, 3.0),
    "beside an edge": (20.0, 6.0, 46.0),
    "beside a wall": (20.0, 20.0, 0.0),
    "behind both": (1.0, 24.0, -12.0),
}


@pytest.mark.parametrize("direction", [None, OBLIQUE])
@pytest.mark.parametrize("diameter_mm", [5, 18])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_told_from_afar_is_what_all_points_tell(place, diameter_mm, direction):
    volume = Solid(two_limbs(direction))
    lesion = lesion_at(PLACES[place], diameter_mm)
    if place == "beside a wall" and diameter_mm == 18:
        # Nine millimetres of lesion and eight of limb leave three between them.
        lesion = lesion_at((20.0, 21.0, 0.0), diameter_mm)
    seen = volume.seen_from(lesion.centroid_ras, lesion.reach_mm)
    held, surface = distances_from_afar(seen, lesion)
    every = [
        np.concatenate(
            [seen.exact(part).distance_mm for part in np.array_split(points, len(points) // 90 + 1)]
        )
        for points in (lesion.points_ras[lesion.held], lesion.surface_ras)
    ]
    assert every[0].min() > 0
    assert percentile(held, 0.95) == pytest.approx(np.quantile(every[0], 0.95), abs=0.05)
    assert percentile(surface, 0.95) == pytest.approx(np.quantile(every[1], 0.95), abs=0.05)
    assert surface.mean() == pytest.approx(every[1].mean(), abs=0.05)
    # The ends themselves are told exactly afterwards; they have to be among those found here.
    assert every[1][surface.argmax()] == pytest.approx(every[1].max(), abs=0.05)
    assert every[1][surface.argmin()] == pytest.approx(every[1].min(), abs=0.05)
    result = cover(lesion, lesion.centroid_ras, volume, SETTINGS)
    assert result.fraction == 0
    assert result.surface_distance_mm.mean == pytest.approx(every[1].mean(), abs=0.05)
    assert result.surface_distance_mm.greatest >= every[1].max() - 1e-9
    assert result.surface_distance_mm.least <= every[1].min() + 1e-9


def test_where_it_is_smooth_few_points_are_measured(monkeypatch):
    """From afar 64 points tell a lesion; on the line between two limbs many more are needed."""
    measured = {}
    for place in ("far away", "between two limbs"):
        lesion = lesion_at(PLACES[place], 18)
        seen = Solid(two_limbs()).seen_from(lesion.centroid_ras, lesion.reach_mm)
        asked, distances = [], seen.distances
        monkeypatch.setattr(seen, "distances", lambda p, d=distances, a=asked: a.append(len(p)) or d(p))
        distances_from_afar(seen, lesion)
        measured[place] = sum(asked)
    assert measured["far away"] == 64
    assert 64 < measured["between two limbs"] < 0.8 * (len(lesion.held) + len(lesion.surface_ras))


def test_the_nearer_of_two_volumes_counts():
    limbs = [Mask(two_limbs().array & side, two_limbs().grid) for side in sides(two_limbs())]
    lesion = lesion_at(PLACES["between two limbs"], 12)
    together = cover(lesion, lesion.centroid_ras, UnionOfSolids([Solid(limb) for limb in limbs]), SETTINGS)
    whole = cover(lesion, lesion.centroid_ras, Solid(two_limbs()), SETTINGS)
    assert together.margin_to_100_mm == pytest.approx(whole.margin_to_100_mm, abs=1e-6)
    assert together.surface_distance_mm.least == pytest.approx(whole.surface_distance_mm.least, abs=1e-6)
    assert together.margin_to_95_mm == pytest.approx(whole.margin_to_95_mm, abs=0.05)
    assert together.direction == whole.direction


def sides(mask):
    right = points_of(mask.grid)[..., 0] > 0
    return right, ~right


def test_percentile_is_that_of_numpy():
    values = np.random.default_rng(6).normal(size=333)
    for part in (0.0, 0.31, 0.95, 1.0):
        assert percentile(values, part) == pytest.approx(np.quantile(values, part), abs=1e-12)
    assert percentile(values[:1], 0.95) == values[0]


def test_polynomial_takes_a_cubic_exactly():
    """64 points and 20 terms: what is of third order comes out as it is."""
    random = np.random.default_rng(7)
    coefficients, points = random.normal(size=20), random.uniform(-0.5, 0.5, (50, 3))
    fitted = far._FIT @ (far._ANCHOR_TERMS @ coefficients)
    assert fitted @ far.third_order_terms(points) == pytest.approx(
        coefficients @ far.third_order_terms(points)
    )
