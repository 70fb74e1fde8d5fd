"""The case as lines of the panel's tables, and what can be done with it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from ..case import PlanningCase
from ..coverage.lesion_coverage import LesionVolumeCoverage
from ..coverage.regions import RegionAssignment
from ..delineation.contour_facts import ContourFacts
from ..delineation.rules import RULES
from ..errors import RuleError
from ..lesion_facts import facts_of
from ..lesion_revision import is_added_by_hand
from ..records import IGNORED, CaseState, Lesion, RtVolume, headline_volumes
from ..scene.appearance import coverage_class_of
from ..settings import Settings
from .suv_entry import SuvEntry
from .view_state import Action, LesionRow, Reason, RuleChoice, VolumeCoverage

_ON_PET = (Action.FIND, Action.REGISTER, Action.ADD_LESION, Action.PLACE_REFERENCE, Action.GROW_BY_CLICK)
_ON_SELECTED = (
    Action.ACCEPT,
    Action.REJECT,
    Action.LEAVE_UNDECIDED,
    Action.EDIT,
    Action.SPLIT,
    Action.DELETE_LESION,
    Action.STATE_REGION,
    Action.CHOOSE_CONTOUR,
    Action.SET_LESION_THRESHOLD,
)
_rows: WeakKeyDictionary[Lesion, tuple] = WeakKeyDictionary()


def lesion_rows(
    case: PlanningCase, selected: str | None = None, regions: Mapping[str, RegionAssignment] | None = None
) -> tuple[LesionRow, ...]:
    """One row per lesion, in the order of the case; missing facts are worked out for the selected one.

    regions: those known so far, by lesion; None works them out, which can take seconds.
    Rows of lesions that did not change are the same objects as before.
    """
    state, coverage = case.state, case.coverage()
    regions = case.assigned_regions() if regions is None else regions
    return tuple(
        _row(lesion, state, coverage[lesion.id], regions.get(lesion.id), lesion.id == selected)
        for lesion in state.lesions
    )


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


def _row(
    lesion: Lesion,
    state: CaseState,
    coverage: Mapping[str, LesionVolumeCoverage],
    region: RegionAssignment | None,
    is_selected: bool,
) -> LesionRow:
    facts = _facts(lesion, state, is_selected)
    # Coverage, regions and facts are kept where they were worked out, so that what is the same object is the
    # same; volumes may change their kind without changing their voxels.
    kinds = tuple((volume.name, volume.kind) for volume in state.volumes)
    key = (*coverage.values(), region, facts)
    known = _rows.get(lesion)
    if known is None or known[0] != kinds or not _are_same(known[1], key):
        known = (kinds, key, _new_row(lesion, state, coverage, region, facts))
        _rows[lesion] = known
    return known[2]


def _are_same(a: Sequence[object], b: Sequence[object]) -> bool:
    return len(a) == len(b) and all(one is other for one, other in zip(a, b, strict=True))


def _new_row(
    lesion: Lesion,
    state: CaseState,
    coverage: Mapping[str, LesionVolumeCoverage],
    region: RegionAssignment | None,
    facts: ContourFacts | None,
) -> LesionRow:
    interval = facts.interval if facts is not None else None
    peak = facts.suv_peak if facts is not None else None
    missing = _missing(state.volumes, coverage)
    is_known = region is not None and region.is_known
    return LesionRow(
        id=lesion.id,
        state=lesion.state.value,
        region_class=lesion.region.region_class.value,
        region_reason=lesion.region.reason,
        volume_ml=lesion.contour.mask.volume_ml,
        suv_max=lesion.region.suv_max,
        color_key=coverage_class_of(lesion, state.volumes, {lesion.id: coverage}),
        is_hand_edited=lesion.is_hand_edited,
        rejection_reason=lesion.rejection_reason,
        coverage=tuple(
            _volume_coverage(volume, coverage[volume.name])
            for volume in state.volumes
            if volume.role != IGNORED
        ),
        interval_ml=None if interval is None else (interval.low_ml, interval.high_ml),
        suv_peak=None if peak is None else peak.suv,
        flags=tuple(dict.fromkeys((*lesion.contour.flags, *(facts.flags if facts is not None else ())))),
        region=region.region.value if is_known else None,
        region_side=region.side if is_known else None,
        region_structure=region.structure if is_known else None,
        is_region_open=region is None,
        is_region_stated=lesion.stated_region is not None,
        is_added_by_hand=is_added_by_hand(lesion),
        record=lesion.history,
        contour_source=lesion.contour.source,
        threshold_suv=lesion.contour.threshold_suv,
        missing_mm=missing[0],
        missing_direction=missing[1],
        missing_volume=missing[2],
    )


def _volume_coverage(volume: RtVolume, found: LesionVolumeCoverage) -> VolumeCoverage:
    return VolumeCoverage(
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


def _missing(
    volumes: Sequence[RtVolume], coverage: Mapping[str, LesionVolumeCoverage]
) -> tuple[float | None, str, str]:
    """The smallest growth of a headline volume that takes the lesion in, mm, where to, and of which."""
    known = [
        (found.margin_to_100_mm, found.direction, volume.name)
        for volume in headline_volumes(volumes)
        if (found := coverage[volume.name]).margin_to_100_mm is not None
    ]
    return min(known, default=(None, "", ""), key=lambda each: each[0])


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
        blocked |= dict.fromkeys(_ON_PET, Reason.NO_PET)
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
            (Action.SELECT, Action.CONTOUR, Action.MERGE, *_ON_SELECTED), Reason.NO_LESIONS
        )
    elif selected is None:
        blocked |= dict.fromkeys(_ON_SELECTED, Reason.NO_SELECTION)
    if case.undo_name is None:
        blocked[Action.UNDO] = Reason.NOTHING_TO_UNDO
    if case.redo_name is None:
        blocked[Action.REDO] = Reason.NOTHING_TO_REDO
    if state.pet is None and not state.volumes:
        blocked[Action.SAVE] = Reason.NO_CASE
    return blocked
