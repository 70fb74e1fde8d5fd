"""PlanningCase: decisions, the one history, observers, and what a rejected edit leaves behind."""

from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.errors import CancelledError, CaseError, RuleError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import LesionState, RtVolume
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings, RuleSettings, Settings

GRID = centred_grid(50, (4, 4, 3))
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def found():
    """State of a case with two lesions and one CTV, lesions just found."""
    case = PlanningCase(who="test", now=lambda: NOON)
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 12, 10)])
    ctv = RtVolume("CTVn", ball(GRID, (20, 0, 0), 16), "CTV", "imported", "made up")
    state = replace(case.state, pet=pet, volumes=(ctv,))
    return find_lesions(state, case.change("found"), Stage(no_progress))


@pytest.fixture
def case(found):
    case = PlanningCase(who="Physicist", now=lambda: NOON)
    case.perform("find lesions", found)
    return case


def test_lesions_are_found_and_nothing_is_reviewed(case):
    assert [lesion.id for lesion in case.state.lesions] == ["L1", "L2"]
    assert not case.is_reviewed
    lesion = case.lesion("L1")
    assert lesion.contour.source == "consensus"
    assert lesion.contour.inputs == ("fixed_suv", "percent_max", "background_percent", "recovery")
    assert [change.what for change in lesion.history] == ["found"]
    volumes = sorted(c.mask.volume_ml for c in lesion.candidates)
    assert volumes[0] <= lesion.contour.mask.volume_ml <= volumes[-1]
    assert lesion.contour.facts.volume_ml == lesion.contour.mask.volume_ml


def test_decisions_keep_who_when_and_why(case):
    case.accept("L1")
    case.reject("L2", " ureter ")
    last = case.lesion("L2").history[-1]
    assert (last.what, last.who, last.when, last.reason) == (
        "rejected",
        "Physicist",
        "2026-11-21T12:00:00+00:00",
        "ureter",
    )
    assert case.lesion("L2").rejection_reason == "ureter"
    assert case.is_reviewed
    case.leave_undecided("L2")
    assert not case.is_reviewed
    assert case.lesion("L2").rejection_reason is None


def test_rejection_needs_a_reason(case):
    before = case.state
    with pytest.raises(CaseError, match="needs a reason"):
        case.reject("L1", "  ")
    assert case.state is before


def test_an_empty_case_is_not_reviewed():
    assert not PlanningCase().is_reviewed


def test_history_is_named_and_goes_both_ways(case):
    case.accept("L1")
    case.reject("L2", "ganglion")
    assert case.undo_name == "reject lesion L2"
    assert case.undo() == "reject lesion L2"
    assert case.lesion("L2").state is LesionState.UNDECIDED
    assert case.redo_name == "reject lesion L2"
    case.redo()
    assert case.lesion("L2").state is LesionState.REJECTED
    case.undo()
    case.accept("L2")
    assert case.redo_name is None
    while case.undo_name:
        case.undo()
    assert case.state.lesions == ()
    with pytest.raises(CaseError, match="nothing to undo"):
        case.undo()


def test_hand_edit_and_its_undo_restore_every_voxel(case):
    before = case.lesion("L1").contour.mask
    drawn = ball(before.grid, (20, 0, 0), 4)
    case.edit_contour("L1", drawn)
    assert case.lesion("L1").is_hand_edited
    assert case.lesion("L1").state is LesionState.UNDECIDED
    assert case.lesion("L1").contour.mask.voxels == drawn.voxels
    case.undo()
    assert case.lesion("L1").contour.mask is before
    with pytest.raises(CaseError, match="is empty"):
        case.edit_contour("L1", Mask(np.zeros((1, 1, 1), bool), before.grid.crop((slice(0, 1),) * 3)))


def test_coverage_follows_the_contour_and_is_not_recomputed_for_others(case):
    first = case.coverage()
    assert first["L1"]["CTVn"].coverage_class.value == "inside"
    assert first["L2"]["CTVn"].coverage_class.value == "outside"
    fine = case.lesion("L1").contour.mask.grid
    case.edit_contour("L1", ball(fine, (20, 0, 0), 2))
    second = case.coverage()
    assert second["L2"]["CTVn"] is first["L2"]["CTVn"]
    assert second["L1"]["CTVn"] is not first["L1"]["CTVn"]


def test_observers_see_each_change_until_they_stop(case):
    seen = []
    stop = case.observe(lambda before, after: seen.append((before, after)))
    case.accept("L1")
    case.undo()
    assert len(seen) == 2
    assert seen[0][0] is seen[1][1]
    stop()
    stop()
    case.redo()
    assert len(seen) == 2


def test_unknown_lesion(case):
    with pytest.raises(CaseError, match="no lesion 'L9'"):
        case.accept("L9")


def test_cancelling_changes_nothing(found):
    calls = []

    def cancel_at_third(_fraction, _doing):
        calls.append(1)
        return len(calls) < 3

    with pytest.raises(CancelledError):
        find_lesions(found, found.lesions[0].history[0], Stage(cancel_at_third))
    assert len(calls) == 3


def test_unknown_rule_is_refused_before_any_work(found):
    settings_ = Settings(contours=ContourSettings(rules=(RuleSettings("magic"),)))
    with pytest.raises(RuleError, match="no delineation rule 'magic'"):
        find_lesions(replace(found, settings=settings_), found.lesions[0].history[0], Stage(no_progress))


def test_faint_regions_are_listed_and_not_contoured(found):
    """A bump of SUV 3.4 on tissue of 2.6 is more often noise than a node."""
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 20, 3.5)], background_suv=2.6)
    state = find_lesions(replace(found, pet=pet), found.lesions[0].history[0], Stage(no_progress))
    assert [lesion.id for lesion in state.lesions] == ["L1"]
    assert [(r.region_class.value, r.reason) for r in state.regions] == [
        ("undecided", "no_anatomy"),
        ("undecided", "low_contrast"),
    ]
    assert state.finding_warnings[-1].startswith("1 region with a maximum below")


def test_what_was_said_about_the_search_before_is_gone(found):
    nothing = Settings(detection=DetectionSettings(threshold_suv=500))
    change = found.lesions[0].history[0]
    first = find_lesions(replace(found, settings=nothing), change, Stage(no_progress))
    second = find_lesions(replace(first, settings=Settings()), change, Stage(no_progress))
    assert first.finding_warnings
    assert second.all_warnings == found.all_warnings


def test_nothing_found_says_no_lesion_never_no_disease(found):
    settings_ = Settings(detection=DetectionSettings(threshold_suv=500))
    state = find_lesions(replace(found, settings=settings_), found.lesions[0].history[0], Stage(no_progress))
    assert state.lesions == ()
    assert "No lesion found at this threshold (SUV 500)" in state.finding_warnings[-1]
    assert "not mean no disease" in state.finding_warnings[-1]


@given(
    st.lists(st.sampled_from(["accept", "reject", "leave", "edit", "undo", "redo"]), max_size=25), st.data()
)
@settings(max_examples=40, deadline=None)
def test_any_sequence_undone_is_the_start_and_redone_the_end(found, actions, data):
    case = PlanningCase(who="test", now=lambda: NOON)
    case.perform("find lesions", found)
    drawn = ball(found.lesions[0].contour.mask.grid, (20, 0, 0), 3)
    decide = {
        "accept": case.accept,
        "reject": lambda lesion_id: case.reject(lesion_id, "why"),
        "leave": case.leave_undecided,
        "edit": lambda lesion_id: case.edit_contour(lesion_id, drawn),
    }
    for action in actions:
        if action in ("undo", "redo"):
            if getattr(case, f"{action}_name"):
                getattr(case, action)()
        elif case.state.lesions:
            decide[action](data.draw(st.sampled_from(["L1", "L2"])))
    end = case.state
    steps = 0
    while case.undo_name:
        case.undo()
        steps += 1
    assert case.state.lesions == ()
    for _ in range(steps):
        case.redo()
    assert case.state is end
