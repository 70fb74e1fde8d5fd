"""Tables of the Coverage and Export sections, filled from cells that say how they are marked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import qt

from ..scene.appearance import COVERAGE_COLORS
from .coverage_lines import SETUP_MARGIN, TableCell

_ROW_MARGIN_PIXELS, _FRAME_PIXELS = 6, 4
_TINT = 0.45
"""How strongly a color is mixed into white behind black text."""
_HATCH_TINT = 0.6
_COLORS = {**COVERAGE_COLORS, SETUP_MARGIN: (0.94, 0.89, 0.26)}
"""Okabe and Ito's yellow, which no class of coverage has: only the setup margin reaches the lesion."""


class ReadTable:
    """A table that is only read: filled when what it shows is another, and told which line is clicked."""

    def __init__(self, table: Any, stretched: int, on_click: Callable[[int], None] | None = None) -> None:
        self._table, self._on_click = table, on_click
        self._shown: tuple[Sequence[TableCell], ...] | None = None
        self._fitted: tuple[Any, int] | None = None
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        # One column takes what is left, so that the table never needs to be scrolled sideways.
        header.setSectionResizeMode(stretched, qt.QHeaderView.Stretch)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.wordWrap = True
        if on_click is not None:
            table.connect("cellClicked(int,int)", self._clicked)

    def disconnect(self) -> None:
        if self._on_click is not None:
            self._table.disconnect("cellClicked(int,int)", self._clicked)

    def show(self, rows: Sequence[Sequence[TableCell]], tall: Collection[int] = ()) -> None:
        """Fill the table. tall: rows that get room for two lines, because a text will be wrapped."""
        rows = tuple(rows)
        if rows == self._shown:
            return
        self._shown = rows
        blocked = self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for n, cells in enumerate(rows):
            for m, cell in enumerate(cells):
                self._table.setItem(n, m, item_of(cell))
            lines = max(cell.text.count("\n") + 1 for cell in cells)
            lines = max(lines, 2 if n in tall else 1)
            self._table.setRowHeight(n, _ROW_MARGIN_PIXELS + lines * self._table.fontMetrics().height())
        self._table.blockSignals(blocked)

    def show_whole(self) -> None:
        """Make rows as high as their wrapped text needs, and the table as high as its rows.

        Nothing happens while neither text nor width have changed.
        """
        table = self._table
        fitted = (self._shown, table.viewport().width)
        if fitted == self._fitted:
            return
        self._fitted = fitted
        table.resizeRowsToContents()
        height = sum(table.rowHeight(row) for row in range(table.rowCount))
        table.setMinimumHeight(height + _FRAME_PIXELS)
        table.setMaximumHeight(height + _FRAME_PIXELS)

    def _clicked(self, row: int, _column: int) -> None:
        self._on_click(row)


def item_of(cell: TableCell) -> Any:
    """A table item that says and shows what the cell does."""
    item = qt.QTableWidgetItem(cell.text)
    item.setToolTip(cell.tooltip or cell.text)
    if cell.is_bold:
        font = item.font()
        font.setBold(True)
        item.setFont(font)
    if cell.color_key is not None:
        style = qt.Qt.BDiagPattern if cell.is_hatched else qt.Qt.SolidPattern
        item.setBackground(qt.QBrush(tint(cell.color_key, cell.is_hatched), style))
        # A hatched background shows the table's own through, whatever the theme is.
        if not cell.is_hatched:
            item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
    return item


def tint(color_key: str, is_strong: bool = False) -> Any:
    """A color as a background that black text is read on."""
    part = _HATCH_TINT if is_strong else _TINT
    return qt.QColor(*(round(255 * (1 - part + part * value)) for value in _COLORS[color_key]))
