"""The Patient section in Qt: study folder, SUV form, registration, clinical facts and audit card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

from . import patient_words as words
from .presenter import Presenter
from .suv_form_widget import SuvFormWidget
from .translation import tr as _
from .view_state import AuditRow, ViewState

_FOLDER_SETTING = "PSMAPlanning/StudyFolder"
_ANSWERS = (None, True, False)
_MARGINS = (None, "R0", "R1")


class PatientSection:
    """Wires the widgets of the section to the presenter, and shows its view state in them."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._audit: tuple[AuditRow, ...] | None = None
        self.suv_form = SuvFormWidget(ui, presenter.enter_suv)
        self._uncertainties = (
            ui.overallUncertaintySpinBox,
            ui.bedUncertaintySpinBox,
            ui.nodesUncertaintySpinBox,
        )
        for box in self._uncertainties:
            box.connect("editingFinished()", self._state_uncertainty)
        ui.psaSpinBox.connect("editingFinished()", self._state_facts)
        for combo in (ui.adtComboBox, ui.marginsComboBox, ui.ptThreeBComboBox, ui.priorRadiotherapyComboBox):
            combo.connect("activated(int)", self._state_facts)
        for line in (ui.adtSinceLineEdit, ui.priorRadiotherapyLineEdit):
            line.connect("editingFinished()", self._state_facts)
        header = ui.auditTable.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(1, qt.QHeaderView.Stretch)
        ui.auditTable.wordWrap = True
        ui.auditTable.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.auditTable.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)

    def disconnect(self) -> None:
        """Nothing outlives the widgets here."""

    def choose_folder(self) -> None:
        """Ask for a study folder and read it."""
        former = slicer.util.settingsValue(_FOLDER_SETTING, "")
        title = _("Folder of a DICOM study")
        folder = qt.QFileDialog.getExistingDirectory(self._ui.patientCollapsibleButton, title, former)
        if folder:
            qt.QSettings().setValue(_FOLDER_SETTING, str(folder))
            self._presenter.load_folder(Path(str(folder)))

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self.suv_form.show(view.suv_form)
            self._ui.mismatchFrame.setVisible(view.mismatch is not None)
            self._ui.mismatchLabel.text = words.mismatch_text(view.mismatch)
            self._show_registration(view)
            self._show_facts(view)
            self._show_audit(view)
        finally:
            self._is_showing = False

    def _state_uncertainty(self) -> None:
        if not self._is_showing:
            self._presenter.state_uncertainty(*(_stated(box) for box in self._uncertainties))

    def _state_facts(self, _index: int | None = None) -> None:
        if self._is_showing:
            return
        ui = self._ui
        adt = _ANSWERS[ui.adtComboBox.currentIndex]
        prior = _ANSWERS[ui.priorRadiotherapyComboBox.currentIndex]
        self._presenter.state_facts(
            psa_ng_ml=_stated(ui.psaSpinBox),
            adt=adt,
            # Words that belong to a yes go with it; a contradiction is not stored.
            adt_since=ui.adtSinceLineEdit.text.strip() or None if adt else None,
            margins=_MARGINS[ui.marginsComboBox.currentIndex],
            pt3b=_ANSWERS[ui.ptThreeBComboBox.currentIndex],
            prior_radiotherapy=prior,
            prior_radiotherapy_details=ui.priorRadiotherapyLineEdit.text.strip() or None if prior else None,
        )

    def _show_registration(self, view: ViewState) -> None:
        stated = view.registration
        values = (stated.uncertainty_mm, stated.uncertainty_bed_mm, stated.uncertainty_nodes_mm)
        for box, value in zip(self._uncertainties, values, strict=True):
            box.value = box.minimum if value is None else value
        self._ui.registrationStatusLabel.text = words.registration_text(view)

    def _show_facts(self, view: ViewState) -> None:
        ui, facts = self._ui, view.clinical
        ui.psaSpinBox.value = ui.psaSpinBox.minimum if facts.psa_ng_ml is None else facts.psa_ng_ml
        ui.adtComboBox.setCurrentIndex(_ANSWERS.index(facts.adt))
        ui.adtSinceLineEdit.text = facts.adt_since or ""
        ui.adtSinceLineEdit.enabled = facts.adt is True
        ui.marginsComboBox.setCurrentIndex(_MARGINS.index(facts.margins))
        ui.ptThreeBComboBox.setCurrentIndex(_ANSWERS.index(facts.pt3b))
        ui.priorRadiotherapyComboBox.setCurrentIndex(_ANSWERS.index(facts.prior_radiotherapy))
        ui.priorRadiotherapyLineEdit.text = facts.prior_radiotherapy_details or ""
        ui.priorRadiotherapyLineEdit.enabled = facts.prior_radiotherapy is True

    def _show_audit(self, view: ViewState) -> None:
        self._ui.auditGroupBox.setVisible(bool(view.audit))
        if view.audit is self._audit:
            return
        self._audit = view.audit
        table = self._ui.auditTable
        table.clearSpans()
        table.setRowCount(len(view.audit) + len(view.audit_warnings))
        for number, row in enumerate(view.audit):
            # A name of a file or of a person is part of the value's words.
            source = words.source_text(row.source) if row.key in words.WITH_SOURCE else ""
            for column, text in enumerate(
                (words.row_label(row.key), words.audit_text(row), source.partition(" ")[0])
            ):
                _put(table, number, column, text, source if column == 2 else text)
        for number, warning in enumerate(view.audit_warnings, start=len(view.audit)):
            said = words.caution_text(warning)
            _put(table, number, 0, _("Warning"), said)
            _put(table, number, 1, said, said)
            _put(table, number, 2, "", said)
            table.setSpan(number, 1, 1, 2)


def _put(table: Any, row: int, column: int, text: str, tooltip: str) -> None:
    item = qt.QTableWidgetItem(text)
    item.setToolTip(tooltip)
    table.setItem(row, column, item)


def _stated(box: Any) -> float | None:
    """A number, or None where the box says that it is not stated or known."""
    return None if box.value < 0 else round(box.value, 2)
