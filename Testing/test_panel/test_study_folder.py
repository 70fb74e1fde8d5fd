"""What a folder is taken for, before anything is read; and lesions contoured again by other rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.errors import CaseError, InputError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.panel.contour_again import contour_again
from PSMAPlanningLib.panel.study_folder import (
    PatientNotConfirmedError,
    SuvNotKnownError,
    read_study,
    study_in,
)
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import CaseState
from PSMAPlanningLib.settings import RuleSettings, Settings
from test_imaging.dicom_builder import ct_datasets, pet_datasets, write_series
from test_scene.cases import small_state

STAGE = Stage(no_progress)
STORED = np.full((4, 5, 6), 100, dtype=np.uint16)


def test_one_pet_and_one_ct_are_taken_and_several_ct_are_left_to_the_user(tmp_path):
    write_series(pet_datasets(STORED), tmp_path / "pet")
    write_series(ct_datasets(STORED), tmp_path / "ct")
    study = study_in(tmp_path)
    assert study.files.ct == tmp_path and study.warnings == ()
    write_series(ct_datasets(STORED), tmp_path / "another ct")
    study = study_in(tmp_path)
    assert study.files.ct is None
    assert "2 CT series" in study.warnings[0]
    assert study.warnings[0] in read_study(study, Settings(), STAGE).warnings


@pytest.mark.parametrize("pets", [0, 2])
def test_without_a_pet_or_with_two_nothing_is_guessed(tmp_path, pets):
    write_series(ct_datasets(STORED), tmp_path / "ct")
    for number in range(pets):
        write_series(pet_datasets(STORED), tmp_path / f"pet {number}")
    with pytest.raises(InputError, match=f"{pets} PET series"):
        study_in(tmp_path)


def test_what_the_header_lacks_goes_to_the_form_with_the_study(tmp_path):
    write_series(pet_datasets(STORED, PatientWeight=None), tmp_path)
    study = study_in(tmp_path)
    with pytest.raises(SuvNotKnownError) as refused:
        read_study(study, Settings(), STAGE)
    assert refused.value.study is study and refused.value.header.weight_kg is None


def test_two_patients_are_refused_with_the_study_to_confirm(tmp_path):
    write_series(pet_datasets(STORED), tmp_path / "pet")
    write_series(ct_datasets(STORED, PatientID="OTHER"), tmp_path / "ct")
    with pytest.raises(PatientNotConfirmedError) as refused:
        read_study(study_in(tmp_path), Settings(), STAGE)
    confirmed = refused.value.study.with_files(confirmed_by="physicist")
    assert read_study(confirmed, Settings(), STAGE).patient_check.confirmed.who == "physicist"


@pytest.fixture(scope="module")
def reviewed():
    """Two lesions found, one rejected and one drawn by hand."""
    case = PlanningCase(who="tester", start=CaseState(pet=small_state().pet))
    case.perform("find", find_lesions(case.state, case.change("found"), STAGE))
    first, second = (lesion.id for lesion in case.state.lesions[:2])
    case.reject(first, "ureter")
    mask = case.lesion(second).contour.mask
    half = mask.array.copy()
    half[: half.shape[0] // 2] = False
    case.edit_contour(second, Mask(half, mask.grid))
    return case, first, second


def _with(state, **changes):
    return replace(state, settings=replace(state.settings, **changes))


def test_contoured_again_decisions_and_hand_drawn_contours_stay(reviewed):
    case, first, second = reviewed
    contours = replace(case.state.settings.contours, rules=(RuleSettings("percent_max", {"percent": 50.0}),))
    after = contour_again(_with(case.state, contours=contours), case.change("contoured again"), STAGE)
    lesions = {lesion.id: lesion for lesion in after.lesions}
    assert (lesions[first].state.value, lesions[first].rejection_reason) == ("rejected", "ureter")
    assert [c.rule for c in lesions[first].candidates] == ["percent_max"]
    assert lesions[first].contour.mask.volume_ml != case.lesion(first).contour.mask.volume_ml
    assert lesions[second].contour is case.lesion(second).contour
    assert lesions[second].history[-1].what == "contoured again"


def test_contouring_again_never_changes_which_lesions_there_are(reviewed):
    case, _, _ = reviewed
    detection = replace(case.state.settings.detection, threshold_suv=6.0)
    with pytest.raises(CaseError, match="press Find lesions"):
        contour_again(_with(case.state, detection=detection), case.change("contoured again"), STAGE)
