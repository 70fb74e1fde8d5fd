"""Whose files these are: spelling is levelled out, differences are named, identities never appear."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PSMAPlanningLib.errors import PatientMismatchError
from PSMAPlanningLib.imaging.patient_identity import (
    IdentifiedFile,
    PatientCheck,
    check_patient,
    normal_id,
    normal_name,
)
from PSMAPlanningLib.imaging.read import PatientIdentity, StudyInfo

SECRETS = ("A-47 11", "Müller", "Jörg", "19580131")
PATIENT = PatientIdentity("A-47 11", "Müller^Jörg^^Dr^", "19580131", "M")


def file(role="PET", study_date="20260115", **changes):
    return IdentifiedFile(role, replace(PATIENT, **changes), StudyInfo("PT", study_date=study_date))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller^Jörg^^Dr^", "MULLER^JORG^^DR"),
        ("Doe^John", "Doe, John"),
        ("Doe^John", "  doe ^ JOHN^^ "),
        ("Doe^John", "doe john"),
        ("Doe^John=漢字^名", "Doe^John"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert normal_name(one) == normal_name(other)


@pytest.mark.parametrize(("one", "other"), [("Doe^John", "Doe^Jane"), ("Doe^John", "John^Doe^M")])
def test_other_names_stay_others(one, other):
    assert normal_name(one) != normal_name(other)


def test_leading_zeros_of_an_id_count():
    assert normal_id(" ab 12") == normal_id("AB12")
    assert normal_id("0012") != normal_id("12")


def test_one_patient():
    check = check_patient([file(), file("CT"), file("planning CT", "20260124", name="MULLER^JORG^^DR")])
    assert check.differences == ()
    assert check.warnings == ()
    assert check.compared == ("PET", "CT", "planning CT")
    check.require_one_patient()


def test_a_mismatch_stops_and_names_attributes_and_files_and_no_identity():
    check = check_patient(
        [
            file(),
            file("CT"),
            file("RTSTRUCT", patient_id="B-1", birth_date="19580201"),
            file("planning CT", name="Meier^Jörg"),
        ]
    )
    with pytest.raises(PatientMismatchError) as caught:
        check.require_one_patient()
    message = str(caught.value)
    assert "patient ID (PET and CT and planning CT differs from RTSTRUCT)" in message
    assert "name (PET and CT and RTSTRUCT differs from planning CT)" in message
    assert "birth date" in message
    assert "--confirm-same-patient" in message
    for text in (message, repr(check), json.dumps(check.to_document()), repr(file())):
        for secret in (*SECRETS, "B-1", "Meier", "19580201"):
            assert secret not in text


def test_a_confirmation_lets_it_pass_and_stays():
    check = check_patient([file(), file("RTSTRUCT", patient_id="B-1")])
    confirmed = check.confirm("M. Physicist", "2026-11-21T12:00:00+00:00")
    confirmed.require_one_patient()
    assert confirmed.confirmed.what_differed == ("patient ID (PET differs from RTSTRUCT)",)
    assert PatientCheck.from_document(json.loads(json.dumps(confirmed.to_document()))) == confirmed


def test_nothing_to_confirm_records_nothing():
    check = check_patient([file(), file("CT")])
    assert check.confirm("M. Physicist", "2026-11-21T12:00:00+00:00") is check


def test_an_empty_attribute_is_no_difference_and_is_said():
    check = check_patient([file(), file("RTSTRUCT", birth_date=None, name="")])
    assert check.differences == ()
    assert check.not_stated == ("name (RTSTRUCT)", "birth date (RTSTRUCT)")


def test_a_file_without_id_and_name_is_said():
    check = check_patient([file(), file("RTSTRUCT", patient_id=" ", name="^^^^")])
    assert check.differences == ()
    assert check.warnings == (
        "The RTSTRUCT states neither patient ID nor name, so whose it is was not compared.",
    )


def test_study_dates_warn_with_days_and_without_dates():
    check = check_patient(
        [
            file(study_date="20260115"),
            file("CT", "20260116"),
            file("planning CT", "20260401"),
            file("RTSTRUCT", "20260404"),
        ]
    )
    assert check.differences == ()
    said = " ".join(check.warnings)
    assert "PET and its CT were taken 1 day apart" in said
    assert "planning CT were taken 76 days apart" in said
    assert "RTSTRUCT and the planning CT differ by 3 days" in said
    assert "2026" not in said


@pytest.mark.parametrize("text", [None, "", "garbage", "20261399", "2026.01.15", "2026-01-15"])
def test_dates_that_are_none_or_old_spellings_do_not_warn(text):
    assert check_patient([file(), file("CT", text)]).warnings == ()


def test_birth_dates_in_an_old_spelling_are_the_same():
    assert check_patient([file(), file("CT", birth_date="1958.01.31")]).differences == ()


@given(st.text(), st.text(), st.text())
def test_any_text_is_compared(patient_id, name, birth_date):
    files = [file(patient_id=patient_id, name=name, birth_date=birth_date), file("CT", "x" + birth_date)]
    check = check_patient(files)
    assert PatientCheck.from_document(check.to_document()) == check
