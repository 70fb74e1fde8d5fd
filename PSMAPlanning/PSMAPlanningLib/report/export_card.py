"""What a planning system will see of the lesions once they are contours on the slices of its CT."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from .markup import table

_SLICES = {
    "cross-section": "Each contour is the lesion's cross-section at the plane of its slice",
    "volume": "Each contour keeps the volume that the lesion has in the slab of its slice",
}


def export_card(export: Mapping[str, Any] | None) -> str:
    """The export of a case document: volumes, coverage before and after, and what the check found."""
    if export is None:
        return "<p>Not worked out.</p>"
    if export["slices"] is None:
        return f"<p>{escape(export['reason'])}</p>"
    if export["file"]:
        names = ", ".join(each["name"] for each in export["exported"])
        said = f"Written to {export['file']}: {names}."
    else:
        said = f"No structure set was written. {export['reason']}"
    parts = [f"<p>{escape(said)}</p>"]
    if export["lesions"]:
        parts.append(_lesion_table(export))
    if export["checks"]:
        rows = [
            [escape(each["severity"]), escape(each["structure"] or ""), (escape(each["sentence"]), "wide")]
            for each in export["checks"]
        ]
        parts.append(table(["Check", "Structure", "What it found"], rows))
    return "\n".join(parts)


def _lesion_table(export: Mapping[str, Any]) -> str:
    volumes = list(export["lesions"][0]["coverage"])
    rows = []
    for lesion in export["lesions"]:
        change = lesion["volume_change_percent"]
        rows.append(
            [
                escape(lesion["id"]),
                escape(lesion["name"]),
                (str(lesion["slices"]), "number"),
                (f"{lesion['volume_ml']:.2f}", "number"),
                (f"{lesion['exported_volume_ml']:.2f}", "number"),
                ("–" if change is None else f"{change:+.1f} %", "number"),
                *(_coverage_cell(lesion["coverage"][name]) for name in volumes),
            ]
        )
    head = ["Lesion", "Written as", "Slices", "Volume mL", "As exported mL", "Change", *volumes]
    note = (
        f"{_SLICES[export['slices']]} and is taken through half the distance to its neighbours, as planning "
        "systems do. Coverage of the exported lesion by the exported volume; where the class changes, both."
    )
    return table(head, rows) + f'<p class="quiet">{escape(note)}</p>'


def _coverage_cell(found: Mapping[str, Any]) -> tuple[str, str]:
    after = found["after"] or "not known"
    if found["fraction_after"] is not None:
        after += f" · {found['fraction_after']:.0%}"
    kind = found["after"] or ""
    if not found["changes"]:
        return escape(after), kind
    return f"<strong>CHANGES</strong>: {escape(found['before'] or 'not known')} → {escape(after)}", kind
