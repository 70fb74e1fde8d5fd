"""The coverage table: each lesion against its targets together, then against every volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .coverage_lines import CoverageLine, Shown, coverage_lines
from .plan_tables import ReadTable
from .view_state import LesionRow, ViewState

_WHERE = 0


class CoverageTable:
    """Lines of the coverage table; tells the id of the lesion whose line is clicked."""

    def __init__(self, table: Any, on_click: Callable[[str], None]) -> None:
        self._table = ReadTable(table, _WHERE, self._on_row_clicked)
        self._on_click = on_click
        self._lines: tuple[CoverageLine, ...] = ()
        self._shown: tuple[tuple[LesionRow, ...], Any, Shown] | None = None

    def disconnect(self) -> None:
        self._table.disconnect()

    def show(self, view: ViewState, shown: Shown) -> None:
        wanted = (view.lesions, view.plan.facts, shown)
        if self._shown is not None and all(a is b for a, b in zip(wanted, self._shown, strict=True)):
            return
        self._shown = wanted
        self._lines = coverage_lines(view, shown)
        tall = [number for number, line in enumerate(self._lines) if line.is_summary]
        self._table.show([line.cells for line in self._lines], tall)

    def _on_row_clicked(self, row: int) -> None:
        if 0 <= row < len(self._lines):
            self._on_click(self._lines[row].lesion_id)
