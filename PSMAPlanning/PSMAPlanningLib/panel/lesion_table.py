"""The lesion table: one line per lesion, sorted by any column, written only where it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from .lesion_words import Cell, cells_of, sort_key
from .table_filling import prepare, set_row_height, tint
from .view_state import LesionRow, ViewState

_REGION, _COLUMNS = 2, 6
_NUMBERS = (4, 5)
_NARROWEST_PIXELS = 24
_UP, _DOWN = "\N{BLACK UP-POINTING SMALL TRIANGLE}", "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"


class LesionTable:
    """Lines of the lesion table; tells the id of a lesion whose line is clicked.

    What is selected goes by the lesions, not by the lines, and stays when the lines move.
    """

    def __init__(self, table: Any, on_click: Callable[[str], None], on_menu: Callable[[Any], None]) -> None:
        self._table = table
        self._on_click, self._on_menu = on_click, on_menu
        self._ids: list[str] = []
        self._cells: list[tuple[Cell, ...]] = []
        self._lines: dict[str, tuple[LesionRow, tuple[Cell, ...]]] = {}
        self._shown: tuple[LesionRow, ...] | None = None
        self._column, self._is_descending = 0, False
        prepare(table, _REGION)
        header = table.horizontalHeader()
        header.minimumSectionSize = _NARROWEST_PIXELS
        self._names = [table.horizontalHeaderItem(column).text() for column in range(_COLUMNS)]
        self._signals = (
            (header, "sectionClicked(int)", self._sort_by),
            (table, "cellClicked(int,int)", self._on_cell_clicked),
            (table, "currentCellChanged(int,int,int,int)", self._on_current_changed),
            (table, "customContextMenuRequested(QPoint)", self._on_menu_requested),
        )
        for sender, signal, slot in self._signals:
            sender.connect(signal, slot)

    def disconnect(self) -> None:
        for sender, signal, slot in self._signals:
            sender.disconnect(signal, slot)

    @property
    def ids(self) -> tuple[str, ...]:
        """The lesions in the order of the lines."""
        return tuple(self._ids)

    @property
    def selected_ids(self) -> list[str]:
        """The lesions whose lines are selected, from top to bottom."""
        rows = {index.row() for index in self._table.selectionModel().selectedRows()}
        return [self._ids[row] for row in sorted(rows) if row < len(self._ids)]

    def show(self, view: ViewState) -> None:
        blocked = self._table.blockSignals(True)
        try:
            selected = self.selected_ids
            if view.lesions is not self._shown:
                self._shown = view.lesions
                self._write()
            if view.selected is None:
                selected = []
            elif view.selected not in selected:
                selected = [view.selected]
            self._select(selected, view.selected)
        finally:
            self._table.blockSignals(blocked)

    def _write(self) -> None:
        """Bring the lines up to date, each cell only when it says something else than before."""
        rows = sorted(
            self._shown or (), key=lambda row: sort_key(row, self._column), reverse=self._is_descending
        )
        self._lines = {row.id: self._line_of(row) for row in rows}
        cells = [self._lines[row.id][1] for row in rows]
        self._ids = [row.id for row in rows]
        if self._table.rowCount != len(rows):
            self._table.setRowCount(len(rows))
            self._cells = self._cells[: len(rows)]
        for number, line in enumerate(cells):
            former = self._cells[number] if number < len(self._cells) else (None,) * _COLUMNS
            for column, (cell, was) in enumerate(zip(line, former, strict=True)):
                if cell != was:
                    self._set(number, column, cell)
        self._cells = cells
        set_row_height(self._table, 2)

    def _line_of(self, row: LesionRow) -> tuple[LesionRow, tuple[Cell, ...]]:
        """The row's cells, put into words once: rows that did not change are the same objects."""
        known = self._lines.get(row.id)
        return known if known is not None and known[0] is row else (row, cells_of(row))

    def _set(self, row: int, column: int, cell: Cell) -> None:
        text, color_key, tooltip = cell
        item = qt.QTableWidgetItem(text)
        item.setToolTip(tooltip)
        if color_key is not None:
            item.setBackground(qt.QBrush(tint(color_key)))
            item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
        if column in _NUMBERS:
            item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        self._table.setItem(row, column, item)

    def _select(self, wanted: list[str], current: str | None) -> None:
        if self.selected_ids != [lesion_id for lesion_id in self._ids if lesion_id in set(wanted)]:
            self._table.clearSelection()
            for lesion_id in wanted:
                if lesion_id in self._ids:
                    row = self._ids.index(lesion_id)
                    line = qt.QTableWidgetSelectionRange(row, 0, row, _COLUMNS - 1)
                    self._table.setRangeSelected(line, True)
        row = self._ids.index(current) if current in self._ids else -1
        if self._table.currentRow() != row:
            self._table.setCurrentCell(row, 0, qt.QItemSelectionModel.NoUpdate)
            if row >= 0:
                self._table.scrollToItem(self._table.item(row, 0))

    def _sort_by(self, column: int) -> None:
        self._is_descending = column == self._column and not self._is_descending
        self._column = column
        arrow = _DOWN if self._is_descending else _UP
        for number, name in enumerate(self._names):
            # Qt's own arrow takes room from every column of a narrow panel.
            text = f"{name} {arrow}" if number == column else name
            self._table.horizontalHeaderItem(number).setText(text)
        blocked = self._table.blockSignals(True)
        try:
            selected, row = self.selected_ids, self._table.currentRow()
            current = self._ids[row] if 0 <= row < len(self._ids) else None
            self._write()
            self._select(selected, current)
        finally:
            self._table.blockSignals(blocked)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        # A click with Ctrl that takes a line out of the selection goes nowhere.
        if 0 <= row < len(self._ids) and self._ids[row] in self.selected_ids:
            self._on_click(self._ids[row])

    def _on_current_changed(self, row: int, _column: int, former: int, _former_column: int) -> None:
        # By keyboard; a click comes as well and would tell it twice.
        is_by_key = self._table.hasFocus() and not qt.QApplication.mouseButtons()
        if row != former and is_by_key and 0 <= row < len(self._ids):
            self._on_click(self._ids[row])

    def _on_menu_requested(self, position: Any) -> None:
        self._on_menu(self._table.viewport().mapToGlobal(position))
