"""The volumes of a case: what each was taken for and by what, how large it is, and what it is to receive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .markup import table

_MATCHED_BY = {
    "user": "named by the user",
    "exact": "exact name",
    "alias": "alias",
    "interpreted_type": "type in the file",
    "geometry": "where it lies",
}


def volumes_section(document: Mapping[str, Any]) -> str:
    """The volumes of a case document, and the EQD2 table of those with a prescription."""
    volumes = document["volumes"]
    if not volumes:
        return "<p>No volumes were given.</p>"
    rows = [
        [
            escape(volume["name"]),
            escape(volume["type"] or "not stated"),
            escape(_taken_for(volume)),
            escape(f"{volume['origin']} from {volume['source_file']}"),
            (_number(volume["volume_ml"], 2), "number"),
            (_number(volume.get("contour_volume_ml"), 2), "number"),
            (str(volume["voxels"]), "number"),
            (_number(volume["suv_max"], 3), "number"),
            (_number(volume["suv_mean"], 3), "number"),
        ]
        for volume in volumes
    ]
    head = ["Name", "Type", "TG-263, by", "Origin", "Voxels mL", "Contours mL", "Voxels", "SUVmax", "SUVmean"]
    return table(head, rows) + _prescriptions(volumes)


def _taken_for(volume: Mapping[str, Any]) -> str:
    name, by = volume.get("tg263"), _MATCHED_BY.get(volume.get("matched_by") or "")
    parts = [name or "not known", *([by] if by else [])]
    return ", ".join(parts) + (" (to be confirmed)" if volume.get("asks") else "")


def _prescriptions(volumes: Sequence[Mapping[str, Any]]) -> str:
    given = [volume for volume in volumes if volume.get("prescription")]
    if not given:
        return ""
    ratios = [entry["alpha_beta_gy"] for entry in given[0]["prescription"]["eqd2_gy"]]
    rows = [
        [
            escape(volume["name"]),
            (f"{each['dose_gy']:g}", "number"),
            (str(each["fractions"]), "number"),
            (f"{each['fraction_dose_gy']:.2f}", "number"),
            *((f"{entry['dose_gy']:.1f}", "number") for entry in each["eqd2_gy"]),
        ]
        for volume in given
        for each in (volume["prescription"],)
    ]
    head = ["Prescription", "Gy", "Fractions", "Gy per fraction"]
    head += [f"EQD2 Gy, α/β {ratio:g} Gy" for ratio in ratios]
    note = (
        '<p class="quiet">Dose in 2 Gy fractions of the same effect by the linear-quadratic model, without '
        "time factor: D (d + α/β) / (2 + α/β).</p>"
    )
    return table(head, rows) + note


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
