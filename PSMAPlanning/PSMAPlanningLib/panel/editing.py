"""Drawing on one lesion's contour: what was drawn becomes a command of the case's own history."""

from __future__ import annotations

from ..case import PlanningCase
from ..errors import CaseError
from ..scene.appearance import Color
from .ports import SceneAdapter


class Editing:
    """At most one lesion is being edited; its id is `lesion_id`."""

    def __init__(self, scene: SceneAdapter) -> None:
        self.lesion_id: str | None = None
        self._scene = scene

    def begin(self, case: PlanningCase, lesion_id: str, color: Color) -> None:
        lesion = case.lesion(lesion_id)
        self._scene.begin_edit(lesion, case.state.pet, color)
        self.lesion_id = lesion.id

    def take_drawn(self, case: PlanningCase, is_busy: bool = False) -> None:
        """Make a command of what was drawn since the last time.

        Raises CaseError when that cannot be, and takes the drawing back.
        """
        mask = self._scene.drawn() if self.lesion_id is not None else None
        if mask is None:
            return
        before = case.lesion(self.lesion_id).contour.mask
        try:
            if is_busy:
                raise CaseError(
                    "Contours cannot be edited while work is running; the drawing was taken back."
                )
            case.edit_contour(self.lesion_id, mask)
        except CaseError:
            self._scene.show_edited(before)
            raise

    def finish(self, case: PlanningCase) -> None:
        """Take over what was drawn and close the editor."""
        try:
            self.take_drawn(case)
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the editor without taking anything over."""
        self.lesion_id = None
        self._scene.end_edit()

    def follow(self, case: PlanningCase) -> None:
        """Show the contour as the case has it now, as after undo; close when the lesion is gone."""
        if self.lesion_id is None:
            return
        state = case.state
        lesion = next((lesion for lesion in state.lesions if lesion.id == self.lesion_id), None)
        if lesion is None or state.pet is None:
            self.drop()
        else:
            self._scene.show_edited(lesion.contour.mask)
