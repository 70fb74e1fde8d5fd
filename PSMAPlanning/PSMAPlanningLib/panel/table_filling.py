"""Tables filled and tinted: what the lesion table and the coverage table have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt

from ..scene.appearance import COVERAGE_COLORS

_ROW_MARGIN_PIXELS = 6
_TINT = 0.45
"""How strongly a coverage color is mixed into white behind black text."""


def prepare(table: Any, stretched: int) -> None:
    """Give one column what the others leave, so that the table never needs to be scrolled sideways."""
    header = table.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    header.setSectionResizeMode(stretched, qt.QHeaderView.Stretch)
    table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)


def fill(table: Any, rows: Sequence[Sequence[tuple[str, str | None]]]) -> None:
    """Put texts, each with the key of its color or None, into a table."""
    table.setRowCount(len(rows))
    for n, cells in enumerate(rows):
        for m, (text, color_key) in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if color_key is not None:
                item.setBackground(qt.QBrush(tint(color_key)))
                item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
            table.setItem(n, m, item)
    set_row_height(table, 2 if any("\n" in text for cells in rows for text, _ in cells) else 1)


def set_row_height(table: Any, lines: int) -> None:
    """Rows of equal height: a long remark is cut and said in full by its tooltip."""
    table.verticalHeader().setDefaultSectionSize(_ROW_MARGIN_PIXELS + lines * table.fontMetrics().height())


def tint(color_key: str) -> Any:
    """A coverage color as a background that black text is read on."""
    mixed = [round(255 * (1 - _TINT + _TINT * part)) for part in COVERAGE_COLORS[color_key]]
    return qt.QColor(*mixed)
