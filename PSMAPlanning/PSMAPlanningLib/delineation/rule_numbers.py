"""The numbers that a rule takes from the patient: liver and blood pool, and the scanner's resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..imaging.image import Image, Mask
from .reference_proposals import reference_regions
from .reference_regions import ReferenceRegion, reference_numbers
from .rules import RULES

Sphere = tuple[tuple[float, float, float], float]
_REFERENCE_OF = {"liver_": "liver", "blood_pool_": "blood_pool"}


def references_of(rules: Iterable[tuple[str, Mapping[str, float]]]) -> tuple[str, ...]:
    """Names of the reference regions that rules (name and given parameters) would measure, sorted."""
    wanted = {
        parameter.name
        for name, given in rules
        for parameter in RULES[name].measured
        if parameter.name not in given
    }
    return tuple(
        sorted(
            {region for start, region in _REFERENCE_OF.items() if any(w.startswith(start) for w in wanted)}
        )
    )


def measured_references(
    names: Iterable[str],
    pet: Image,
    anatomy: Mapping[str, Mask],
    placed: Mapping[str, Sphere] | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> dict[str, ReferenceRegion]:
    """The named reference regions, from placed spheres, organ masks or proposals; others are absent.

    placed: centre (RAS mm) and radius (mm) of spheres the user moved. A proposal says so in its source and
    its warnings.
    """
    wanted = tuple(names)
    if not wanted:
        return {}
    found = reference_regions(pet, anatomy, placed, go_on=go_on)
    return {name: found[name] for name in wanted if name in found}


def is_liver_based(name: str) -> bool:
    """Whether a rule takes its threshold from the liver."""
    return any(parameter.name.startswith("liver_") for parameter in RULES[name].measured)


def rule_numbers(
    name: str,
    given: Mapping[str, float],
    references: Mapping[str, ReferenceRegion],
    fwhm_mm: float | None = None,
) -> dict[str, float]:
    """A rule's parameters with the reference numbers it takes and was not given.

    fwhm_mm: the PET's, for rules that have it as a parameter and were not given another.
    """
    rule = RULES[name]
    wanted = {parameter.name for parameter in rule.measured} - set(given)
    numbers = {key: value for key, value in reference_numbers(references).items() if key in wanted}
    if fwhm_mm is not None and any(parameter.name == "fwhm_mm" for parameter in rule.parameters):
        numbers["fwhm_mm"] = fwhm_mm
    return {**numbers, **given}
