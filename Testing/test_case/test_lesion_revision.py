"""Merge, split, delete, and the contour a lesion goes by: what stays, what undo takes back."""

from dataclasses import replace

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.errors import CaseError
from PSMAPlanningLib.lesion_again import contoured_again, with_revisions
from PSMAPlanningLib.lesion_contours import contour_names
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import LesionState
from PSMAPlanningLib.settings import DetectionSettings, RuleSettings, Settings
from test_case.lesion_cases import case_of, state_of

GRID = centred_grid(60, (4, 4, 3))
# Two balls whose centres are 16 mm apart and one far away; saddle_fraction 0.01 leaves two peaks joined.
TWO_PEAKS = blurred_spheres(GRID, [((8, 0, 0), 14, 12), ((-8, 0, 0), 14, 15), ((0, 45, 30), 12, 14)])
JOINED = Settings(detection=DetectionSettings(split_saddle_fraction=0.05))


@pytest.fixture(scope="module")
def joined_state():
    return state_of(JOINED, TWO_PEAKS)


@pytest.fixture(scope="module")
def found_state():
    return state_of(pet=TWO_PEAKS)


@pytest.fixture
def joined(joined_state):
    return case_of(joined_state)


@pytest.fixture
def found(found_state):
    return case_of(found_state)


def _again(case, settings=None):
    before = case.state
    change = case.change("found again")
    start = before if settings is None else replace(before, settings=settings)
    after = find_lesions(start, change, Stage(no_progress))
    return with_revisions(start, after, change)


def _largest(case):
    return max(case.state.lesions, key=lambda lesion: lesion.contour.mask.volume_ml)


def _centre(lesion):
    return np.array(lesion.contour.mask.centroid_ras())


# Split


def test_a_split_cuts_between_the_peaks_and_keeps_the_volume(joined):
    assert len(joined.state.lesions) == 2
    whole = _largest(joined)
    joined.accept(whole.id)
    joined.split_lesion(whole.id)
    assert joined.undo_name == f"split lesion {whole.id}"
    assert len(joined.state.lesions) == 3
    hot, other = joined.lesion(whole.id), joined.lesion("L3")
    # The hotter ball is the one at -8 mm; the saddle between equally wide balls is half-way.
    assert _centre(hot) == pytest.approx([-8, 0, 0], abs=2.0)
    assert _centre(other) == pytest.approx([8, 0, 0], abs=2.0)
    total = hot.contour.mask.volume_ml + other.contour.mask.volume_ml
    assert total == pytest.approx(whole.contour.mask.volume_ml, rel=1e-9)
    assert {lesion.state for lesion in (hot, other)} == {LesionState.ACCEPTED}
    assert hot.region.mask.voxels + other.region.mask.voxels == whole.region.mask.voxels
    assert {hot.region.id, other.region.id} <= {region.id for region in joined.state.regions}
    assert hot.region.peak_ras == whole.region.peak_ras
    assert contour_names(other, joined.state)[0] == "consensus"
    joined.undo()
    assert joined.lesion(whole.id).contour is whole.contour


def test_one_peak_is_not_split(found):
    far = max(found.state.lesions, key=lambda lesion: _centre(lesion)[1])
    before = found.state
    with pytest.raises(CaseError, match="one peak"):
        found.split_lesion(far.id)
    assert found.state is before


# Merge


def test_a_merge_is_the_union_under_the_first_id(found):
    near = [lesion for lesion in found.state.lesions if _centre(lesion)[1] < 20]
    assert len(near) == 2
    ids = [lesion.id for lesion in near]
    found.accept(ids[0])
    found.state_region(ids[0], "presacral")
    found.merge_lesions(ids)
    merged = found.lesion(ids[0])
    assert found.undo_name == f"merge lesions {', '.join(ids)}"
    assert ids[1] not in {lesion.id for lesion in found.state.lesions}
    volume = sum(lesion.contour.mask.volume_ml for lesion in near)
    assert merged.contour.mask.volume_ml == pytest.approx(volume, rel=0.01)
    assert merged.region.suv_max == max(lesion.region.suv_max for lesion in near)
    # One was accepted, the other not: nobody decided on both.
    assert merged.state is LesionState.PROPOSED
    assert merged.stated_region is None
    assert len(merged.history) == 5
    assert len(found.state.regions) == 2
    found.split_lesion(ids[0])
    assert len(found.state.lesions) == 3


def test_what_is_far_apart_or_alone_is_not_merged(found):
    ids = [lesion.id for lesion in found.state.lesions]
    with pytest.raises(CaseError, match="mm from the others"):
        found.merge_lesions(ids)
    for wrong in ([], ids[:1], [ids[0], ids[0]], [ids[0], "L99"]):
        with pytest.raises(CaseError, match="two lesions or more"):
            found.merge_lesions(wrong)


# Delete


def test_only_what_was_added_by_hand_is_deleted(found):
    with pytest.raises(CaseError, match="reject it"):
        found.delete_lesion("L1")
    assert len(found.state.lesions) == 3


def test_a_lesion_added_and_deleted_leaves_the_list_as_it_was():
    pet = blurred_spheres(GRID, [((8, 0, 0), 10, 12), ((0, 45, 30), 14, 3)])
    case = case_of(state_of(pet=pet))
    before = case.state
    added = case.add_lesion_at((0.0, 45.0, 30.0))
    assert len(case.state.lesions) == len(before.lesions) + 1
    case.delete_lesion(added)
    assert case.undo_name == f"delete lesion {added}"
    assert case.state.lesions == before.lesions
    assert [r.id for r in case.state.regions] == [r.id for r in before.regions]
    assert case.add_lesion_at((0.0, 45.0, 30.0)) == added


# Which contour


def test_a_contour_is_chosen_by_name_as_a_step_of_the_history(found):
    lesion = found.lesion("L1")
    for name in contour_names(lesion, found.state)[1:]:
        found.choose_contour("L1", name)
        assert found.lesion("L1").contour.source == name
        assert found.undo_name == f"lesion L1 by {name}"
    with pytest.raises(CaseError, match="no contour by"):
        found.choose_contour("L1", "no_rule")
    found.undo()


def test_a_threshold_of_its_own_is_recorded_with_the_contour(found):
    found.contour_at_threshold("L1", 6.0)
    contour = found.lesion("L1").contour
    assert (contour.source, contour.threshold_suv) == ("threshold", 6.0)
    assert found.undo_name == "threshold lesion L1 at SUV 6"
    assert found.lesion("L1").history[-1].what == "threshold SUV 6"
    higher = contour.mask.volume_ml
    found.contour_at_threshold("L1", 4.0)
    assert found.lesion("L1").contour.mask.volume_ml > higher
    with pytest.raises(CaseError, match="Nothing of lesion L1 reaches"):
        found.contour_at_threshold("L1", 999.0)
    with pytest.raises(CaseError):
        found.contour_at_threshold("L1", float("nan"))


# Finding again


def test_finding_again_changes_nothing_that_people_did(found):
    found.accept("L1")
    found.reject("L2", "ureter")
    found.state_region("L3", "presacral", "left")
    again = _again(found)
    by_id = {lesion.id: lesion for lesion in again.lesions}
    assert list(by_id) == ["L1", "L2", "L3"]
    assert by_id["L1"].state is LesionState.ACCEPTED
    assert by_id["L2"].rejection_reason == "ureter"
    assert by_id["L3"].stated_region.region.value == "presacral"
    assert by_id["L1"].history[-1].what == "found again"


def test_finding_again_keeps_what_people_added_split_and_merged(joined):
    whole = _largest(joined)
    joined.split_lesion(whole.id)
    parts = {lesion.id: lesion for lesion in joined.state.lesions}
    again = _again(joined)
    assert {lesion.id for lesion in again.lesions} == set(parts)
    for lesion_id in (whole.id, "L3"):
        kept = next(lesion for lesion in again.lesions if lesion.id == lesion_id)
        assert kept.contour is parts[lesion_id].contour
        assert kept.region.id in {region.id for region in again.regions}
    ids = [region.id for region in again.regions]
    assert len(ids) == len(set(ids))


def test_a_lesion_added_by_hand_survives_another_threshold():
    pet = blurred_spheres(GRID, [((8, 0, 0), 10, 12), ((0, 45, 30), 14, 3)])
    case = case_of(state_of(pet=pet))
    added = case.add_lesion_at((0.0, 45.0, 30.0))
    case.accept(added)
    # Now it is above the threshold and found as well: it must be there once, and as it was.
    lower = replace(case.state.settings, detection=DetectionSettings(threshold_suv=1.0))
    again = _again(case, lower)
    near = [lesion for lesion in again.lesions if np.linalg.norm(_centre(lesion) - [0, 45, 30]) < 10]
    assert [lesion.id for lesion in near] == [added]
    assert near[0].state is LesionState.ACCEPTED


def test_a_decision_that_goes_with_its_lesion_is_said(found):
    last = min(found.state.lesions, key=lambda lesion: lesion.region.suv_max)
    found.accept(last.id)
    higher = replace(
        found.state.settings, detection=DetectionSettings(threshold_suv=last.region.suv_max + 0.1)
    )
    again = _again(found, higher)
    assert last.id not in {lesion.id for lesion in again.lesions}
    assert any(f"{last.id} (accepted)" in warning for warning in again.finding_warnings)


def test_contouring_again_keeps_thresholds_and_choices(found):
    found.contour_at_threshold("L1", 6.0)
    found.choose_contour("L2", "percent_max")
    settings = found.state.settings
    rules = (*settings.contours.rules, RuleSettings("fixed_suv", {"suv": 5.0}))
    before = replace(
        found.state, settings=replace(settings, contours=replace(settings.contours, rules=rules))
    )
    change = found.change("contoured again")
    after = contoured_again(before, find_lesions(before, change, Stage(no_progress)), change)
    by_id = {lesion.id: lesion for lesion in after.lesions}
    assert by_id["L1"].contour is found.lesion("L1").contour
    assert by_id["L2"].contour.source == "percent_max"
    assert all(len(lesion.candidates) == len(rules) for lesion in after.lesions)
