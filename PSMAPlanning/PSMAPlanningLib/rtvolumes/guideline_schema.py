"""What a guideline file may say: keys, units, bounds; checked at the door with one clear sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import GuidelineError
from .landmarks import LANDMARK_NAMES

SCHEMA_VERSION = 1
READ_IN = ("abstract", "table", "page", "secondary", "nothing", "institution")


@dataclass(frozen=True)
class NumberRule:
    """Unit and bounds of a number, and whether every guideline of the kind must state it."""

    unit: str
    smallest: float
    largest: float
    required: bool = True


NUMBERS: dict[str, dict[str, NumberRule]] = {
    "nodes": {
        "vessel_margin": NumberRule("mm", 0.0, 20.0),
        "bowel_margin": NumberRule("mm", 0.0, 15.0),
        "presacral_thickness": NumberRule("mm", 0.0, 25.0),
        "obturator_strip_width": NumberRule("mm", 0.0, 30.0),
        "common_cleft_reach": NumberRule("mm", 0.0, 30.0),
        "external_anterolateral": NumberRule("mm", 0.0, 20.0),
        "para_aortic_margin": NumberRule("mm", 0.0, 20.0),
        "mesorectal_reach": NumberRule("mm", 0.0, 30.0),
    },
    "bed": {
        "caudal_below_anastomosis": NumberRule("mm", -60.0, 30.0, required=False),
        "caudal_above_bulb": NumberRule("mm", -30.0, 60.0, required=False),
        "cranial_above_symphysis": NumberRule("mm", 0.0, 80.0, required=False),
        "bladder_wall": NumberRule("mm", 0.0, 40.0),
        "margin_all_round": NumberRule("mm", 0.0, 20.0, required=False),
    },
}
LEVELS: dict[str, tuple[str, ...]] = {
    "nodes": ("cranial", "external_end", "obturator_end", "presacral_top", "presacral_bottom",
              "para_aortic_top"),
    "bed": ("cranial", "anterior_change"),
}  # fmt: skip
SWITCHES: dict[str, tuple[str, ...]] = {
    "nodes": ("para_aortic", "mesorectum", "connect_external_internal", "taper_external_end"),
    "bed": (),
}

_TOP = {"schema_version", "name", "title", "kind", "citation", "not_read", "description", "numbers", "levels",
        "switches", "published_volumes"}  # fmt: skip
_NUMBER = {"value", "unit", "published", "citation", "verified", "read_in", "note"}
_LEVEL = {"landmark", "offset_mm", "citation", "verified", "read_in", "note"}
_VOLUME = {"what", "mean_ml", "low_ml", "high_ml", "citation", "verified"}
_LARGEST_OFFSET_MM = 100.0


def check_document(document: Any, where: str) -> None:
    """Raise GuidelineError, naming file and key, for anything a guideline file must not say."""
    _keys(document, _TOP, {"schema_version", "name", "title", "kind", "citation", "numbers"}, where)
    if document["schema_version"] != SCHEMA_VERSION:
        raise GuidelineError(
            f"{where} has schema_version {document['schema_version']!r}; this version reads {SCHEMA_VERSION}."
        )
    kind = document["kind"]
    if kind not in NUMBERS:
        raise GuidelineError(f"{where}: kind is {kind!r}; it must be nodes or bed.")
    for key in ("name", "title", "citation"):
        _text(document[key], f"{where}: {key}")
    _text(document.get("not_read", ""), f"{where}: not_read", empty=True)
    for line in _sequence(document.get("description", []), f"{where}: description"):
        _text(line, f"{where}: description")
    _check_numbers(kind, document["numbers"], where)
    levels = _mapping(document.get("levels", {}), f"{where}: levels")
    for name, level in levels.items():
        _check_level(kind, name, level, f"{where}: level {name}")
    _require(LEVELS[kind] if kind == "nodes" else ("cranial",), levels, f"{where}: levels")
    for name, on in _mapping(document.get("switches", {}), f"{where}: switches").items():
        if name not in SWITCHES[kind]:
            raise GuidelineError(
                f"{where}: switch {name!r} is unknown; known: {', '.join(SWITCHES[kind]) or 'none'}."
            )
        if not isinstance(on, bool):
            raise GuidelineError(f"{where}: switch {name} is {on!r}; it must be true or false.")
    for volume in _sequence(document.get("published_volumes", []), f"{where}: published_volumes"):
        _check_volume(volume, f"{where}: published_volumes")


def check_value(kind: str, name: str, value: object, where: str) -> None:
    """Raise GuidelineError when a value of a number is no number or out of its bounds."""
    if name not in NUMBERS[kind]:
        raise GuidelineError(f"{where}: number {name!r} is unknown; known: {', '.join(NUMBERS[kind])}.")
    rule = NUMBERS[kind][name]
    number = _number(value, f"{where}: {name}")
    if not rule.smallest <= number <= rule.largest:
        raise GuidelineError(
            f"{where}: {name} is {number:g} {rule.unit}; it must lie between {rule.smallest:g} and "
            f"{rule.largest:g} {rule.unit}."
        )


def _check_numbers(kind: str, numbers: object, where: str) -> None:
    for name, number in _mapping(numbers, f"{where}: numbers").items():
        here = f"{where}: number {name}"
        if name not in NUMBERS[kind]:
            raise GuidelineError(f"{here} is unknown; known: {', '.join(NUMBERS[kind])}.")
        _keys(number, _NUMBER, {"value", "unit", "citation", "verified", "read_in"}, here)
        unit = NUMBERS[kind][name].unit
        if number["unit"] != unit:
            raise GuidelineError(f"{here} has the unit {number['unit']!r}; it must be in {unit}.")
        check_value(kind, name, number["value"], where)
        published = number.get("published")
        if published is not None:
            pair = [_number(x, f"{here}: published") for x in _sequence(published, f"{here}: published")]
            if len(pair) != 2 or pair[0] > pair[1]:
                raise GuidelineError(f"{here}: published must be two numbers, the smaller one first.")
        _check_source(number, here)
    _require((n for n, rule in NUMBERS[kind].items() if rule.required), numbers, f"{where}: numbers")
    if kind == "bed" and not {"caudal_below_anastomosis", "caudal_above_bulb"} & set(numbers):
        raise GuidelineError(
            f"{where} has no caudal border; give caudal_below_anastomosis or caudal_above_bulb."
        )


def _check_level(kind: str, name: str, level: object, where: str) -> None:
    if name not in LEVELS[kind]:
        raise GuidelineError(f"{where} is unknown; known: {', '.join(LEVELS[kind])}.")
    _keys(level, _LEVEL, {"landmark", "citation", "verified", "read_in"}, where)
    if level["landmark"] not in LANDMARK_NAMES:
        raise GuidelineError(
            f"{where}: landmark {level['landmark']!r} is unknown; known: {', '.join(LANDMARK_NAMES)}."
        )
    offset = _number(level.get("offset_mm", 0.0), f"{where}: offset_mm")
    if abs(offset) > _LARGEST_OFFSET_MM:
        raise GuidelineError(f"{where}: offset_mm is {offset:g}; it must lie between -100 and 100 mm.")
    _check_source(level, where)


def _check_source(entry: Mapping[str, Any], where: str) -> None:
    _text(entry["citation"], f"{where}: citation")
    _text(entry.get("note", ""), f"{where}: note", empty=True)
    if not isinstance(entry["verified"], bool):
        raise GuidelineError(f"{where}: verified is {entry['verified']!r}; it must be true or false.")
    if entry["read_in"] not in READ_IN:
        raise GuidelineError(
            f"{where}: read_in is {entry['read_in']!r}; it must be one of {', '.join(READ_IN)}."
        )
    if entry["verified"] and entry["read_in"] in ("secondary", "nothing"):
        raise GuidelineError(
            f"{where} is called verified, but read_in is {entry['read_in']!r}; set verified to false."
        )


def _check_volume(volume: object, where: str) -> None:
    _keys(volume, _VOLUME, {"what", "citation", "verified"}, where)
    _text(volume["what"], f"{where}: what")
    _text(volume["citation"], f"{where}: citation")
    if not isinstance(volume["verified"], bool):
        raise GuidelineError(f"{where}: verified is {volume['verified']!r}; it must be true or false.")
    for key in ("mean_ml", "low_ml", "high_ml"):
        if volume.get(key) is not None and _number(volume[key], f"{where}: {key}") <= 0:
            raise GuidelineError(f"{where}: {key} must be more than 0 mL.")


def _keys(entry: object, known: set[str], required: set[str], where: str) -> None:
    unknown = sorted(set(_mapping(entry, where)) - known)
    if unknown:
        raise GuidelineError(
            f"{where} has the unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}."
        )
    _require(sorted(required), entry, where)


def _require(names: Any, entry: Any, where: str) -> None:
    for name in names:
        if name not in entry:
            raise GuidelineError(f"{where} lacks {name!r}; add it.")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise GuidelineError(f"{where} must be an object of names and values.")
    return value


def _sequence(value: object, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise GuidelineError(f"{where} must be a list.")
    return list(value)


def _text(value: object, where: str, empty: bool = False) -> None:
    if not isinstance(value, str) or (not value.strip() and not empty):
        raise GuidelineError(f"{where} must be text.")


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise GuidelineError(f"{where} is {value!r}; it must be a number.")
    return float(value)
