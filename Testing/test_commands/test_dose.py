"""psma-planning dose: figures and constraints of a real plan's structures, one plan or two."""

from __future__ import annotations

import json

import pydicom
import pytest
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import dose
from PSMAPlanningLib.errors import FrameOfReferenceError, PatientMismatchError, PrescriptionError
from PSMAPlanningLib.imaging.image import Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from test_commands.command_call import call
from test_dicomrt.dose_builder import write_dose

FRAME = "1.2.840.113619.2.55.3.671756986.106.1316467036.462.11505.1"


@pytest.fixture
def plan(shared_data, tmp_path):
    """The structure set, and a function that writes its dose."""
    folder = shared_data("slicerrt_eclipse_prostate")
    structures = folder / "RS_eclipse_prostate_phantom.dcm"
    image = read_image_file(folder / "EclipseProstate_Dose.nrrd", Quantity.DOSE)
    header = pydicom.dcmread(structures, specific_tags=["PatientID", "PatientName"])

    def write(name, scale=1.0, **changes):
        changes = {
            "frame": FRAME,
            "PatientID": header.PatientID,
            "PatientName": header.PatientName,
            **changes,
        }
        return write_dose(
            tmp_path / name, image.array * scale, image.grid.spacing_mm, image.grid.origin_lps, **changes
        )

    return structures, write


def test_the_eclipse_plan(plan):
    structures, write = plan
    document, text = call(
        dose, "--volumes", structures, "--dose", write("RD.dcm"), "--prescription", "PTV=46/23"
    )
    volumes = {row["name"]: row for row in document["volumes"]}
    assert volumes["PTV"]["mean_gy"] == pytest.approx(45.88, abs=0.05)
    # Between what Eclipse and CERR print in the heads of their tables.
    assert 48.6 <= volumes["PTV"]["volume_ml"] <= 49.22
    assert volumes["BODY"]["outside_dose_grid"] > 0
    assert volumes["Rectum"]["outside_dose_grid"] == 0
    assert document["fractions"] == 23
    lines = {line["id"]: line for line in document["constraints"]["lines"] if line["volume"] == "Rectum"}
    assert lines["rectum_v72"]["rescaled"]
    assert lines["rectum_v72"]["verdict"] == "pass"
    assert lines["rectum_v26"]["verdict"] == "fail"
    heads = {line["volume"] for line in document["constraints"]["lines"] if line["id"] == "femoral_head_mean"}
    assert heads == {"Femoral Head Lt", "Femoral Head RT"}
    assert sum("was left out" in warning for warning in document["warnings"]) == 10
    assert "outside the dose grid" in text
    assert "Rectum: V" in text


def test_two_plans(plan):
    structures, write = plan
    document, text = call(
        dose,
        "--volumes",
        structures,
        "--dose",
        write("RD.dcm"),
        "--compare-dose",
        write("RD2.dcm", scale=1.05),
    )
    (target,) = document["comparison"]["targets"]
    assert target["volume"] == "PTV"
    assert target["difference"]["mean_gy"] == pytest.approx(0.05 * 45.88, abs=0.01)
    assert document["fractions"] is None
    assert "not stated" in text
    for line in document["comparison"]["lines"]:
        if line["volume"] is not None:
            assert line["difference"] == pytest.approx(line["second"] - line["first"])
            assert line["difference"] >= 0


def test_a_table_of_ones_own(plan, tmp_path):
    structures, write = plan
    line = {
        "id": "own",
        "organs": ["Bladder"],
        "kind": "limit",
        "metric": "mean_dose",
        "limit_gy": 40,
        "fraction_dose_gy": None,
        "alpha_beta_gy": None,
        "citation": "ours",
        "verified": True,
    }
    table = {"schema_version": 1, "sets": [{"id": "s", "name": "s", "enabled": True, "lines": [line]}]}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    document, _ = call(dose, "--volumes", structures, "--dose", write("RD.dcm"), "--constraints", path)
    (result,) = document["constraints"]["lines"]
    assert result["reached"] == pytest.approx(45.9, abs=0.05)
    assert (result["verdict"], result["rescaled"]) == ("fail", False)


def test_what_does_not_belong_together(plan):
    structures, write = plan
    with pytest.raises(FrameOfReferenceError, match="another frame of reference"):
        call(dose, "--volumes", structures, "--dose", write("RD.dcm", frame="1.2.3"))
    other = write("RD.dcm", PatientID="somebody else")
    with pytest.raises(PatientMismatchError) as caught:
        call(dose, "--volumes", structures, "--dose", other)
    assert "somebody" not in str(caught.value)
    document, _ = call(dose, "--volumes", structures, "--dose", other, "--confirm-same-patient", "me")
    assert document["patient_check"]["confirmed"]["who"] == "me"
    with pytest.raises(PrescriptionError, match="no volume here"):
        call(dose, "--volumes", structures, "--dose", write("RD.dcm"), "--prescription", "PTV_1=70/35")


def test_a_relative_dose_ends_with_one_sentence(plan, capsys):
    structures, write = plan
    path = write("RD.dcm", DoseUnits="RELATIVE")
    status = main(["dose", "--volumes", str(structures), "--dose", str(path), "--json"])
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert "dose units RELATIVE" in printed.err
    assert "Traceback" not in printed.err


def test_an_unreadable_prescription_ends_with_one_sentence(plan, capsys):
    structures, write = plan
    with pytest.raises(SystemExit) as caught:
        main(["dose", "--volumes", str(structures), "--dose", str(write("RD.dcm")), "--prescription", "PTV"])
    assert caught.value.code == 2
    assert "is no prescription" in capsys.readouterr().err
