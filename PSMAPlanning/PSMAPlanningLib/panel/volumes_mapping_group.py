"""The mapping table in Qt: one line per structure, each with a list of uses and a name to change."""

from __future__ import annotations

from typing import Any

import qt

from . import volume_words as words
from .presenter import Presenter
from .table_filling import set_row_height
from .view_state import ViewState
from .volume_uses import name_suggestions
from .volumes_view import MappingRow

_NAME, _USE, _TG263, _TOLD_BY = range(4)
_ASKED = "#FFE9A8"


class MappingGroup:
    """Shows what each structure was taken for; a change is one step of the case's history."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._rows: tuple[MappingRow, ...] = ()
        self._lists: list[tuple[Any, Any]] = []
        header = ui.mappingTable.horizontalHeader()
        for column, mode in (
            (_NAME, qt.QHeaderView.Stretch),
            (_USE, qt.QHeaderView.ResizeToContents),
            (_TG263, qt.QHeaderView.ResizeToContents),
            (_TOLD_BY, qt.QHeaderView.ResizeToContents),
        ):
            header.setSectionResizeMode(column, mode)
        ui.mappingTable.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        ui.mappingTable.connect("cellClicked(int,int)", self._on_clicked)
        ui.confirmNamesButton.connect("clicked()", lambda: presenter.confirm_names())

    def disconnect(self) -> None:
        self._ui.mappingTable.disconnect("cellClicked(int,int)", self._on_clicked)

    def show(self, view: ViewState) -> None:
        ui, rt = self._ui, view.rt
        ui.mappingGroupBox.setVisible(bool(rt.rows))
        if rt.rows != self._rows:
            self._fill(rt.rows)
        for use, name in self._lists:
            use.enabled = name.enabled = not view.is_busy
        ui.mappingLabel.text = words.mapping_text(rt)
        ui.mappingLabel.setVisible(bool(rt.asking))
        ui.confirmNamesButton.setVisible(bool(rt.asking))

    def lists_of(self, name: str) -> tuple[Any, Any]:
        """The two lists in the line of a structure: what it is, and its TG-263 name."""
        return self._lists[[row.name for row in self._rows].index(name)]

    def _fill(self, rows: tuple[MappingRow, ...]) -> None:
        table, former = self._ui.mappingTable, self._rows
        blocked = table.blockSignals(True)
        if [row.name for row in rows] != [row.name for row in former]:
            table.setRowCount(0)
            table.setRowCount(len(rows))
            self._lists = [self._make_lists(number) for number in range(len(rows))]
            former = ()
        self._rows = rows
        for number, row in enumerate(rows):
            if not former or former[number] != row:
                self._fill_row(number, row)
        set_row_height(table, 1.3)
        table.blockSignals(blocked)

    def _make_lists(self, number: int) -> tuple[Any, Any]:
        use, name = qt.QComboBox(), qt.QComboBox()
        for code in words.USE_CODES[1:]:
            use.addItem(words.use_text(code))
        name.setEditable(True)
        name.setInsertPolicy(qt.QComboBox.NoInsert)
        for column, each, characters in ((_USE, use, 8), (_TG263, name, 7)):
            each.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
            each.setMinimumContentsLength(characters)
            # The wheel scrolls the table and renames nothing on its way.
            each.setFocusPolicy(qt.Qt.StrongFocus)
            self._ui.mappingTable.setCellWidget(number, column, each)
        use.connect("activated(int)", lambda index: self._use(number, index))
        name.connect("activated(int)", lambda _index: self._name(number))
        name.lineEdit().connect("editingFinished()", lambda: self._name(number))
        return use, name

    def _fill_row(self, number: int, row: MappingRow) -> None:
        use, name = self._lists[number]
        tooltip = words.row_tooltip(row)
        texts = {_NAME: words.name_text(row), _USE: "", _TG263: "", _TOLD_BY: words.told_by_text(row)}
        for column, text in texts.items():
            item = qt.QTableWidgetItem(text)
            item.setToolTip(f"{text}\n{tooltip}".strip())
            if row.asks:
                item.setBackground(qt.QBrush(qt.QColor(_ASKED)))
                item.setForeground(qt.QBrush(qt.QColor(0, 0, 0)))
            self._ui.mappingTable.setItem(number, column, item)
        for each in (use, name):
            each.blockSignals(True)
        use.setCurrentIndex(-1 if row.use is None else words.USE_CODES.index(row.use) - 1)
        use.toolTip = tooltip
        name.clear()
        for suggestion in name_suggestions(row.use):
            name.addItem(suggestion)
        name.setEditText(row.tg263 or "")
        name.toolTip = tooltip
        for each in (use, name):
            each.blockSignals(False)

    def _use(self, number: int, index: int) -> None:
        row = self._rows[number]
        if not self._presenter.use_volume(row.name, words.USE_CODES[index + 1]):
            self._fill_row(number, row)

    def _name(self, number: int) -> None:
        row, text = self._rows[number], self._lists[number][1].currentText.strip()
        if text and text != (row.tg263 or "") and not self._presenter.name_volume(row.name, text):
            self._fill_row(number, row)

    def _on_clicked(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._rows):
            self._presenter.select_volume(self._rows[row].name)
