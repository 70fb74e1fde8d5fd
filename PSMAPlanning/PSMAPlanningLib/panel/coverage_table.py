"""The coverage table: one line per lesion and volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import words
from .contour_words import fraction_text, missing_text
from .table_filling import fill, prepare
from .view_state import LesionRow, ViewState

_MISSING = 4


class CoverageTable:
    """One line per lesion and volume."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = table
        self._on_click = on_click
        self._ids: list[str] = []
        self._shown: tuple[LesionRow, ...] | None = None
        prepare(table, _MISSING)
        table.connect("cellClicked(int,int)", self._on_cell_clicked)

    def disconnect(self) -> None:
        self._table.disconnect("cellClicked(int,int)", self._on_cell_clicked)

    def show(self, view: ViewState) -> None:
        if view.lesions is self._shown:
            return
        self._shown = view.lesions
        rows = view.coverage_rows
        self._ids = [row.id for row, _ in rows]
        cells = [
            [
                (row.id, None),
                (cell.volume, None),
                (words.covered_text(cell), cell.coverage_class),
                (fraction_text(cell), None),
                (missing_text(cell), None),
            ]
            for row, cell in rows
        ]
        blocked = self._table.blockSignals(True)
        fill(self._table, cells)
        self._table.blockSignals(blocked)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._ids):
            self._on_click(self._ids[row])
