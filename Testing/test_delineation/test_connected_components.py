"""Components from runs are those of scipy and SimpleITK, to the voxel, on whatever image."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PSMAPlanningLib.commands.benchmark_whole_body import whole_body
from PSMAPlanningLib.delineation.candidate_voxels import voxels_at_or_above
from PSMAPlanningLib.delineation.connected_components import components_of, find_components, part_at
from scipy import ndimage

TOUCHING = np.ones((3, 3, 3), dtype=bool)
SHAPES = st.tuples(*(st.integers(1, 7) for _ in range(3)))
ODD = st.sampled_from([np.nan, np.inf, -np.inf, -3.0, 0.0, 1.0, 2.0, 2.5, 3.0, 5.0])


def assert_same_components(array, threshold_suv):
    found = find_components(array, threshold_suv)
    with np.errstate(invalid="ignore"):
        avid = (array >= threshold_suv) & np.isfinite(array)
    labels, count = ndimage.label(avid, structure=TOUCHING)
    assert found.count == count
    assert np.array_equal(found.labels(), labels)
    rebuilt = np.zeros(array.shape, dtype=int)
    for number, (box, mask) in enumerate(zip(found.boxes(), found.masks(), strict=True), start=1):
        rebuilt[box][mask] = number
    assert np.array_equal(rebuilt, labels)
    assert all(np.array_equal(found.mask_of(n), mask) for n, mask in enumerate(found.masks()))
    assert found.boxes() == ndimage.find_objects(labels)
    facts = found.statistics
    for n in range(count):
        inside = labels == n + 1
        values = array[inside].astype(float)
        assert facts.voxels[n] == values.size
        assert facts.suv_max[n] == values.max()
        assert facts.suv_mean[n] == pytest.approx(values.mean(), rel=1e-6)
        assert facts.centroid_kji[n] == pytest.approx(np.argwhere(inside).mean(axis=0), abs=1e-9)
        assert facts.peak_flat[n] == np.flatnonzero(inside)[values.argmax()]
    edge = np.zeros(array.shape, dtype=bool)
    edge[[0, -1]] = edge[:, [0, -1]] = edge[:, :, [0, -1]] = True
    assert found.touches_edge.tolist() == [bool(edge[labels == n + 1].any()) for n in range(count)]
    return found


@settings(max_examples=150, deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.float32, shape, elements=ODD)))
def test_any_small_image(array):
    assert_same_components(array, 2.5)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.2, 0.5, 0.95])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_random_images(density, dtype):
    random = np.random.default_rng(int(100 * density))
    array = np.where(random.random((19, 31, 43)) < density, random.uniform(3, 30, (19, 31, 43)), 1)
    assert_same_components(array.astype(dtype), 3)


def test_structured_images():
    wall = np.zeros((20, 20, 20), dtype=np.float32)
    wall[:, ::2] = 5
    snake = wall.copy()
    snake[::4, 1::2, 0] = snake[2::4, 1::2, -1] = 5
    chess = (np.indices((15, 15, 15)).sum(axis=0) % 2).astype(np.float32) * 5
    corners = np.zeros((9, 9, 9), dtype=np.float32)
    corners[0, 0, 0] = corners[-1, -1, -1] = corners[0, 0, -1] = corners[1, 1, 0] = 5
    ends_of_rows = np.zeros((3, 4, 5), dtype=np.float32)
    ends_of_rows[0, :, -1] = ends_of_rows[1, 0, 0] = ends_of_rows[2, :, 0] = 5
    for array in (wall, snake, chess, corners, ends_of_rows, np.full((5, 6, 7), 4, np.float32)):
        assert_same_components(array, 3.0)


def test_many_components_need_a_wider_label():
    array = np.zeros((30, 30, 30), dtype=np.float32)
    array[::2, ::2, ::2] = 4
    found = assert_same_components_fast(array, 3.0)
    assert (found.count, found.labels().dtype) == (3375, np.uint16)


def assert_same_components_fast(array, threshold_suv):
    found = find_components(array, threshold_suv)
    assert np.array_equal(found.labels(), ndimage.label(array >= threshold_suv, structure=TOUCHING)[0])
    return found


@pytest.mark.parametrize("threshold_suv", [1.5, 3.0, 9.0])
def test_whole_body_equals_simpleitk(threshold_suv):
    array = whole_body((161, 100, 100)).array
    found = assert_same_components_fast(array, threshold_suv)
    image = sitk.GetImageFromArray(array)
    labels = sitk.ConnectedComponent(sitk.BinaryThreshold(image, threshold_suv, 1e9), True)
    assert np.array_equal(found.labels(), sitk.GetArrayFromImage(labels))
    theirs = sitk.LabelIntensityStatisticsImageFilter()
    theirs.Execute(labels, image)
    for n, low, high in zip(
        range(1, found.count + 1), found.statistics.low_kji, found.statistics.high_kji, strict=True
    ):
        assert found.statistics.voxels[n - 1] == theirs.GetNumberOfPixels(n)
        assert found.statistics.suv_max[n - 1] == theirs.GetMaximum(n)
        assert found.statistics.suv_mean[n - 1] == pytest.approx(theirs.GetMean(n), rel=1e-6)
        assert theirs.GetBoundingBox(n) == (*low[::-1], *(high - low)[::-1])


def test_larger_than_a_tile_and_not_in_the_order_of_memory():
    array = np.asfortranarray(np.random.default_rng(1).uniform(0, 10, (20, 40, 50)).astype(np.float32))
    assert_same_components_fast(array, 9.0)
    assert_same_components_fast(array[::-1, ::2], 9.0)


def test_higher_thresholds_of_the_same_voxels():
    array = whole_body((80, 50, 50)).array
    low = voxels_at_or_above(array, 1.5)
    for threshold_suv in (1.5, 4.0, 20.0, 1e6):
        again = components_of(low.at_or_above(threshold_suv))
        assert np.array_equal(again.labels(), find_components(array, threshold_suv).labels())


@settings(max_examples=100, deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays.arrays(bool, shape)), st.data())
def test_part_that_holds_a_voxel(inside, data):
    kji = tuple(data.draw(st.integers(0, n - 1)) for n in inside.shape)
    labels, _ = ndimage.label(inside, structure=TOUCHING)
    expected = (labels == labels[kji]) & inside[kji]
    assert np.array_equal(part_at(inside, kji), expected)
