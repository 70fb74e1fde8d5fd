"""STAPLE against SimpleITK, against the reference vectors, and where SimpleITK gives no number."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball
from PSMAPlanningLib.consensus.domain import Domain
from PSMAPlanningLib.consensus.fusion import FusionOptions, fuse
from PSMAPlanningLib.consensus.patterns import decision_patterns
from PSMAPlanningLib.consensus.staple import staple
from PSMAPlanningLib.errors import ConsensusError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask

FULL = FusionOptions(domain=Domain("full"))
DISPUTED = FusionOptions(domain=Domain("disputed"))
ORIGIN = (0, 0, 0)


def cube(edge):
    return VoxelGrid((edge,) * 3, (1, 1, 1), (-(edge // 2),) * 3)


def spheres(radii, shifts=None, edge=33):
    grid = cube(edge)
    shifts = shifts or [ORIGIN] * len(radii)
    return [ball(grid, shift, r + 1e-6) for r, shift in zip(radii, shifts, strict=True)]


def itk(masks):
    staple_filter = sitk.STAPLEImageFilter()
    staple_filter.SetForegroundValue(1)
    images = [sitk.GetImageFromArray(mask.array.astype(np.uint8)) for mask in masks]
    probability = sitk.GetArrayFromImage(staple_filter.Execute(images))
    return probability, staple_filter.GetSensitivity(), staple_filter.GetSpecificity()


def assert_equals_itk(masks):
    probability, sensitivity, specificity = itk(masks)
    ours = fuse(masks, "staple", FULL)
    assert np.abs(ours.probability - probability).max() <= 1e-6
    assert ours.sensitivity == pytest.approx(sensitivity, abs=1e-6)
    assert ours.specificity == pytest.approx(specificity, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 8))
def test_equals_simpleitk_on_shifted_spheres(seed, count):
    random = np.random.default_rng(seed)
    shifts = [tuple(x) for x in random.uniform(-3, 3, (count, 3))]
    assert_equals_itk(spheres(random.uniform(4, 9, count), shifts, edge=27))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 9))
def test_equals_simpleitk_on_noisy_readers(seed, count):
    random = np.random.default_rng(seed)
    grid = cube(15)
    truth = ball(grid, ORIGIN, 5).array
    error = random.uniform(0.02, 0.3, (count, 1, 1, 1))
    assert_equals_itk([Mask(array, grid) for array in truth ^ (random.random((count, 15, 15, 15)) < error)])


@pytest.mark.parametrize("domain", ["full", "crop:10"])
@pytest.mark.parametrize(
    ("radii", "shifts", "expected"),
    [
        ((6, 8, 10), None, 2109),
        ((6, 6.5, 7, 7.5, 12), None, 1791),
        ((6, 7, 8, 10), [ORIGIN, (0, 0, 2), (0, 2, 0), (3, 0, 0)], 2144),
        ((6, 7, 9), [ORIGIN, (4, 0, 0), (0, 4, 0)], 1319),
    ],
)
def test_reference_volumes(radii, shifts, expected, domain):
    options = FusionOptions(domain=Domain.parse(domain))
    assert fuse(spheres(radii, shifts), "staple", options).mask.voxels == expected


def test_a_tight_crop_changes_even_the_contour():
    masks = spheres((6, 6.5, 7, 7.5, 12))
    tight = fuse(masks, "staple", FusionOptions(domain=Domain.parse("crop:0")))
    assert (tight.mask.voxels, tight.domain_voxels) == (1419, 25**3)
    cropped = masks[-1].cropped().grid
    inner = [Mask(mask.array[4:29, 4:29, 4:29], cropped) for mask in masks]
    assert np.count_nonzero(itk(inner)[0] >= 0.5) == 1419


@pytest.mark.parametrize(
    ("radii", "shifts", "expected"),
    [
        ((6, 7, 8, 10), [ORIGIN, (0, 0, 2), (0, 2, 0), (3, 0, 0)], 2123),
        ((6, 7, 9), [ORIGIN, (4, 0, 0), (0, 4, 0)], 1443),
    ],
)
def test_disputed_voxels_only_give_another_answer(radii, shifts, expected):
    masks = spheres(radii, shifts)
    fused = fuse(masks, "staple", DISPUTED).mask.array
    assert np.count_nonzero(fused) == expected
    arrays = [mask.array for mask in masks]
    assert fused[np.logical_and.reduce(arrays)].all()
    assert not fused[~np.logical_or.reduce(arrays)].any()


def test_performance_means_nothing_in_a_large_background():
    small, large = (fuse(spheres((6, 8, 10), edge=edge), "staple", FULL) for edge in (25, 151))
    assert small.mask.voxels == large.mask.voxels == 2109
    assert small.specificity[2] == pytest.approx(0.848, abs=5e-4)
    assert large.specificity[2] == pytest.approx(0.9994, abs=5e-5)
    assert (small.domain_voxels, large.domain_voxels) == (25**3, 151**3)


def test_two_inputs_are_degenerate():
    masks = spheres((8, 8), [(-2, 0, 0), (2, 0, 0)])
    with pytest.raises(ConsensusError, match=r"at least 3 .* got 2"):
        fuse(masks, "staple")
    # An empty one does not count.
    empty = Mask(np.zeros((33, 33, 33), bool), masks[0].grid)
    with pytest.raises(ConsensusError, match=r"at least 3 .* got 2"):
        fuse([*masks, empty], "staple")


@pytest.mark.parametrize("domain", ["full", "crop:0", "union", "disputed"])
def test_identical_contours_are_certain(domain):
    (mask,) = spheres((7,))
    fusion = fuse([mask] * 4, "staple", FusionOptions(domain=Domain.parse(domain)))
    assert np.array_equal(fusion.mask.array, mask.array)
    assert np.array_equal(fusion.probability, mask.array)
    assert fusion.sensitivity == fusion.specificity == (1, 1, 1, 1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 30), share=st.floats(0.01, 0.99))
def test_every_figure_is_a_number_between_0_and_1(seed, count, share):
    arrays = np.random.default_rng(seed).random((count, 5, 5, 5)) < share
    arrays[0, 0, 0, 0] = True
    patterns = decision_patterns(list(arrays), Domain("full"), cube(5))
    answer = staple(patterns)
    for figures in (answer.probability, answer.sensitivity, answer.specificity):
        assert np.all((figures >= 0) & (figures <= 1))


def test_a_grid_that_is_all_inside():
    full = Mask(np.ones((4, 4, 4), bool), cube(4))
    fusion = fuse([full] * 3, "staple", FULL)
    assert fusion.mask.voxels == 64
    assert np.isfinite(fusion.specificity).all()


def test_cousins_with_shared_weight_count_as_one():
    one, other, third = spheres((5, 7, 8), [ORIGIN, (2, 0, 0), (0, 2, 0)])
    plain = fuse([one, other, third], "staple", FULL)
    cousins = FusionOptions(weights=(0.2,) * 5 + (1.0, 1.0), domain=Domain("full"))
    weighted = fuse([one] * 5 + [other, third], "staple", cousins)
    assert np.abs(weighted.probability - plain.probability).max() < 1e-5
