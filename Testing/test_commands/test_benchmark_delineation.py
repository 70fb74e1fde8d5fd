"""The benchmark's delineation rows compare like with like; seconds are never asserted on."""

import sys

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.commands import benchmark_delineation
from PSMAPlanningLib.commands.benchmark_delineation import (
    THRESHOLDS_SUV,
    WORKS,
    itk_threshold_and_label,
    large_lesion,
    slider_step,
    threshold_and_label,
)
from PSMAPlanningLib.commands.benchmark_whole_body import LARGE_LESION_RAS, LESIONS, lesions, whole_body
from PSMAPlanningLib.delineation.threshold_slider import ThresholdSlider
from PSMAPlanningLib.errors import MissingExtraError

PET = whole_body((161, 100, 100))


def test_targets_are_those_of_the_issue():
    targets = {work.name: work.target for work in WORKS}
    assert targets["components"] == targets["components_cc3d"] == 12
    assert targets["components_passes"] == pytest.approx(1 / 6)
    assert targets["slider_ready"] == pytest.approx(1 / 12)
    assert targets["slider_step"] == pytest.approx(1 / 2)
    assert targets["slider_4x_image"] == pytest.approx(1 / 1.2)
    assert targets["rules"] == 2
    limits = {work.name: work.peak_limit_bytes for work in WORKS if work.peak_limit_bytes}
    assert limits == dict.fromkeys(("components", "slider_ready"), int(1.5 * 4 * 644 * 400 * 400))
    assert len(THRESHOLDS_SUV) == 20
    assert all(1.5 <= suv <= 20 for suv in THRESHOLDS_SUV)


def test_volume_has_organs_lesions_and_few_avid_voxels():
    assert len(lesions()) == LESIONS
    assert 0.005 < np.mean(PET.array >= 1.5) < 0.02
    assert PET.array.dtype == np.float32
    step = ThresholdSlider(PET).at(3.0)
    # Organs that touch are one component; the faintest and smallest lesions stay below SUV 3.
    assert 40 <= step.components.count <= 90
    regions, region = large_lesion(PET)
    assert len(regions) >= step.components.count
    assert region.volume_ml == pytest.approx(20, rel=0.6)
    assert np.linalg.norm(np.subtract(region.centroid_ras, LARGE_LESION_RAS)) < 4


def test_the_larger_image_has_the_same_content():
    large = whole_body((80, 50, 50), columns_around=25)
    small = whole_body((80, 50, 50))
    assert large.array.size == 4 * small.array.size
    assert np.array_equal(large.array[:, 25:-25, 25:-25], small.array)
    mine, theirs = ThresholdSlider(small).at(2.0), ThresholdSlider(large).at(2.0)
    assert mine.components.count == theirs.components.count > 10
    assert np.array_equal(mine.volume_ml, theirs.volume_ml)
    assert mine.centroid_ras == pytest.approx(theirs.centroid_ras, abs=1e-6)


def test_all_sides_find_the_same_components():
    components, labels = threshold_and_label(PET.array)
    image, statistics = itk_threshold_and_label(sitk.GetImageFromArray(PET.array))
    assert np.array_equal(sitk.GetArrayFromImage(image), labels)
    assert statistics.GetNumberOfLabels() == components.count
    pytest.importorskip("cc3d", reason="connected-components-3d is an optional peer")
    theirs, numbers = benchmark_delineation.cc3d_threshold_and_label(PET.array)
    assert np.array_equal(theirs, labels)
    assert np.array_equal(numbers["voxel_counts"][1:], components.statistics.voxels)
    assert numbers["centroids"][1:] == pytest.approx(components.statistics.centroid_kji, abs=1e-2)


def test_a_missing_peer_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cc3d", None)
    with pytest.raises(MissingExtraError, match="connected-components-3d"):
        benchmark_delineation.cc3d_threshold_and_label(PET.array)


def test_every_delineation_work_runs_on_a_small_image(monkeypatch):
    real = benchmark_delineation.whole_body

    def small(columns_around=0):
        return real((80, 50, 50), 25 if columns_around else 0)

    monkeypatch.setattr(benchmark_delineation, "whole_body", small)
    benchmark_delineation._pet.cache_clear()
    for work in WORKS:
        if work.name == "components_cc3d":
            pytest.importorskip("cc3d", reason="connected-components-3d is an optional peer")
        with work.prepared() as sides:
            sides.peer()
            for part in sides.ours.values() if isinstance(sides.ours, dict) else [sides.ours]:
                part()
    benchmark_delineation._pet.cache_clear()


def test_a_step_holds_what_is_shown():
    step = slider_step(ThresholdSlider(PET), 4.0)
    assert step.threshold_suv == 4.0
    assert step.volume_ml.sum() == pytest.approx((PET.array >= 4).sum() * PET.grid.voxel_volume_ml)
