"""Thresholds from the lesion's mean uptake and its background, by coefficients of a scanner's phantom."""

from __future__ import annotations

from collections.abc import Mapping

from ..lesion_crop import LesionCrop
from .connected import nested_contours
from .rule import BACKGROUND, Outcome, Parameter, Rule, percent

_BLACK_STOP_SUV = 1e-3
_BLACK_ITERATIONS = 50


def _mean_above_70_percent(crop: LesionCrop) -> float:
    """Mean of the lesion's voxels at or above 70 % of its maximum."""
    floor = 0.70 * crop.suv_max
    return float(nested_contours(crop, floor).values(floor).mean(dtype=float))


def _nestle(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    mean = _mean_above_70_percent(crop)
    return Outcome(
        numbers["percent"] / 100 * mean + numbers["background_suv"], details={"mean_above_70_percent": mean}
    )


def _schaefer(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    mean, background = _mean_above_70_percent(crop), numbers["background_suv"]
    wide = numbers["a_large"] * mean + numbers["b_large"] * background
    narrow = numbers["a_small"] * mean + numbers["b_small"] * background
    # The large coefficients apply where the diameter they give confirms them.
    diameter_mm = nested_contours(crop, wide).diameter_mm(wide)
    large = diameter_mm >= numbers["large_from_mm"]
    return Outcome(wide if large else narrow, details={"mean_above_70_percent": mean})


def _black(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    threshold = 0.4 * crop.suv_max
    nested = nested_contours(crop, threshold)
    for _ in range(_BLACK_ITERATIONS):
        values = nested.values(threshold)
        if values.size == 0:
            return Outcome(threshold)
        following = numbers["a"] * float(values.mean(dtype=float)) + numbers["b"]
        if abs(following - threshold) < _BLACK_STOP_SUV:
            return Outcome(following)
        threshold = following
    return Outcome(threshold, flags=("not_converged",))


def _daisne(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(numbers["a"] * crop.suv_max + numbers["b"] * numbers["background_suv"])


def _coefficient(name: str, default: float) -> Parameter:
    return Parameter(name, "", default, 0.0, 2.0)


_WITH_BACKGROUND = {"measured": (BACKGROUND,), "needs": ("background_suv",)}

RULES = (
    Rule(
        "nestle",
        "t = percent/100 · (mean of voxels at or above 70 % of SUVmax) + background",
        "adaptive",
        "Nestle 2005, J Nucl Med 46:1342; recalled, not re-read",
        False,
        (percent(15.0),),
        _nestle,
        **_WITH_BACKGROUND,
    ),
    Rule(
        "schaefer",
        "t = a · (mean of voxels at or above 70 % of SUVmax) + b · background; a_large, b_large where "
        "they give a diameter of large_from_mm or more, else a_small, b_small",
        "adaptive",
        "Schaefer 2008, 10.1007/s00259-008-0875-1; coefficients recalled and specific to a scanner",
        False,
        (
            _coefficient("a_large", 0.50),
            _coefficient("b_large", 0.50),
            _coefficient("a_small", 0.67),
            _coefficient("b_small", 0.60),
            Parameter("large_from_mm", "mm", 30.0, 0.0, 500.0),
        ),
        _schaefer,
        **_WITH_BACKGROUND,
    ),
    Rule(
        "black",
        "t = a · (mean of voxels at or above t) + b, from 40 % of SUVmax until it changes by less than 0.001",
        "adaptive",
        "Black 2004, 10.1016/j.ijrobp.2004.06.254; FDG lung phantom, recalled, not re-read",
        False,
        (_coefficient("a", 0.307), Parameter("b", "SUV", 0.588, 0.0, 20.0)),
        _black,
    ),
    Rule(
        "daisne",
        "t = a · SUVmax + b · background; a and b are to come from the site's phantom, the defaults are "
        "those at which it equals background + 41 %",
        "adaptive",
        "Daisne 2003, 10.1016/s0167-8140(03)00270-6; formula recalled, default coefficients are ours",
        False,
        (_coefficient("a", 0.41), _coefficient("b", 0.59)),
        _daisne,
        **_WITH_BACKGROUND,
    ),
)
