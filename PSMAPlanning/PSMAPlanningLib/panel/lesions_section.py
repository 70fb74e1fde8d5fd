"""The Lesions section in Qt: detection with its live preview, the lesion table, the decisions."""

from __future__ import annotations

from typing import Any

from ..delineation.reference_regions import REFERENCE_KINDS
from . import contour_words, words
from . import lesion_keys as keys
from .dragged_slider import DraggedSlider
from .growing_mouse import GrowingMouse
from .lesion_menu import LesionMenu
from .lesion_table import LesionTable
from .live_drawing import draw_slices
from .presenter import Presenter
from .region_words import structure_name
from .translation import tr as _
from .view_state import ViewState

_REFERENCES = tuple(REFERENCE_KINDS)


class LesionsSection:
    """Wires detection, lesion table and decisions to the presenter, and shows what they are."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._table = LesionTable(ui.lesionTable, presenter.select_lesion, self._open_menu)
        self._menu = LesionMenu(ui.lesionTable, presenter, self._ask_reason)
        ui.findLesionsButton.connect("clicked()", lambda: presenter.find_lesions())
        ui.acceptLesionButton.connect("clicked()", lambda: presenter.accept())
        ui.rejectLesionButton.connect("clicked()", self._reject)
        ui.rejectionReasonLineEdit.connect("returnPressed()", self._reject)
        ui.addLesionButton.connect("clicked()", lambda: presenter.add_lesion())
        ui.growButton.connect("clicked(bool)", self._grow)
        ui.growContourButton.connect("clicked(bool)", self._grow)
        self._mouse = GrowingMouse(presenter)
        ui.placeReferenceButton.connect("clicked()", self._place_reference)
        for name in _REFERENCES:
            ui.referenceComboBox.addItem(structure_name(name))
        self._threshold = DraggedSlider(
            ui.detectionThresholdSliderWidget,
            presenter.preview_detection,
            lambda threshold_suv: presenter.set_detection(threshold_suv=threshold_suv),
            presenter.end_preview,
        )
        ui.minimumVolumeSpinBox.connect("editingFinished()", self._set_smallest)
        self._keys = keys.LesionKeys(
            {
                keys.NEXT: lambda: presenter.select_neighbor(1, self._table.ids),
                keys.PREVIOUS: lambda: presenter.select_neighbor(-1, self._table.ids),
                keys.ACCEPT: lambda: presenter.accept(),
                keys.REJECT: self._reject_or_ask,
                keys.UNDO: lambda: presenter.undo(),
                keys.REDO: lambda: presenter.redo(),
            }
        )
        self._name_keys()

    def enter(self) -> None:
        """The module was opened."""
        self._keys.begin()

    def exit(self) -> None:
        """Another module is opened instead, or this one is closed."""
        self._presenter.end_growing()
        self._mouse.end()
        self._keys.end()
        self._menu.close()

    def disconnect(self) -> None:
        self.exit()
        self._table.disconnect()

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self._table.show(view)
            self._threshold.show(view.detection_threshold_suv)
            self._ui.minimumVolumeSpinBox.value = view.minimum_volume_ml
            self._ui.previewLabel.text = words.preview_text(view.preview)
            self._ui.previewLabel.setVisible(view.preview is not None)
            if view.preview is not None:
                draw_slices()
            self._ui.lesionsStatusLabel.text = words.lesions_text(view)
            self._show_growing(view)
        finally:
            self._is_showing = False

    def _show_growing(self, view: ViewState) -> None:
        ui, is_growing, is_editing = self._ui, view.contours.is_growing, view.edited is not None
        for button in (ui.growButton, ui.growContourButton):
            button.checked = is_growing
        ui.growContourButton.setVisible(is_editing)
        for label, is_wanted in (
            (ui.growHintLabel, is_growing),
            (ui.growContourHintLabel, is_growing and is_editing),
        ):
            label.setVisible(is_wanted)
            label.text = contour_words.growing_text(view.edited) if is_wanted else ""
        self._mouse.show(view)

    def _grow(self, is_wanted: bool) -> None:
        if is_wanted:
            self._presenter.begin_growing()
        else:
            self._presenter.end_growing()

    def _name_keys(self) -> None:
        """Say in each tooltip which key does the same."""
        ui = self._ui
        for widget, said in (
            (ui.acceptLesionButton, _("Key: {key}").format(key=keys.ACCEPT)),
            (ui.rejectLesionButton, _("Key: {key}").format(key=keys.REJECT)),
            (ui.undoButton, _("Key: {key}").format(key=keys.UNDO)),
            (ui.redoButton, _("Key: {key}").format(key=keys.REDO)),
            (
                ui.lesionTable,
                _("Keys: {next} and {previous} go to the next and the previous lesion.").format(
                    next=keys.NEXT, previous=keys.PREVIOUS
                ),
            ),
        ):
            widget.toolTip = f"{widget.toolTip}\n{said}"

    def _open_menu(self, position: Any) -> None:
        self._menu.open(position, self._table.selected_ids, self._presenter.view)

    def _reject(self) -> None:
        if self._presenter.reject(self._ui.rejectionReasonLineEdit.text):
            self._ui.rejectionReasonLineEdit.clear()

    def _reject_or_ask(self) -> None:
        """A key rejects when the reason is written already, and asks for it otherwise."""
        if self._ui.rejectionReasonLineEdit.text.strip():
            self._reject()
        else:
            self._ask_reason()

    def _ask_reason(self) -> None:
        self._ui.lesionsCollapsibleButton.collapsed = False
        self._ui.rejectionReasonLineEdit.setFocus()

    def _place_reference(self) -> None:
        self._presenter.place_reference(_REFERENCES[self._ui.referenceComboBox.currentIndex])

    def _set_smallest(self) -> None:
        if not self._is_showing:
            self._presenter.set_detection(minimum_volume_ml=self._ui.minimumVolumeSpinBox.value)
