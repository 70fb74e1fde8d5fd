"""Vessels taken apart, and the working space they are taken apart on."""

import itertools

import numpy as np
import pytest
from phantoms import ball
from PSMAPlanningLib.errors import GenerationError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.nodal_space import make_space
from PSMAPlanningLib.rtvolumes.vessels import split_vessel

SPACING = (1.0, 1.0, 1.0)


def tube(shape, ends, radius_mm):
    """Voxels within a radius of straight segments; points K, J, I."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1).astype(float)
    result = np.zeros(shape, bool)
    for start, stop in itertools.pairwise(ends):
        start, stop = np.array(start, float), np.array(stop, float)
        along = np.clip(((index - start) @ (stop - start)) / ((stop - start) ** 2).sum(), 0, 1)
        result |= np.linalg.norm(index - start - along[..., None] * (stop - start), axis=-1) <= radius_mm
    return result


@pytest.fixture(scope="module")
def fork():
    """A common vessel from K 95 down to 60; external forwards to K 5, internal backwards to K 20."""
    shape = (100, 70, 40)
    main = tube(shape, [(95, 35, 20), (60, 35, 20), (5, 60, 20)], 5)
    return main, tube(shape, [(60, 35, 20), (20, 10, 22)], 3.5)


def test_parts_of_a_fork(fork):
    main, branch = fork
    split = split_vessel(main | branch, SPACING, -100.0, 12.0)
    assert split.split_s == pytest.approx(-40, abs=8)
    assert split.common[80:].sum() == (main | branch)[80:].sum()
    assert split.external[:15].sum() == main[:15].sum()
    assert split.internal[20:40].sum() == pytest.approx((branch & ~main)[20:40].sum(), rel=0.02)
    assert not (split.common & split.external).any()
    whole = split.common | split.external | split.internal
    assert np.array_equal(whole, main | branch)


def test_without_an_internal_vessel_the_fallback_parts_common_and_external(fork):
    split = split_vessel(fork[0], SPACING, 0.0, 70.0)
    assert split.split_s is None
    assert not split.internal.any()
    assert split.common[70:].sum() == fork[0][70:].sum()
    assert not split.common[:70].any()


def test_a_bulge_is_no_internal_vessel(fork):
    bulge = tube((100, 70, 40), [(85, 30, 20), (70, 30, 20)], 5)
    assert split_vessel(fork[0] | bulge, SPACING, 0.0, 50.0).split_s is None


def test_a_piece_apart_belongs_to_the_nearest_part(fork):
    main = fork[0].copy()
    main[20:24] = False
    split = split_vessel(main, SPACING, 0.0, 60.0)
    assert split.external[:20].sum() == main[:20].sum()


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_the_space_nests_in_the_segmentations_voxels(signs):
    direction = tuple(tuple(float(s) if a == b else 0.0 for b in range(3)) for a, s in enumerate(signs))
    grid = VoxelGrid((12, 14, 16), (2.4, 3.0, 4.0), (-7.0, 5.0, 30.0), direction)
    random = np.random.default_rng(3)
    mask = Mask(random.random(grid.shape_kji) > 0.6, grid)
    corners = grid.corners_ras()
    space = make_space(grid, corners.min(axis=0), corners.max(axis=0))
    assert max(space.spacing_kji) <= 1.05
    fine = space.mask(space.exact([mask]))
    assert fine.volume_ml == pytest.approx(mask.volume_ml, rel=1e-9)
    nearest = np.rint(grid.kji_of(fine.points_ras())).astype(int)
    assert mask.array[tuple(nearest.T)].all()


def test_an_oblique_segmentation_lands_in_the_same_place():
    turn = np.radians(20)
    direction = ((np.cos(turn), -np.sin(turn), 0), (np.sin(turn), np.cos(turn), 0), (0, 0, 1))
    grid = VoxelGrid((40, 40, 40), (1.0, 1.0, 1.0), (-20.0, -20.0, -20.0), direction)
    mask = ball(grid, grid.ras_of(np.array((20, 20, 20))), 12.0)
    middle = np.array(mask.centroid_ras())
    space = make_space(grid, middle - 20, middle + 20)
    for array in (space.exact([mask]), space.smooth([mask])):
        found = space.mask(array)
        assert found.volume_ml == pytest.approx(mask.volume_ml, rel=0.02)
        assert found.centroid_ras() == pytest.approx(tuple(middle), abs=0.2)


def test_a_space_that_is_no_pelvis_is_refused():
    with pytest.raises(GenerationError, match="too much for a pelvis"):
        make_space(VoxelGrid((9, 9, 9), (1, 1, 1)), (0, 0, 0), (900, 900, 900))
