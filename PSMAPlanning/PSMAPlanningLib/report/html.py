"""The report a person reads: one HTML file with its pictures inside, printable, without scripts."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from .case_cards import clinical_card, patient_card, registration_card
from .detection_card import detection_section, reason_words
from .dose_card import dose_card
from .export_card import export_card
from .generated_card import generated_card
from .markup import table
from .suv_card import suv_card
from .volumes_card import volumes_section
from .what_if_card import what_if_card

_FIRST_PICTURE = "picture_3d"
_CAPTIONS = {
    "picture_3d": "Lesions coloured by coverage (green inside, orange partial, vermilion outside) in the "
    "translucent volumes.",
    "picture_mip": "Maximum intensity projection of the PET.",
}
_FLAGS = {
    "leaks": "reaches the edge of its search region: it may have leaked into its surroundings",
    "empty": "a rule found nothing at or above its threshold",
    "no_background": "no local background free of other uptake: background-corrected rule not applied",
    "not_refined": "contoured on PET voxels because of its size",
    "cut_by_field_of_view": "touches the edge of the PET",
    "below_resolution": "smaller than the PET resolves: its volume says little",
    "not_finite": "the PET holds voxels there that are no number; they count as not avid",
    "below_threshold": "below the detection threshold",
    "added_by_hand": "added by hand",
    "proposed_reference": "a rule rests on a proposed reference sphere nobody looked at",
    "no_liver": "the liver is not known: liver-based rule not applied",
    "no_contrast": "does not stand out from its background",
    "collapsed": "a rule holds only a hot spot of the lesion",
    "substitute": "goes by another contour than the settings ask for",
}


def report_html(document: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    """The report of a case document; pictures by name, read from their files."""
    css = (files("PSMAPlanningLib.data") / "report.css").read_text(encoding="utf-8")
    body = "\n".join(
        (
            _head(document),
            _pictures({name: path for name, path in pictures.items() if name == _FIRST_PICTURE}),
            _section("Coverage", _coverage_table(document)),
            _section("What if", what_if_card(document)),
            _section("Lesions", _lesion_table(document)),
            _section("How lesions were looked for", detection_section(document)),
            _section("Volumes", volumes_section(document)),
            _section("Volumes generated from the anatomy", generated_card(document)),
            _section("Dose", dose_card(document)),
            _section("As a planning system will see it", export_card(document.get("export"))),
            _section("Pictures", _pictures({n: path for n, path in pictures.items() if n != _FIRST_PICTURE})),
            _section("Where the SUV comes from", suv_card(document["case"]["suv"])),
            _section("Registration", registration_card(document["case"])),
            _section("One patient", patient_card(document["case"].get("patient_check"))),
            _section("Clinical facts", clinical_card(document["case"].get("clinical"))),
            _section("Settings", f"<pre>{escape(json.dumps(document['settings'], indent=1))}</pre>"),
        )
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>PSMAPlanning report</title><style>{css}</style></head><body>\n{body}\n</body></html>\n"
    )


def _head(document: Mapping[str, Any]) -> str:
    patient = document["patient"]
    parts = [
        "<h1>PSMAPlanning report</h1>",
        f'<p class="quiet">Research software, not a medical device. '
        f"Version {escape(document['version'])}.</p>",
    ]
    if patient["provisional"]:
        waiting = ", ".join(patient["not_reviewed"]) or "none found"
        parts.append(
            '<div class="banner"><strong>PROVISIONAL.</strong> Every number below rests on lesions that no '
            f"person has reviewed yet: {escape(waiting)}.</div>"
        )
    if document["volumes"]:
        volumes = escape(", ".join(patient["compared_with"]))
        parts.append(
            f'<p class="headline"><strong>{patient["lesions_outside"]}</strong> of {patient["lesions"]} '
            f"lesions outside {volumes}, {patient['lesions_partial']} partial, "
            f"{patient['lesions_inside']} inside.</p>"
        )
    else:
        parts.append(
            f'<p class="headline">{patient["lesions"]} lesions. No volumes were given: no coverage.</p>'
        )
    parts += [f'<div class="banner">{escape(warning)}</div>' for warning in document["warnings"]]
    return "\n".join(parts)


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _pictures(pictures: Mapping[str, Path]) -> str:
    figures = []
    for name, path in pictures.items():
        encoded = base64.b64encode(path.read_bytes()).decode("ascii")
        caption = escape(_CAPTIONS.get(name) or f"Lesion {name.removeprefix('picture_')} in three slices.")
        figures.append(
            f'<figure><img alt="{caption}" src="data:image/png;base64,{encoded}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    return "\n".join(figures)


def _coverage_table(document: Mapping[str, Any]) -> str:
    names = [volume["name"] for volume in document["volumes"]]
    if not names or not document["lesions"]:
        return "<p>Nothing to compare: no lesion or no volume.</p>"
    states = {lesion["id"]: lesion["state"] for lesion in document["lesions"]}
    rows = [
        [escape(row["id"]), escape(states[row["id"]]), *(_coverage_cell(row["volumes"][n]) for n in names)]
        for row in document["coverage"]
    ]
    limits = document["settings"]["coverage"]
    note = (
        f'<p class="quiet">Inside: more than {limits["inside_above_fraction"]:.0%} of the lesion\'s volume; '
        f"outside: less than {limits['outside_below_fraction']:.0%}. Distance from the lesion's centroid to "
        "the volume's surface, negative inside.</p>"
    )
    return table(["Lesion", "State", *names], rows) + note


def _coverage_cell(row: Mapping[str, Any]) -> tuple[str, str]:
    if row["class"] is None:
        return "not known", ""
    text = f"{row['class']} · {row['fraction']:.0%} · {_number(row['centroid_distance_mm'], 1, sign=True)} mm"
    return text, row["class"]


def _lesion_table(document: Mapping[str, Any]) -> str:
    if not document["lesions"]:
        return "<p>No lesion found at this threshold. This does not mean no disease.</p>"
    rows, contours = [], []
    for lesion in document["lesions"]:
        flags = [*lesion["flags"], *lesion["contour"]["flags"]]
        rows.append(
            [
                escape(lesion["id"]),
                (escape(": ".join(filter(None, (lesion["class"], reason_words(lesion["reason"]))))), "wide"),
                (_number(lesion["volume_ml"], 2), "number"),
                (_number(lesion["suv_max"], 1), "number"),
                (_number(lesion["suv_mean"], 1), "number"),
                escape(_position(lesion["centroid"])),
                (escape("; ".join(_FLAGS.get(flag, flag.replace("_", " ")) for flag in flags)), "wide"),
            ]
        )
        # Side by side and wrapped: a column for each of many rules would run off the page.
        parts = (
            f'<span class="rule">{escape(c["rule"])}: {_number(c["threshold_suv"], 2)} → '
            f"{_number(c['volume_ml'], 2)}</span>"
            for c in lesion["candidates"]
        )
        contours.append([escape(lesion["id"]), (" ".join(parts), "wide")])
    head = ["Lesion", "Class", "Volume mL", "SUVmax", "SUVmean", "Centroid RAS mm", "Remarks"]
    rules = table(["Lesion", "Contour of each rule: threshold in SUV → volume in mL"], contours)
    return table(head, rows) + rules


def _position(centroid: Sequence[float] | None) -> str:
    return "" if centroid is None else ", ".join(f"{x:.0f}" for x in centroid)


def _number(value: float | None, digits: int, sign: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
