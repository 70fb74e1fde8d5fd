"""The lesion table and the coverage table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

from ..scene.appearance import COVERAGE_COLORS
from . import words
from .contour_words import fraction_text, missing_text, uptake_text, volume_text
from .view_state import LesionRow, ViewState

_ROW_MARGIN_PIXELS = 6
_STATE, _MISSING = 1, 4
_TINT = 0.45
"""How strongly a coverage color is mixed into white behind black text."""


class LesionTable:
    """Lines of the lesion table; tells the id of a lesion whose line is clicked."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = table
        self._on_click = on_click
        self._ids: list[str] = []
        self._shown: tuple[LesionRow, ...] | None = None
        _prepare(table, _STATE)
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
            _fill(self._table, [_lesion_cells(row) for row in view.lesions])
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


class CoverageTable:
    """One line per lesion and volume."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = table
        self._on_click = on_click
        self._ids: list[str] = []
        self._shown: tuple[LesionRow, ...] | None = None
        _prepare(table, _MISSING)
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
        _fill(self._table, cells)
        self._table.blockSignals(blocked)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
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


def _prepare(table: Any, stretched: int) -> None:
    header = table.horizontalHeader()
    header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
    # One column takes what is left, so that the table never needs to be scrolled sideways.
    header.setSectionResizeMode(stretched, qt.QHeaderView.Stretch)
    table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)


def _fill(table: Any, rows: Sequence[Sequence[tuple[str, str | None]]]) -> None:
    """Put texts, each with the key of its color or None, into a table."""
    table.setRowCount(len(rows))
    for n, cells in enumerate(rows):
        for m, (text, color_key) in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if color_key is not None:
                item.setBackground(qt.QBrush(_tint(color_key)))
                item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
            table.setItem(n, m, item)
    # Rows of equal height: a long remark is cut after two lines and said in full by its tooltip.
    lines = 2 if any("\n" in text for cells in rows for text, _ in cells) else 1
    table.verticalHeader().setDefaultSectionSize(_ROW_MARGIN_PIXELS + lines * table.fontMetrics().height())


def _tint(color_key: str) -> Any:
    mixed = [round(255 * (1 - _TINT + _TINT * part)) for part in COVERAGE_COLORS[color_key]]
    return qt.QColor(*mixed)
