"""The threshold at which a sphere seen through the scanner's point spread has its true volume."""

from __future__ import annotations

from collections.abc import Mapping

from ..lesion_crop import LesionCrop
from ..psf import boundary_fraction
from .connected import nested_contours
from .rule import BACKGROUND, FWHM, Outcome, Rule

_START = 0.41
_DAMPING = 0.5
_STOP_MM = 0.001
"""Stopping at 0.05 mm leaves +12 % at 6 mm: near its end the iteration creeps."""
_ITERATIONS = 100


def _recovery(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    background, fwhm_mm = numbers["background_suv"], numbers["fwhm_mm"]
    contrast = crop.suv_max - background
    if contrast <= 0:
        return Outcome(flags=("no_contrast",))
    threshold = background + _START * contrast
    nested = nested_contours(crop, threshold)
    diameter_mm = nested.diameter_mm(threshold)
    flags: tuple[str, ...] = ("not_converged",)
    for _ in range(_ITERATIONS):
        threshold = background + boundary_fraction(diameter_mm, fwhm_mm) * contrast
        change_mm = _DAMPING * (nested.diameter_mm(threshold) - diameter_mm)
        diameter_mm += change_mm
        if abs(change_mm) < _STOP_MM:
            flags = ()
            break
    return Outcome(threshold, flags=flags, details={"diameter_mm": diameter_mm, "fwhm_mm": fwhm_mm})


RULES = (
    Rule(
        "recovery",
        "t = background + C(R)/C(0) · (SUVmax − background) for the sphere of the contour's own volume, "
        "iterated from background + 41 % until its diameter changes by less than 0.001 mm",
        "recovery",
        "van Dalen 2007, Nucl Med Commun 28:485; Jentzen 2007, J Nucl Med 48:108; formula from our closed "
        "form, texts not re-read",
        False,
        (FWHM,),
        _recovery,
        measured=(BACKGROUND,),
        needs=("background_suv",),
    ),
)
