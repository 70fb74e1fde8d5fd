"""The RT volumes section in Qt: where the volumes come from."""

from __future__ import annotations

from typing import Any

from . import words
from .presenter import Presenter
from .view_state import ViewState


class VolumesSection:
    """Wires the RT volumes to the presenter, and shows them."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter

    def disconnect(self) -> None:
        """Nothing outlives the widgets here."""

    def show(self, view: ViewState) -> None:
        self._ui.rtVolumesStatusLabel.text = words.volumes_text(view)
