"""What the search rested on and what it left aside: threshold, reference regions, faint foci, sizes seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .markup import table

_METHODS = {
    "fixed_suv": "a fixed SUV",
    "liver_mean_percent": "the liver's mean",
    "liver_max": "the liver's maximum",
    "blood_pool": "the blood pool",
    "percist": "PERCIST",
    "qpsma": "qPSMA",
}
_SOURCES = {
    "mask": "organ mask",
    "proposed": "proposed sphere, nobody looked at it yet",
    "moved": "sphere placed by the user",
}
_REASONS = {
    "organ": "{} (organ mask)",
    "position": "{}, told by position, size and uptake",
    "beyond": "reaches beyond the {}",
    "focus_in": "stands out in the {}",
    "uneven": "{} too uneven to tell foci from it",
}
_REASON = {
    "low_contrast": "faint against its surroundings",
    "no_anatomy": "no organ known here",
}
_MOST_ASIDE = 30
_NOT_CONTOURED = {
    "rim": "no maximum of its own: its uptake falls away from the organ",
    "few_voxels": "one or two voxels barely above the threshold",
    "low_contrast": "faint against its surroundings",
    "deleted_by_hand": "a lesion was added here by hand and taken out again",
}


def detection_section(document: Mapping[str, Any]) -> str:
    """The section of the report; a case whose lesions were not looked for has a sentence."""
    detection = document.get("detection")
    if detection is None:
        return "<p>Lesions were not looked for.</p>"
    seen = document["detectability"]["sentence"]
    return "\n".join(
        (
            f"<p>{escape(_threshold_sentence(detection))}</p>",
            f"<p>{escape(seen)} Smaller or fainter disease cannot be excluded.</p>",
            "<h3>Reference regions</h3>",
            _reference_table(document["references"]),
            "<h3>Listed and not contoured</h3>",
            _aside_table(document["regions"]),
            "<h3>Faint foci below the threshold</h3>",
            _faint_table(document["faint_foci"]),
            "<h3>Physiologic uptake</h3>",
            _physiologic_table(document["regions"]),
        )
    )


def reason_words(reason: str | None) -> str:
    """A region's reason code in words; empty for none."""
    if reason is None:
        return ""
    code, colon, name = reason.partition(":")
    if colon and code in _REASONS:
        return _REASONS[code].format(_organ_words(name))
    return _REASON.get(reason, reason.replace("_", " "))


def _organ_words(name: str) -> str:
    """kidney_left is the left kidney."""
    organ, _, side = name.rpartition("_")
    return f"{side} {organ}".replace("_", " ") if side in ("left", "right") else name.replace("_", " ")


def _threshold_sentence(detection: Mapping[str, Any]) -> str:
    bone = detection["bone_threshold_suv"]
    text = f"Uptake counts as avid from SUV {detection['threshold_suv']:.3g}"
    text += "" if bone is None else f", in bone from SUV {bone:.3g}"
    text += f", by {_METHODS.get(detection['method'], detection['method'])}"
    rests = [
        f"{region['name'].replace('_', ' ')}: {_SOURCES[region['source']]}"
        for region in detection["references"]
    ]
    return f"{text} ({'; '.join(rests)})." if rests else f"{text}."


def _reference_table(references: Sequence[Mapping[str, Any]]) -> str:
    if not references:
        return "<p>None: there are no organ masks, and the PET shows no place to propose a sphere in.</p>"
    rows = []
    for region in references:
        cov = "–" if region["cov"] is None else f"{region['cov']:.0%}"
        rows.append(
            [
                escape(region["name"].replace("_", " ")),
                escape(_SOURCES[region["source"]]),
                (f"{region['mean']:.2f}", "number"),
                (f"{region['sd']:.2f}", "number"),
                (cov, "number"),
                (f"{region['max']:.2f}", "number"),
                (f"{region['volume_ml']:.1f}", "number"),
                escape(_position(region["centre"])),
                (escape(" ".join(_of_interest(region))), "wide"),
            ]
        )
    head = ["Region", "From", "Mean SUV", "SD", "COV", "Max", "mL", "Centre RAS mm", "Remarks"]
    return table(head, rows)


def _of_interest(region: Mapping[str, Any]) -> list[str]:
    """A region's warnings without its name in front, and without what its source says already."""
    start = f"{region['name']}: "
    return [w.removeprefix(start) for w in region["warnings"] if "sphere is proposed" not in w]


def _aside_table(regions: Sequence[Mapping[str, Any]]) -> str:
    aside = [region for region in regions if region["not_contoured"] in _NOT_CONTOURED]
    if not aside:
        return "<p>None.</p>"
    more = len(aside) - _MOST_ASIDE
    note = f'<p class="quiet">{more} less hot ones are in report.json.</p>' if more > 0 else ""
    rows = [
        [
            escape(region["id"]),
            (f"{region['suv_max']:.1f}", "number"),
            (f"{region['volume_ml']:.2f}", "number"),
            escape(_position(region["peak"])),
            escape(reason_words(region["reason"])),
            (escape(_NOT_CONTOURED[region["not_contoured"]]), "wide"),
        ]
        for region in aside[:_MOST_ASIDE]
    ]
    return table(["Region", "SUVmax", "mL", "Peak RAS mm", "Where", "Why not contoured"], rows) + note


def _faint_table(foci: Mapping[str, Any]) -> str:
    if not foci["foci"]:
        return "<p>None stands out of its surroundings.</p>"
    rows = []
    for focus in foci["foci"]:
        contrast = "–" if focus["contrast"] is None else f"{focus['contrast']:.1f}"
        rows.append(
            [
                escape(_position(focus["position"])),
                (f"{focus['suv_max']:.2f}", "number"),
                (f"{focus['background_suv']:.2f}", "number"),
                (contrast, "number"),
                (f"{focus['spreads']:.1f}", "number"),
            ]
        )
    head = ["Position RAS mm", "SUVmax", "Surroundings SUV", "Contrast", "SDs above surroundings"]
    note = '<p class="quiet">Peaks of local contrast, most of them not disease. They are not contoured.'
    if foci["left_out"]:
        note += f" {foci['left_out']} weaker ones are not listed."
    return table(head, rows) + note + "</p>"


def _physiologic_table(regions: Sequence[Mapping[str, Any]]) -> str:
    taken = [region for region in regions if region["not_contoured"] == "physiologic"]
    if not taken:
        return "<p>No region was taken for physiologic.</p>"
    rows = [
        [
            escape(region["id"]),
            escape(reason_words(region["reason"])),
            escape(region["confidence"] or "–"),
            (f"{region['suv_max']:.1f}", "number"),
            (f"{region['volume_ml']:.1f}", "number"),
            escape(_position(region["centroid"])),
        ]
        for region in taken
    ]
    return table(["Region", "Taken for", "Confidence", "SUVmax", "mL", "Centroid RAS mm"], rows)


def _position(point: Sequence[float] | None) -> str:
    return "–" if point is None else ", ".join(f"{x:.0f}" for x in point)
