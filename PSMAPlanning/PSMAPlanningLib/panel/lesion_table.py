"""The lesion table: one line per lesion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from . import words
from .contour_words import uptake_text, volume_text
from .table_filling import fill, prepare
from .view_state import LesionRow, ViewState

_STATE = 1


class LesionTable:
    """Lines of the lesion table; tells the id of a lesion whose line is clicked."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = table
        self._on_click = on_click
        self._ids: list[str] = []
        self._shown: tuple[LesionRow, ...] | None = None
        prepare(table, _STATE)
        table.connect("cellClicked(int,int)", self._on_cell_clicked)
        table.connect("currentCellChanged(int,int,int,int)", self._on_current_changed)

    def disconnect(self) -> None:
        self._table.disconnect("cellClicked(int,int)", self._on_cell_clicked)
        self._table.disconnect("currentCellChanged(int,int,int,int)", self._on_current_changed)

    def show(self, view: ViewState) -> None:
        blocked = self._table.blockSignals(True)
        if view.lesions is not self._shown:
            self._shown = view.lesions
            self._ids = [row.id for row in view.lesions]
            fill(self._table, [_lesion_cells(row) for row in view.lesions])
        if view.selected in self._ids:
            if self._table.currentRow() != self._ids.index(view.selected):
                self._table.setCurrentCell(self._ids.index(view.selected), 0)
        else:
            self._table.setCurrentCell(-1, -1)
        self._table.blockSignals(blocked)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        self._tell(row)

    def _on_current_changed(self, row: int, _column: int, former: int, _former_column: int) -> None:
        # By keyboard; a click comes as well and would tell it twice.
        if row != former and self._table.hasFocus() and not qt.QApplication.mouseButtons():
            self._tell(row)

    def _tell(self, row: int) -> None:
        if 0 <= row < len(self._ids):
            self._on_click(self._ids[row])


def _lesion_cells(row: LesionRow) -> list[tuple[str, str | None]]:
    return [
        (row.id, None),
        ("\n".join(filter(None, (words.state_text(row.state), words.remark_text(row)))), None),
        (words.coverage_text(row.color_key), row.color_key),
        (volume_text(row), None),
        (uptake_text(row), None),
    ]
