"""What every action of the panel goes through: refusals, errors, the case, running work, who is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ..case import PlanningCase
from ..errors import CancelledError, CaseError, PlanningError
from ..imaging.image import Image
from ..imaging.registration import Matrix4
from ..progress import Progress
from ..records import CaseState
from .editing import Editing
from .live_lesion import LiveLesion
from .live_threshold import LiveThreshold
from .ports import SceneAdapter, Scheduler, Worker
from .presenter_view import PresenterView
from .running_work import Outcome, RunningWork
from .scene_steps import SceneSteps, Steps
from .study_folder import PatientNotConfirmedError
from .suv_entry import SuvEntry
from .view_state import Action, Message, Notice, Reason, ViewState

Listener = Callable[[ViewState], None]

FIND, LOAD_SAMPLE = "find lesions", "load the sample case"
LOAD_FOLDER, REGISTER, CONTOUR = "load study folder", "register PET and planning CT", "contour again"
_NOTICES = {
    FIND: Notice.FOUND,
    LOAD_SAMPLE: Notice.LOADED,
    LOAD_FOLDER: Notice.STUDY_LOADED,
    REGISTER: Notice.REGISTERED,
    CONTOUR: Notice.CONTOURED,
}
_LOGGER = logging.getLogger("PSMAPlanning")


class PresenterCore(PresenterView):
    """State and inner workings of the presenter; its actions are in `Presenter`.

    error: what the last action raised or was refused for; None when it was done.
    pause_rendering: makes what keeps Slicer's views from drawing while the nodes follow the case. Without it
        every node drew all views at once, which took a second where the nodes took twentieths.
    """

    def __init__(self, case: PlanningCase, scene: SceneAdapter, worker: Worker, scheduler: Scheduler) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.work = RunningWork(worker, self._emit, self._on_work_ended)
        self.error: Exception | None = None
        self.pause_rendering: Callable[[], AbstractContextManager[Any]] = nullcontext
        self._scene = scene
        self._editing = Editing(scene)
        self._listeners: list[Listener] = []
        self._depth = 0
        self._message = Message()
        self._selected: str | None = None
        self._shown: CaseState | None = None
        self._suv_entry: SuvEntry | None = None
        self._mismatch: PatientNotConfirmedError | None = None
        self._planning_candidate: tuple[Any, Image] | None = None
        self._transform_ids: dict[Matrix4, str] = {}
        self._steps = SceneSteps(
            lambda function: self.scheduler.next_turn(function),
            lambda: self.pause_rendering(),
            self._on_shown,
        )
        self._live = LiveThreshold(scene, self._emit)
        self._live_lesion = LiveLesion(scene)
        self._take(case)

    # Who is told

    @property
    def is_changing(self) -> bool:
        """Whether an action is under way, being shown, or a node going: selectors jump then by themselves."""
        return self._depth > 0 or self._scene.is_removing or self._steps.are_pending

    def observe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the view state after each change; returns the function that ends this."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def close(self) -> None:
        """Drop running work and every observation; the scene keeps the case's nodes."""
        self._do(None, lambda: self._editing.finish(self.case))
        self._finish_steps()
        self.drop_all()
        self._stop_case()
        self._listeners.clear()
        self._scene.close()

    # Between cases

    def drop_all(self) -> None:
        """Forget running work, edits and what was to be done soon; the case stays as it is."""
        self.work.drop()
        self.scheduler.cancel_all()
        self._steps.drop()
        self._live.forget()
        self._live_lesion.forget()
        self._editing.drop()

    def begin_again(self, start: CaseState | PlanningCase | None = None) -> None:
        """Leave the case for a new one; its history goes with it."""
        self.drop_all()
        self._stop_case()
        self._selected = self._shown = None
        self._suv_entry = self._mismatch = self._planning_candidate = None
        self._message = Message()
        is_case = isinstance(start, PlanningCase)
        self._take(start if is_case else PlanningCase(who=self.case.who, start=start))
        self._emit()

    # Inside

    def _do(self, action: Action | None, step: Callable[[], Any], needs_selection: bool = True) -> bool:
        """Run a step unless it is blocked; what goes wrong is said, and leaves the case as it was."""
        # A step writes more than one node; every view draws once, when all are written.
        with self.pause_rendering():
            return self._do_unless_blocked(action, step, needs_selection)

    def _do_unless_blocked(
        self, action: Action | None, step: Callable[[], Any], needs_selection: bool
    ) -> bool:
        # Nothing is done to a scene that shows neither state.
        self._finish_steps()
        self.error = None
        reason = self._blocked().get(action)
        if reason is Reason.NO_SELECTION and not needs_selection:
            reason = None
        if reason is not None:
            self.error = CaseError(f"{action.value} is not possible now: {reason.value}.")
            self._message = Message(Notice.REFUSED, reason.value)
        else:
            if action is not None:
                self._message = Message()
            self._depth += 1
            try:
                step()
            except PlanningError as error:
                self.error = error
                self._message = Message(Notice.ERROR, str(error))
            finally:
                self._depth -= 1
        self._emit()
        return self.error is None

    def _perform(self, name: str, **changes: Any) -> None:
        self.case.perform(name, replace(self.case.state, **changes))

    def _select(self, lesion_id: str | None) -> None:
        if self._editing.lesion_id not in (None, lesion_id):
            self._editing.finish(self.case)
        if lesion_id != self._selected:
            self._live_lesion.end()
        self._selected = lesion_id
        self._scene.show_contours_of(lesion_id)

    def _take(self, case: PlanningCase) -> None:
        self.case = case
        self._stop_case = case.observe(self._on_case_changed)

    def _on_case_changed(self, _before: CaseState, after: CaseState) -> None:
        if self._selected not in {lesion.id for lesion in after.lesions}:
            self._selected = None
        self._show()
        if self._depth == 0:
            # The case was changed from outside, as from the Python console, which goes on with the scene.
            self._finish_steps()
            self._emit()

    # The scene follows

    def finish_showing(self) -> None:
        """Have scene and panel show all of the case's state now, not in the next turns of the event loop."""
        if self._finish_steps():
            self._emit()

    def _finish_steps(self) -> bool:
        """Whether there were any; what goes wrong in one is said."""
        were_pending = self._steps.are_pending
        error = self._steps.finish()
        if error is not None:
            self._failed_to_show(error)
        return were_pending and not self._steps.are_pending

    def _show(self) -> None:
        """Begin to show the case's state; see SceneSteps."""
        self._steps.start(self._showing())

    def _showing(self) -> Steps:
        """The steps in which the scene comes to show the case's state."""
        # When showing fails half-way, the next change writes everything.
        before, self._shown = self._shown, None
        state = self.case.state
        for _step in self._scene.show_steps(before, state, self.case.coverage()):
            yield
        self._shown = state
        self._scene.show_contours_of(self._selected)
        self._editing.follow(self.case)

    def _on_shown(self, error: PlanningError | None) -> None:
        if error is not None:
            self._failed_to_show(error)
        self._emit()

    def _failed_to_show(self, error: PlanningError) -> None:
        self.error = error
        self._message = Message(Notice.ERROR, str(error))

    def _emit(self) -> None:
        if self._steps.are_pending:
            # Nobody is told of a half scene; when the rest of it is there, everybody is.
            return
        view = self.view
        for listener in tuple(self._listeners):
            listener(view)

    # Work beside the interface

    def _start(self, name: str, compute: Callable[[CaseState, Progress], CaseState]) -> None:
        self._editing.finish(self.case)
        state = self.case.state
        self.work.start(name, lambda progress: self._prepared(compute(state, progress)), state)

    def _prepared(self, result: Any) -> Any:
        """Work out on the thread what showing a state needs: coverage takes 1.2 s on a full patient."""
        if isinstance(result, CaseState):
            self.case.coverage_of(result)
            self._scene.prepare(result)
        return result

    def _on_work_ended(self, outcome: Outcome) -> None:
        self._do(None, lambda: self._take_outcome(outcome))

    def _take_outcome(self, outcome: Outcome) -> None:
        if not isinstance(outcome.error, PlanningError):
            self._planning_candidate = None
        if isinstance(outcome.error, CancelledError):
            self._planning_candidate = None
            self._message = Message(Notice.CANCELLED)
        elif isinstance(outcome.error, PlanningError):
            self._work_failed(outcome)
        elif outcome.error is not None:
            # A mistake of ours must neither be lost in the thread nor stop the panel.
            _LOGGER.error("%s failed", outcome.name, exc_info=outcome.error)
            self.error = CaseError(f"This failed unexpectedly ({outcome.error!r}); nothing was changed.")
            self._message = Message(Notice.ERROR, str(self.error))
        elif outcome.started_from is not self.case.state:
            self.error = CaseError("The case changed in the meantime; the result was dropped.")
            self._message = Message(Notice.OUTDATED)
        else:
            self.case.perform(outcome.name, outcome.result)
            notice = _NOTICES.get(outcome.name, Notice.REVISED)
            text = outcome.name if notice is Notice.REVISED else ""
            self._message = Message(notice, text, len(outcome.result.lesions))

    def _work_failed(self, outcome: Outcome) -> None:
        """Say what went wrong; actions that can do more about it do that instead."""
        raise outcome.error
