"""The Contours section in Qt: rules and their consensus, and the contour the selected lesion goes by."""

from __future__ import annotations

from typing import Any

import qt

from . import contour_words as words
from . import words as lesion_words
from .candidates_table import CandidatesTable
from .contours_view import ContoursView, ThresholdPreview
from .dragged_slider import DraggedSlider
from .editor import ContourEditor
from .live_drawing import draw_slices
from .presenter import Presenter
from .view_state import RuleChoice, ViewState

_METHODS = tuple(words.METHODS)


class ContoursSection:
    """Wires rules, consensus and one lesion's contour to the presenter, and shows what is chosen."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._rules: tuple[str, ...] = ()
        self._is_showing = False
        combo = ui.consensusMethodComboBox
        for name in _METHODS:
            combo.addItem(words.method_text(name))
        combo.connect("activated(int)", self._choose_method)
        ui.rulesListWidget.connect("itemChanged(QListWidgetItem*)", self._on_item_changed)
        ui.contourButton.connect("clicked()", lambda: presenter.contour_again())
        ui.editLesionButton.connect("clicked(bool)", self._edit)
        self._candidates = CandidatesTable(ui.candidatesTable, presenter.choose_contour)
        self._threshold = DraggedSlider(
            ui.lesionThresholdSliderWidget,
            presenter.preview_lesion_threshold,
            presenter.set_lesion_threshold,
            presenter.end_lesion_preview,
        )
        ui.maskRangeCheckBox.connect("toggled(bool)", self._mask)
        self._stop_previews = presenter.observe_previews(self._follow_drag)
        self.editor = ContourEditor(ui.editorFrame)

    def disconnect(self) -> None:
        self._ui.rulesListWidget.disconnect("itemChanged(QListWidgetItem*)", self._on_item_changed)
        self._stop_previews()
        self._candidates.disconnect()
        self.editor.cleanup()

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self._show_rules(view.rules)
            self._ui.consensusMethodComboBox.setCurrentIndex(_METHODS.index(view.consensus_method))
            self._show_lesion(view)
            self.editor.show(view.edit_node, view.edited, view.nodes["pet"])
            self._ui.editLesionButton.checked = view.edited is not None
            self._ui.maskRangeCheckBox.setVisible(view.edited is not None)
            self._mask()
            self._ui.contoursStatusLabel.text = lesion_words.contours_text(view)
        finally:
            self._is_showing = False

    def _show_lesion(self, view: ViewState) -> None:
        contours = view.contours
        self._candidates.show(contours.candidates)
        if contours.lesion_id is None:
            self._ui.lesionContourLabel.text = ""
        else:
            self._show_threshold(contours, view.threshold_preview)

    def _follow_drag(self, contours: ContoursView, dragged: ThresholdPreview) -> None:
        self._show_threshold(contours, dragged)
        draw_slices()

    def _show_threshold(self, contours: ContoursView, dragged: ThresholdPreview | None) -> None:
        shown_suv = contours.threshold_suv if dragged is None else dragged.threshold_suv
        self._threshold.show(shown_suv, contours.lowest_suv, contours.highest_suv)
        self._ui.lesionContourLabel.text = words.goes_by_text(contours, dragged)

    def _show_rules(self, rules: tuple[RuleChoice, ...]) -> None:
        widget = self._ui.rulesListWidget
        if self._rules != tuple(rule.name for rule in rules):
            self._rules = tuple(rule.name for rule in rules)
            widget.clear()
            for rule in rules:
                widget.addItem(words.rule_text(rule))
        for number, rule in enumerate(rules):
            item = widget.item(number)
            item.setToolTip(words.rule_tooltip(rule))
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if rule.is_chosen else qt.Qt.Unchecked)

    def _on_item_changed(self, item: Any) -> None:
        if self._is_showing:
            return
        number = self._ui.rulesListWidget.row(item)
        self._presenter.choose_rule(self._rules[number], item.checkState() == qt.Qt.Checked)

    def _edit(self, wanted: bool) -> None:
        if wanted:
            self._presenter.begin_edit()
        else:
            self._presenter.finish_edit()

    def _choose_method(self, index: int) -> None:
        self._presenter.choose_consensus(_METHODS[index])

    def _mask(self, _is_wanted: bool = False) -> None:
        """The editor's own mask, which effects and its Masking part go by."""
        is_wanted = self._ui.maskRangeCheckBox.checked
        self.editor.mask_from(self._threshold.value if is_wanted else None)
