"""Drawing on one contour: what was drawn becomes a command of the case's own history."""

from __future__ import annotations

import numpy as np

from ..case import PlanningCase
from ..errors import CaseError
from ..imaging.image import Mask
from ..scene.appearance import Color
from ..scene.edit_session import REACH_MM
from .ports import SceneAdapter


class ContourEditing:
    """At most one contour is being drawn on, from `edited` on; what kind of contour the subclasses say."""

    edited: str | None = None

    def take_drawn(self, case: PlanningCase, is_busy: bool = False) -> None:
        """Make a command of what was drawn since the last time.

        Raises CaseError when that cannot be, and takes the drawing back.
        """
        mask = self._drawn() if self.edited is not None else None
        before = self._contour(case) if mask is not None else None
        if before is None:
            return
        try:
            if is_busy:
                raise CaseError(
                    "Contours cannot be edited while work is running; the drawing was taken back."
                )
            self._perform(case, mask)
        except CaseError:
            self._show(case, before)
            raise

    def finish(self, case: PlanningCase) -> None:
        """Take over what was drawn and close the editor."""
        try:
            self.take_drawn(case)
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the editor without taking anything over."""
        self.edited = None
        self._end()

    def follow(self, case: PlanningCase) -> None:
        """Show the contour as the case has it now, as after undo; close when it is gone."""
        if self.edited is None:
            return
        mask = self._contour(case)
        if mask is None:
            self.drop()
        else:
            self._show(case, mask)

    # What is drawn on

    def _contour(self, case: PlanningCase) -> Mask | None:
        """As the case has it; None when it is gone."""
        raise NotImplementedError

    def _perform(self, case: PlanningCase, mask: Mask) -> None:
        raise NotImplementedError

    def _drawn(self) -> Mask | None:
        raise NotImplementedError

    def _show(self, case: PlanningCase, mask: Mask) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError


class Editing(ContourEditing):
    """Drawing on a lesion; `edited` is its id."""

    def __init__(self, scene: SceneAdapter) -> None:
        self._scene = scene
        self._color: Color = (0.0, 0.0, 0.0)
        self._opened_on: Mask | None = None

    @property
    def lesion_id(self) -> str | None:
        return self.edited

    def begin(self, case: PlanningCase, lesion_id: str, color: Color) -> None:
        """Raises CaseError for a lesion that is not there."""
        self._color = color
        self._open(case, lesion_id)

    def _open(self, case: PlanningCase, lesion_id: str) -> None:
        lesion = case.lesion(lesion_id)
        self._scene.begin_edit(lesion, case.state.pet, self._color)
        self.edited, self._opened_on = lesion.id, lesion.contour.mask

    def _contour(self, case: PlanningCase) -> Mask | None:
        lesion = next((each for each in case.state.lesions if each.id == self.edited), None)
        return None if lesion is None or case.state.pet is None else lesion.contour.mask

    def _perform(self, case: PlanningCase, mask: Mask) -> None:
        case.edit_contour(self.edited, mask)

    def _drawn(self) -> Mask | None:
        return self._scene.drawn()

    def _show(self, case: PlanningCase, mask: Mask) -> None:
        if _is_in_reach(mask, self._opened_on):
            self._scene.show_edited(mask)
        else:
            # The editor's image ends some way around what it was opened on, and would cut the rest off.
            self._open(case, self.edited)

    def _end(self) -> None:
        self._opened_on = None
        self._scene.end_edit()


def _is_in_reach(mask: Mask, opened_on: Mask) -> bool:
    """Whether a contour lies where the editor that was opened on another one can show and change it."""
    if mask.is_empty:
        return True
    grid = opened_on.grid
    reach_kji = REACH_MM / np.array(grid.spacing_kji_mm)
    kji = grid.kji_of(mask.cropped().grid.corners_ras())
    low, high = -0.5 - reach_kji, np.array(grid.shape_kji) - 0.5 + reach_kji
    return bool((kji >= low).all() and (kji <= high).all())
