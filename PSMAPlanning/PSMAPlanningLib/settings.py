"""Every parameter of the work, typed, with its unit in its name, checked once, kept as JSON.

A default is a decision the user can see: it is shown in the panel and printed in every report.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .settings_lesions import (
    DETECTION_METHODS,
    ConsensusSettings,
    ContourSettings,
    DetectionSettings,
    RuleSettings,
)
from .settings_plan import (
    HOLE_FORMS,
    SLICE_FORMS,
    CoverageSettings,
    DoseSettings,
    ExportSettings,
    RegionSettings,
    VolumeSettings,
)

__all__ = [
    "DETECTION_METHODS",
    "HOLE_FORMS",
    "SCHEMA_VERSION",
    "SLICE_FORMS",
    "ConsensusSettings",
    "ContourSettings",
    "CoverageSettings",
    "DetectionSettings",
    "DoseSettings",
    "ExportSettings",
    "RegionSettings",
    "RuleSettings",
    "Settings",
    "VolumeSettings",
]

SCHEMA_VERSION = 1

Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From version n to n + 1, by n; the JSON document in, the JSON document out."""


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
