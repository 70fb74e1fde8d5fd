"""Distances to triangles: right, the same from a part of them as from all, and however they are stored."""

from dataclasses import replace

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.coverage.solid import Solid
from PSMAPlanningLib.coverage.surface_mesh import SurfacePatch, TriangleMesh
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from test_imaging.test_grid import LEFT_HANDED, OBLIQUE

EVERYTHING_MM = 1e4


def bent_limb(spacing_mm=(1, 1, 3), direction=None):
    """A bent tube of voxels with an end, so that its surface has steps, hollows and edges."""
    grid = centred_grid(32, spacing_mm, direction)
    points = points_of(grid)
    middle = 8 * np.sin(points[..., 2] / 12)
    inside = (points[..., 0] - middle) ** 2 + points[..., 1] ** 2 < 9**2
    return Mask(inside & (np.abs(points[..., 2]) < 25), grid)


def test_distance_to_one_triangle_from_all_sides():
    """Beside the face, the three sides and the three corners, against many points of the triangle."""
    corners = np.array([(0, 0, 0), (4, 0, 0), (1, 3, 0)], float)
    mesh = TriangleMesh(corners, np.array([[0, 1, 2]]), 5.0)
    points = np.random.default_rng(1).uniform(-5, 7, (500, 3))
    squared, _, _ = mesh.squared_to(points, np.zeros(len(points), int), np.ones(len(points), int))
    shares = np.array([(i, j, 200 - i - j) for i in range(201) for j in range(201 - i)]) / 200
    dense = shares @ corners
    expected = [np.linalg.norm(dense - p, axis=1).min() for p in points]
    assert np.sqrt(squared) == pytest.approx(expected, abs=0.01)


def test_triangles_without_area_are_left_out():
    corners = np.array([(9, 9, 9), (0, 0, 0), (4, 0, 0), (1, 3, 0)], float)
    mesh = TriangleMesh(corners, np.array([[1, 2, 3], [0, 0, 0], [1, 1, 2]]), 5.0)
    assert mesh.triangles.tolist() == [[0, 1, 2]]
    assert mesh.points_ras.tolist() == corners[1:].tolist()


@pytest.mark.parametrize(
    ("spacing_mm", "direction"), [((1, 1, 3), None), ((1, 1, 5), OBLIQUE), ((4, 4, 4), LEFT_HANDED)]
)
def test_a_ball_sees_every_triangle_that_is_nearest_to_a_point_of_it(spacing_mm, direction):
    """What a small ball leaves out is never nearest: the distances are those to all triangles."""
    mesh = Solid(bent_limb(spacing_mm, direction)).mesh
    whole = SurfacePatch(mesh, np.zeros(3), EVERYTHING_MM)
    random = np.random.default_rng(2)
    seen = 0
    for reach_mm in (0.0, 1.0, 4.0, 9.0):
        for centre in random.uniform(-60, 60, (12, 3)):
            away = random.normal(size=(20, 3))
            points = centre + reach_mm * away / np.linalg.norm(away, axis=1, keepdims=True)
            patch = SurfacePatch(mesh, centre, reach_mm)
            assert patch.exact(points).distance_mm == pytest.approx(whole.exact(points).distance_mm, abs=1e-9)
            seen += len(patch._seen)
    assert seen < 0.2 * 48 * len(mesh.points_ras)


@pytest.mark.parametrize(("spacing_mm", "direction"), [((1, 1, 3), None), ((1, 1, 5), OBLIQUE)])
def test_many_points_are_told_as_a_few_are(spacing_mm, direction):
    """Looking around the nearest corner finds the nearest triangle for nearly all, and never a nearer one."""
    mesh = Solid(bent_limb(spacing_mm, direction)).mesh
    points = np.random.default_rng(3).uniform(-20, 20, (4000, 3))
    patch = SurfacePatch(mesh, np.zeros(3), 35.0)
    exact = np.concatenate([patch.exact(part).distance_mm for part in np.split(points, 40)])
    excess = patch.near(points).distance_mm - exact
    assert excess.min() > -1e-9
    assert np.mean(excess < 1e-6) > 0.9
    assert np.sqrt(np.mean(excess**2)) < 0.05
    assert np.array_equal(patch.distances(points), patch.near(points).distance_mm)


def test_foot_lies_on_the_surface_and_its_normal_points_outwards():
    solid = Solid(ball(centred_grid(30, (1, 1.2, 1.5), OBLIQUE), (0, 0, 0), 20))
    points = np.random.default_rng(4).normal(size=(60, 3)) * 15
    found = solid.nearest(points)
    radii = np.linalg.norm(found.point_ras, axis=1)
    assert radii == pytest.approx(np.full(60, 20.0), abs=0.75)
    assert np.linalg.norm(found.normal_ras, axis=1) == pytest.approx(np.ones(60))
    assert (np.einsum("ni,ni->n", found.normal_ras, found.point_ras) / radii).min() > 0.6
    assert np.abs(found.distance_mm) == pytest.approx(np.linalg.norm(points - found.point_ras, axis=1))


def stored_otherwise(mask):
    """The same voxels in the same places: rounded, in a larger array, along axes that run the other way."""
    grid, array = mask.grid, mask.array
    rounded = replace(grid, origin_ras=tuple(x + 1e-13 * n for n, x in enumerate(grid.origin_ras, 1)))
    yield "rounded", Mask(array, rounded)
    wide = VoxelGrid(
        tuple(n + 7 for n in grid.shape_kji),
        grid.spacing_mm,
        grid.position_of((-3, -5, -2)),
        grid.direction_ras,
    )
    yield "wide", Mask(np.pad(array, ((3, 4), (5, 2), (2, 5))), wide)
    direction = np.array(grid.direction_ras)
    flipped = replace(
        grid,
        origin_ras=grid.position_of((0, grid.shape_kji[1] - 1, 0)),
        direction_ras=tuple(map(tuple, direction * (1, -1, 1))),
    )
    yield "flipped", Mask(array[:, ::-1], flipped)


@pytest.mark.parametrize("direction", [None, OBLIQUE, LEFT_HANDED])
def test_distances_do_not_depend_on_how_a_volume_is_stored(direction):
    """Places half-way between voxels, where ties abound, come out the same to a millionth of a millimetre.

    Points that stand for a surface do not do this: which of them are kept turned on the last digit, and
    distances jumped by up to 0.3 mm when a scene was loaded.
    """
    mask = bent_limb((1, 1, 3), direction)
    step = np.array(direction if direction else np.eye(3)) * (1, 1, 3)
    points = (np.random.default_rng(5).integers(-16, 17, (90, 3)) / 2) @ step.T
    many = np.repeat(points, 2, axis=0)
    expected = Solid(mask).nearest(points).distance_mm
    expected_of_many = Solid(mask).nearest(many).distance_mm
    for name, other in stored_otherwise(mask):
        assert Solid(other).nearest(points).distance_mm == pytest.approx(expected, abs=1e-6), name
        # Of many points a few may go by the other of two parts of the surface; the average hardly shows it.
        moved_mm = Solid(other).nearest(many).distance_mm - expected_of_many
        assert abs(moved_mm.mean()) < 0.01, name
