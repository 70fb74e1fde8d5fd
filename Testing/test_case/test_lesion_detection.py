"""The search on a whole body: references without masks, what is not contoured, what the user adds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from phantoms import ball, blurred_spheres
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.delineation.avid_regions import RegionClass
from PSMAPlanningLib.delineation.physiologic import BEYOND
from PSMAPlanningLib.delineation.reference_regions import MOVED, PROPOSED
from PSMAPlanningLib.delineation.seeded_regions import BELOW_THRESHOLD
from PSMAPlanningLib.errors import CaseError, RuleError
from PSMAPlanningLib.finding_words import avid_sentences, tracer_sentences
from PSMAPlanningLib.imaging.image import Image
from PSMAPlanningLib.imaging.suv import SuvConversion
from PSMAPlanningLib.lesion_detection import FEW_VOXELS, RIM, why_not_contoured
from PSMAPlanningLib.lesion_finding import BY_HAND, PROPOSED_REFERENCE, find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import LesionState
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings, RuleSettings, Settings
from test_case.lesion_cases import GRID, PET, case_of, state_of
from test_delineation.body_models import BLADDER, KIDNEYS, LIVER, SPLEEN, body_pet

NODE = ((-40.0, 20.0, 250.0), 12, 15.0)
FAINT_NODE = ((40.0, 30.0, 230.0), 9, 3.5)
WITH_LIVER = Settings(contours=ContourSettings(rules=(RuleSettings("fixed_suv"), RuleSettings("liver_max"))))


@pytest.fixture(scope="module")
def pet():
    return body_pet((*KIDNEYS, BLADDER, LIVER, SPLEEN, NODE, FAINT_NODE), noise=0.03)


def searched(pet, settings=WITH_LIVER, **fields):
    case = PlanningCase(settings, who="Physicist")
    state = replace(case.state, pet=pet, **fields)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    return case


@pytest.fixture(scope="module")
def found(pet):
    return searched(pet).state


@pytest.fixture
def case(found):
    case = PlanningCase(who="Physicist")
    case.perform("find lesions", found)
    return case


def lesion_near(case, point):
    return next(x for x in case.state.lesions if np.linalg.norm(np.subtract(x.region.peak_ras, point)) < 6)


def test_references_are_proposed_and_the_liver_rule_rests_on_them_and_says_so(case):
    state = case.state
    assert state.references["liver"].source == PROPOSED
    assert state.references["liver"].mean == pytest.approx(6.0, rel=0.05)
    candidate = lesion_near(case, NODE[0]).candidates[1]
    assert candidate.rule == "liver_max"
    assert candidate.threshold_suv == pytest.approx(state.references["liver"].maximum)
    assert PROPOSED_REFERENCE in candidate.flags
    assert any("liver: the sphere is proposed" in warning for warning in state.finding_warnings)
    # Nothing rests on the spleen: it is in the table of references, not among the warnings.
    assert state.references["spleen"].source == PROPOSED
    assert not any(warning.startswith("spleen") for warning in state.finding_warnings)


def test_a_placed_sphere_goes_before_the_proposal_and_is_one_step(case):
    before = case.state
    case.place_reference("liver", (95.0, 40.0, 420.0), 12.0)
    assert case.state.references["liver"].source == MOVED
    assert case.state.reference_spheres == {"liver": ((95.0, 40.0, 420.0), 12.0)}
    assert not any("liver: the sphere is proposed" in warning for warning in case.state.finding_warnings)
    assert case.state.finding_warnings[-1].startswith("liver: placed after the search")
    case.place_reference("spleen", SPLEEN[0], 10.0)
    assert not any(warning.startswith("spleen") for warning in case.state.finding_warnings)
    case.undo()
    again = find_lesions(case.state, case.change("found"), Stage(no_progress))
    assert not any("placed after" in warning for warning in again.finding_warnings)
    assert again.references["liver"].source == MOVED
    flags = {flag for lesion in again.lesions for c in lesion.candidates for flag in c.flags}
    assert PROPOSED_REFERENCE not in flags
    assert case.undo() == "place reference region liver"
    assert case.state is before


@pytest.mark.parametrize(
    ("name", "centre", "radius_mm"),
    [("brain", (0, 0, 200), 10), ("liver", (0, 0, 9000), 10), ("liver", (90, 40, 420), -1)],
)
def test_a_sphere_that_cannot_be_changes_nothing(case, name, centre, radius_mm):
    before = case.state
    with pytest.raises(RuleError):
        case.place_reference(name, centre, radius_mm)
    assert case.state is before


def test_a_threshold_from_the_liver_is_found_without_masks(pet):
    settings = Settings(detection=DetectionSettings(method="liver_mean_percent"))
    state = searched(pet, settings).state
    assert state.detection_threshold.threshold_suv == pytest.approx(1.25 * state.references["liver"].mean)
    assert state.settings.detection.threshold_suv == 3.0
    assert state.detectability.threshold_suv == state.detection_threshold.threshold_suv
    assert state.detection_threshold.references[0] is state.references["liver"]
    assert any("liver: the sphere is proposed" in warning for warning in state.finding_warnings)
    with pytest.raises(RuleError, match="place a sphere"):
        state_of(settings)


def test_a_click_on_a_faint_focus_adds_a_lesion_and_undo_takes_it_back(case):
    focus = case.state.faint_foci.foci[0]
    assert focus.position_ras == pytest.approx(FAINT_NODE[0], abs=5)
    before = case.state
    lesion = case.lesion(case.add_lesion_at(focus.position_ras))
    assert lesion.id not in {each.id for each in before.lesions}
    assert {BELOW_THRESHOLD, BY_HAND} <= set(lesion.region.flags)
    assert lesion.state is LesionState.PROPOSED
    assert (lesion.history[0].what, lesion.history[0].who) == ("added by hand", "Physicist")
    assert "in no region" in lesion.history[0].reason
    assert lesion.contour.facts.suv_max == pytest.approx(focus.suv_max)
    assert case.state.regions[-1] is lesion.region
    with pytest.raises(CaseError, match=f"Lesion {lesion.id} is there already"):
        case.add_lesion_at(focus.position_ras)
    assert case.undo() == f"add lesion {lesion.id}"
    assert case.state is before


def test_a_click_on_physiologic_uptake_takes_it_back_and_keeps_what_it_was(case):
    region = next(r for r in case.state.regions if r.reason == "position:urinary_bladder")
    added = case.lesion(case.add_lesion_at(region.peak_ras))
    assert (added.region.id, added.region.region_class) == (region.id, RegionClass.LESION)
    assert not any(flag.startswith("confidence") for flag in added.region.flags)
    assert added.history[0].reason == f"region {region.id} was physiologic (position:urinary_bladder)"
    assert len(case.state.regions) == len({r.id for r in case.state.regions})


def test_clicks_that_mean_nothing_are_refused(case):
    with pytest.raises(CaseError, match="is there already"):
        case.add_lesion_at(NODE[0])
    with pytest.raises(RuleError, match="outside the PET"):
        case.add_lesion_at((9000.0, 0.0, 0.0))
    with pytest.raises(CaseError, match="no PET"):
        PlanningCase().add_lesion_at((0.0, 0.0, 0.0))
    with pytest.raises(CaseError, match="no PET"):
        PlanningCase().place_reference("liver", (0.0, 0.0, 0.0))


def test_a_click_before_any_search_is_not_below_the_threshold():
    case = PlanningCase(who="test")
    case.perform("load", replace(case.state, pet=PET))
    lesion = case.lesion(case.add_lesion_at((20, 0, 0)))
    assert lesion.id == "L1"
    assert BELOW_THRESHOLD not in lesion.region.flags


def test_rims_and_single_voxels_are_listed_not_contoured_and_a_click_brings_them_back():
    """A slope beyond an organ falls away from it; behind the bladder it may be a recurrence."""
    pet = blurred_spheres(GRID, [((0, 0, 0), 28, 8), ((0, 0, 0), 48, 4)])
    array = pet.array.copy()
    array[2, 2, 2] = 3.2
    pet = replace(pet, array=array)
    organ = ball(GRID, (0, 0, 0), 14)
    state = state_of(pet=pet, anatomy={"liver": organ})
    rim = next(region for region in state.regions if region.reason == BEYOND + "liver")
    assert why_not_contoured(rim) == RIM
    assert rim.id not in {lesion.region.id for lesion in state.lesions}
    assert any("at the rim of organs" in warning for warning in state.finding_warnings)
    assert "physiologic" in {why_not_contoured(region) for region in state.regions}
    case = case_of(state)
    added = case.lesion(case.add_lesion_at(rim.peak_ras))
    assert (added.region.id, RIM in added.region.flags) == (rim.id, False)
    behind = state_of(pet=pet, anatomy={"urinary_bladder": organ})
    assert BEYOND + "urinary_bladder" in {lesion.region.reason for lesion in behind.lesions}
    without_organs = state_of(pet=pet)
    few = [region for region in without_organs.regions if FEW_VOXELS in region.flags]
    assert [region.suv_max for region in few] == [pytest.approx(3.2)]
    assert len(without_organs.lesions) == 1


def test_a_focus_beyond_an_organ_is_contoured():
    """A node that has run together with its organ keeps its own maximum."""
    pet = blurred_spheres(GRID, [((0, 0, 0), 28, 8), ((22, 0, 0), 12, 7)])
    state = state_of(pet=pet, anatomy={"liver": ball(GRID, (0, 0, 0), 14)})
    (lesion,) = state.lesions
    assert np.linalg.norm(np.subtract(lesion.region.peak_ras, (22, 0, 0))) < 6


def test_tracers_the_liver_excretes_and_images_with_faults_are_said():
    psma_1007 = SuvConversion("BQML", (1.0,), "bqml", tracer_key="psma_1007")
    assert "excreted by the liver" in tracer_sentences(psma_1007, "fixed_suv", ["qpsma"])[0]
    assert "excreted by the liver" in tracer_sentences(psma_1007, "percist", [])[0]
    assert tracer_sentences(psma_1007, "fixed_suv", ["percent_max"]) == []
    assert tracer_sentences(None, "percist", ["qpsma"]) == []
    assert tracer_sentences(replace(psma_1007, tracer_key="psma_11"), "percist", []) == []
    assert "NaN" in avid_sentences(["not_finite"], 3.0)[0]
    assert "SUV 3" in avid_sentences(["above_maximum"], 3.0)[0]
    assert "above zero" in avid_sentences(["nothing_above_zero"], 3.0)[0]
    cut = state_of(pet=blurred_spheres(GRID, [((50, 0, 0), 14, 12)]))
    assert "R1 touches the edge" in cut.finding_warnings[0]


def test_the_document_holds_the_search_and_is_empty_before_it(case):
    document = json.loads(json.dumps(case_document(case), allow_nan=False))
    assert document["detection"]["method"] == "fixed_suv"
    assert document["references"][0]["name"] == "liver"
    assert document["faint_foci"]["foci"][0]["suv_max"] < 3
    assert "SUV 10" in document["detectability"]["sentence"]
    by_reason = {region["reason"]: region for region in document["regions"]}
    assert by_reason["position:urinary_bladder"]["confidence"] in ("high", "moderate")
    assert by_reason["position:urinary_bladder"]["not_contoured"] == "physiologic"
    case.perform("empty", case.state.without_findings())
    document = case_document(case)
    assert (document["detection"], document["faint_foci"], document["references"]) == (None, None, [])


def test_an_image_no_body_is_in_has_no_references():
    state = state_of(pet=Image(PET.array, PET.grid, PET.quantity))
    assert dict(state.references) == {}
    assert state.detectability.background_suv == 0
