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

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From version n to n + 1, by n; the JSON document in, the JSON document out."""


@dataclass(frozen=True)
class DetectionSettings:
    """What counts as avid.

    threshold_suv: a voxel at or above it is avid (DEEP-PSMA challenge: 3.0 for every PSMA case).
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

    def __post_init__(self) -> None:
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
    )


@dataclass(frozen=True)
class ContourSettings:
    """How lesions are contoured.

    fine_spacing_mm: PET is interpolated linearly to voxels no larger than this before a rule runs.
    crop_margin_mm: how far beyond the avid region a contour may reach.
    background_from_mm, background_to_mm: shell around the region from which local background is taken.
    """

    rules: tuple[RuleSettings, ...] = field(default_factory=_default_rules)
    fine_spacing_mm: float = 1.0
    crop_margin_mm: float = 20.0
    background_from_mm: float = 6.0
    background_to_mm: float = 15.0

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


@dataclass(frozen=True)
class ConsensusSettings:
    """How the candidate contours of a lesion become one."""

    method: str = "majority"


@dataclass(frozen=True)
class CoverageSettings:
    """Overlap classes: inside above, outside below, partial between (fractions of the lesion's volume)."""

    inside_above_fraction: float = 0.9
    outside_below_fraction: float = 0.1

    def __post_init__(self) -> None:
        _in_range("coverage.inside_above_fraction", self.inside_above_fraction, 0, 1)
        _in_range("coverage.outside_below_fraction", self.outside_below_fraction, 0, 1)
        if self.outside_below_fraction > self.inside_above_fraction:
            raise SettingsError(
                "coverage.outside_below_fraction must not exceed coverage.inside_above_fraction."
            )


@dataclass(frozen=True)
class Settings:
    """All settings of a case. `to_json` and `from_json` are exact inverses."""

    detection: DetectionSettings = field(default_factory=DetectionSettings)
    contours: ContourSettings = field(default_factory=ContourSettings)
    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)

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
    if kind is str and isinstance(value, str):
        return value
    raise SettingsError(f"{path} is {value!r}; it must be a {'number' if kind is float else 'text'}.")
