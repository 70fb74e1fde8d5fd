"""The Lesions section in Qt: detection with its live preview, the lesion table, the decisions."""

from __future__ import annotations

from typing import Any

from . import words
from .lesion_table import LesionTable
from .presenter import Presenter
from .view_state import ViewState


class LesionsSection:
    """Wires detection, lesion table and decisions to the presenter, and shows what they are."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = self._is_dragging = False
        self._table = LesionTable(ui.lesionTable, presenter.select_lesion)
        ui.findLesionsButton.connect("clicked()", lambda: presenter.find_lesions())
        ui.acceptLesionButton.connect("clicked()", lambda: presenter.accept())
        ui.rejectLesionButton.connect("clicked()", self._reject)
        ui.rejectionReasonLineEdit.connect("returnPressed()", self._reject)
        # While the slider is dragged its outline follows; one release is one step of the history.
        ui.detectionThresholdSliderWidget.tracking = False
        ui.detectionThresholdSliderWidget.connect("valueIsChanging(double)", self._preview_detection)
        ui.detectionThresholdSliderWidget.connect("valueChanged(double)", self._set_detection)
        ui.minimumVolumeSpinBox.connect("editingFinished()", self._set_detection)

    def disconnect(self) -> None:
        self._table.disconnect()

    def show(self, view: ViewState) -> None:
        self._is_showing = True
        try:
            self._table.show(view)
            if not self._is_dragging:
                self._ui.detectionThresholdSliderWidget.value = view.detection_threshold_suv
            self._ui.minimumVolumeSpinBox.value = view.minimum_volume_ml
            self._ui.previewLabel.text = words.preview_text(view.preview)
            self._ui.previewLabel.setVisible(view.preview is not None)
            self._ui.lesionsStatusLabel.text = words.lesions_text(view)
        finally:
            self._is_showing = False

    def _reject(self) -> None:
        if self._presenter.reject(self._ui.rejectionReasonLineEdit.text):
            self._ui.rejectionReasonLineEdit.clear()

    def _preview_detection(self, value: float) -> None:
        if not self._is_showing:
            self._is_dragging = True
            self._presenter.preview_detection(round(value, 2))

    def _set_detection(self, _value: float | None = None) -> None:
        if not self._is_showing:
            # Read before anything is drawn anew, which would put the slider back to where the case is.
            threshold_suv = round(self._ui.detectionThresholdSliderWidget.value, 2)
            smallest_ml = self._ui.minimumVolumeSpinBox.value
            self._is_dragging = False
            self._presenter.set_detection(threshold_suv, smallest_ml)
            self._presenter.end_preview()
