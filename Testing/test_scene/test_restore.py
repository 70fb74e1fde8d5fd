"""A case out of a scene: exactly as it was, or a sentence for what is not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.clinical_facts import ClinicalFacts
from PSMAPlanningLib.coverage.constraint_table import default_constraints
from PSMAPlanningLib.coverage.prescribed_dose import PrescribedDose
from PSMAPlanningLib.coverage.regions import Region, RegionAssignment, RegionSource
from PSMAPlanningLib.delineation.avid_regions import RegionClass
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.patient_identity import Difference, PatientCheck
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.lesion_facts import consensus_of, facts_of
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import Change, LesionState, Registration
from PSMAPlanningLib.rtvolumes.eqd2 import Prescription
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from PSMAPlanningLib.scene.owned_nodes import (
    CT,
    LESIONS,
    PET,
    PLANNING_CT,
    REGISTRATION,
    VOLUMES,
    OwnedNodes,
)
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.restore import CASE_PARAMETER, restore_case
from PSMAPlanningLib.scene.save import load_scene, save_scene
from PSMAPlanningLib.scene.segments import SegmentContent, write_segment
from PSMAPlanningLib.scene.volume_nodes import numpy_matrix
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_delineation.body_models import BLADDER, KIDNEYS, body_pet
from test_scene.cases import DIRECTIONS, coverage_of, small_state
from vtk import vtkMatrix4x4


def _decided(state):
    """The state with decisions, settings and texts that must survive."""
    first, second, third = state.lesions
    change = Change("rejected", "Müller & Søn", "2026-01-02T03:04:05+00:00", 'ureter "left" <5 mm>')
    return replace(
        state,
        settings=Settings(detection=DetectionSettings(threshold_suv=4.0)),
        registration=Registration("user_transform", 1.5, 3.0),
        anatomy={"urinary_bladder": state.volumes[1].mask},
        warnings=("One thing\nand another.",),
        lesions=(
            first.with_state(LesionState.ACCEPTED, change),
            second.with_state(LesionState.REJECTED, change),
            replace(third, region=third.region.classified(RegionClass.LESION, "beyond:rectum")),
        ),
    )


def _shown(headless, state):
    projection = SceneProjection(headless.scene)
    projection.update(None, state, coverage_of(state))
    return projection


def _same_mask(a: Mask, b: Mask) -> bool:
    return a.grid == b.grid and np.array_equal(a.array, b.array)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_comes_back(headless, direction):
    state = _decided(small_state(DIRECTIONS[direction]))
    restored = restore_case(_shown(headless, state).nodes)
    assert restored.notes == ()
    got = restored.state
    assert (got.settings, got.registration, got.warnings) == (
        state.settings,
        state.registration,
        state.warnings,
    )
    assert np.array_equal(got.pet.array, state.pet.array)
    assert np.array_equal(got.ct.array, state.ct.array)
    assert _same_mask(got.anatomy["urinary_bladder"], state.anatomy["urinary_bladder"])
    for one, other in zip(got.lesions, state.lesions, strict=True):
        assert (one.id, one.state, one.history) == (other.id, other.state, other.history)
        assert _same_mask(one.contour.mask, other.contour.mask)
        assert (one.contour.source, one.contour.inputs) == (other.contour.source, other.contour.inputs)
        assert one.region.box == other.region.box
        assert _same_mask(one.region.mask, other.region.mask)
        assert (one.region.peak_ras, one.region.reason) == (other.region.peak_ras, other.region.reason)
        for mine, theirs in zip(one.candidates, other.candidates, strict=True):
            assert (mine.rule, dict(mine.parameters)) == (theirs.rule, dict(theirs.parameters))
            assert _same_mask(mine.mask, theirs.mask)
    for one, other in zip(got.volumes, state.volumes, strict=True):
        assert (one.name, one.kind, one.origin, one.source_file) == (
            other.name,
            other.kind,
            other.origin,
            other.source_file,
        )
        assert one.mask.volume_ml == pytest.approx(other.mask.volume_ml)


def _planned(state):
    """The state with a planning CT, an applied registration, a confirmed patient and clinical facts."""
    turned = RigidTransform(((0, -1, 0, 12.5), (1, 0, 0, -3.25), (0, 0, 1, 7.125), (0, 0, 0, 1)))
    check = PatientCheck(
        ("PET", "RTSTRUCT"),
        (Difference("patient ID", (("PET",), ("RTSTRUCT",))),),
        ("birth date (RTSTRUCT)",),
        ("The PET and its CT were taken 1 day apart; check that they are one study.",),
    )
    planning_ct = turned.image(state.ct, None)
    return replace(
        state,
        planning_ct=Image(planning_ct.array + 1, planning_ct.grid, planning_ct.quantity),
        registration=Registration(
            "user_transform", 0.7, None, 5.0, 2.0, "different", "planning", turned.matrix, "müller.tfm"
        ),
        patient_check=check.confirm("M. Physicist", "2026-11-21T12:00:00+00:00"),
        clinical=ClinicalFacts(0.42, True, "2025-11", "bicalutamide", "R1", False, False),
    )


def test_planning_ct_registration_patient_and_clinical_facts_survive_a_file(headless, tmp_path):
    state = _planned(small_state(DIRECTIONS["oblique"]))
    projection = _shown(headless, state)
    assert projection.nodes.get(REGISTRATION) is not None
    assert projection.nodes.get(PET).GetParentTransformNode() is None
    path = tmp_path / "case.mrb"
    save_scene(headless.scene, path)
    load_scene(headless.scene, path)
    nodes = OwnedNodes(headless.scene)
    restored = restore_case(nodes)
    assert restored.notes == ()
    got = restored.state
    assert got.registration == state.registration
    assert got.patient_check == state.patient_check
    assert got.clinical == state.clinical
    assert np.array_equal(got.planning_ct.array, state.planning_ct.array)
    assert got.planning_ct.grid.same_as(state.planning_ct.grid)
    assert np.array_equal(got.ct.array, state.ct.array)
    matrix = vtkMatrix4x4()
    nodes.get(REGISTRATION).GetMatrixTransformToParent(matrix)
    assert np.allclose(numpy_matrix(matrix), state.registration.planning_from_pet)


def test_without_a_registration_its_node_goes(headless):
    state = _planned(small_state())
    projection = _shown(headless, state)
    after = replace(state, registration=Registration(), planning_ct=None)
    projection.update(state, after, coverage_of(after))
    assert projection.nodes.get(REGISTRATION) is None
    assert projection.nodes.get(PLANNING_CT) is None
    projection.update(after, state, coverage_of(state))
    assert projection.nodes.get(PLANNING_CT) is not None


def test_a_scene_from_before_planning_cts_is_still_read(headless):
    projection = _shown(headless, small_state())
    parameters = projection.nodes.parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    del document["clinical"], document["patient_check"]
    document["registration"] = {"source": "not_stated", "residual_mm": None, "uncertainty_mm": 2.0}
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    state = restore_case(projection.nodes).state
    assert (state.clinical, state.patient_check, state.planning_ct) == (ClinicalFacts(), None, None)
    assert state.registration == Registration(uncertainty_mm=2.0)


@pytest.mark.parametrize(
    "damage",
    [
        {"clinical": {"margins": "RX"}},
        {"clinical": {"shoe_size": 43}},
        {"patient_check": {"compared": []}},
        {"registration": {"source": "x", "planning_from_pet": [[2, 0, 0, 0]] * 4}},
        {"registration": {"source": "x", "uncertainty_mm": -1}},
    ],
)
def test_a_damaged_record_is_refused(headless, damage):
    projection = _shown(headless, small_state())
    parameters = projection.nodes.parameters()
    document = {**json.loads(parameters.GetParameter(CASE_PARAMETER)), **damage}
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    with pytest.raises(SceneError, match="damaged"):
        restore_case(projection.nodes)


def test_a_scene_without_a_case_holds_none(headless):
    assert restore_case(SceneProjection(headless.scene).nodes) is None


def test_a_missing_pet_takes_its_lesions_along_and_says_so(headless):
    projection = _shown(headless, small_state())
    headless.scene.RemoveNode(projection.nodes.get(PET))
    restored = restore_case(projection.nodes)
    assert restored.state.pet is None
    assert restored.state.lesions == ()
    assert any("3 lesions were not restored" in note for note in restored.notes)


def test_a_pet_whose_file_is_gone_is_said(headless):
    """Slicer then makes a node without voxels."""
    projection = _shown(headless, small_state())
    projection.nodes.get(PET).SetAndObserveImageData(None)
    restored = restore_case(projection.nodes)
    assert restored.state.pet is None
    assert any("no voxels" in note for note in restored.notes)


def test_a_missing_ct_or_volume_is_said_and_the_rest_comes(headless):
    projection = _shown(headless, small_state())
    projection.nodes.get(CT).SetAndObserveImageData(None)
    projection.nodes.get(VOLUMES).GetSegmentation().RemoveSegment("Bladder")
    restored = restore_case(projection.nodes)
    assert len(restored.state.lesions) == 3
    assert [v.name for v in restored.state.volumes] == ["CTVp"]
    assert len(restored.notes) == 2


def test_missing_lesion_segments_are_drawn_anew(headless):
    projection = _shown(headless, small_state())
    headless.scene.RemoveNode(projection.nodes.get(LESIONS))
    restored = restore_case(projection.nodes)
    assert len(restored.state.lesions) == 3
    assert len(restored.notes) == 3


def test_a_segment_changed_by_others_is_said(headless):
    state = small_state()
    projection = _shown(headless, state)
    mask = state.lesions[0].contour.mask
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    content = SegmentContent("L01", Mask(array, mask.grid), (1.0, 0.0, 0.0), "", {}, mask.grid)
    write_segment(projection.nodes.get(LESIONS), "L01", content)
    restored = restore_case(projection.nodes)
    assert any("L01 was changed outside" in note for note in restored.notes)
    assert _same_mask(restored.state.lesions[0].contour.mask, mask)


def test_a_volume_changed_by_others_is_taken_and_said(headless):
    state = small_state()
    projection = _shown(headless, state)
    mask = state.volumes[0].mask
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    half = Mask(array, mask.grid)
    write_segment(
        projection.nodes.get(VOLUMES),
        "CTVp",
        SegmentContent("CTVp", half, (0.0, 0.0, 1.0), "", {}, mask.grid),
    )
    restored = restore_case(projection.nodes)
    assert restored.state.volumes[0].mask.volume_ml == pytest.approx(half.volume_ml)
    assert any("CTVp had" in note for note in restored.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("[]", "no version"),
        ('{"schema_version": 99}', "newer"),
        ('{"schema_version": 1}', "damaged"),
    ],
)
def test_a_damaged_or_newer_case_is_refused(headless, text, said):
    projection = _shown(headless, small_state())
    projection.nodes.parameters().SetParameter(CASE_PARAMETER, text)
    with pytest.raises(SceneError, match=said):
        restore_case(projection.nodes)


def test_damaged_voxels_are_refused(headless):
    projection = _shown(headless, small_state())
    parameters = projection.nodes.parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    document["lesions"][0]["contour"]["mask"]["bits"] = "AAAA"
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    with pytest.raises(SceneError, match="damaged"):
        restore_case(projection.nodes)


def test_damaged_settings_are_said_and_the_rest_comes(headless):
    projection = _shown(headless, small_state())
    projection.nodes.parameters().SetParameter("settings", "{}")
    restored = restore_case(projection.nodes)
    assert restored.state.settings == Settings()
    assert any("defaults" in note for note in restored.notes)


@pytest.fixture(scope="module")
def searched():
    """A body whose lesions were looked for, with a sphere placed and a faint focus added by hand."""
    pet = body_pet((*KIDNEYS, BLADDER, ((-40.0, 20.0, 250.0), 12, 15.0), ((40.0, 30.0, 230.0), 9, 3.5)))
    case = PlanningCase(who="Müller")
    state = replace(case.state, pet=pet)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    case.place_reference("liver", (90.0, 40.0, 430.0), 14.0)
    case.add_lesion_at(case.state.faint_foci.foci[0].position_ras)
    return case.state


def test_the_search_and_what_is_known_of_contours_survive_a_file(headless, tmp_path, searched, monkeypatch):
    projection = SceneProjection(headless.scene)
    projection.update(None, searched, {lesion.id: {} for lesion in searched.lesions})
    path = tmp_path / "searched.mrb"
    save_scene(headless.scene, path)
    load_scene(headless.scene, path)
    restored = restore_case(OwnedNodes(headless.scene))
    assert restored.notes == ()
    got = restored.state
    for name in (
        "reference_spheres",
        "references",
        "detection_threshold",
        "faint_foci",
        "detectability",
        "finding_warnings",
    ):
        assert getattr(got, name) == getattr(searched, name), name
    assert got.reference_spheres["liver"] == ((90.0, 40.0, 430.0), 14.0)
    # Nothing is worked out anew: a rule that runs again would fail here.
    monkeypatch.delattr("PSMAPlanningLib.lesion_facts.fuse_candidates")
    monkeypatch.delattr("PSMAPlanningLib.lesion_facts.measured_facts")
    for one, other in zip(got.lesions, searched.lesions, strict=True):
        assert facts_of(one, got) == other.contour.facts
        mine, theirs = consensus_of(one, got), other.consensus
        assert _same_mask(mine.mask, theirs.mask)
        assert _same_mask(mine.disputed, theirs.disputed)
        assert replace(mine, mask=None, disputed=None).__dict__ == {
            **theirs.__dict__,
            "mask": None,
            "disputed": None,
        }
    assert got.lesions[-1].history == searched.lesions[-1].history
    assert "added_by_hand" in got.lesions[-1].region.flags


def test_a_scene_from_before_the_search_was_stored_is_still_read(headless, searched):
    projection = SceneProjection(headless.scene)
    projection.update(None, searched, {lesion.id: {} for lesion in searched.lesions})
    parameters = projection.nodes.parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    for name in ("reference_spheres", "references", "detection_threshold", "faint_foci", "detectability"):
        del document[name]
    for lesion in document["lesions"]:
        del lesion["consensus"], lesion["contour"]["facts"]
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    state = restore_case(projection.nodes).state
    assert (state.references, state.detection_threshold, state.faint_foci) == ({}, None, None)
    lesion = state.lesions[0]
    assert facts_of(lesion, state).suv_max == pytest.approx(searched.lesions[0].contour.facts.suv_max)


@pytest.mark.parametrize(
    "damage",
    [
        {"references": [{"name": "liver"}]},
        {"reference_spheres": {"liver": [1, 2]}},
        {"reference_spheres": [1]},
        {"detection_threshold": {"method": "fixed_suv"}},
        {"faint_foci": {"foci": [{}], "left_out": 0}},
        {"detectability": {"threshold_suv": 3.0}},
        {"prescriptions": [{"volume": "CTVp", "dose_gy": -1}]},
        {"constraints": {"name": "x", "lines": [{}], "off": []}},
    ],
)
def test_a_damaged_search_is_refused(headless, damage):
    projection = _shown(headless, small_state())
    parameters = projection.nodes.parameters()
    document = {**json.loads(parameters.GetParameter(CASE_PARAMETER)), **damage}
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    with pytest.raises(SceneError, match="damaged"):
        restore_case(projection.nodes)


def test_what_volumes_were_taken_for_and_their_contours_come_back(headless):
    state = small_state()
    target, bladder = state.volumes
    shares = np.clip(target.mask.array + np.float32(0.25), 0, 1) * 0.9
    named = replace(
        target,
        tg263="CTVsb",
        role="bed",
        matched_by="geometry",
        asks=True,
        occupancy=OccupancyField(shares, target.mask.grid),
        prescription=Prescription("CTVp", 70.0, 35),
    )
    state = replace(state, volumes=(named, bladder))
    _shown(headless, state)
    restored = restore_case(OwnedNodes(headless.scene)).state.volumes
    for found, expected in zip(restored, state.volumes, strict=True):
        for name in ("tg263", "role", "matched_by", "asks", "prescription"):
            assert getattr(found, name) == getattr(expected, name)
    assert restored[0].occupancy.grid.same_as(target.mask.grid)
    assert restored[0].occupancy.fraction == pytest.approx(shares, abs=1e-5)
    assert restored[1].occupancy is None


def test_what_people_stated_about_lesions_and_plan_survives(headless):
    state = small_state()
    regions = (
        RegionAssignment(Region.BONE, "left", "hip_left", 1.0, RegionSource.USER, "stated", True),
        RegionAssignment(Region.INTERNAL_ILIAC, "right", numbers={"gap_mm": 3.5}, runner_up=Region.BONE),
        None,
    )
    lesions = tuple(replace(n, stated_region=r) for n, r in zip(state.lesions, regions, strict=True))
    state = replace(
        state,
        lesions=lesions,
        dose=Image(state.pet.array, state.pet.grid, Quantity.DOSE),
        prescriptions=(PrescribedDose("CTVp", 66.0, 33), PrescribedDose(None, 50.4)),
        constraints=default_constraints(),
    )
    restored = restore_case(_shown(headless, state).nodes)
    assert tuple(lesion.stated_region for lesion in restored.state.lesions) == regions
    assert restored.state.prescriptions == state.prescriptions
    assert restored.state.constraints == state.constraints
    assert np.array_equal(restored.state.dose.array, state.dose.array)
    assert restored.notes == ()
