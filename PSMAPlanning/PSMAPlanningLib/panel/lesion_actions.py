"""What the Lesions section does: finding lesions, selecting one, deciding on it, drawing its contour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import CaseError
from ..lesion_again import with_revisions
from ..lesion_finding import find_lesions
from ..progress import Progress, Stage
from ..records import CaseState
from ..scene.appearance import COVERAGE_COLORS
from .growing_actions import GrowingActions
from .presenter_core import FIND
from .sample_case import make_surfaces
from .view_state import Action, Message, Notice


class LesionActions(GrowingActions):
    """Actions on the lesions and their contours."""

    def set_detection(
        self, threshold_suv: float | None = None, minimum_volume_ml: float | None = None
    ) -> bool:
        """Change what counts as avid (SUV, mL); it takes effect when lesions are found the next time."""
        settings = self.case.state.settings
        given = {"threshold_suv": threshold_suv, "minimum_volume_ml": minimum_volume_ml}
        changed = {k: v for k, v in given.items() if v is not None and v != getattr(settings.detection, k)}
        if not changed:
            return True
        return self._do(
            Action.SET_DETECTION,
            lambda: self._perform(
                "change detection",
                settings=replace(settings, detection=replace(settings.detection, **changed)),
            ),
        )

    def preview_detection(self, threshold_suv: float) -> bool:
        """Show in the slices what a threshold (SUV) would find, while it is being dragged."""
        state = self.case.state

        def preview() -> None:
            if state.pet is not None:
                smallest_ml = state.settings.detection.minimum_volume_ml
                self._live.at(state.pet, threshold_suv, smallest_ml, self.work.worker)

        # See LesionContourActions: pauses would keep views from drawing as long as steps come.
        do = self._do if self._live.preview is None else self._do_unless_blocked
        return do(Action.SET_DETECTION, preview, True)

    def end_preview(self) -> bool:
        """Take the preview away; the slider was let go."""
        return self._do(None, self._live.end)

    def find_lesions(self) -> bool:
        """Start finding and contouring lesions; what people did to the former ones stays where it can.

        See `lesion_again.with_revisions`.
        """
        found = self.case.change("found")

        def compute(state: CaseState, progress: Progress) -> CaseState:
            after = find_lesions(state, found, Stage(progress).part(0.0, 0.9))
            after = with_revisions(state, after, found)
            make_surfaces(after, Stage(progress).part(0.9, 1.0))
            return after

        return self._do(Action.FIND, lambda: self._start(FIND, compute))

    def cancel(self) -> bool:
        """Stop the running work; the case stays as it was."""

        def stop() -> None:
            self.work.drop()
            self._live_lesion.end()
            self._planning_candidate = None
            self._message = Message(Notice.CANCELLED)

        return self._do(Action.CANCEL, stop)

    def select_lesion(self, lesion_id: str | None) -> bool:
        """Select a lesion and bring all views to it; None selects nothing."""
        if lesion_id is None:
            return self._do(None, lambda: self._select(None))

        def select() -> None:
            lesion = self.case.lesion(lesion_id)
            self._select(lesion.id)
            self._scene.jump_to(lesion.region.peak_ras)

        return self._do(Action.SELECT, select)

    def select_neighbor(self, step: int, order: Sequence[str] = ()) -> bool:
        """Select the next (1) or previous (-1) lesion, around the end of the list.

        order: ids as the user sees them; empty for the order of the case.
        """
        ids = list(order) or [lesion.id for lesion in self.case.state.lesions]

        def select() -> None:
            if not ids:
                # While work is running selecting is allowed, also in a case that has no lesions.
                raise CaseError("There is no lesion to go to; find lesions first.")
            start = ids.index(self._selected) if self._selected in ids else (-1 if step > 0 else 0)
            self.select_lesion(ids[(start + step) % len(ids)])

        return self._do(Action.SELECT, select)

    def accept(self, lesion_id: str | None = None) -> bool:
        """Accept the lesion, or the selected one."""
        return self._decide(Action.ACCEPT, lesion_id, lambda i: self.case.accept(i))

    def reject(self, reason: str, lesion_id: str | None = None) -> bool:
        """Reject the lesion, or the selected one, for a reason that stays with it."""
        return self._decide(Action.REJECT, lesion_id, lambda i: self.case.reject(i, reason))

    def _decide(self, action: Action, lesion_id: str | None, decide: Callable[[str], None]) -> bool:
        chosen = lesion_id or self._selected
        return self._do(action, lambda: decide(chosen), needs_selection=lesion_id is None)

    # Editing by hand

    def begin_edit(self, lesion_id: str | None = None) -> bool:
        """Open the contour of the lesion, or of the selected one, for drawing."""

        def begin() -> None:
            lesion = self.case.lesion(lesion_id or self._selected)
            if self._editing.lesion_id == lesion.id:
                return
            self._select(lesion.id)
            row = next(row for row in self.view.lesions if row.id == lesion.id)
            self._editing.begin(self.case, lesion.id, COVERAGE_COLORS[row.color_key])

        return self._do(Action.EDIT, begin, needs_selection=lesion_id is None)

    def finish_edit(self) -> bool:
        """Take over what was drawn and close the editor; nothing happens when nothing is being edited."""
        return self._do(None, lambda: self._editing.finish(self.case))

    def take_drawn(self) -> bool:
        """Make one command of what was drawn since the last one."""
        return self._do(None, lambda: self._editing.take_drawn(self.case, self.work.is_busy))

    def drop_edit(self) -> bool:
        """Close an editor whose node somebody deleted."""

        def drop() -> None:
            self._editing.drop()
            self._message = Message(Notice.NODES_REMOVED, "Edit")

        return self._do(None, drop)
