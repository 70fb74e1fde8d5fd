"""Slicer's slice and 3D views when a patient comes in: PET over CT, everything in sight."""

from __future__ import annotations

from typing import Any

import slicer

from ..scene.navigation import look_at_bounds
from .view_state import ViewState

_PET_OVER_CT = 0.5


class Views:
    """Sets the views up once per PET and once per lesion list; afterwards they are the user's."""

    def __init__(self) -> None:
        self._pet_id: str | None = None
        self._had_content = False

    def show(self, view: ViewState) -> None:
        pet, ct = view.nodes["pet"], view.nodes["ct"]
        pet_id = pet.GetID() if pet is not None else None
        if pet_id != self._pet_id:
            self._pet_id = pet_id
            if pet is not None:
                _show_images(pet, ct)
        has_content = bool(view.lesions) or view.nodes["volumes"] is not None
        if has_content and not self._had_content:
            _show_bounds(view)
        self._had_content = has_content


def _show_images(pet: Any, ct: Any | None) -> None:
    if ct is None:
        slicer.util.setSliceViewerLayers(background=pet, foreground=None, fit=True)
    else:
        slicer.util.setSliceViewerLayers(
            background=ct, foreground=pet, foregroundOpacity=_PET_OVER_CT, fit=True
        )


def _show_bounds(view: ViewState) -> None:
    node = view.nodes["volumes"] or view.nodes["pet"]
    if node is not None:
        bounds = [0.0] * 6
        node.GetRASBounds(bounds)
        look_at_bounds(slicer.mrmlScene, tuple(bounds))
