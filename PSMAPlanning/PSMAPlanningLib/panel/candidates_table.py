"""The contours that the selected lesion can go by: one line each, the chosen one selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from . import contour_words as words
from .contours_view import CandidateRow
from .table_filling import prepare, set_row_height

_NAME = 0
_PATCH_PIXELS = 12


class CandidatesTable:
    """Tells the name of a contour whose line is clicked."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = table
        self._on_click = on_click
        self._rows: tuple[CandidateRow, ...] | None = None
        prepare(table, _NAME)
        table.connect("cellClicked(int,int)", self._on_cell_clicked)

    def disconnect(self) -> None:
        self._table.disconnect("cellClicked(int,int)", self._on_cell_clicked)

    def show(self, rows: tuple[CandidateRow, ...]) -> None:
        if rows == self._rows:
            # A click selects the line at once, also when the contour was refused.
            self._select_chosen()
            return
        self._rows = rows
        self._table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(words.candidate_cells(row)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(words.candidate_tooltip(row))
                if column == _NAME:
                    item.setIcon(qt.QIcon(_patch(row)))
                else:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                self._table.setItem(number, column, item)
        set_row_height(self._table, 1)
        self._select_chosen()

    def _select_chosen(self) -> None:
        chosen = [number for number, row in enumerate(self._rows) if row.is_chosen]
        self._table.clearSelection()
        if chosen:
            self._table.selectRow(chosen[0])

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        if self._rows is not None and 0 <= row < len(self._rows) and not self._rows[row].is_chosen:
            self._on_click(self._rows[row].name)


def _patch(row: CandidateRow) -> Any:
    """The color of its outline; nothing for the consensus, which is drawn as the lesion."""
    pixmap = qt.QPixmap(_PATCH_PIXELS, _PATCH_PIXELS)
    color = (0, 0, 0, 0) if row.color is None else (*(round(255 * part) for part in row.color), 255)
    pixmap.fill(qt.QColor(*color))
    return pixmap
