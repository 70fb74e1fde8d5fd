"""Growing by clicks: a mode in which a click in a slice view means the focus below it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import CaseError
from ..lesion_clicks import lesion_clicked
from ..lesion_finding import lesion_at
from ..lesion_growing import grown
from ..records import Point
from ..scene.growing_mode import GrowingMode
from .contours_view import ContoursView
from .lesion_contour_actions import LesionContourActions
from .revision_actions import RevisionActions
from .view_state import Action


class GrowingActions(RevisionActions, LesionContourActions):
    """Actions of the mode, and what a click does, with and without it.

    Who has the views follows `ContoursView.is_growing` and passes clicks on; the case knows of no mode.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._growing = GrowingMode(self._scene.scene, self._on_other_mode)

    def begin_growing(self) -> bool:
        """Let clicks in the slice views grow lesions, until something else is to be clicked."""
        return self._do(Action.GROW_BY_CLICK, self._growing.begin)

    def end_growing(self) -> bool:
        """Let clicks be Slicer's own again; a threshold being dragged goes back to what it was."""
        if not self._growing.is_on:
            return True

        def end() -> None:
            self._growing.end()
            self._live_lesion.end()

        return self._do(None, end)

    def grow_at(self, point_ras: Point) -> bool:
        """Do what a click at a point (RAS mm) means; what nothing can be grown from is said.

        While a lesion is edited, its contour grows from there by the rule it goes by. Else the lesion that
        lies there is selected, or a new one is contoured by the case's rules.
        """

        def grow() -> None:
            if self._editing.lesion_id is not None:
                self._start_growing(self._editing.lesion_id, point_ras)
                return
            there = lesion_clicked(self.case.state, point_ras)
            if there is None:
                found = self.case.change("added by hand")
                self._start_revision("add lesion", lambda state: lesion_at(state, point_ras, found))
            else:
                self._select(there)
                self._scene.jump_to(self.case.lesion(there).region.peak_ras)

        return self._do(Action.GROW_BY_CLICK, grow)

    def grow_lesion(self, point_ras: Point, lesion_id: str | None = None) -> bool:
        """Start growing the contour of the lesion, or of the selected one, from a point (RAS mm)."""
        chosen = lesion_id or self._selected

        def grow() -> None:
            if chosen is None:
                raise CaseError("Select the lesion that is to grow first.")
            self._start_growing(chosen, point_ras)

        return self._do(Action.GROW_BY_CLICK, grow)

    def drop_all(self) -> None:
        super().drop_all()
        self._growing.end()

    def _start_growing(self, lesion_id: str, point_ras: Point) -> None:
        change = self.case.change("grown")
        self._start_contour(
            f"grow lesion {lesion_id}", lambda state: grown(state, lesion_id, point_ras, change)
        )

    def _contours_view(self) -> ContoursView:
        contours = super()._contours_view()
        return replace(contours, is_growing=True) if self._growing.is_on else contours

    def _show(self) -> None:
        super()._show()
        if self.case.state.pet is None:
            self._growing.end()

    def _on_other_mode(self) -> None:
        self.scheduler.soon("end growing", self.end_growing)
