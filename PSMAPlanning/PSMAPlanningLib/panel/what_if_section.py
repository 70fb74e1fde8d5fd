"""The what-if part of the Coverage section in Qt."""

from __future__ import annotations

from typing import Any

import qt

from .plan_tables import ReadTable
from .presenter import Presenter
from .translation import tr as _
from .view_state import Action, ViewState
from .what_if_lines import question_text, what_if_heads, what_if_lines
from .words import reason_text

_FIXED = 2


class WhatIfSection:
    """Wires button, switches and table to the presenter, and shows the last table."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._shown: Any = None
        self._switches = {
            "mesorectum": ui.mesorectumCheckBox,
            "top_at_L4_L5": ui.topCheckBox,
            "para_aortic": ui.paraAorticCheckBox,
        }
        self._table = ReadTable(ui.whatIfTable, 0)
        # Lesions can be many: this table is scrolled sideways.
        header = ui.whatIfTable.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.whatIfTable.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAsNeeded)
        ui.whatIfButton.connect("clicked()", self._compare)

    def disconnect(self) -> None:
        self._ui.whatIfButton.disconnect("clicked()", self._compare)

    def show(self, view: ViewState) -> None:
        ui, columns = self._ui, view.plan.what_if
        ui.whatIfTable.setVisible(bool(columns))
        ui.whatIfLabel.text = _status(view)
        if columns is self._shown:
            return
        self._shown = columns
        heads = what_if_heads(columns)
        ui.whatIfTable.setColumnCount(_FIXED + len(heads))
        for number, head in enumerate(heads):
            ui.whatIfTable.setHorizontalHeaderItem(_FIXED + number, qt.QTableWidgetItem(head))
        self._table.show(what_if_lines(columns))

    def _compare(self) -> None:
        self._presenter.compare_guidelines([name for name, box in self._switches.items() if box.checked])


def _status(view: ViewState) -> str:
    columns = view.plan.what_if
    if not columns:
        reason = view.blocked.get(Action.WHAT_IF)
        return reason_text(reason) if reason else _("What other volumes would hold: description, no advice.")
    said = []
    if view.plan.what_if_is_old:
        said.append(_("The case has changed since; compare again."))
    hatched = [column for column in columns if column.is_hatched]
    if hatched:
        said.append(
            _(
                "* Hatched: NOT VERIFIED, rests on numbers not read in their source; "
                "rest the mouse on a line to see which."
            )
        )
    failed = [question_text(column).replace("\n", " ") for column in columns if column.failed is not None]
    if failed:
        said.append(
            _("No answer for {names}; rest the mouse on the line for the reason.").format(
                names=", ".join(failed)
            )
        )
    return " ".join(said)
