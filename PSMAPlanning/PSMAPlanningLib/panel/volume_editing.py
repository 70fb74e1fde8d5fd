"""Drawing on one radiotherapy volume: what was drawn becomes a command of the case's own history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..case import PlanningCase
from ..errors import CaseError
from ..imaging.image import Mask
from ..records import RtVolume
from .editing import ContourEditing, Editing
from .ports import SceneAdapter

BY_HAND = ", edited by hand"


class VolumeEditing(ContourEditing):
    """Drawing on a radiotherapy volume; `edited` is its name."""

    def __init__(self, scene: SceneAdapter) -> None:
        self._drawing = scene.drawing

    @property
    def name(self) -> str | None:
        return self.edited

    def begin(self, case: PlanningCase, name: str) -> None:
        """Raises CaseError for a volume that is not there."""
        volume = _volume(case, name)
        if volume is None:
            raise CaseError(f"There is no volume {name!r} in this case; choose one of the table.")
        self._drawing.begin(volume, case.state)
        self.edited = name

    def _contour(self, case: PlanningCase) -> Mask | None:
        volume = _volume(case, self.edited)
        return None if volume is None else volume.mask

    def _perform(self, case: PlanningCase, mask: Mask) -> None:
        if mask.is_empty:
            raise CaseError(f"{self.edited} would be empty; remove the volume instead of erasing it.")
        volume = _volume(case, self.edited)
        edited = with_drawn(volume, mask)
        volumes = tuple(edited if each is volume else each for each in case.state.volumes)
        case.perform(f"edit {self.edited}", replace(case.state, volumes=volumes))

    def _drawn(self) -> Mask | None:
        return self._drawing.drawn()

    def _show(self, _case: PlanningCase, mask: Mask) -> None:
        self._drawing.show(mask)

    def _end(self) -> None:
        self._drawing.end()


class AnyEditing(Editing):
    """Editing of a lesion or of a volume, never of both: two editors would both draw in the views."""

    def __init__(self, scene: SceneAdapter, volumes: VolumeEditing) -> None:
        super().__init__(scene)
        self._volumes = volumes

    def begin(self, case: PlanningCase, *arguments: Any) -> None:
        self._volumes.finish(case)
        super().begin(case, *arguments)

    def finish(self, case: PlanningCase) -> None:
        try:
            self._volumes.finish(case)
        finally:
            super().finish(case)

    def drop(self) -> None:
        self._volumes.drop()
        super().drop()

    def follow(self, case: PlanningCase) -> None:
        self._volumes.follow(case)
        super().follow(case)


def with_drawn(volume: RtVolume, mask: Mask) -> RtVolume:
    """The volume with voxels drawn by hand; how it came about stays on record."""
    origin = volume.origin if volume.origin.endswith(BY_HAND) else volume.origin + BY_HAND
    # The shares that the former contours filled are not those of what was drawn.
    return replace(volume, mask=mask.cropped(), occupancy=None, origin=origin)


def _volume(case: PlanningCase, name: str | None) -> RtVolume | None:
    return next((volume for volume in case.state.volumes if volume.name == name), None)
