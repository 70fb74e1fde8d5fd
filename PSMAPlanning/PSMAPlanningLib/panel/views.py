"""Slicer's slice and 3D views when a patient comes in: PET over CT, everything in sight."""

from __future__ import annotations

import slicer

from ..scene.navigation import look_at_bounds
from .presenter import Presenter
from .view_state import ViewState


class Views:
    """Sets the views up once per PET and once per lesion list; afterwards they are the user's."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._pet_id: str | None = None
        self._had_content = False

    def show(self, view: ViewState) -> None:
        pet = view.nodes["pet"]
        pet_id = pet.GetID() if pet is not None else None
        if pet_id != self._pet_id:
            self._pet_id = pet_id
            if pet is not None:
                self._show_images(view)
        has_content = bool(view.lesions) or view.nodes["volumes"] is not None
        if has_content and not self._had_content:
            # In a turn of its own: moving the camera takes as long as everything else here.
            self._presenter.scheduler.soon("look at bounds", lambda: _show_bounds(view))
        self._had_content = has_content

    def _show_images(self, view: ViewState) -> None:
        pet, ct = view.nodes["pet"], view.nodes["ct"] or view.nodes["planning_ct"]
        slicer.util.setSliceViewerLayers(
            background=ct or pet, foreground=pet if ct is not None else None, fit=True
        )
        self._presenter.scheduler.soon("pet look", self._show_look)

    def _show_look(self) -> None:
        """Not while the view is being shown: an action in the middle of it would show another one."""
        if self._presenter.view.nodes["pet"] is not None:
            self._presenter.show_pet_window()


def _show_bounds(view: ViewState) -> None:
    node = view.nodes["volumes"] or view.nodes["pet"]
    if node is not None:
        bounds = [0.0] * 6
        node.GetRASBounds(bounds)
        look_at_bounds(slicer.mrmlScene, tuple(bounds))
