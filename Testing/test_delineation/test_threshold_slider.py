"""A step of the slider shows what the same threshold finds in the whole image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PSMAPlanningLib.commands.benchmark_whole_body import whole_body
from PSMAPlanningLib.delineation.connected_components import find_components
from PSMAPlanningLib.delineation.threshold_slider import ThresholdSlider
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity

PET = whole_body((161, 100, 100))
SLIDER = ThresholdSlider(PET)


@pytest.mark.parametrize("threshold_suv", [1.5, 1.9, 3.0, 7.7, 25.0])
def test_step_equals_the_whole_image_at_that_threshold(threshold_suv):
    step = SLIDER.at(threshold_suv)
    whole = find_components(PET.array, threshold_suv)
    labels = whole.labels()
    assert np.array_equal(step.components.labels(), labels)
    assert step.volume_ml.sum() == pytest.approx(np.count_nonzero(labels) * PET.grid.voxel_volume_ml)
    assert np.array_equal(step.components.statistics.suv_mean, whole.statistics.suv_mean)
    for axis in range(3):
        for index in (0, PET.array.shape[axis] // 2, PET.array.shape[axis] - 1):
            assert np.array_equal(step.slice_labels(axis, index), labels.take(index, axis=axis))
        projection = step.projection_labels(axis)
        assert np.array_equal(projection > 0, PET.array.max(axis=axis) >= threshold_suv)
        hottest = np.take_along_axis(labels, PET.array.argmax(axis=axis, keepdims=True), axis=axis)
        assert np.array_equal(projection, hottest.squeeze(axis))


def test_ids_stay_with_the_peak():
    low, high = SLIDER.at(2.0), SLIDER.at(6.0)
    assert set(high.ids) - set(low.ids), "some components of the higher threshold run together below"
    tops = PET.array.reshape(-1)[high.ids]
    labels = low.components.labels().reshape(-1)
    for number, peak in enumerate(low.ids, start=1):
        merged = high.ids[labels[high.ids] == number]
        if merged.size:
            assert peak == merged[np.argmax(tops[labels[high.ids] == number])]
    assert PET.grid.kji_of(high.peak_ras) == pytest.approx(
        np.argwhere(np.isin(np.arange(PET.array.size), high.ids).reshape(PET.array.shape))[
            np.argsort(np.argsort(high.ids))
        ],
        abs=1e-6,
    )
    assert high.centroid_ras.shape == (high.components.count, 3)


def test_above_the_maximum_and_below_the_lowest():
    step = SLIDER.at(1e5)
    assert step.components.count == 0
    assert step.warnings == ("above_maximum",)
    assert not step.slice_labels(0, 5).any()
    assert not step.projection_labels(1).any()
    for threshold_suv in (1.0, -1.0, float("nan")):
        with pytest.raises(RuleError, match="ready from SUV"):
            SLIDER.at(threshold_suv)
    for lowest in (0.0, -2.0, float("nan"), float("inf")):
        with pytest.raises(RuleError, match="above 0"):
            ThresholdSlider(PET, lowest)


@pytest.mark.parametrize("fill", [0.0, -2.0, np.nan, -np.inf])
def test_nothing_in_the_image(fill):
    array = np.full((4, 5, 6), fill, dtype=np.float32)
    step = ThresholdSlider(_image(array)).at(3.0)
    assert step.components.count == 0
    assert "nothing_above_zero" in step.warnings
    assert ("not_finite" in step.warnings) == bool(np.isnan(fill))
    assert not step.projection_labels(0).any()


def test_a_step_leaves_the_image_alone():
    array = PET.array.copy()
    slider = ThresholdSlider(_image(array))
    expected = slider.at(4.0).components.labels()
    array[:] = 0
    assert np.array_equal(slider.at(4.0).components.labels(), expected)


@settings(max_examples=80, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(*(st.integers(1, 6) for _ in range(3))),
        elements=st.one_of(st.sampled_from([np.nan, np.inf, -np.inf, -5.0]), st.floats(0, 20, width=32)),
    ),
    st.floats(1.5, 20),
)
def test_odd_images(array, threshold_suv):
    step = ThresholdSlider(_image(array)).at(threshold_suv)
    labels = find_components(array, threshold_suv).labels()
    for axis in range(3):
        assert np.array_equal(step.slice_labels(axis, 0), labels.take(0, axis=axis))
        assert np.array_equal(step.projection_labels(axis) > 0, (labels > 0).any(axis=axis))
    assert np.isfinite(step.components.statistics.suv_mean).all()


def _image(array):
    return Image(array, VoxelGrid(array.shape, (4, 4, 3)), Quantity.SUVBW)
