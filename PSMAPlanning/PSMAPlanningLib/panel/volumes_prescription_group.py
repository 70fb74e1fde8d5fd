"""Prescriptions of the targets in Qt: dose and fractions that a person types, and their EQD2."""

from __future__ import annotations

from typing import Any

import qt

from .prescription_entry import DOSE_COLUMN, FRACTIONS_COLUMN, fit_height, typed_prescription
from .presenter import Presenter
from .translation import tr as _
from .view_state import ViewState
from .volumes_view import PrescriptionRow

_TYPED, _EQD2 = (DOSE_COLUMN, FRACTIONS_COLUMN), (3, 4)
_COLUMN_PIXELS = (0, 48, 66, 72, 72)
"""Of all but the first, which takes what is left: the table fits a panel of 420 pixels."""
_MOST_ROWS = 10


class PrescriptionGroup:
    """Wires the table of prescriptions and the two alpha/beta to the presenter."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._shown: tuple[Any, ...] = ()
        self._is_typed = False
        table = ui.volumePrescriptionTable
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        for column, pixels in enumerate(_COLUMN_PIXELS):
            if pixels:
                table.setColumnWidth(column, pixels)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.connect("cellChanged(int,int)", self._on_typed)
        for box in (ui.targetAlphaBetaSpinBox, ui.lateAlphaBetaSpinBox):
            box.connect("valueChanged(double)", self._on_ratio)

    def disconnect(self) -> None:
        self._ui.volumePrescriptionTable.disconnect("cellChanged(int,int)", self._on_typed)

    def show(self, view: ViewState) -> None:
        rows, ratios = view.rt.prescriptions, view.rt.alpha_beta_gy
        self._ui.prescriptionGroupBox.setVisible(bool(rows))
        if (rows, ratios) == self._shown and not self._is_typed:
            return
        self._shown, self._is_typed = (rows, ratios), False
        self._is_showing = True
        try:
            ui = self._ui
            ui.targetAlphaBetaSpinBox.value, ui.lateAlphaBetaSpinBox.value = ratios
            self._show_heads(ratios)
            ui.volumePrescriptionTable.setRowCount(len(rows))
            for number, row in enumerate(rows):
                self._show_row(number, row, ratios)
            fit_height(ui.volumePrescriptionTable, _MOST_ROWS)
        finally:
            self._is_showing = False

    def _show_heads(self, ratios: tuple[float, float]) -> None:
        for column, ratio, whose in zip(_EQD2, ratios, (_("target"), _("late reactions")), strict=True):
            head = self._ui.volumePrescriptionTable.horizontalHeaderItem(column)
            head.setText(_("EQD2\nα/β {ratio}").format(ratio=f"{ratio:g}"))
            head.setToolTip(
                _(
                    "Dose in 2 Gy fractions of the same effect, Gy, with alpha/beta {ratio} Gy ({whose})"
                ).format(ratio=f"{ratio:g}", whose=whose)
            )

    def _show_row(self, number: int, row: PrescriptionRow, ratios: tuple[float, float]) -> None:
        table = self._ui.volumePrescriptionTable
        source = {
            "name": _("Read in the name of the target; double-click to state another."),
            "entered": _("Entered. Double-click to change it; empty takes it back."),
        }.get(row.source, _("Nothing is prescribed; double-click to enter."))
        texts = (
            "" if row.dose_gy is None else f"{row.dose_gy:g}",
            "" if row.fractions is None else str(row.fractions),
        )
        table.setItem(number, 0, _fixed(row.volume, row.volume, is_name=True))
        for column, text in zip(_TYPED, texts, strict=True):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(source)
            item.setTextAlignment(qt.Qt.AlignCenter)
            table.setItem(number, column, item)
        for place, column in enumerate(_EQD2):
            if row.eqd2_gy is None:
                why = _("Needs dose and fractions.")
                table.setItem(number, column, _fixed("–", why))
                continue
            value = row.eqd2_gy[place]
            told = _("{dose} Gy in 2 Gy fractions, alpha/beta {ratio} Gy").format(
                dose=f"{value:.1f}", ratio=f"{ratios[place]:g}"
            )
            table.setItem(number, column, _fixed(f"{value:.1f}", told))

    def _on_typed(self, row: int, column: int) -> None:
        rows = self._shown[0] if self._shown else ()
        if self._is_showing or column not in _TYPED or not 0 <= row < len(rows):
            return
        table, known = self._ui.volumePrescriptionTable, rows[row]
        dose, fractions = typed_prescription(table, row, column, known.dose_gy)
        # What was typed goes, and comes back as the case has it; the next number may be typed before that.
        self._is_typed = True
        self._presenter.prescribe(known.volume, dose, fractions)

    def _on_ratio(self, _value: float) -> None:
        if not self._is_showing:
            ui = self._ui
            boxes = (ui.targetAlphaBetaSpinBox, ui.lateAlphaBetaSpinBox)
            self._presenter.state_alpha_beta(*(round(box.value, 1) for box in boxes))


def _fixed(text: str, told: str, is_name: bool = False) -> Any:
    item = qt.QTableWidgetItem(text)
    item.setToolTip(told)
    item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
    if not is_name:
        item.setTextAlignment(qt.Qt.AlignCenter)
    return item
