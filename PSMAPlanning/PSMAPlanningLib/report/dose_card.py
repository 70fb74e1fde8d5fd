"""The report's dose section: lesions in the field, targets and organs, constraints, histograms, two plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .dvh_picture import dvh_svg
from .markup import Cell, table

_FIELD_STYLE = {"in-field": "inside", "marginal": "partial", "out-of-field": "outside"}
_VERDICT_STYLE = {"pass": "inside", "fail": "outside", "not_determined": "partial", "no_structure": ""}
_VERDICTS = {
    "pass": "pass",
    "fail": "fail",
    "not_determined": "not determined: part of it lies outside the dose grid",
    "no_structure": "no such structure",
}
_REASONS = {
    "no_prescription": "not classified: no target with a prescription holds it, and none was entered",
    "outside_dose_grid": "not classified: part of it lies outside the dose grid",
}
_FIGURES = (
    ("D98 Gy", "d98_gy"),
    ("D95 Gy", "d95_gy"),
    ("D50 Gy", "d50_gy"),
    ("D2 Gy", "d2_gy"),
    ("Mean Gy", "mean_gy"),
    ("Min Gy", "min_gy"),
    ("Max Gy", "max_gy"),
)


def dose_card(document: Mapping[str, Any]) -> str:
    """The section of a case document; a sentence when there is no dose."""
    dose = document.get("dose")
    if dose is None:
        return "<p>No RTDOSE was given.</p>"
    parts = [
        _prescriptions(dose),
        _outside(dose["outside_dose_grid"]),
        _lesions(document),
        _structures(document["volumes"]),
        _picture(dose),
        _constraints(dose),
        _comparison(dose["comparison"]),
    ]
    return "\n".join(part for part in parts if part)


def _prescriptions(dose: Mapping[str, Any]) -> str:
    sources = {"entered": "entered", "name": "from its name"}
    told = [
        f"{each['volume'] or 'lesions that no target holds'} {each['dose_gy']:g} Gy"
        + (f" in {each['fractions']} fractions" if each["fractions"] else "")
        + f" ({sources[each['source']]})"
        for each in dose["prescriptions"]
    ]
    fractions = (
        f"Constraints are rescaled to {dose['fractions']} fractions by the linear-quadratic model."
        if dose["fractions"]
        else "The number of fractions is not stated, or not one: constraints are compared as published, for "
        "2 Gy fractions."
    )
    text = f"Prescriptions: {'; '.join(told) or 'none'}. {fractions}"
    return f"<p>{escape(text)}</p>"


def _outside(parts: Mapping[str, float]) -> str:
    if not parts:
        return ""
    told = ", ".join(f"{name} {part:.1%}" for name, part in parts.items())
    return (
        '<div class="banner">Outside the dose grid, where the dose is not known: '
        f"{escape(told)}. Their figures are of the part inside.</div>"
    )


def _lesions(document: Mapping[str, Any]) -> str:
    rows: list[Sequence[Cell]] = []
    for lesion in document["lesions"]:
        dose = lesion["dose"]
        if dose["field"]:
            text = _field_text(dose)
            field: Cell = (escape(text), _FIELD_STYLE[dose["field"]])
        else:
            field = (escape(_REASONS[dose["field_reason"]]), "wide")
        rows.append([escape(lesion["id"]), escape(lesion["state"]), field, *_figures(dose)])
    if not rows:
        return ""
    limits = document["settings"]["dose"]
    note = (
        f'<p class="quiet">In-field: at least {limits["in_field_from_fraction"]:.0%} of the lesion\'s volume '
        f"gets {limits['isodose_percent']:g} % of the prescription; out-of-field: less than "
        f"{limits['marginal_from_fraction']:.0%} (after Dawson 2000). The prescription is that of the target "
        "that holds the lesion.</p>"
    )
    return table(["Lesion", "State", "In the field", *(head for head, _ in _FIGURES)], rows) + note


def _field_text(dose: Mapping[str, Any]) -> str:
    prescription = dose["prescription"]
    low, high = dose["fraction_in_isodose"]
    part = f"{low:.0%}" if high - low < 0.005 else f"{low:.0%} to {high:.0%}"
    whose = prescription["volume"] or "entered"
    return f"{dose['field']} · {part} at {dose['isodose_gy']:.1f} Gy ({whose})"


def _structures(volumes: Sequence[Mapping[str, Any]]) -> str:
    if not volumes:
        return ""
    rows = [
        [
            escape(volume["name"]),
            (_number(volume["volume_ml"], 1), "number"),
            *_figures(volume["dose"]),
        ]
        for volume in volumes
    ]
    return table(["Volume", "mL", *(head for head, _ in _FIGURES)], rows)


def _figures(dose: Mapping[str, Any]) -> list[Cell]:
    return [(_number(dose[key], 2), "number") for _, key in _FIGURES]


_END_CAPS = {
    "tapered": "taper to nothing over half a slice beyond their last contour; for coverage they end flat",
    "flat": "end flat, half a slice beyond their last contour",
}


def _picture(dose: Mapping[str, Any]) -> str:
    svg = dvh_svg(dose["dvh"])
    if not svg:
        return ""
    caption = (
        "Cumulative dose-volume histograms: targets solid, organs dashed. In dose figures structures of "
        f"contours {_END_CAPS[dose['end_caps']]}."
    )
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _constraints(dose: Mapping[str, Any]) -> str:
    constraints = dose["constraints"]
    held = [line for line in constraints["lines"] if line["volume"] is not None]
    sources = list(dict.fromkeys(line["citation"] for line in held))
    rows = [
        [
            escape(line["volume"]),
            escape(line["constraint"] + (" (aim)" if line["kind"] == "aim" else "")),
            escape(line["published"] if line["rescaled"] else "not rescaled"),
            (_reached(line), "number"),
            (escape(_VERDICTS[line["verdict"]]), _VERDICT_STYLE[line["verdict"]]),
            f"{'' if line['verified'] else 'NOT VERIFIED '}[{sources.index(line['citation']) + 1}]",
        ]
        for line in held
    ]
    missing = {"/".join(each["organs"]) for each in constraints["lines"] if each["volume"] is None}
    notes = [f"Table {constraints['table']}."]
    if missing:
        notes.append(f"Not checked, because no volume was taken for them: {', '.join(sorted(missing))}.")
    if constraints["sets_off"]:
        notes.append(
            f"Sets switched off until their numbers are verified: {', '.join(constraints['sets_off'])}."
        )
    notes += [f"[{number}] {source}." for number, source in enumerate(sources, start=1)]
    text = "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
    head = ["Organ", "Constraint", "As published", "Reached", "Result", "Source"]
    return (table(head, rows) if rows else "") + text


def _reached(line: Mapping[str, Any]) -> str:
    if line["reached"] is None:
        return "–"
    low, high = line["bounds"]
    if high - low < 0.05:
        return f"{line['reached']:.1f} {escape(line['unit'])}"
    return f"{line['reached']:.1f} ({low:.1f} to {high:.1f}) {escape(line['unit'])}"


def _comparison(comparison: Mapping[str, Any] | None) -> str:
    if comparison is None:
        return ""
    verdict = {
        True: "The second plan breaks no constraint that the first keeps.",
        False: "The second plan breaks constraints that the first keeps.",
        None: "Whether the second plan keeps what the first keeps is not determined.",
    }[comparison["isotoxic"]]
    lines = [
        [
            escape(line["volume"]),
            escape(line["constraint"] + (" (aim)" if line["kind"] == "aim" else "")),
            (_number(line["first"], 1), "number"),
            (_number(line["second"], 1), "number"),
            (f"{_signed(line['difference'], 1)} {escape(line['unit'])}", "number"),
            (escape(_VERDICTS[line["first_verdict"]]), _VERDICT_STYLE[line["first_verdict"]]),
            (escape(_VERDICTS[line["second_verdict"]]), _VERDICT_STYLE[line["second_verdict"]]),
        ]
        for line in comparison["lines"]
        if line["volume"] is not None
    ]
    keys = [(head, key) for head, key in _FIGURES if key not in ("min_gy", "max_gy")]
    targets = [
        [
            escape(target["volume"]),
            *(
                (
                    f"{_number(target['first'][key], 2)} → {_number(target['second'][key], 2)} "
                    f"({_signed(target['difference'][key], 2)})",
                    "number",
                )
                for _, key in keys
            ),
        ]
        for target in comparison["targets"]
    ]
    parts = [f"<p>Two plans on the same structures. {verdict}</p>"]
    if lines:
        head = ["Organ", "Constraint", "First", "Second", "Difference", "First plan", "Second plan"]
        parts.append(table(head, lines))
    if targets:
        parts.append(table(["Target: first → second", *(head for head, _ in keys)], targets))
    return "\n".join(parts)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:+.{digits}f}"
