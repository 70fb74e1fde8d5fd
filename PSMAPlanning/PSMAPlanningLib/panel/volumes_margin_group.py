"""PTV margins and boosts in Qt: fields that are empty until somebody states a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt

from . import volume_words as words
from .presenter import Presenter
from .translation import tr as _
from .view_state import Action, ViewState


class MarginGroup:
    """Wires the six margins, the organs to keep out of, and the boosts."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._organs: tuple[str, ...] = ()
        self._boxes = (
            ui.rightMarginSpinBox,
            ui.leftMarginSpinBox,
            ui.anteriorMarginSpinBox,
            ui.posteriorMarginSpinBox,
            ui.superiorMarginSpinBox,
            ui.inferiorMarginSpinBox,
        )
        for box in self._boxes:
            box.connect("valueChanged(double)", self._state_margins)
        for box in (ui.boostClinicalSpinBox, ui.boostPlanningSpinBox):
            box.connect("valueChanged(double)", self._state_boost)
        ui.cropMarginSpinBox.connect("valueChanged(double)", self._crop)
        ui.cropListWidget.connect("itemChanged(QListWidgetItem*)", self._crop)
        ui.marginFileButton.connect("clicked()", self.choose_file)
        ui.makePtvButton.connect("clicked()", lambda: presenter.make_planning_target())
        ui.makeBoostsButton.connect("clicked()", lambda: presenter.make_boosts())

    def disconnect(self) -> None:
        self._ui.cropListWidget.disconnect("itemChanged(QListWidgetItem*)", self._crop)

    def choose_file(self) -> None:
        """Ask for the institution's margin file and read it."""
        title = _("Margins of your institution")
        path = qt.QFileDialog.getOpenFileName(self._ui.marginGroupBox, title, "", _("JSON files (*.json)"))
        if path:
            self._presenter.read_margins(Path(str(path)))

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            ui, rt = self._ui, view.rt
            for box, value in zip(self._boxes, rt.margins, strict=True):
                box.value = box.minimum if value is None else value
            for box, value in zip(
                (ui.boostClinicalSpinBox, ui.boostPlanningSpinBox), rt.boost_margins, strict=True
            ):
                box.value = box.minimum if value is None else value
            ui.cropMarginSpinBox.value = rt.crop_margin_mm
            self._show_organs(rt.organs, rt.crop_by)
            ui.marginLabel.text = words.margin_text(view)
            ui.boostLabel.text = words.boost_text(view)
            ui.makePtvButton.text = (
                _("Make PTV of {name}").format(name=rt.selected)
                if rt.selected and view.can(Action.GROW)
                else _("Make PTV")
            )
        finally:
            self._is_showing = False

    def _show_organs(self, organs: tuple[str, ...], chosen: tuple[str, ...]) -> None:
        widget = self._ui.cropListWidget
        widget.setVisible(bool(organs))
        self._ui.cropLabel.text = (
            _("Keep PTVs and boosts out of:") if organs else _("There are no organs to keep out of.")
        )
        if organs != self._organs:
            self._organs = organs
            widget.clear()
            for name in organs:
                widget.addItem(name.replace("_", " "))
        for number, name in enumerate(organs):
            item = widget.item(number)
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if name in chosen else qt.Qt.Unchecked)

    def _state_margins(self, _value: float) -> None:
        if not self._is_showing:
            self._presenter.state_margins([_stated(box) for box in self._boxes])

    def _state_boost(self, _value: float) -> None:
        if not self._is_showing:
            ui = self._ui
            values = (_stated(ui.boostClinicalSpinBox), _stated(ui.boostPlanningSpinBox))
            self._presenter.state_boost_margins(*values)

    def _crop(self, _item: Any = None) -> None:
        if self._is_showing:
            return
        widget = self._ui.cropListWidget
        checked = [
            name
            for number, name in enumerate(self._organs)
            if widget.item(number).checkState() == qt.Qt.Checked
        ]
        self._presenter.crop_by(checked, round(self._ui.cropMarginSpinBox.value, 1))


def _stated(box: Any) -> float | None:
    """A number, or None where the box says that none was given."""
    return None if box.value < 0 else round(box.value, 1)
