"""The case as lines of the panel's tables, and what can be done with it now."""

from __future__ import annotations

from ..case import PlanningCase
from ..records import CaseState, Lesion
from ..scene.appearance import coverage_class_of
from .view_state import Action, LesionRow, Reason, VolumeCoverage


def lesion_rows(case: PlanningCase) -> tuple[LesionRow, ...]:
    """One row per lesion, in the order of the case."""
    coverage = case.coverage()
    return tuple(_row(lesion, case.state, coverage) for lesion in case.state.lesions)


def _row(lesion: Lesion, state: CaseState, coverage: dict) -> LesionRow:
    cells = []
    for volume in state.volumes:
        found = coverage[lesion.id][volume.name]
        cells.append(
            VolumeCoverage(
                volume.name,
                volume.kind,
                found.coverage_class.value if found.coverage_class else None,
                found.fraction,
                found.centroid_distance_mm,
            )
        )
    return LesionRow(
        id=lesion.id,
        state=lesion.state.value,
        region_class=lesion.region.region_class.value,
        region_reason=lesion.region.reason,
        volume_ml=lesion.contour.mask.volume_ml,
        suv_max=lesion.region.suv_max,
        color_key=coverage_class_of(lesion, state.volumes, coverage),
        is_hand_edited=lesion.is_hand_edited,
        rejection_reason=lesion.rejection_reason,
        coverage=tuple(cells),
    )


def blocked_actions(case: PlanningCase, selected: str | None, is_busy: bool) -> dict[Action, Reason]:
    """The reason for each action that cannot be done now."""
    if is_busy:
        return {action: Reason.BUSY for action in Action if action not in (Action.CANCEL, Action.SELECT)}
    state = case.state
    blocked = {Action.CANCEL: Reason.NOT_BUSY}
    if state.pet is None:
        blocked[Action.FIND] = Reason.NO_PET
    if not state.lesions:
        blocked |= dict.fromkeys(
            (Action.SELECT, Action.ACCEPT, Action.REJECT, Action.EDIT), Reason.NO_LESIONS
        )
    elif selected is None:
        blocked |= dict.fromkeys((Action.ACCEPT, Action.REJECT, Action.EDIT), Reason.NO_SELECTION)
    if case.undo_name is None:
        blocked[Action.UNDO] = Reason.NOTHING_TO_UNDO
    if case.redo_name is None:
        blocked[Action.REDO] = Reason.NOTHING_TO_REDO
    if state.pet is None and not state.volumes:
        blocked[Action.SAVE] = Reason.NO_CASE
    return blocked
