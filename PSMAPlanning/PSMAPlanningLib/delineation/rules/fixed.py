"""One SUV for every lesion of every patient."""

from __future__ import annotations

from collections.abc import Mapping

from ..lesion_crop import LesionCrop
from .rule import Outcome, Parameter, Rule


def _fixed_suv(_crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    return Outcome(numbers["suv"])


RULES = (
    Rule(
        "fixed_suv",
        "t = suv",
        "fixed",
        "3.0: DEEP-PSMA challenge; 4.0: Mittlmeier 2021, 10.3389/fonc.2021.663631",
        True,
        (Parameter("suv", "SUV", 3.0, 0.01, 1000.0),),
        _fixed_suv,
        per_lesion=False,
    ),
)
