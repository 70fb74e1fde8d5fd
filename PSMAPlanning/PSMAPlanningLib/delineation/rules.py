"""Delineation rules by name: formula, parameters with bounds, source, and whether it was verified.

A rule turns a lesion's crop into a threshold; the contour is the part at or above it, inside the
lesion's territory, that is connected to its hottest voxel. Adding a rule is one entry in `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import RuleError
from ..imaging.grid import bounding_box
from ..imaging.image import Mask
from .avid_regions import TWENTY_SIX_CONNECTED
from .lesion_crop import LesionCrop


@dataclass(frozen=True)
class Parameter:
    """A number a rule takes, with its unit, default and bounds."""

    name: str
    unit: str
    default: float
    smallest: float
    largest: float


@dataclass(frozen=True)
class Rule:
    """A threshold rule.

    threshold: from the lesion's crop and the parameters to an SUV; None when it cannot be told.
    family: fixed, relative, adaptive or gradient; verified: whether the primary text was read.
    """

    name: str
    formula: str
    family: str
    citation: str
    verified: bool
    parameters: tuple[Parameter, ...]
    threshold: Callable[[LesionCrop, Mapping[str, float]], float | None]


@dataclass(frozen=True, eq=False)
class Delineation:
    """One rule's contour of one lesion; the mask lies on the lesion's fine grid.

    flags: "leaks" when it reaches the edge of the crop, "empty" when nothing is at or above the
    threshold, "no_background" when the rule needs a local background and there is none.
    """

    rule: str
    parameters: Mapping[str, float]
    threshold_suv: float | None
    mask: Mask
    flags: tuple[str, ...] = ()


def _fixed_suv(crop: LesionCrop, parameters: Mapping[str, float]) -> float:
    return parameters["suv"]


def _percent_max(crop: LesionCrop, parameters: Mapping[str, float]) -> float:
    return parameters["percent"] / 100 * crop.suv_max


def _background_percent(crop: LesionCrop, parameters: Mapping[str, float]) -> float | None:
    background = parameters.get("background_suv", crop.background_suv)
    if background is None:
        return None
    return background + parameters["percent"] / 100 * (crop.suv_max - background)


_PERCENT = Parameter("percent", "%", 41.0, 1.0, 99.0)

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "fixed_suv",
            "t = suv",
            "fixed",
            "3.0: DEEP-PSMA challenge; 4.0: Mittlmeier 2021, 10.3389/fonc.2021.663631",
            True,
            (Parameter("suv", "SUV", 3.0, 0.01, 1000.0),),
            _fixed_suv,
        ),
        Rule(
            "percent_max",
            "t = percent/100 · SUVmax",
            "relative",
            "EANM procedure guideline, Boellaard 2015, 10.1007/s00259-014-2961-x",
            True,
            (_PERCENT,),
            _percent_max,
        ),
        Rule(
            "background_percent",
            "t = background + percent/100 · (SUVmax − background)",
            "relative",
            "contrast-corrected percentage, Boellaard and Cheebsumon; coefficients recalled, not re-read",
            False,
            (_PERCENT,),
            _background_percent,
        ),
    )
}


def checked_parameters(name: str, given: Mapping[str, float]) -> dict[str, float]:
    """The rule's parameters, defaults filled in; raises RuleError for what the rule does not know."""
    if name not in RULES:
        raise RuleError(f"There is no delineation rule {name!r}; known: {', '.join(RULES)}.")
    known = {parameter.name: parameter for parameter in RULES[name].parameters}
    if name == "background_percent":
        known["background_suv"] = Parameter("background_suv", "SUV", 0.0, 0.0, 1000.0)
    for key, value in given.items():
        if key not in known:
            raise RuleError(f"Rule {name} has no parameter {key!r}; known: {', '.join(known)}.")
        if not known[key].smallest <= value <= known[key].largest:
            raise RuleError(
                f"{name}: {key} is {value}; it must lie between "
                f"{known[key].smallest} and {known[key].largest} {known[key].unit}."
            )
    return {parameter.name: parameter.default for parameter in RULES[name].parameters} | dict(given)


def delineate(crop: LesionCrop, name: str, given: Mapping[str, float]) -> Delineation:
    """One rule's contour of the lesion in `crop`."""
    parameters = checked_parameters(name, given)
    threshold = RULES[name].threshold(crop, parameters)
    if threshold is None:
        nothing = Mask(np.zeros(crop.suv.shape, dtype=bool), crop.grid)
        return Delineation(name, parameters, None, nothing, (*crop.flags, "no_background"))
    inside = connected_to_peak(crop, threshold)
    flags = crop.flags
    if not inside.any():
        flags = (*flags, "empty")
    elif reaches_edge(inside):
        flags = (*flags, "leaks")
    return Delineation(name, parameters, float(threshold), Mask(inside, crop.grid), flags)


def connected_to_peak(crop: LesionCrop, threshold_suv: float) -> np.ndarray:
    """Voxels at or above the threshold, in the lesion's territory, connected to its hottest voxel."""
    avid = (crop.suv >= threshold_suv) & crop.territory
    labels, _ = ndimage.label(avid, structure=TWENTY_SIX_CONNECTED)
    own = labels[crop.peak_kji]
    return labels == own if own else np.zeros(avid.shape, dtype=bool)


def reaches_edge(inside: np.ndarray) -> bool:
    """Whether a non-empty mask touches the border of its array."""
    box = bounding_box(inside)
    return any(s.start == 0 or s.stop == n for s, n in zip(box, inside.shape, strict=True))
