"""The Dose part of the Coverage section in Qt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

from ..case_dose import CaseDose
from ..coverage.dvh import cumulative_dvh
from .dose_lines import constraint_lines, constraint_text, lesion_dose_lines, target_text
from .dvh_widget import DvhCurve, dvh_pixmap
from .plan_tables import ReadTable
from .plan_view import TargetRow
from .prescription_entry import DOSE_COLUMN, FRACTIONS_COLUMN, fit_height, typed_prescription
from .presenter import Presenter
from .translation import tr as _
from .view_state import Action, ViewState
from .words import reason_text

_FOLDER_SETTING = "PSMAPlanning/DoseFolder"
_MOST_ROWS = 10
_PLOT_SIZE = (330, 210)
_BIN_GY = 0.5
"""Of the drawing only; the numbers come from the points themselves."""
_TARGETS = ("GTV", "CTV", "PTV", "ITV")
_NOT_DRAWN = ("external", "ignored")


class DoseSection:
    """Wires doses, prescriptions and constraints to the presenter, and shows what they mean."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._targets: tuple[TargetRow, ...] | None = None
        self._is_typed = False
        self._dose: CaseDose | None = None
        self._ids: list[str] = []
        self._lesions = ReadTable(ui.lesionDoseTable, 1, self._on_lesion)
        self._constraints = ReadTable(ui.constraintTable, 0)
        ui.prescriptionTable.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        ui.prescriptionTable.connect("cellChanged(int,int)", self._on_prescribed)
        ui.doseSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_dose_chosen)
        ui.comparisonDoseSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._on_second_chosen)
        ui.loadDoseButton.connect("clicked()", self._load)
        ui.loadComparisonButton.connect("clicked()", self._load_second)
        ui.clearDoseButton.connect("clicked()", self._clear)
        ui.loadConstraintsButton.connect("clicked()", self._load_constraints)
        ui.saveConstraintsButton.connect("clicked()", self._save_constraints)

    def disconnect(self) -> None:
        ui = self._ui
        self._lesions.disconnect()
        ui.prescriptionTable.disconnect("cellChanged(int,int)", self._on_prescribed)
        ui.doseSelector.disconnect("currentNodeChanged(vtkMRMLNode*)", self._on_dose_chosen)
        ui.comparisonDoseSelector.disconnect("currentNodeChanged(vtkMRMLNode*)", self._on_second_chosen)

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self._show_choice(view)
            self._show_targets(view.plan.targets)
            self._show_results(view)
        finally:
            self._is_showing = False

    # Presses

    def _on_dose_chosen(self, node: Any) -> None:
        if not self._is_showing and not self._presenter.is_changing:
            self._presenter.choose_dose(node)

    def _on_second_chosen(self, node: Any) -> None:
        if not self._is_showing and not self._presenter.is_changing:
            self._presenter.choose_dose(node, True)

    def _load(self) -> None:
        path = self._ask(_("RTDOSE file of this plan"))
        if path is not None:
            self._presenter.load_dose(path)

    def _load_second(self) -> None:
        path = self._ask(_("RTDOSE file to compare with"))
        if path is not None:
            self._presenter.load_dose(path, True)

    def _clear(self) -> None:
        self._presenter.clear_dose()

    def _load_constraints(self) -> None:
        path = self._ask(_("Table of constraints"), "JSON (*.json)")
        if path is not None:
            self._presenter.choose_constraints(path)

    def _save_constraints(self) -> None:
        title = _("Save the table of constraints")
        path = qt.QFileDialog.getSaveFileName(
            self._ui.doseGroupBox, title, "constraints.json", "JSON (*.json)"
        )
        if path:
            self._presenter.write_constraints(Path(str(path)))

    def _ask(self, title: str, names: str = "") -> Path | None:
        former = slicer.util.settingsValue(_FOLDER_SETTING, "")
        path = qt.QFileDialog.getOpenFileName(self._ui.doseGroupBox, title, former, names)
        if not path:
            return None
        qt.QSettings().setValue(_FOLDER_SETTING, str(Path(str(path)).parent))
        return Path(str(path))

    def _on_prescribed(self, row: int, column: int) -> None:
        if self._is_showing or self._targets is None or not 0 <= row < len(self._targets):
            return
        table = self._ui.prescriptionTable
        known = self._targets[row].prescribed
        dose, fractions = typed_prescription(table, row, column, None if known is None else known.dose_gy)
        # What was typed goes, and comes back as the case has it; the next number may be typed before that.
        self._is_typed = True
        self._presenter.prescribe(table.item(row, 0).text(), dose, fractions)

    def _on_lesion(self, row: int) -> None:
        if 0 <= row < len(self._ids):
            self._presenter.select_lesion(self._ids[row])

    # What is shown

    def _show_choice(self, view: ViewState) -> None:
        ui, plan = self._ui, view.plan
        for selector, node in (
            (ui.doseSelector, plan.dose_node),
            (ui.comparisonDoseSelector, plan.comparison_node),
        ):
            if selector.currentNode() is not node:
                selector.setCurrentNode(node)
        ui.doseLabel.text = _dose_text(view)

    def _show_targets(self, targets: tuple[TargetRow, ...]) -> None:
        if targets == self._targets and not self._is_typed:
            return
        self._targets, self._is_typed = targets, False
        table = self._ui.prescriptionTable
        table.setRowCount(len(targets))
        for number, target in enumerate(targets):
            name = qt.QTableWidgetItem(target.name)
            name.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            table.setItem(number, 0, name)
            given = target.prescribed
            texts = ("", "")
            if given is not None:
                texts = (f"{given.dose_gy:g}", "" if given.fractions is None else str(given.fractions))
            for column, text in zip((DOSE_COLUMN, FRACTIONS_COLUMN), texts, strict=True):
                item = qt.QTableWidgetItem(text)
                source = _("Read in the name of the target.") if given and given.source == "name" else ""
                item.setToolTip(source or _("Double-click to enter; empty: not prescribed."))
                table.setItem(number, column, item)
        fit_height(table, _MOST_ROWS)

    def _show_results(self, view: ViewState) -> None:
        ui, dose = self._ui, view.plan.dose
        for widget in (ui.lesionDoseTable, ui.dvhLabel, ui.constraintLabel):
            widget.setVisible(dose is not None)
        checked = () if dose is None else constraint_lines(dose)
        ui.constraintTable.setVisible(bool(checked))
        if dose is self._dose:
            return
        self._dose = dose
        if dose is None:
            return
        lines = lesion_dose_lines(dose)
        self._ids = [lesion_id for lesion_id, _cells in lines]
        self._lesions.show([cells for _id, cells in lines])
        fit_height(ui.lesionDoseTable, _MOST_ROWS)
        self._constraints.show(checked)
        ui.constraintLabel.text = "\n".join(filter(None, (constraint_text(dose), target_text(dose))))
        pixmap = dvh_pixmap(drawn_curves(view), *_PLOT_SIZE)
        if pixmap is not None:
            ui.dvhLabel.setPixmap(pixmap)


def drawn_curves(view: ViewState) -> list[DvhCurve]:
    """Histograms of targets and organs whose dose is known; the patient's outline would hide them."""
    found = []
    for each in view.plan.dose.volumes:
        row = view.rt.row(each.name)
        if row is None or row.kind == "EXTERNAL" or row.use in _NOT_DRAWN or not each.dose.is_known:
            continue
        dvh = cumulative_dvh(each.dose, _BIN_GY)
        percent = 100.0 * dvh.volume_ml / max(dvh.total_ml, 1e-9)
        found.append(DvhCurve(each.name, dvh.dose_gy, percent, row.kind in _TARGETS))
    return found


def _dose_text(view: ViewState) -> str:
    plan = view.plan
    if not plan.has_dose:
        reason = view.blocked.get(Action.LOAD_DOSE)
        return reason_text(reason) if reason is not None else _("Waits for an RTDOSE.")
    said = [_("Dose: {name}.").format(name=plan.dose_name or _("from the saved case"))]
    if plan.comparison_name:
        said.append(_("Second: {name}.").format(name=plan.comparison_name))
    if plan.facts is not None and plan.facts.dose_problem:
        said.append(plan.facts.dose_problem)
    elif plan.dose is None and plan.is_computing:
        said.append(_("Computing\N{HORIZONTAL ELLIPSIS}"))
    if plan.dose is not None and plan.dose.outside:
        parts = ", ".join(f"{name} {part:.0%}" for name, part in plan.dose.outside.items())
        said.append(_("Outside the dose grid: {parts}; figures are of the part inside.").format(parts=parts))
    return " ".join(said)
