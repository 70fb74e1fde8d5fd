"""Which contour one lesion goes by: a candidate chosen, or a threshold of its own that is dragged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import lesion_again, lesion_revision
from ..progress import Progress, Stage
from ..records import CaseState, Lesion
from .contours_view import ContoursView, ThresholdPreview, contours_view
from .presenter_core import PresenterCore
from .running_work import Outcome
from .sample_case import make_surfaces
from .view_state import Action, Notice

PreviewListener = Callable[[ContoursView, ThresholdPreview], None]


class LesionContourActions(PresenterCore):
    """Actions on the contour of the selected lesion, or of another one.

    A contour, its facts, coverage and surface take some tenths of a second together, beside the interface.
    """

    _contours: tuple[Any, ContoursView] = (None, ContoursView())
    _preview_listeners: tuple[PreviewListener, ...] = ()
    _is_dragging = _is_taken_over = False

    def choose_contour(self, name: str, lesion_id: str | None = None) -> bool:
        """Start letting the lesion, or the selected one, go by "consensus" or by a candidate, by name."""
        chosen = lesion_id or self._selected

        def start() -> None:
            change = self.case.change(f"{lesion_again.CHOSEN}{name}")
            self.case.lesion(chosen)

            def compute(state: CaseState) -> CaseState:
                return _with(state, lesion_revision.going_by(state, chosen, name, change))

            self._start_contour(f"lesion {chosen} by {name}", compute)

        return self._do(Action.CHOOSE_CONTOUR, start, needs_selection=lesion_id is None)

    def set_lesion_threshold(self, threshold_suv: float, lesion_id: str | None = None) -> bool:
        """Start letting the lesion, or the selected one, go by what reaches a threshold (SUV) at its peak."""
        chosen = lesion_id or self._selected

        def start() -> None:
            change = self.case.change(f"threshold SUV {threshold_suv:g}")
            self.case.lesion(chosen)
            # The outline stays until the contour is there; the former one would show in between.
            self._is_taken_over = True

            def compute(state: CaseState) -> CaseState:
                return _with(state, lesion_revision.at_threshold(state, chosen, threshold_suv, change))

            self._start_contour(f"threshold lesion {chosen} at SUV {threshold_suv:g}", compute)

        return self._do(Action.SET_LESION_THRESHOLD, start, needs_selection=lesion_id is None)

    def _start_contour(self, name: str, compute: Callable[[CaseState], CaseState]) -> None:
        """Start a step on a contour; the editor stays open, what was just drawn is a step of its own."""
        self._editing.take_drawn(self.case)
        state = self.case.state

        def work(progress: Progress) -> CaseState:
            stage = Stage(progress)
            stage.report(0.0, name)
            after = compute(state)
            make_surfaces(after, stage.part(0.7, 1.0))
            return self._prepared(after)

        self.work.start(name, work, state)

    def _take_outcome(self, outcome: Outcome) -> None:
        self._is_taken_over = False
        self._live_lesion.end()
        super()._take_outcome(outcome)

    # While a threshold is dragged

    def preview_lesion_threshold(self, threshold_suv: float) -> bool:
        """Show in the slices what the selected lesion would be at a threshold (SUV), while it is dragged."""

        def preview() -> None:
            self._live_lesion.at(self.case.lesion(self._selected), self.case.state, threshold_suv)

        return self._preview(preview)

    def ready_lesion_threshold(self) -> bool:
        """Make the selected lesion ready to be dragged, so that the first step is as quick as the others."""
        if Action.SET_LESION_THRESHOLD not in self._blocked():
            self._live_lesion.ready(self.case.lesion(self._selected), self.case.state)
        return True

    def drag_lesion_threshold(self, moved: float) -> bool:
        """Show what the selected lesion would be when the mouse has moved up from where it was pressed.

        moved: as a fraction of the view's height, negative for down; all of it is what the slider offers.
        """
        contours = self._contours_view()
        span_suv = contours.highest_suv - contours.lowest_suv
        if not math.isfinite(moved):
            moved = 0.0

        def drag() -> None:
            lesion = self.case.lesion(self._selected)
            # Above its hottest voxel nothing would be left of it; rounded as the slider's values are.
            highest_suv = math.floor(lesion.region.suv_max * 100.0) / 100.0
            wanted_suv = round(contours.threshold_suv + moved * span_suv, 2)
            threshold_suv = max(min(wanted_suv, highest_suv), contours.lowest_suv)
            self._live_lesion.at(lesion, self.case.state, threshold_suv)

        return self._preview(drag)

    def release_lesion_threshold(self) -> bool:
        """Let the lesion go by the threshold that was dragged to; nothing happens when none was."""
        preview = self._live_lesion.preview
        if preview is None or self._is_kept:
            return True
        done = self.set_lesion_threshold(preview.threshold_suv, preview.lesion_id)
        if not done:
            self._live_lesion.end()
            self._emit()
        return done

    def end_lesion_preview(self) -> bool:
        """Take the preview of a lesion's threshold away, unless that is just being taken over."""
        return True if self._is_kept else self._do(None, self._live_lesion.end)

    def observe_previews(self, listener: PreviewListener) -> Callable[[], None]:
        """Call `listener` with the steps of a drag, in place of a view state; returns what ends this.

        A drag changes one line of the panel, and the mouse would wait for all others: to show a whole view
        state took twice as long as the outline in the slices.
        """
        self._preview_listeners = (*self._preview_listeners, listener)

        def stop() -> None:
            self._preview_listeners = tuple(each for each in self._preview_listeners if each is not listener)

        return stop

    @property
    def _is_kept(self) -> bool:
        """Whether the preview is shown until the contour that it shows is the lesion's."""
        return self._is_taken_over and self.work.is_busy

    def _preview(self, step: Callable[[], None]) -> bool:
        # The first step of a drag takes away what was said before it.
        self._is_dragging = self._message.notice is Notice.NOTHING
        # It also puts nodes into the scene; each later one changes a single image. A pause that ends view by
        # view would be followed by the next step's, and only the first view would ever draw.
        do = self._do if self._live_lesion.preview is None else self._do_unless_blocked
        try:
            return do(Action.SET_LESION_THRESHOLD, step, True)
        finally:
            self._is_dragging = False

    def _emit(self) -> None:
        preview = self._live_lesion.preview
        if not self._is_dragging or self.error is not None or preview is None:
            super()._emit()
            return
        contours = self._contours_view()
        for listener in self._preview_listeners:
            listener(contours, preview)

    def _contours_view(self) -> ContoursView:
        """Of the selected lesion, made anew when the lesion, the rules or the selection change."""
        state = self.case.state
        lesion = next((each for each in state.lesions if each.id == self._selected), None)
        if lesion is None or state.pet is None:
            return ContoursView()
        key = (lesion, state.settings)
        if self._contours[0] != key:
            # The colors of their outlines depend on which rules have one.
            rules = tuple(
                candidate.rule
                for each in state.lesions
                for candidate in each.candidates
                if not candidate.mask.is_empty
            )
            self._contours = (key, contours_view(lesion, state, rules))
        return self._contours[1]


def _with(state: CaseState, lesion: Lesion) -> CaseState:
    lesions = tuple(lesion if each.id == lesion.id else each for each in state.lesions)
    return replace(state, lesions=lesions)
