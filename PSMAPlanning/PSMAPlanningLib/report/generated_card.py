"""The report's section on proposed volumes: what made them, step by step, and what to compare them with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .markup import Cell, card, table

_NOT_VERIFIED = "NOT VERIFIED"


def generated_card(document: Mapping[str, Any]) -> str:
    """A card per generated volume of a case document; a sentence where there is none."""
    made = [volume for volume in document["volumes"] if volume.get("guideline")]
    if not made:
        return "<p>No volume was generated; all of them were imported or grown from imported ones.</p>"
    return "\n".join(_volume(volume) for volume in made)


def _volume(volume: Mapping[str, Any]) -> str:
    guideline = volume["guideline"]
    on = [name for name, value in guideline["switches"].items() if value]
    rows = [
        ("Guideline", guideline["title"]),
        ("Citation", guideline["citation"]),
        ("From", "this program's presets" if guideline["source"] == "package" else guideline["source"]),
        ("Switched on", ", ".join(map(_spoken, on)) or "nothing"),
        ("Volume", f"{volume['volume_ml']:.1f} mL"),
        ("Published volumes, for comparison", "; ".join(_series(s) for s in volume["published"]) or "none"),
    ]
    if guideline["not_read"]:
        rows.append(("Of its sources", guideline["not_read"]))
    notes = [
        "A proposal, to be looked at and corrected before use. A volume beside the published ones is a note, "
        "not a verdict."
    ]
    if volume["unverified"]:
        names = ", ".join(map(_spoken, volume["unverified"]))
        notes.append(
            f"{_NOT_VERIFIED}: it rests on numbers that were not read in their source ({names}), so no count "
            "of lesions is stated against it."
        )
    notes += [finding["sentence"] for finding in volume["findings"]]
    return f"<h3>{escape(volume['name'])}</h3>\n" + card(rows, notes) + "\n" + _steps(volume["steps"])


def _steps(steps: Sequence[Mapping[str, Any]]) -> str:
    rows: list[Sequence[Cell]] = [
        [
            (escape(_spoken(step["what"])), "wide"),
            (escape("; ".join(_number(name, value) for name, value in step["numbers"].items())), "wide"),
            ("<br>".join(_rested(each) for each in step["rests_on"]) or "no number of the guideline", "wide"),
            ("" if step["volume_ml"] is None else f"{step['volume_ml']:.1f}", "number"),
        ]
        for step in steps
    ]
    return table(["Step", "Numbers that acted", "Rests on", "mL"], rows)


def _rested(each: Mapping[str, Any]) -> str:
    if each["landmark"] is None:
        what = f"{_spoken(each['name'])} {each['value']:g} {each['unit']}"
    else:
        offset = f" {each['offset_mm']:+g} mm" if each["offset_mm"] else ""
        what = f"{_spoken(each['name'])} at {_spoken(each['landmark'])}{offset}"
    text = escape(f"{what}: {each['citation']}")
    return text if each["verified"] else f"<strong>{_NOT_VERIFIED}</strong> {text}"


def _number(name: str, value: float) -> str:
    stem, _, unit = name.rpartition("_")
    if not stem or unit not in ("mm", "hu"):
        return f"{_spoken(name)} {value:.4g}"
    return f"{_spoken(stem)} {value:.4g} {unit}"


def _series(series: Mapping[str, Any]) -> str:
    mean, low, high = series["mean_ml"], series["low_ml"], series["high_ml"]
    parts = [] if mean is None else [f"mean {mean:g} mL"]
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:g} mL")
    mark = "" if series["verified"] else f" ({_NOT_VERIFIED})"
    return f"{series['what']}: {', '.join(parts)}{mark}"


def _spoken(name: str) -> str:
    return name.replace("_", " ")
