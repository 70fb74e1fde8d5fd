"""Settings of finding, contouring and fusing lesions; `settings.Settings` holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import SettingsError

DETECTION_METHODS = ("fixed_suv", "liver_mean_percent", "liver_max", "blood_pool", "percist", "qpsma")


def in_range(name: str, value: float, low: float, high: float) -> None:
    """Raises SettingsError when a number is not finite or not within its bounds."""
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingsError(f"{name} is {value}; it must lie between {low} and {high}.")


@dataclass(frozen=True)
class DetectionSettings:
    """What counts as avid.

    method: where the threshold comes from; one of DETECTION_METHODS, see `detection_threshold`.
    threshold_suv: that of the method "fixed_suv"; a voxel at or above it is avid (DEEP-PSMA challenge: 3.0
        for every PSMA case).
    split_saddle_fraction: two peaks are two regions when the uptake between them falls below this
        fraction of the lower peak.
    minimum_contrast: a region whose maximum is below this many times its surroundings is listed as
        faint and not contoured; most of those are noise in tissue just under the threshold.
    minimum_volume_ml: smaller regions are left out of the lesion list, and counted in a warning.
    fwhm_mm: resolution of the PET, for the bladder's spill-out; a usual value, not a measured one.
    """

    threshold_suv: float = 3.0
    split_saddle_fraction: float = 0.7
    minimum_contrast: float = 2.0
    minimum_volume_ml: float = 0.0
    fwhm_mm: float = 6.0
    method: str = "fixed_suv"

    def __post_init__(self) -> None:
        if self.method not in DETECTION_METHODS:
            raise SettingsError(
                f"detection.method is {self.method!r}; it must be one of {', '.join(DETECTION_METHODS)}."
            )
        in_range("detection.threshold_suv", self.threshold_suv, 0.01, 1000)
        in_range("detection.split_saddle_fraction", self.split_saddle_fraction, 0.05, 0.99)
        in_range("detection.minimum_contrast", self.minimum_contrast, 0, 100)
        in_range("detection.minimum_volume_ml", self.minimum_volume_ml, 0, 1000)
        in_range("detection.fwhm_mm", self.fwhm_mm, 1, 30)


@dataclass(frozen=True)
class RuleSettings:
    """One delineation rule by name, with the parameters that differ from its defaults."""

    name: str
    parameters: Mapping[str, float] = field(default_factory=dict)


def _default_rules() -> tuple[RuleSettings, ...]:
    return (
        RuleSettings("fixed_suv", {"suv": 3.0}),
        RuleSettings("percent_max", {"percent": 41.0}),
        RuleSettings("background_percent", {"percent": 41.0}),
        RuleSettings("recovery"),
    )


@dataclass(frozen=True)
class ContourSettings:
    """How lesions are contoured.

    fine_spacing_mm: PET is interpolated linearly to voxels no larger than this before a rule runs.
    crop_margin_mm: how far beyond the avid region a contour may reach.
    background_from_mm, background_to_mm: shell around the region from which local background is taken.
    lesion_contour: what a lesion goes by: "consensus" of the rules, or one of the rules by name. Where that
        cannot be made, background_percent takes its place, and the lesion says so.
    """

    rules: tuple[RuleSettings, ...] = field(default_factory=_default_rules)
    fine_spacing_mm: float = 1.0
    crop_margin_mm: float = 20.0
    background_from_mm: float = 6.0
    background_to_mm: float = 15.0
    lesion_contour: str = "consensus"

    def __post_init__(self) -> None:
        in_range("contours.fine_spacing_mm", self.fine_spacing_mm, 0.2, 10)
        in_range("contours.crop_margin_mm", self.crop_margin_mm, 1, 200)
        in_range("contours.background_from_mm", self.background_from_mm, 0, 100)
        in_range("contours.background_to_mm", self.background_to_mm, 0, 100)
        if self.background_to_mm <= self.background_from_mm:
            raise SettingsError("contours.background_to_mm must be greater than contours.background_from_mm.")
        if self.crop_margin_mm < self.background_to_mm:
            raise SettingsError("contours.crop_margin_mm must not be smaller than contours.background_to_mm.")
        if not self.rules:
            raise SettingsError("contours.rules is empty; name at least one rule.")
        names = ("consensus", *(rule.name for rule in self.rules))
        if self.lesion_contour not in names:
            raise SettingsError(
                f"contours.lesion_contour is {self.lesion_contour!r}; it must be one of {', '.join(names)}."
            )


@dataclass(frozen=True)
class ConsensusSettings:
    """How the candidate contours of a lesion become one.

    method: of fusion, see `psma-planning consensus`; at_least: how many must agree, for the method at_least.
    weigh_families: every family of rules (fixed, relative, ...) has one vote, shared by its members.
    domain: voxels that STAPLE's performance rests on: "full", "crop", "union" or "disputed";
    domain_margin_mm: of the crop around all contours.
    """

    method: str = "majority"
    at_least: float = 2.0
    weigh_families: bool = True
    domain: str = "crop"
    domain_margin_mm: float = 10.0

    def __post_init__(self) -> None:
        in_range("consensus.at_least", self.at_least, 1, 30)
        if self.at_least != round(self.at_least):
            raise SettingsError(f"consensus.at_least is {self.at_least}; it must be a whole number.")
        if self.domain not in ("full", "crop", "union", "disputed"):
            raise SettingsError(
                f"consensus.domain is {self.domain!r}; it must be full, crop, union or disputed."
            )
        in_range("consensus.domain_margin_mm", self.domain_margin_mm, 0, 1000)
