"""The one table of rules, and how a rule becomes a contour. A new rule: one file, one line here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...errors import RuleError
from ...imaging.image import Mask
from ..lesion_crop import LesionCrop
from . import adaptive, fixed, fuzzy, gradient, histogram, liver, random_walker, recovery, relative
from .collapse import has_collapsed
from .connected import contour_at, part_at_peak, reaches_edge
from .rule import Delineation, Rule

_FILES = (fixed, relative, liver, adaptive, recovery, histogram, gradient, random_walker, fuzzy)

RULES: dict[str, Rule] = {rule.name: rule for file in _FILES for rule in file.RULES}


def checked_parameters(name: str, given: Mapping[str, float]) -> dict[str, float]:
    """The rule's parameters, defaults filled in; raises RuleError for what the rule does not know."""
    if name not in RULES:
        raise RuleError(f"There is no delineation rule {name!r}; known: {', '.join(RULES)}.")
    rule = RULES[name]
    known = {parameter.name: parameter for parameter in (*rule.parameters, *rule.measured)}
    for key, value in given.items():
        if key not in known:
            raise RuleError(f"Rule {name} has no parameter {key!r}; known: {', '.join(known) or 'none'}.")
        if not known[key].smallest <= value <= known[key].largest:
            raise RuleError(
                f"{name}: {key} is {value}; it must lie between "
                f"{known[key].smallest} and {known[key].largest} {known[key].unit}".rstrip()
                + "."
            )
    return {parameter.name: parameter.default for parameter in rule.parameters} | dict(given)


def delineate(crop: LesionCrop, name: str, given: Mapping[str, float]) -> Delineation:
    """One rule's contour of the lesion in `crop`.

    A rule that cannot be applied gives an empty contour with a flag that says why. Raises RuleError for an
    unknown rule or parameter.
    """
    parameters = checked_parameters(name, given)
    rule = RULES[name]
    numbers = dict(parameters)
    if crop.background_suv is not None:
        numbers.setdefault("background_suv", crop.background_suv)
    missing = [need for need in rule.needs if need not in numbers]
    if missing:
        return _nothing(crop, name, parameters, (_flag_without(missing[0]),))
    outcome = rule.method(crop, numbers)
    if outcome.inside is not None:
        inside = part_at_peak(crop, outcome.inside)
    elif outcome.threshold_suv is not None:
        inside = contour_at(crop, outcome.threshold_suv)
    else:
        return _nothing(crop, name, parameters, outcome.flags)
    flags = (*crop.flags, *outcome.flags)
    if has_collapsed(crop, inside, numbers.get("background_suv"), outcome.threshold_suv):
        flags = (*flags, "collapsed")
    if not inside.any():
        flags = (*flags, "empty")
    elif reaches_edge(inside):
        flags = (*flags, "leaks")
    threshold = None if outcome.threshold_suv is None else float(outcome.threshold_suv)
    details = dict(outcome.details)
    if "background_suv" in rule.needs:
        details["background_suv"] = numbers["background_suv"]
    return Delineation(name, parameters, threshold, Mask(inside, crop.grid), flags, details)


def patient_threshold(name: str, given: Mapping[str, float]) -> float:
    """The SUV threshold of a rule that is the same for the whole patient, for finding avid regions.

    Raises RuleError for a rule that needs a lesion, and when the liver's numbers are missing.
    """
    numbers = checked_parameters(name, given)
    rule = RULES[name]
    if rule.per_lesion:
        usable = ", ".join(each.name for each in RULES.values() if not each.per_lesion)
        raise RuleError(
            f"Rule {name} needs a lesion and cannot find regions; give a number or one of {usable}."
        )
    if any(need not in numbers for need in rule.needs):
        raise RuleError(missing_liver_sentence(name))
    threshold = rule.method(None, numbers).threshold_suv
    if threshold is None:
        raise RuleError(missing_liver_sentence(name))
    return float(threshold)


def missing_liver_sentence(name: str) -> str:
    options = " ".join(f"--set {parameter.name}=" for parameter in RULES[name].measured)
    return f"Rule {name} needs the liver: give its values with {options} or organ masks with --anatomy."


def _flag_without(need: str) -> str:
    return "no_background" if need == "background_suv" else "no_liver"


def _nothing(
    crop: LesionCrop, name: str, parameters: Mapping[str, float], flags: tuple[str, ...]
) -> Delineation:
    empty = Mask(np.zeros(crop.suv.shape, dtype=bool), crop.grid)
    return Delineation(name, parameters, None, empty, (*crop.flags, *flags))
