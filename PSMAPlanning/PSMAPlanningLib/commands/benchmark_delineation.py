"""What psma-planning benchmark times of delineation, on a whole-body PET of 644 x 400 x 400 voxels.

A pass is the maximum of the image, `array.max()`: the least that reading all of it can cost, so that limits
in passes hold on any machine.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..delineation.avid_regions import AvidRegion, find_avid_regions
from ..delineation.connected_components import Components, find_components
from ..delineation.lesion_crop import lesion_crop
from ..delineation.rules import RULES, delineate
from ..delineation.seeded_regions import region_at
from ..delineation.threshold_slider import SliderStep, ThresholdSlider
from ..errors import MissingExtraError
from ..imaging.image import Image
from ..settings import ContourSettings, DetectionSettings
from .benchmark_whole_body import LARGE_LESION_RAS, SHAPE_KJI, whole_body
from .benchmark_works import Sides, Work

DETECTION_SUV = 3.0
THRESHOLDS_SUV = tuple(np.random.default_rng(20).uniform(1.5, 20.0, 20).round(2).tolist())
"""Twenty places of the slider."""
LIVER = {"liver_mean": 5.0, "liver_sd": 0.6, "liver_max": 7.0}
"""For the rules that rest on the liver; its usual values, those of the image's own liver."""
_IMAGE_BYTES = 4 * math.prod(SHAPE_KJI)
_PASS = "one pass: array.max() of the same image"


def threshold_and_label(array: np.ndarray) -> tuple[Components, np.ndarray]:
    """Components with their statistics, and the label array."""
    components = find_components(array, DETECTION_SUV)
    return components, components.labels()


def itk_threshold_and_label(image: sitk.Image) -> tuple[sitk.Image, Any]:
    """The same by SimpleITK: label image and statistics."""
    avid = sitk.BinaryThreshold(image, DETECTION_SUV, float(np.finfo(np.float32).max))
    labels = sitk.ConnectedComponent(avid, True)
    statistics = sitk.LabelIntensityStatisticsImageFilter()
    statistics.Execute(labels, image)
    return labels, statistics


def cc3d_threshold_and_label(array: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """The same by connected-components-3d; its statistics hold no uptake."""
    cc3d = _cc3d()
    labels = cc3d.connected_components(array >= DETECTION_SUV, connectivity=26)
    return labels, cc3d.statistics(labels)


def slider_step(slider: ThresholdSlider, threshold_suv: float) -> SliderStep:
    """All that a step of the slider shows: components, three slices through the middle, three projections."""
    step = slider.at(threshold_suv)
    for axis, size in enumerate(slider.grid.shape_kji):
        step.slice_labels(axis, size // 2)
        step.projection_labels(axis)
    # What a table of the components shows.
    _ = step.ids, step.volume_ml, step.centroid_ras, step.peak_ras, step.warnings
    return step


def large_lesion(pet: Image) -> tuple[tuple[AvidRegion, ...], AvidRegion]:
    """All regions and the one of 20 mL."""
    regions = find_avid_regions(pet, DetectionSettings(threshold_suv=DETECTION_SUV)).regions
    return regions, region_at(pet, regions, LARGE_LESION_RAS)


@functools.lru_cache(maxsize=1)
def _pet() -> Image:
    return whole_body()


def _cc3d() -> Any:
    try:
        import cc3d
    except ImportError as error:
        raise MissingExtraError(
            "connected-components-3d, a peer of the benchmark, is not installed; "
            "install psma-planning with the extra `benchmark`."
        ) from error
    return cc3d


@contextmanager
def _beside_itk() -> Iterator[Sides]:
    array = _pet().array
    image = sitk.GetImageFromArray(array)
    yield Sides(lambda: threshold_and_label(array), lambda: itk_threshold_and_label(image))


@contextmanager
def _beside_cc3d() -> Iterator[Sides]:
    _cc3d()
    array = _pet().array
    yield Sides(lambda: threshold_and_label(array), lambda: cc3d_threshold_and_label(array))


@contextmanager
def _beside_a_pass() -> Iterator[Sides]:
    array = _pet().array
    yield Sides(lambda: threshold_and_label(array), array.max)


@contextmanager
def _slider_preparation() -> Iterator[Sides]:
    pet = _pet()
    yield Sides(lambda: ThresholdSlider(pet), pet.array.max)


@contextmanager
def _slider_steps() -> Iterator[Sides]:
    pet = _pet()
    slider = ThresholdSlider(pet)
    steps = {f"SUV {suv:g}": functools.partial(slider_step, slider, suv) for suv in THRESHOLDS_SUV}
    yield Sides(steps, pet.array.max)


@contextmanager
def _slider_on_a_larger_image() -> Iterator[Sides]:
    small = ThresholdSlider(_pet())
    # Twice the columns and twice the rows; only the voxels the slider keeps outlive this line.
    large = ThresholdSlider(whole_body(columns_around=SHAPE_KJI[1] // 2))

    def all_steps(slider: ThresholdSlider) -> None:
        for suv in THRESHOLDS_SUV:
            slider_step(slider, suv)

    yield Sides(lambda: all_steps(large), lambda: all_steps(small))


@contextmanager
def _crop() -> Iterator[Sides]:
    pet = _pet()
    regions, region = large_lesion(pet)
    yield Sides(lambda: lesion_crop(pet, regions, region, ContourSettings()), pet.array.max)


@contextmanager
def _rules() -> Iterator[Sides]:
    pet = _pet()
    crop = lesion_crop(pet, *large_lesion(pet), ContourSettings())
    beforehand = dict(crop.cache)

    def apply(name: str) -> None:
        known = {parameter.name for parameter in RULES[name].measured}
        given = {number: value for number, value in LIVER.items() if number in known}
        # A crop of its own each time: what one rule found out does not help the next.
        own = replace(crop)
        own.cache.update(beforehand)
        delineate(own, name, given)

    yield Sides({name: functools.partial(apply, name) for name in RULES}, pet.array.max)


_COMPONENTS = (
    "threshold, 26-connected components, label array, count, volume, max, mean, centroid and box of each"
)

WORKS = (
    Work(
        "components",
        "SimpleITK BinaryThreshold, ConnectedComponent, LabelIntensityStatistics",
        12.0,
        _COMPONENTS,
        _beside_itk,
        3 * _IMAGE_BYTES // 2,
    ),
    Work(
        "components_cc3d",
        "connected-components-3d and its statistics (no uptake)",
        12.0,
        _COMPONENTS,
        _beside_cc3d,
    ),
    Work("components_passes", _PASS, 1 / 6, _COMPONENTS, _beside_a_pass),
    Work(
        "slider_ready",
        _PASS,
        1 / 12,
        "once per image: voxels at or above SUV 1.5, hottest on each ray of three projections",
        _slider_preparation,
        3 * _IMAGE_BYTES // 2,
    ),
    Work(
        "slider_step",
        _PASS,
        1 / 2,
        "median over 20 thresholds, SUV 1.5 to 20: components, statistics, labels of three slices and of "
        "three projections",
        _slider_steps,
    ),
    Work(
        "slider_4x_image",
        "the same 20 steps in the image itself",
        1 / 1.2,
        "20 slider steps in an image of four times the voxels with the same content",
        _slider_on_a_larger_image,
    ),
    Work(
        "crop",
        _PASS,
        1 / 20,
        "20 mL lesion: crop, territory, background shell, interpolation to voxels below 1 mm, box of the "
        "uptake above background + 10 %; no limit is asked for, this one is ours",
        _crop,
    ),
    Work(
        "rules",
        _PASS,
        2.0,
        "median over all rules: one rule's contour of the 20 mL lesion on its ready crop (the row above), "
        "without what other rules found out about it",
        _rules,
    ),
)
