"""Slicer's views as the panel sets them up, and the buttons that change what they show."""

from __future__ import annotations

from typing import Any

from .presenter import Presenter
from .view_state import ViewState
from .views import Views


class ViewsSection:
    """Sets up the slice and 3D views for the case."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._views = Views()

    def disconnect(self) -> None:
        """Nothing outlives the widgets here."""

    def enter(self) -> None:
        """The module was opened."""

    def exit(self) -> None:
        """Another module is opened instead."""

    def show(self, view: ViewState) -> None:
        self._views.show(view)
