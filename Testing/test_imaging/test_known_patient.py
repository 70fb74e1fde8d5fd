"""Whose case it is, kept so that it can be compared and not read."""

from __future__ import annotations

import json

import pytest
from PSMAPlanningLib.errors import PatientMismatchError
from PSMAPlanningLib.imaging.known_patient import KnownPatient, check_later_files
from PSMAPlanningLib.imaging.patient_identity import PatientCheck, check_patient
from test_imaging.test_patient_identity import SECRETS, file


def known(*files):
    return KnownPatient.of(files or (file(),))


def later(of, *files, by=None, check=None):
    return check_later_files(of, check or check_patient([file()]), files, by, "2026-11-21T12:00:00+00:00")


def test_nothing_of_the_identity_can_be_read():
    stored = json.dumps(known().to_document()) + repr(known())
    for secret in (*SECRETS, "a-4711", "muller", "jorg", "1958"):
        assert secret not in stored
    # Salted: the same patient's digests differ from case to case.
    one, other = known().to_document(), known().to_document()
    assert all(one[name] != other[name] for name in one)


def test_it_comes_back_and_still_knows_its_patient():
    again = KnownPatient.from_document(json.loads(json.dumps(known().to_document())))
    assert again.differences([file("RTSTRUCT", name="MULLER^Jorg^^dr")]) == ()
    assert [d.attribute for d in again.differences([file("RTSTRUCT", patient_id="B")])] == ["patient ID"]


@pytest.mark.parametrize("damaged", [{}, {"salt": "xy"}, {"salt": "00", "more": 1}, {"salt": 5}])
def test_a_damaged_record_is_refused(damaged):
    with pytest.raises((TypeError, ValueError)):
        KnownPatient.from_document(damaged)


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({}, []),
        ({"patient_id": "a-4711"}, []),
        ({"patient_id": ""}, []),
        ({"patient_id": "", "name": "", "birth_date": None}, []),
        ({"birth_date": "1958.01.31"}, []),
        ({"birth_date": "19580130"}, ["birth date"]),
        ({"birth_date": None}, []),
        ({"patient_id": "A-4712"}, ["patient ID"]),
        # Another name is said; its birth date was kept with the case's name and is not compared.
        ({"name": "Muster^Max", "birth_date": "19581231"}, ["name"]),
        ({"patient_id": "X", "name": "Muster^Max"}, ["patient ID", "name"]),
    ],
)
def test_what_differs_is_named_by_attribute(changes, differing):
    found = known().differences([file("RTSTRUCT", **changes)])
    assert [each.attribute for each in found] == differing
    assert all(each.groups == (("case",), ("RTSTRUCT",)) for each in found)


def test_nobody_is_known_from_files_that_say_nothing():
    assert known(file(patient_id="", name="", birth_date="19580131")) is None
    assert KnownPatient.of(()) is None


def test_what_was_lacking_is_learned_from_files_that_agree():
    first = known(file(patient_id="", birth_date=None))
    after, check = later(first, file("RTSTRUCT"))
    assert [d.attribute for d in after.differences([file(patient_id="B")])] == ["patient ID"]
    assert check.compared == ("PET", "RTSTRUCT") and check.confirmed is None


def test_another_patient_is_refused_until_somebody_confirms():
    with pytest.raises(PatientMismatchError, match=r"patient ID \(case differs from RTSTRUCT\)") as refused:
        later(known(), file("RTSTRUCT", patient_id="B-1"))
    assert not any(secret in str(refused.value) for secret in (*SECRETS, "B-1"))
    mine = known()
    after, check = later(mine, file("RTSTRUCT", patient_id="B-1"), by="physicist")
    assert after is mine, "The case stays the patient's it was."
    assert check.confirmed.who == "physicist"
    assert check.confirmed.what_differed == ("patient ID (case differs from RTSTRUCT)",)
    # What was confirmed is not asked again for a file of the case's own patient, but for the next other one.
    _, checked = later(mine, file("RTDOSE"), check=check)
    assert checked.confirmed == check.confirmed and checked.compared[-1] == "RTDOSE"
    with pytest.raises(PatientMismatchError):
        later(mine, file("RTDOSE", patient_id="B-1"), check=check)


def test_files_that_come_together_are_compared_with_each_other_too():
    with pytest.raises(PatientMismatchError, match=r"RTSTRUCT differs from RTSTRUCT 2"):
        check_later_files(None, None, (file("RTSTRUCT"), file("RTSTRUCT 2", patient_id="B")))
    patient, check = check_later_files(None, None, (file("RTSTRUCT"),))
    assert patient is not None and check.compared == ("RTSTRUCT",)


def test_roles_that_are_taken_get_a_number():
    _, check = later(known(), file("RTSTRUCT"))
    _, check = later(known(), file("RTSTRUCT"), check=check)
    assert check.compared == ("PET", "RTSTRUCT", "RTSTRUCT 2")


def test_a_file_that_says_nothing_is_told_and_no_file_changes_nothing():
    mine = known()
    _, check = later(mine, file("RTSTRUCT", patient_id="", name=""))
    assert check.warnings == (
        "The RTSTRUCT states neither patient ID nor name, so whose it is was not compared.",
    )
    before = PatientCheck(("PET",))
    assert check_later_files(mine, before, ()) == (mine, before)
