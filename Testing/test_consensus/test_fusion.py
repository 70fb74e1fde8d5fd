"""Fusion against the reference vectors: nested and shifted voxel spheres."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball
from PSMAPlanningLib.consensus.fusion import METHODS, FusionOptions, fuse
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from scipy import ndimage

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
    with pytest.raises(ConsensusError, match="31 contours"):
        fuse(spheres(6) * 31, "union")


def test_at_least_k_goes_from_union_to_intersection():
    masks = spheres(6, 7, 8, 10, shifts=[(0, 0, 0), (0, 0, 2), (0, 2, 0), (3, 0, 0)])
    votes = np.sum([mask.array for mask in masks], axis=0)
    for k in range(1, 5):
        assert np.array_equal(fuse(masks, "at_least", FusionOptions(k)).mask.array, votes >= k)
    with pytest.raises(ConsensusError, match="only 4 are not empty"):
        fuse(masks, "at_least", FusionOptions(5))


def test_half_of_the_weight_is_enough_for_probability_but_not_for_majority():
    one, other = spheres(6, 8)
    assert fuse([one, other], "probability").mask.voxels == other.voxels
    assert fuse([one, other], "majority").mask.voxels == one.voxels
    assert fuse([one, other], "probability").probability.max() == 1


def test_five_cousins_do_not_outvote_one_gradient():
    cousin, gradient, reader = spheres(10, 6, 6.5)
    masks = [cousin] * 5 + [gradient, reader]
    weights = FusionOptions(weights=(0.2,) * 5 + (1.0, 1.0))
    assert fuse(masks, "majority").mask.voxels == cousin.voxels
    for method in ("majority", "probability", "simple"):
        assert fuse(masks, method, weights).mask.voxels == reader.voxels


def test_mean_distance_of_concentric_balls_is_the_mean_radius():
    fused = fuse(spheres(6, 8, 10), "mean_distance").mask
    assert fused.voxels == pytest.approx(2109, rel=0.05)
    heavy = FusionOptions(weights=(1.0, 1.0, 2.0))
    assert fuse(spheres(6, 8, 10), "mean_distance", heavy).mask.voxels > fused.voxels


@pytest.mark.parametrize("method", METHODS)
def test_holes_survive(method):
    solid, hole = spheres(10, 4)
    (shifted,) = spheres(10, shifts=[(1, 0, 0)])
    masks = [Mask(ball_.array & ~hole.array, GRID) for ball_ in (solid, shifted, solid)]
    fused = fuse(masks, method).mask.array
    assert not fused[16, 16, 16]
    assert ndimage.binary_fill_holes(fused)[16, 16, 16]


@pytest.mark.parametrize("method", METHODS)
def test_separate_parts_and_the_edge_of_the_grid(method):
    masks = []
    for shift in (0, 1, 0):
        array = np.zeros((10, 12, 14), bool)
        array[0:4, 0:4, 0 : 4 + shift] = True
        array[7:10, 8:12, 9 - shift : 14] = True
        masks.append(Mask(array, VoxelGrid((10, 12, 14), (1, 1, 2))))
    fused = fuse(masks, method).mask.array
    assert ndimage.label(fused)[1] == 2
    assert fused[0, 0, 0]
    assert fused[-1, -1, -1]


@st.composite
def readers(draw):
    count = draw(st.integers(3, 6))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    grid = VoxelGrid((19, 19, 19), (1, 1, 1), (-9, -9, -9))
    return [ball(grid, random.uniform(-2, 2, 3), random.uniform(3, 6)) for _ in range(count)]


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(masks=readers(), seed=st.integers(0, 99))
def test_order_does_not_matter(method, masks, seed):
    order = np.random.default_rng(seed).permutation(len(masks))
    shuffled = fuse([masks[n] for n in order], method).mask
    assert np.array_equal(shuffled.array, fuse(masks, method).mask.array)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(masks=readers())
def test_between_intersection_and_union_and_equivariant_to_flips(method, masks):
    fused = fuse(masks, method).mask.array
    arrays = [mask.array for mask in masks]
    assert fused[np.logical_and.reduce(arrays)].all()
    assert not fused[~np.logical_or.reduce(arrays)].any()
    flipped = [Mask(mask.array[::-1, :, ::-1], mask.grid) for mask in masks]
    assert np.array_equal(fuse(flipped, method).mask.array, fused[::-1, :, ::-1])


@pytest.mark.parametrize(
    "method", ["majority", "union", "intersection", "at_least", "probability", "mean_distance"]
)
@settings(max_examples=10, deadline=None)
@given(masks=readers())
def test_a_larger_input_never_gives_a_smaller_consensus(method, masks):
    larger = Mask(ndimage.binary_dilation(masks[0].array), masks[0].grid)
    before = fuse(masks, method).mask.array
    assert not (before & ~fuse([larger, *masks[1:]], method).mask.array).any()


def test_bad_options_are_refused():
    with pytest.raises(ConsensusError, match="weight is not a positive"):
        FusionOptions(weights=(1.0, 0.0))
    with pytest.raises(ConsensusError, match="2 weights were given for 3"):
        fuse(spheres(6, 7, 8), "majority", FusionOptions(weights=(1.0, 1.0)))
    with pytest.raises(ConsensusError, match="At least 0"):
        FusionOptions(at_least=0)
