"""The Coverage section in Qt: which lesion the volumes miss, what that means, and what others would hold."""

from __future__ import annotations

from typing import Any

from .coverage_lines import Shown, TableCell
from .coverage_table import CoverageTable
from .coverage_words import patient_rows, registration_text, sentence_text, status_text, waiting_text
from .dose_section import DoseSection
from .plan_tables import ReadTable
from .presenter import Presenter
from .view_state import ViewState
from .what_if_section import WhatIfSection

_SHOWN = (Shown.TARGETS, Shown.NOT_COVERED, Shown.LESIONS, Shown.ALL)
_STYLE = "background-color: {color}; color: black; padding: 4px; border-left: 6px solid {edge};"
_PROVISIONAL, _COVERED, _MISSED = ("#FBE7B8", "#E69F00"), ("#CDEBE1", "#009E73"), ("#F6D6C4", "#D55E00")


class CoverageSection:
    """Wires the section to the presenter, and shows its view state."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._table = CoverageTable(ui.coverageTable, presenter.select_lesion)
        self._patient = ReadTable(ui.patientResultTable, 1)
        self._what_if = WhatIfSection(ui, presenter)
        self._dose = DoseSection(ui, presenter)
        self._facts: Any = None
        self._view: ViewState | None = None
        ui.coverageShownComboBox.connect("currentIndexChanged(int)", self._on_shown_changed)

    def disconnect(self) -> None:
        self._table.disconnect()
        self._what_if.disconnect()
        self._dose.disconnect()
        self._ui.coverageShownComboBox.disconnect("currentIndexChanged(int)", self._on_shown_changed)

    def show(self, view: ViewState) -> None:
        self._view = view
        self._table.show(view, _SHOWN[max(self._ui.coverageShownComboBox.currentIndex, 0)])
        self._ui.coverageStatusLabel.text = status_text(view)
        self._show_patient(view)
        self._what_if.show(view)
        self._dose.show(view)

    def _on_shown_changed(self, _index: int) -> None:
        if self._view is not None:
            self.show(self._view)

    def _show_patient(self, view: ViewState) -> None:
        ui, patient = self._ui, view.plan.patient
        has_rows = bool(view.coverage_rows)
        ui.patientSentenceLabel.setVisible(has_rows)
        ui.patientResultGroupBox.setVisible(has_rows and patient is not None)
        if not has_rows:
            self._facts = None
            return
        if patient is None:
            self._facts = None
            ui.patientSentenceLabel.text = waiting_text(view)
            ui.patientSentenceLabel.styleSheet = ""
            return
        if view.plan.facts is self._facts:
            self._patient.show_whole()
            return
        self._facts = view.plan.facts
        ui.patientSentenceLabel.text = f"{sentence_text(patient)}\n{registration_text(patient)}"
        color, edge = _PROVISIONAL
        if not patient.is_provisional:
            color, edge = _MISSED if patient.impact.uncovered else _COVERED
        ui.patientSentenceLabel.styleSheet = _STYLE.format(color=color, edge=edge)
        self._patient.show(
            [
                (TableCell(what, explained, None, True), TableCell(value, explained or value))
                for what, value, explained in patient_rows(patient)
            ]
        )
        self._patient.show_whole()
