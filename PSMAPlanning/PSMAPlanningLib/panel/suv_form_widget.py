"""The SUV form in Qt: one line per value, in the order of the form, built anew when its rows change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from . import patient_words as words
from .suv_entry import SuvFormView, SuvRow
from .translation import tr as _

# Text black on light colors, so that it can be read in Slicer's dark style too.
_BACKGROUNDS = {"needed": "#FFE9A8", "asked": "#EAF2FB", "wrong": "#F9D0D0"}
_LABEL, _EDITOR, _SOURCE = range(3)


class SuvFormWidget:
    """The rows of the form in a grid layout; `on_text` is told the name of a row and what was typed."""

    def __init__(self, ui: Any, on_text: Callable[[str, str], Any]) -> None:
        self._ui = ui
        self._grid = ui.suvFormFrame.layout().itemAt(1).layout()
        self._on_text = on_text
        self._lines: dict[str, _Line] = {}
        self._grid.setColumnStretch(_EDITOR, 1)
        ui.suvFormFrame.setVisible(False)

    def show(self, form: SuvFormView | None) -> None:
        """Show the form; None hides it."""
        self._ui.suvFormFrame.setVisible(form is not None)
        if form is None:
            self._clear()
            return
        self._ui.suvFormLabel.text = words.form_text(form)
        self._ui.convertButton.text = (
            _("Read this study as SUV") if form.of_folder else _("Convert this volume to SUV")
        )
        if [row.name for row in form.rows] != list(self._lines):
            self._clear()
            self._lines = {row.name: self._line(row, n) for n, row in enumerate(form.rows)}
        for row in form.rows:
            self._lines[row.name].show(row)

    def editor(self, name: str) -> Any:
        """The widget that a row is typed into."""
        return self._lines[name].editor

    def _line(self, row: SuvRow, number: int) -> _Line:
        line = _Line(row, self._on_text)
        for column, widget in enumerate(line.widgets):
            self._grid.addWidget(widget, number, column)
        return line

    def _clear(self) -> None:
        for line in self._lines.values():
            for widget in line.widgets:
                self._grid.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self._lines = {}


class _Line:
    """Label, editor and source of one value."""

    def __init__(self, row: SuvRow, on_text: Callable[[str, str], Any]) -> None:
        self._name = row.name
        self._on_text = on_text
        self._shown = ""
        self._texts = dict(row.suggestions)
        self._is_choice = bool(row.choices)
        self.label, self.source = qt.QLabel(), qt.QLabel()
        unit = row.unit or (_("time") if row.name.endswith("_time") else "")
        self.label.text = words.row_label(row.name) + (f" ({unit}):" if unit else ":")
        self.source.enabled = False
        self.editor = self._make(row)
        self.widgets = (self.label, self.editor, self.source)

    def show(self, row: SuvRow) -> None:
        self._shown = row.text
        if self._is_choice:
            self.editor.setCurrentIndex(max(0, self.editor.findText(row.text)))
        elif self._texts:
            self.editor.setEditText(row.text)
        else:
            self.editor.text = row.text
        color = _BACKGROUNDS.get(row.state)
        self.editor.styleSheet = f"background-color: {color}; color: black" if color else ""
        needed = {"needed": _("needed"), "asked": _("if known"), "wrong": _("check")}
        source = words.source_text(row.source) if row.source else ""
        self.source.text = needed.get(row.state) or source.partition(" ")[0]
        for widget in self.widgets:
            widget.toolTip = words.row_tooltip(row)

    def _make(self, row: SuvRow) -> Any:
        if not row.choices and not row.suggestions:
            editor = qt.QLineEdit()
            editor.connect("editingFinished()", self._tell)
            return editor
        editor = qt.QComboBox()
        # By itself it would be as wide as its longest entry.
        editor.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        editor.setMinimumContentsLength(4)
        editor.editable = not self._is_choice
        editor.addItems(["", *row.choices, *self._texts])
        editor.connect("activated(int)", self._tell)
        if not self._is_choice:
            editor.lineEdit().connect("editingFinished()", self._tell)
        return editor

    def _tell(self, _index: int | None = None) -> None:
        text = self.editor.currentText if self._is_choice or self._texts else self.editor.text
        text = self._texts.get(text, text)
        # Leaving a line finishes editing too, when nothing was typed.
        if text != self._shown:
            self._on_text(self._name, text)
