"""Fusion against the reference vectors: nested and shifted voxel spheres."""

import numpy as np
import pytest
from phantoms import ball
from PSMAPlanningLib.consensus.fusion import METHODS, fuse
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

GRID = VoxelGrid((33, 33, 33), (1, 1, 1), (-16, -16, -16))


def spheres(*radii, shifts=None):
    shifts = shifts or [(0, 0, 0)] * len(radii)
    # Voxel centres at distance r count; `ball` is open, so its radius is a hair larger.
    return [ball(GRID, shift, r + 1e-6) for r, shift in zip(radii, shifts, strict=True)]


def test_nested_contours_give_the_middle_one():
    assert [m.voxels for m in spheres(6, 8, 10)] == [925, 2109, 4169]
    assert fuse(spheres(6, 8, 10), "majority").mask.voxels == 2109
    assert fuse(spheres(6, 6.5, 7, 7.5, 12), "majority").mask.voxels == 1419


def test_majority_is_strict():
    masks = spheres(6, 7, 8, 10, shifts=[(0, 0, 0), (0, 0, 2), (0, 2, 0), (3, 0, 0)])
    assert fuse(masks, "majority").mask.voxels == 1281


def test_union_and_intersection():
    masks = spheres(8, 8, shifts=[(-2, 0, 0), (2, 0, 0)])
    assert fuse(masks, "intersection").mask.voxels == 1341
    assert fuse(masks, "union").mask.voxels == 2877


@pytest.mark.parametrize("method", METHODS)
def test_identical_contours_stay(method):
    (mask,) = spheres(7)
    assert np.array_equal(fuse([mask] * 5, method).mask.array, mask.array)


def test_empty_contours_are_left_out_and_counted():
    empty = Mask(np.zeros(GRID.shape_kji, bool), GRID)
    fusion = fuse([empty, *spheres(6, 8, 10)], "majority")
    assert (fusion.used, fusion.left_out_empty, fusion.mask.voxels) == ((1, 2, 3), 1, 2109)
    with pytest.raises(ConsensusError, match="All contours are empty"):
        fuse([empty], "majority")


def test_refusals():
    with pytest.raises(ConsensusError, match="no fusion method"):
        fuse(spheres(6), "voting")
    other = Mask(np.ones((2, 2, 2), bool), VoxelGrid((2, 2, 2), (1, 1, 1)))
    with pytest.raises(ConsensusError, match="different grids"):
        fuse([*spheres(6), other], "union")
