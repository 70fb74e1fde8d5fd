"""Drawing on one radiotherapy volume: what was drawn becomes a command of the case's own history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..case import PlanningCase
from ..errors import CaseError
from ..imaging.image import Mask
from ..records import RtVolume
from .editing import Editing
from .ports import SceneAdapter

BY_HAND = ", edited by hand"


class VolumeEditing:
    """At most one volume is being drawn on; its name is `name`."""

    def __init__(self, scene: SceneAdapter) -> None:
        self.name: str | None = None
        self._drawing = scene.drawing

    def begin(self, case: PlanningCase, name: str) -> None:
        """Raises CaseError for a volume that is not there."""
        volume = _volume(case, name)
        if volume is None:
            raise CaseError(f"There is no volume {name!r} in this case; choose one of the table.")
        self._drawing.begin(volume, case.state)
        self.name = name

    def take_drawn(self, case: PlanningCase, is_busy: bool = False) -> None:
        """Make a command of what was drawn since the last time.

        Raises CaseError when that cannot be, and takes the drawing back.
        """
        mask = self._drawing.drawn() if self.name is not None else None
        volume = _volume(case, self.name) if mask is not None else None
        if volume is None:
            return
        try:
            if is_busy:
                raise CaseError("Volumes cannot be edited while work is running; the drawing was taken back.")
            if mask.is_empty:
                raise CaseError(f"{self.name} would be empty; remove the volume instead of erasing it.")
            edited = with_drawn(volume, mask)
            volumes = tuple(edited if each is volume else each for each in case.state.volumes)
            case.perform(f"edit {self.name}", replace(case.state, volumes=volumes))
        except CaseError:
            self._drawing.show(volume.mask)
            raise

    def finish(self, case: PlanningCase) -> None:
        """Take over what was drawn and close the editor."""
        try:
            self.take_drawn(case)
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the editor without taking anything over."""
        self.name = None
        self._drawing.end()

    def follow(self, case: PlanningCase) -> None:
        """Show the volume as the case has it now, as after undo; close when it is gone."""
        if self.name is None:
            return
        volume = _volume(case, self.name)
        if volume is None:
            self.drop()
        else:
            self._drawing.show(volume.mask)


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
