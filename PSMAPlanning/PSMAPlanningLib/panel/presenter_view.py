"""The presenter's view state: all that the panel shows, made anew after every change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..case import PlanningCase
from ..coverage.regions import RegionAssignment
from ..imaging.image import Image
from ..imaging.registration import Matrix4
from ..records import CaseState
from ..scene.owned_nodes import CT, PET, PLANNING_CT, REGISTRATION
from .audit import AuditCard, audit_card
from .contours_view import ContoursView
from .editing import Editing
from .live_lesion import LiveLesion
from .live_threshold import LiveThreshold
from .plan_view import PlanView
from .ports import SceneAdapter
from .rows import blocked_actions, lesion_rows, rule_choices
from .running_work import RunningWork
from .study_folder import PatientNotConfirmedError
from .suv_entry import SuvEntry
from .view_state import Action, LesionRow, Message, Reason, ViewState
from .views_view import ViewsView
from .volumes_view import VolumesView


class PresenterView:
    """What the presenter shows of its state; the sections' actions add their own parts."""

    case: PlanningCase
    work: RunningWork
    _scene: SceneAdapter
    _editing: Editing
    _live: LiveThreshold
    _live_lesion: LiveLesion
    _message: Message
    _selected: str | None
    _suv_entry: SuvEntry | None
    _mismatch: PatientNotConfirmedError | None
    _planning_candidate: tuple[Any, Image] | None
    _transform_ids: dict[Matrix4, str]

    def __init__(self) -> None:
        self._rows: tuple[Any, tuple[LesionRow, ...]] = (None, ())
        self._audit: tuple[CaseState | None, AuditCard] = (None, AuditCard())

    def finish_showing(self) -> None:
        """Have scene and panel show all of the case's state now; see PresenterCore."""
        raise NotImplementedError

    @property
    def view(self) -> ViewState:
        """The state of the panel now; the scene shows all of it."""
        self.finish_showing()
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
