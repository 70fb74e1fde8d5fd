"""The Coverage section in Qt: which lesion is in which volume, and what that means."""

from __future__ import annotations

from typing import Any

from . import words
from .coverage_table import CoverageTable
from .presenter import Presenter
from .view_state import ViewState


class CoverageSection:
    """Wires the coverage table to the presenter, and shows it."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui = ui
        self._table = CoverageTable(ui.coverageTable, presenter.select_lesion)

    def disconnect(self) -> None:
        self._table.disconnect()

    def show(self, view: ViewState) -> None:
        self._table.show(view)
        self._ui.coverageStatusLabel.text = words.coverage_status_text(view)
