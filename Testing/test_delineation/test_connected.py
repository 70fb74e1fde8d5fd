"""Contours at the peak, against a plain labelling of the whole crop, to the voxel, on noisy random crops."""

import math

import numpy as np
import pytest
from phantoms import centred_grid
from PSMAPlanningLib.delineation.lesion_crop import _HOT, LesionCrop
from PSMAPlanningLib.delineation.psf import diameter_of_volume_mm
from PSMAPlanningLib.delineation.rules import RULES, adaptive, delineate, recovery
from PSMAPlanningLib.delineation.rules.connected import (
    NestedContours,
    connected_to_peak,
    contour_at,
    part_at_peak,
    reaches_edge,
)
from PSMAPlanningLib.delineation.rules.local_maxima import LocalMaxima, highest_around
from PSMAPlanningLib.imaging.grid import bounding_box
from scipy import ndimage

SEEDS = range(6)
LIVER = {"liver_mean": 3.0, "liver_sd": 0.4, "liver_max": 4.0}
THRESHOLD_RULES = [name for name in RULES if name not in ("gradient", "random_walker")]


def random_crop(seed: int, hot: bool = True) -> LesionCrop:
    """Several hot spots of uneven uptake, some of them a neighbour's; rises and falls at every scale."""
    random = np.random.default_rng(seed)
    grid = centred_grid(11.0, (0.9, 0.8, 1.0))
    axes = np.indices(grid.shape_kji)
    suv = np.ones(grid.shape_kji)
    for _ in range(7):
        centre = random.uniform(6, np.array(grid.shape_kji) - 7)
        squares = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
        suv += random.uniform(4, 12) * np.exp(-squares / (2 * random.uniform(1.5, 3.5) ** 2))
    grain = ndimage.gaussian_filter(random.standard_normal(grid.shape_kji), 0.8)
    suv = (suv * (1 + 0.25 * grain / grain.std())).astype(np.float32)
    territory = axes[0] + axes[2] > random.uniform(5, 18)
    peak = np.unravel_index(int(np.where(territory, suv, -1).argmax()), suv.shape)
    crop = LesionCrop(
        suv=suv,
        grid=grid,
        territory=territory,
        peak_kji=tuple(map(int, peak)),
        suv_max=float(suv[peak]),
        background_suv=1.0,
    )
    if hot:
        crop.cache[_HOT] = (3.0, bounding_box((suv >= 3.0) & territory))
    return crop


def plain(crop: LesionCrop, threshold_suv: float) -> np.ndarray:
    labels, _ = ndimage.label((crop.suv >= threshold_suv) & crop.territory, np.ones((3, 3, 3)))
    at_peak = labels[crop.peak_kji]
    return (labels == at_peak) & (at_peak > 0)


class PlainContours:
    """What NestedContours is, by a labelling for every question."""

    def __init__(self, crop: LesionCrop, _floor_suv: float) -> None:
        self.crop = crop

    def values(self, threshold_suv: float) -> np.ndarray:
        return self.crop.suv[plain(self.crop, threshold_suv)]

    def diameter_mm(self, threshold_suv: float) -> float:
        return diameter_of_volume_mm(self.values(threshold_suv).size * self.crop.grid.voxel_volume_ml)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("hot", [True, False])
def test_contours_are_those_of_a_plain_labelling(seed, hot):
    crop = random_crop(seed, hot)
    parts = set()
    for threshold in np.linspace(0.5, 1.02 * crop.suv_max, 25).tolist():
        expected = plain(crop, threshold)
        assert np.array_equal(connected_to_peak(crop, threshold), expected)
        assert np.array_equal(part_at_peak(crop, crop.suv >= threshold), expected)
        parts.add((threshold, np.count_nonzero((crop.suv >= threshold) & crop.territory) > expected.sum()))
    # Otherwise there is nothing to take apart.
    assert sum(apart for _, apart in parts) > 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", ["rising", "falling", "mixed"])
def test_nested_contours_are_those_of_a_plain_labelling(seed, order):
    """Often enough for every way of answering: searched, by local maxima, by levels, from a lower floor."""
    crop = random_crop(seed)
    thresholds = np.random.default_rng(100 + seed).uniform(1.5, crop.suv_max, 40)
    thresholds = {"rising": np.sort(thresholds), "falling": np.sort(thresholds)[::-1]}.get(order, thresholds)
    nested = NestedContours(crop, 0.4 * crop.suv_max)
    crop.cache["nested"] = nested
    for threshold in thresholds.tolist():
        expected = plain(crop, threshold)
        assert np.array_equal(np.sort(nested.values(threshold)), np.sort(crop.suv[expected]))
        volume_ml = np.count_nonzero(expected) * crop.grid.voxel_volume_ml
        assert nested.volume_ml(threshold) == pytest.approx(volume_ml, rel=1e-12)
        # A plain number, that reports can write.
        assert type(nested.volume_ml(threshold)) is float
        assert np.array_equal(contour_at(crop, threshold), expected)
    assert nested.values(2 * crop.suv_max).size == 0
    assert not contour_at(crop, 2 * crop.suv_max).any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", THRESHOLD_RULES)
def test_rules_give_the_threshold_and_contour_of_the_plain_way(name, seed, monkeypatch):
    given = {key: value for key, value in LIVER.items() if key in {p.name for p in RULES[name].measured}}
    found = delineate(random_crop(seed), name, given)
    crop = random_crop(seed, hot=False)
    for file in (adaptive, recovery):
        monkeypatch.setattr(file, "nested_contours", PlainContours)
    expected = delineate(crop, name, given)
    assert found.threshold_suv == pytest.approx(expected.threshold_suv, rel=1e-9)
    assert np.array_equal(found.mask.array, plain(crop, found.threshold_suv))
    assert found.mask.voxels == expected.mask.voxels
    assert found.flags == expected.flags


def test_a_maximum_that_comes_off_is_not_joined():
    suv = np.full((3, 3, 9), -np.inf, dtype=np.float32)
    suv[1, 1, 1:8] = (5, 4, 3, 2, 3, 6, 1)
    maxima = LocalMaxima(suv, 1.0)
    assert not maxima.are_joined(1.5)
    maxima.found(2.0, suv >= 2)
    assert maxima.are_joined(1.5)
    assert maxima.are_joined(2.0)
    assert not maxima.are_joined(2.5)
    right = suv >= 2.5
    right[..., :4] = False
    maxima.found(2.5, right)
    assert not maxima.are_joined(2.5)
    # Above the lower of the two there is only one left, known to be joined where it was looked for.
    maxima.found(5.5, suv >= 5.5)
    assert maxima.are_joined(5.5)


def test_highest_around_is_the_maximum_of_a_cube():
    array = np.random.default_rng(1).standard_normal((5, 7, 6)).astype(np.float32)
    expected = ndimage.maximum_filter(array, 3, mode="constant", cval=-np.inf)
    assert np.array_equal(highest_around(array), expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("end", [0, -1])
def test_edges_are_reached_on_every_side(axis, end):
    inside = np.zeros((5, 6, 7), dtype=bool)
    inside[2, 3, 3] = True
    assert not reaches_edge(inside)
    place = [2, 3, 3]
    place[axis] = end
    inside[tuple(place)] = True
    assert reaches_edge(inside)
    assert not reaches_edge(np.zeros((4, 4, 4), dtype=bool))


def test_box_of_hot_voxels_is_left_behind_with_the_crop_it_belongs_to():
    crop = random_crop(0)
    box = crop.box_at_or_above(3.0)
    assert math.prod(s.stop - s.start for s in box) < crop.suv.size
    assert crop.box_at_or_above(2.9) == tuple(slice(0, n) for n in crop.suv.shape)
    assert random_crop(0, hot=False).box_at_or_above(3.0) == crop.box_at_or_above(2.9)
