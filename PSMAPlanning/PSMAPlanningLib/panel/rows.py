"""The case as lines of the panel's tables, and what can be done with it now."""

from __future__ import annotations

from ..case import PlanningCase
from ..delineation.contour_facts import ContourFacts
from ..delineation.rules import RULES
from ..errors import RuleError
from ..lesion_facts import facts_of
from ..records import CaseState, Lesion
from ..scene.appearance import coverage_class_of
from ..settings import Settings
from .suv_entry import SuvEntry
from .view_state import Action, LesionRow, Reason, RuleChoice, VolumeCoverage


def lesion_rows(case: PlanningCase, selected: str | None = None) -> tuple[LesionRow, ...]:
    """One row per lesion, in the order of the case; missing facts are worked out for the selected one."""
    coverage = case.coverage()
    return tuple(_row(lesion, case.state, coverage, lesion.id == selected) for lesion in case.state.lesions)


def rule_choices(settings: Settings) -> tuple[RuleChoice, ...]:
    """Every rule, and whether the settings contour by it."""
    chosen = {rule.name for rule in settings.contours.rules}
    return tuple(
        RuleChoice(rule.name, rule.formula, rule.citation, rule.verified, rule.name in chosen)
        for rule in RULES.values()
    )


def _facts(lesion: Lesion, state: CaseState, is_selected: bool) -> ContourFacts | None:
    """Some 30 ms per lesion when they are not known yet: too long for all lesions of a reopened scene."""
    if lesion.contour.facts is not None or state.pet is None:
        return lesion.contour.facts
    if not (is_selected or lesion.is_hand_edited):
        return None
    try:
        return facts_of(lesion, state)
    except RuleError:
        # No part of the contour lies on the PET; there is nothing to tell of it.
        return None


def _row(lesion: Lesion, state: CaseState, coverage: dict, is_selected: bool) -> LesionRow:
    facts = _facts(lesion, state, is_selected)
    interval = facts.interval if facts is not None else None
    peak = facts.suv_peak if facts is not None else None
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
                found.fraction_bounds,
                found.is_covered,
                found.margin_to_100_mm,
                found.direction,
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
        interval_ml=None if interval is None else (interval.low_ml, interval.high_ml),
        suv_peak=None if peak is None else peak.suv,
        flags=tuple(dict.fromkeys((*lesion.contour.flags, *(facts.flags if facts is not None else ())))),
    )


def blocked_actions(
    case: PlanningCase,
    selected: str | None,
    is_busy: bool,
    suv_entry: SuvEntry | None = None,
    has_mismatch: bool = False,
    has_planning_ct: bool = False,
) -> dict[Action, Reason]:
    """The reason for each action that cannot be done now."""
    if is_busy:
        return {action: Reason.BUSY for action in Action if action not in (Action.CANCEL, Action.SELECT)}
    state = case.state
    blocked = {Action.CANCEL: Reason.NOT_BUSY}
    if state.pet is None:
        blocked |= dict.fromkeys((Action.FIND, Action.REGISTER), Reason.NO_PET)
    if suv_entry is None:
        blocked |= dict.fromkeys((Action.ENTER_SUV, Action.CONVERT), Reason.NO_FORM)
    elif suv_entry.conversion is None:
        blocked[Action.CONVERT] = Reason.SUV_INCOMPLETE
    if not has_mismatch:
        blocked[Action.CONFIRM_PATIENT] = Reason.NO_MISMATCH
    if state.pet is None or state.ct is None or not has_planning_ct:
        blocked[Action.REGISTER_BONE] = Reason.NO_TWO_CTS
    if not state.lesions:
        blocked |= dict.fromkeys(
            (Action.SELECT, Action.ACCEPT, Action.REJECT, Action.EDIT, Action.CONTOUR), Reason.NO_LESIONS
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
