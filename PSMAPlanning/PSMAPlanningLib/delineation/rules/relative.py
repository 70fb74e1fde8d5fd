"""A part of the lesion's own maximum or peak, with and without the local background."""

from __future__ import annotations

from collections.abc import Mapping

from ..lesion_crop import LesionCrop
from ..peak import peak_of_crop
from .rule import BACKGROUND, Outcome, Rule, percent


def _percent_max(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(numbers["percent"] / 100 * crop.suv_max)


def _percent_peak(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    peak = peak_of_crop(crop)
    return Outcome(numbers["percent"] / 100 * peak, details={"suv_peak": peak})


def _background_percent(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    background = numbers["background_suv"]
    return Outcome(background + numbers["percent"] / 100 * (crop.suv_max - background))


def _a50(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(0.5 * (crop.suv_max + numbers["background_suv"]))


def _a50_peak(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    peak = peak_of_crop(crop)
    return Outcome(0.5 * (peak + numbers["background_suv"]), details={"suv_peak": peak})


_WITH_BACKGROUND = {"measured": (BACKGROUND,), "needs": ("background_suv",)}

RULES = (
    Rule(
        "percent_max",
        "t = percent/100 · SUVmax",
        "relative",
        "EANM procedure guideline, Boellaard 2015, 10.1007/s00259-014-2961-x",
        True,
        (percent(41.0),),
        _percent_max,
    ),
    Rule(
        "percent_peak",
        "t = percent/100 · SUVpeak (1 cm³ sphere, position maximised); unsafe below 15 mm",
        "relative",
        "percentage as for SUVmax, EANM procedure guideline, Boellaard 2015, 10.1007/s00259-014-2961-x",
        False,
        (percent(41.0),),
        _percent_peak,
    ),
    Rule(
        "a50",
        "t = (SUVmax + background) / 2",
        "relative",
        "contour of EARL's mean recovery, EANM/EARL 2017",
        True,
        (),
        _a50,
        **_WITH_BACKGROUND,
    ),
    Rule(
        "a50_peak",
        "t = (SUVpeak + background) / 2 (1 cm³ sphere, position maximised)",
        "relative",
        "van Velden and Boellaard; recalled, not re-read",
        False,
        (),
        _a50_peak,
        **_WITH_BACKGROUND,
    ),
    Rule(
        "background_percent",
        "t = background + percent/100 · (SUVmax − background)",
        "relative",
        "contrast-corrected percentage, Boellaard and Cheebsumon; coefficients recalled, not re-read",
        False,
        (percent(41.0),),
        _background_percent,
        **_WITH_BACKGROUND,
    ),
)
