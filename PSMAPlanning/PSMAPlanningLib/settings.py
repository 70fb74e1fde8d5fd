"""Every parameter of the work, typed, with its unit in its name, checked once, kept as JSON.

A default is a decision the user can see: it is shown in the panel and printed in every report.
"""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import SettingsError

SCHEMA_VERSION = 1
DETECTION_METHODS = ("fixed_suv", "liver_mean_percent", "liver_max", "blood_pool", "percist", "qpsma")
HOLE_FORMS = ("xor", "keyhole")
SLICE_FORMS = ("cross-section", "volume")

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From version n to n + 1, by n; the JSON document in, the JSON document out."""


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
        _in_range("detection.threshold_suv", self.threshold_suv, 0.01, 1000)
        _in_range("detection.split_saddle_fraction", self.split_saddle_fraction, 0.05, 0.99)
        _in_range("detection.minimum_contrast", self.minimum_contrast, 0, 100)
        _in_range("detection.minimum_volume_ml", self.minimum_volume_ml, 0, 1000)
        _in_range("detection.fwhm_mm", self.fwhm_mm, 1, 30)


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
        _in_range("contours.fine_spacing_mm", self.fine_spacing_mm, 0.2, 10)
        _in_range("contours.crop_margin_mm", self.crop_margin_mm, 1, 200)
        _in_range("contours.background_from_mm", self.background_from_mm, 0, 100)
        _in_range("contours.background_to_mm", self.background_to_mm, 0, 100)
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
        _in_range("consensus.at_least", self.at_least, 1, 30)
        if self.at_least != round(self.at_least):
            raise SettingsError(f"consensus.at_least is {self.at_least}; it must be a whole number.")
        if self.domain not in ("full", "crop", "union", "disputed"):
            raise SettingsError(
                f"consensus.domain is {self.domain!r}; it must be full, crop, union or disputed."
            )
        _in_range("consensus.domain_margin_mm", self.domain_margin_mm, 0, 1000)


@dataclass(frozen=True)
class CoverageSettings:
    """Overlap classes: inside above, outside below, partial between (fractions of the lesion's volume).

    covered_from_fraction: a lesion counts as covered when the lower bound of its fraction reaches this.
    """

    inside_above_fraction: float = 0.9
    outside_below_fraction: float = 0.1
    covered_from_fraction: float = 0.99

    def __post_init__(self) -> None:
        _in_range("coverage.inside_above_fraction", self.inside_above_fraction, 0, 1)
        _in_range("coverage.outside_below_fraction", self.outside_below_fraction, 0, 1)
        _in_range("coverage.covered_from_fraction", self.covered_from_fraction, 0.5, 1)
        if self.outside_below_fraction > self.inside_above_fraction:
            raise SettingsError(
                "coverage.outside_below_fraction must not exceed coverage.inside_above_fraction."
            )


@dataclass(frozen=True)
class RegionSettings:
    """How lesions are assigned to regions, and what the disputed regions count as.

    common_iliac_stage: "N" after PROMISE, or "M1a" after AJCC.
    pelvic_bone_group: whether lesions of hip bone, sacrum and coccyx are "extrapelvic" or "pelvic" when the
        impact on the plan is told; they are M1b either way.
    The reaches say how far a lesion's middle may lie beyond its own radius from the structure its region is
    named after, mm: iliac vessels; side wall (the obturator strip is 18 mm wide, Taylor 2005); sacrum (the
    presacral strip is 10 to 15 mm); rectum (mesorectal fat of 15 to 20 mm); aorta or vena cava; bladder.
    bed_above_symphysis_mm: upper end of the prostate bed (RTOG 2010: 3 to 4 cm above the symphysis).
    """

    common_iliac_stage: str = "N"
    pelvic_bone_group: str = "extrapelvic"
    vessel_reach_mm: float = 15.0
    side_wall_reach_mm: float = 18.0
    presacral_reach_mm: float = 15.0
    mesorectal_reach_mm: float = 20.0
    great_vessel_reach_mm: float = 25.0
    bed_reach_mm: float = 15.0
    bed_above_symphysis_mm: float = 40.0

    def __post_init__(self) -> None:
        if self.common_iliac_stage not in ("N", "M1a"):
            raise SettingsError(
                f"regions.common_iliac_stage is {self.common_iliac_stage!r}; it must be N or M1a."
            )
        if self.pelvic_bone_group not in ("extrapelvic", "pelvic"):
            raise SettingsError(
                f"regions.pelvic_bone_group is {self.pelvic_bone_group!r}; it must be extrapelvic or pelvic."
            )
        for each in dataclasses.fields(self):
            if each.name.endswith("_mm"):
                _in_range(f"regions.{each.name}", getattr(self, each.name), 1, 100)


@dataclass(frozen=True)
class DoseSettings:
    """How the dose of lesions and structures is told, where there is an RTDOSE.

    isodose_percent: of the prescription, where its field ends.
    in_field_from_fraction, marginal_from_fraction: parts of a lesion's volume inside that isodose (Dawson
        2000, doi:10.1016/S0360-3016(99)00550-7); below the latter the lesion is out-of-field.
    target_holds_from_fraction: from this part of its volume inside a target a lesion goes by that target's
        prescription; our own convention.
    dvh_bin_gy: width of the bins of dose-volume histograms.
    """

    isodose_percent: float = 95.0
    in_field_from_fraction: float = 0.95
    marginal_from_fraction: float = 0.2
    target_holds_from_fraction: float = 0.5
    dvh_bin_gy: float = 0.1

    def __post_init__(self) -> None:
        _in_range("dose.isodose_percent", self.isodose_percent, 1, 110)
        _in_range("dose.in_field_from_fraction", self.in_field_from_fraction, 0, 1)
        _in_range("dose.marginal_from_fraction", self.marginal_from_fraction, 0, 1)
        _in_range("dose.target_holds_from_fraction", self.target_holds_from_fraction, 0.01, 1)
        _in_range("dose.dvh_bin_gy", self.dvh_bin_gy, 0.01, 5)
        if self.marginal_from_fraction > self.in_field_from_fraction:
            raise SettingsError("dose.marginal_from_fraction must not exceed dose.in_field_from_fraction.")


@dataclass(frozen=True)
class VolumeSettings:
    """Which proposed volumes are generated from the anatomy when none were given.

    guidelines: presets by name (see `psma-planning volumes`), or paths of a department's own .json files.
    A guideline for the bed makes a volume only where the user placed its landmarks.
    """

    guidelines: tuple[str, ...] = ("rtog2009_nodes",)

    def __post_init__(self) -> None:
        names = [name.strip() for name in self.guidelines]
        if not all(names) or len(set(names)) < len(names):
            raise SettingsError("volumes.guidelines has an empty name or a name twice; list each once.")


@dataclass(frozen=True)
class ExportSettings:
    """How contours are written for the planning system.

    holes: "xor" (contours inside contours, which most planning systems prefer) or "keyhole" (channels).
    contour_tolerance_mm: how far a contour may lie from the line it was simplified from.
    slices: a contour encloses the "cross-section" at the plane of its slice, or what keeps the "volume" of
    its slab.
    """

    holes: str = "xor"
    contour_tolerance_mm: float = 0.1
    slices: str = "cross-section"

    def __post_init__(self) -> None:
        if self.slices not in SLICE_FORMS:
            known = ", ".join(SLICE_FORMS)
            raise SettingsError(f"export.slices is {self.slices!r}; it must be one of {known}.")
        if self.holes not in HOLE_FORMS:
            raise SettingsError(f"export.holes is {self.holes!r}; it must be one of {', '.join(HOLE_FORMS)}.")
        _in_range("export.contour_tolerance_mm", self.contour_tolerance_mm, 0.01, 1.0)


@dataclass(frozen=True)
class Settings:
    """All settings of a case. `to_json` and `from_json` are exact inverses."""

    detection: DetectionSettings = field(default_factory=DetectionSettings)
    contours: ContourSettings = field(default_factory=ContourSettings)
    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    regions: RegionSettings = field(default_factory=RegionSettings)
    dose: DoseSettings = field(default_factory=DoseSettings)
    volumes: VolumeSettings = field(default_factory=VolumeSettings)
    export: ExportSettings = field(default_factory=ExportSettings)

    def to_document(self) -> dict[str, Any]:
        """The settings as plain lists, dictionaries, numbers and text."""
        return {"schema_version": SCHEMA_VERSION, **_plain(self)}

    def to_json(self) -> str:
        return json.dumps(self.to_document(), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_document(cls, document: Any, migrations: Mapping[int, Migration] = MIGRATIONS) -> Settings:
        """Settings from a JSON document of this or an older schema version.

        Raises SettingsError for a newer version, an unknown name, a wrong type or a value out of range.
        """
        if not isinstance(document, dict):
            raise SettingsError("Settings must be a JSON object; write one with `Settings().to_json()`.")
        version = document.get("schema_version")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise SettingsError("The settings have no valid schema_version; the current one is 1 or greater.")
        if version > SCHEMA_VERSION:
            raise SettingsError(
                f"The settings have schema_version {version}, newer than {SCHEMA_VERSION}, "
                "the newest this program knows; update PSMAPlanning."
            )
        while version < SCHEMA_VERSION:
            document = migrations[version](document)
            version += 1
        return _built(cls, {k: v for k, v in document.items() if k != "schema_version"}, "settings")

    @classmethod
    def from_json(cls, text: str) -> Settings:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise SettingsError(f"The settings are not valid JSON ({error}).") from error
        return cls.from_document(document)

    @classmethod
    def read(cls, path: Path) -> Settings:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"The settings file {path} cannot be read as text ({error}).") from error
        return cls.from_json(text)


_KIND_IN_WORDS = {float: "a number", bool: "true or false"}


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingsError(f"{name} is {value}; it must lie between {low} and {high}.")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def _built(kind: Any, value: Any, path: str) -> Any:
    """`value` as an instance of `kind`, one of the few kinds settings are made of."""
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise SettingsError(f"{path} must be an object of named values.")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise SettingsError(f"{path} has no setting called {unknown[0]!r}; known: {', '.join(hints)}.")
        return kind(**{name: _built(hints[name], item, f"{path}.{name}") for name, item in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise SettingsError(f"{path} must be a list.")
        return tuple(_built(arguments[0], item, f"{path}[{n}]") for n, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise SettingsError(f"{path} must be an object of named numbers.")
        return {k: _built(arguments[1], item, f"{path}.{k}") for k, item in value.items()}
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind in (str, bool) and isinstance(value, kind):
        return value
    raise SettingsError(f"{path} is {value!r}; it must be {_KIND_IN_WORDS.get(kind, 'a text')}.")
