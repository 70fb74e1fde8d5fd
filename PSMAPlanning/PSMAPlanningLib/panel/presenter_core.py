"""What every action of the panel goes through: refusals, errors, the case, running work, the view state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ..case import PlanningCase
from ..coverage.regions import RegionAssignment
from ..errors import CancelledError, CaseError, PlanningError
from ..imaging.image import Image
from ..imaging.registration import Matrix4
from ..progress import Progress
from ..records import CaseState
from ..scene.owned_nodes import CT, PET, PLANNING_CT, REGISTRATION
from .audit import AuditCard, audit_card
from .contours_view import ContoursView
from .editing import Editing
from .live_lesion import LiveLesion
from .live_threshold import LiveThreshold
from .plan_view import PlanView
from .ports import SceneAdapter, Scheduler, Worker
from .rows import blocked_actions, lesion_rows, rule_choices
from .running_work import Outcome, RunningWork
from .study_folder import PatientNotConfirmedError
from .suv_entry import SuvEntry
from .view_state import Action, LesionRow, Message, Notice, Reason, ViewState
from .views_view import ViewsView
from .volumes_view import VolumesView

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


class PresenterCore:
    """State and inner workings of the presenter; its actions are in `Presenter`.

    error: what the last action raised or was refused for; None when it was done.
    pause_rendering: makes what keeps Slicer's views from drawing while the nodes follow the case. Without it
        every node drew all views at once, which took a second where the nodes took twentieths.
    """

    def __init__(self, case: PlanningCase, scene: SceneAdapter, worker: Worker, scheduler: Scheduler) -> None:
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
        self._rows: tuple[Any, tuple[LesionRow, ...]] = (None, ())
        self._audit: tuple[CaseState | None, AuditCard] = (None, AuditCard())
        self._suv_entry: SuvEntry | None = None
        self._mismatch: PatientNotConfirmedError | None = None
        self._planning_candidate: tuple[Any, Image] | None = None
        self._transform_ids: dict[Matrix4, str] = {}
        self._live = LiveThreshold(scene, self._emit)
        self._live_lesion = LiveLesion(scene)
        self._take(case)

    # What is shown

    @property
    def view(self) -> ViewState:
        """The state of the panel now."""
        state = self.case.state
        detection = state.settings.detection
        regions = self._regions()
        if self._rows[0] != (state, self._selected, regions):
            rows = lesion_rows(self.case, self._selected, regions)
            self._rows = ((state, self._selected, regions), rows)
        if self._audit[0] is not state:
            self._audit = (state, audit_card(state))
        return ViewState(
            blocked=self._blocked(),
            nodes=self._nodes(),
            detection_threshold_suv=detection.threshold_suv,
            minimum_volume_ml=detection.minimum_volume_ml,
            lesions=self._rows[1],
            selected=self._selected,
            edited=self._editing.lesion_id,
            edit_node=self._scene.edit_node,
            undo_name=self.case.undo_name,
            redo_name=self.case.redo_name,
            progress=self.work.progress,
            message=self._message,
            warnings=state.all_warnings,
            is_reviewed=self.case.is_reviewed,
            suv_form=self._suv_entry.view if self._suv_entry is not None else None,
            mismatch=str(self._mismatch) if self._mismatch is not None else None,
            audit=self._audit[1].rows,
            audit_warnings=self._audit[1].warnings,
            registration=state.registration,
            clinical=state.clinical,
            rules=rule_choices(state.settings),
            consensus_method=state.settings.consensus.method,
            preview=self._live.preview,
            contours=self._contours_view(),
            threshold_preview=self._live_lesion.preview,
            plan=self._plan_view(),
            views=self._views_view(),
            rt=self._volumes_view(),
        )

    def _regions(self) -> Mapping[str, RegionAssignment]:
        """The lesions' regions as far as the table may show them now; see PlanActions."""
        return self.case.assigned_regions()

    def _contours_view(self) -> ContoursView:
        """What the Contours section shows of the selected lesion; see ContourActions."""
        return ContoursView()

    def _plan_view(self) -> PlanView:
        """What the Coverage and Export sections show; see PlanActions."""
        return PlanView()

    def _views_view(self) -> ViewsView:
        """What is shown of Slicer's views; see ViewActions."""
        return ViewsView()

    def _volumes_view(self) -> VolumesView:
        """What the RT volumes section shows; its actions say more."""
        return VolumesView()

    def _blocked(self) -> dict[Action, Reason]:
        planning_ct = self._planning_candidate or self.case.state.planning_ct
        return blocked_actions(
            self.case,
            self._selected,
            self.work.is_busy,
            self._suv_entry,
            self._mismatch is not None,
            planning_ct is not None,
        )

    def _nodes(self) -> dict[str, Any]:
        state = self.case.state
        planning_ct = self._scene.node(PLANNING_CT) if state.planning_ct is not None else None
        if self._planning_candidate is not None and self._scene.has(self._planning_candidate[0]):
            planning_ct = self._planning_candidate[0]
        matrix = state.registration.planning_from_pet
        transform = None
        if matrix is not None:
            transform = self._scene.by_id(self._transform_ids.get(matrix)) or self._scene.node(REGISTRATION)
        return {
            "pet": self._scene.node(PET) if state.pet is not None else None,
            "ct": self._scene.node(CT) if state.ct is not None else None,
            "volumes": self._scene.volumes_source(state),
            "planning_ct": planning_ct,
            "transform": transform,
        }

    @property
    def is_changing(self) -> bool:
        """Whether an action is under way or a node is going; what selectors show then nobody chose."""
        return self._depth > 0 or self._scene.is_removing

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
        self.drop_all()
        self._stop_case()
        self._listeners.clear()
        self._scene.close()

    # Between cases

    def drop_all(self) -> None:
        """Forget running work, edits and what was to be done soon; the case stays as it is."""
        self.work.drop()
        self.scheduler.cancel_all()
        self._live.forget()
        self._live_lesion.forget()
        self._editing.drop()

    def begin_again(self, start: CaseState | None = None) -> None:
        """Leave the case for a new one; its history goes with it."""
        self.drop_all()
        self._stop_case()
        self._selected = self._shown = None
        self._suv_entry = self._mismatch = self._planning_candidate = None
        self._message = Message()
        self._take(PlanningCase(who=self.case.who, start=start))
        self._emit()

    # Inside

    def _do(self, action: Action | None, step: Callable[[], Any], needs_selection: bool = True) -> bool:
        """Run a step unless it is blocked; what goes wrong is said, and leaves the case as it was."""
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
        # While nodes are rewritten the selectors jump; that is nobody's choice.
        self._depth += 1
        try:
            with self.pause_rendering():
                self._show()
                self._editing.follow(self.case)
        finally:
            self._depth -= 1
        if self._depth == 0:
            # The case was changed from outside, as from the Python console.
            self._emit()

    def _show(self) -> None:
        # When showing fails half-way, the next change writes everything.
        before, self._shown = self._shown, None
        self._scene.show(before, self.case.state, self.case.coverage())
        self._scene.show_contours_of(self._selected)
        self._shown = self.case.state

    def _emit(self) -> None:
        view = self.view
        for listener in tuple(self._listeners):
            listener(view)

    # Work beside the interface

    def _start(self, name: str, compute: Callable[[CaseState, Progress], CaseState]) -> None:
        self._editing.finish(self.case)
        state = self.case.state
        self.work.start(name, lambda progress: self._prepared(compute(state, progress)), state)

    def _prepared(self, result: Any) -> Any:
        """Work out the coverage of a new state on the thread: 1.2 s on a full patient."""
        if isinstance(result, CaseState):
            self.case.coverage_of(result)
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
