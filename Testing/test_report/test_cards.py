"""The report's cards: every input with its source, nothing hidden, not stated said in words, no identity."""

from __future__ import annotations

import re
from html import unescape

import pytest
from PSMAPlanningLib.clinical_facts import ClinicalFacts
from PSMAPlanningLib.imaging.patient_identity import IdentifiedFile, check_patient
from PSMAPlanningLib.imaging.read import PatientIdentity, StudyInfo
from PSMAPlanningLib.imaging.suv import EnteredValues, suv_conversion
from PSMAPlanningLib.imaging.suv_header import suv_header
from PSMAPlanningLib.report.case_cards import clinical_card, patient_card, registration_card
from PSMAPlanningLib.report.suv_card import suv_card
from PSMAPlanningLib.report.volumes_card import volumes_section
from test_imaging.dicom_builder import BASE_FACTOR, pet_datasets

REGISTRATION = {"source": "not_stated", "residual_mm": None, "uncertainty_mm": None}
UPRIGHT = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def rows(html: str) -> dict[str, str]:
    """Label to the text of the cells beside it."""
    found = {}
    for line in re.findall(r"<tr>(.*?)</tr>", html):
        label, *cells = (unescape(re.sub("<.*?>", "", c)) for c in re.split(r"</t[hd]>", line))
        found[label] = " | ".join(c for c in cells if c)
    return found


def audit(entered=None, **changes):
    return suv_conversion(suv_header(pet_datasets(**changes)), entered).to_document()


def test_the_audit_shows_every_input_and_its_source():
    shown = rows(suv_card(audit()))
    assert shown["Tracer"].startswith("PSMA-1007 | header (0018,0031)")
    assert shown["Units of the voxels"].startswith("BQML")
    assert shown["Factor"] == f"{BASE_FACTOR:.8g} SUV per unit"
    assert shown["Injected dose"] == "368.08 MBq | header (0018,1074)"
    assert shown["Half-life"].startswith("6586.2 s (109.8 min)")
    assert shown["Body weight"].startswith("70 kg")
    assert shown["Uptake time"].startswith("60.0 min")
    assert shown["Decay correction"].startswith("START")
    assert "[bqml_start_series_time]" in shown["Way through the vendors' cases"]
    assert shown["Injection"].startswith("2025-01-01 10:00:00")
    assert shown["Entered by hand"] == "nothing"


def test_what_was_entered_by_hand_is_told_twice():
    shown = rows(suv_card(audit(EnteredValues(weight_kg=80.0, dose_bq=3e8))))
    assert shown["Body weight"] == "80 kg | entered by the user"
    assert set(shown["Entered by hand"].split(", ")) == {"Body weight", "Injected dose"}


def test_warnings_are_notes():
    html = suv_card(audit(PatientWeight="70000"))
    assert re.search(r'<p class="note">[^<]*taken as grams', html)


def test_a_factor_per_slice_and_unknown_keys_are_shown():
    document = {**audit(), "factor": None, "noise_<index>": 0.5}
    shown = rows(suv_card(document))
    assert shown["Factor"] == "differs from slice to slice"
    assert shown["noise <index>"] == "0.5"
    assert "<index>" not in suv_card(document)


def test_no_conversion_is_said():
    assert "nothing was converted" in suv_card(None)


def test_what_is_not_stated_is_spelled_out():
    shown = rows(registration_card({"registration": REGISTRATION, "grid": None}))
    assert shown["Uncertainty"] == "not stated, which is not zero"
    assert shown["Residual on bone"].startswith("not measured")
    assert shown["Source"].startswith("not stated")


def test_zero_is_not_the_same_as_not_stated():
    shown = rows(registration_card({"registration": {**REGISTRATION, "uncertainty_mm": 0.0}}))
    assert shown["Uncertainty"] == "0 mm"


@pytest.mark.parametrize(
    ("bed", "nodes", "whole", "expected"),
    [
        (5.0, None, None, ("5 mm", "not stated, which is not zero")),
        (5.0, None, 2.0, ("5 mm", "2 mm")),
        (None, 0.0, 3.0, ("3 mm", "0 mm")),
    ],
)
def test_bed_and_nodes_apart(bed, nodes, whole, expected):
    registration = {
        **REGISTRATION,
        "uncertainty_mm": whole,
        "uncertainty_bed_mm": bed,
        "uncertainty_nodes_mm": nodes,
    }
    shown = rows(registration_card({"registration": registration}))
    got = shown["Uncertainty, prostate bed"], shown["Uncertainty, nodes and bone"]
    assert got == expected


def test_a_registration_tells_source_file_movement_and_residual():
    registration = {
        "source": "bone_registration",
        "residual_mm": 0.51,
        "uncertainty_mm": 3.0,
        "frames": "different",
        "world": "planning",
        "planning_from_pet": [[1, 0, 0, 3.0], [0, 1, 0, 4.0], [0, 0, 1, 0.0], [0, 0, 0, 1]],
        "transform_file": "a&b.tfm",
    }
    grid = {"shape": [3, 3, 3], "spacing_mm": [1, 1, 1], "origin": [0, 0, 0], "direction": UPRIGHT}
    html = registration_card({"registration": registration, "grid": grid})
    shown = rows(html)
    assert "on bone" in shown["Source"]
    assert shown["File"] == "a&b.tfm"
    assert shown["The PET was moved by"] == "0.00° of rotation, 5.0 mm at its middle"
    assert shown["Residual on bone"].startswith("0.51 mm mean distance")
    assert shown["Uncertainty"] == "3 mm"
    assert "a&b" not in html


def test_the_patient_card_names_attributes_and_files_only():
    def one(role, patient_id):
        return IdentifiedFile(role, PatientIdentity(patient_id, "Secret^Name"), StudyInfo("PT"))

    check = check_patient([one("PET", "7"), one("RTSTRUCT", "8")]).confirm("A. <B>", "2026-11-21T12:00:00")
    html = patient_card(check.to_document())
    shown = rows(html)
    assert shown["Patient ID, name, birth date"] == "patient ID: PET / RTSTRUCT differ"
    assert shown["Confirmed to be one patient"] == "by A. <B>, 2026-11-21T12:00:00"
    assert "birth date (PET)" in shown["Not stated in the files"]
    assert "Secret" not in html
    assert "<B>" not in html
    assert "not compared" in patient_card(None)
    assert "not compared" in patient_card(check_patient([one("PET", "7")]).to_document())


def test_clinical_facts():
    facts = ClinicalFacts(0.42, True, "2025-11", "bicalutamide", "R1", False, None, None)
    assert rows(clinical_card(facts.to_document())) == {
        "PSA at the PET": "0.42 ng/mL",
        "Androgen deprivation": "yes, since 2025-11, bicalutamide",
        "Surgical margins": "R1",
        "Seminal vesicle invasion (pT3b)": "no",
        "Prior radiotherapy": "not known",
    }


def test_volumes_show_what_they_were_taken_for_and_their_prescription():
    volume = {
        "name": "CTV <1>",
        "type": "CTV",
        "origin": "imported",
        "source_file": "RS.dcm",
        "tg263": "CTVsb",
        "matched_by": "geometry",
        "asks": True,
        "voxels": 12,
        "volume_ml": 3.0,
        "contour_volume_ml": 3.25,
        "suv_max": 4.0,
        "suv_mean": None,
        "prescription": {
            "dose_gy": 62.5,
            "fractions": 25,
            "fraction_dose_gy": 2.5,
            "eqd2_gy": [{"alpha_beta_gy": 1.5, "dose_gy": 71.43}, {"alpha_beta_gy": 3.0, "dose_gy": 68.75}],
        },
    }
    shown = unescape(re.sub("<.*?>", "|", volumes_section({"volumes": [volume]})))
    assert "CTV <1>" in shown and "CTVsb, where it lies (to be confirmed)" in shown and "3.25" in shown
    assert "α/β 1.5 Gy" in shown and "71.4" in shown and "68.8" in shown
    without = volumes_section({"volumes": [{**volume, "prescription": None, "tg263": None, "asks": False}]})
    assert "EQD2" not in without and "not known" in without
