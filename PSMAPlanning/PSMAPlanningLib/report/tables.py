"""The coverage table as CSV: one line per lesion and volume, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from typing import Any

_COLUMNS = (
    "lesion",
    "state",
    "lesion_volume_ml",
    "suv_max",
    "suv_mean",
    "centroid_r_mm",
    "centroid_a_mm",
    "centroid_s_mm",
    "volume",
    "class",
    "fraction",
    "centroid_distance_mm",
)


def coverage_csv(document: dict[str, Any]) -> str:
    """The report document's coverage as CSV text; a lesion without volumes has one line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    by_id = {row["id"]: row["volumes"] for row in document["coverage"]}
    for lesion in document["lesions"]:
        head = [
            lesion["id"],
            lesion["state"],
            _number(lesion["volume_ml"], 3),
            _number(lesion["suv_max"], 3),
            _number(lesion["suv_mean"], 3),
            *(_number(x, 1) for x in lesion["centroid"] or (None, None, None)),
        ]
        for name, row in (by_id[lesion["id"]] or {"": None}).items():
            tail = ["", "", ""]
            if row:
                tail = [row["class"], _number(row["fraction"], 4), _number(row["centroid_distance_mm"], 2)]
            writer.writerow([*head, name, *tail])
    return text.getvalue()


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
