"""Tables of prescriptions that a person types into; two sections have one."""

from __future__ import annotations

import math
from typing import Any

DOSE_COLUMN, FRACTIONS_COLUMN = 1, 2
_HEAD_MARGIN_PIXELS, _FRAME_PIXELS = 10, 4


def typed_prescription(
    table: Any, row: int, column: int, known_gy: float | None
) -> tuple[float | None, float | None]:
    """Dose in Gy and fractions of a row after somebody typed into one of its columns.

    None is not stated, NaN what is no number. An emptied dose takes the prescription back; fractions alone
    keep the dose that is known.
    """
    dose, fractions = (_number(table, row, each) for each in (DOSE_COLUMN, FRACTIONS_COLUMN))
    if dose is None and column == FRACTIONS_COLUMN:
        dose = known_gy
    return dose, fractions


def fit_height(table: Any, most_rows: int) -> None:
    """Make a table as high as its lines, which then are neither cut nor followed by empty space."""
    lines = min(table.rowCount, most_rows)
    heads = (table.horizontalHeaderItem(column).text() for column in range(table.columnCount))
    head = max(text.count("\n") + 1 for text in heads) * table.fontMetrics().height() + _HEAD_MARGIN_PIXELS
    table.setFixedHeight(head + sum(table.rowHeight(n) for n in range(lines)) + _FRAME_PIXELS)


def _number(table: Any, row: int, column: int) -> float | None:
    item = table.item(row, column)
    text = "" if item is None else item.text().strip().replace(",", ".")
    try:
        return float(text) if text else None
    except ValueError:
        return math.nan
