"""psma-planning run with an RTDOSE: the dose of lesions and volumes, whose file it is, and where it lies."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from phantoms import points_of
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.chain import read_case, run_chain
from PSMAPlanningLib.commands.demo import write_patient
from PSMAPlanningLib.coverage.prescribed_dose import parse_prescription
from PSMAPlanningLib.dicomrt.dose_reader import read_rtdose
from PSMAPlanningLib.errors import (
    DoseError,
    FrameOfReferenceError,
    GridError,
    PatientMismatchError,
    PrescriptionError,
)
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.read import read_ct_input
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.report.dose_card import dose_card
from PSMAPlanningLib.report.dvh_picture import dvh_svg
from PSMAPlanningLib.settings import Settings
from test_dicomrt.dose_builder import write_dose


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """The phantom's files, and the identity in its CT."""
    folder = tmp_path_factory.mktemp("patient")
    files = write_patient(make_phantom(PhantomParameters(seed=1, variant="small")), folder)
    return files, read_ct_input(files.ct)


def dose_grid(ct, spacing=4.0):
    """A grid that holds the whole CT, axis by axis."""
    corners = ct.image.grid.corners_ras()
    low, high = corners.min(axis=0) - spacing, corners.max(axis=0) + spacing
    i, j, k = np.ceil((high - low) / spacing).astype(int) + 1
    return VoxelGrid.from_lps((k, j, i), (spacing,) * 3, (-high[0], -high[1], low[2]), np.eye(3))


def rising(grid, gray_at_middle=40.0, gray_per_mm=0.05):
    points = points_of(grid)
    return gray_at_middle + gray_per_mm * (points[..., 2] - points[..., 2].mean())


def write(path, ct, dose=None, grid=None, **changes):
    grid = grid or dose_grid(ct)
    changes = {
        "frame": ct.image.frame_of_reference_uid,
        "PatientID": ct.patient.patient_id,
        "PatientName": ct.patient.name,
        **changes,
    }
    return write_dose(
        path, rising(grid) if dose is None else dose, grid.spacing_mm, grid.origin_lps, **changes
    )


@pytest.fixture(scope="module")
def found(patient, tmp_path_factory):
    """The case and its document, with a dose, a second one, and prescriptions."""
    files, ct = patient
    folder = tmp_path_factory.mktemp("dose")
    grid = dose_grid(ct)
    second = write(folder / "second.dcm", ct, rising(grid, 42.0))
    names = [path.stem for path in files.volumes]
    case = run_chain(
        replace(
            files,
            dose=write(folder / "RD.dcm", ct),
            comparison_dose=second,
            prescriptions=(parse_prescription(f"{names[0]}=40/20"), parse_prescription("38/20")),
        ),
        Settings(),
        "test",
    )
    return case, case_document(case)


def test_every_lesion_and_volume_has_its_dose(found):
    case, document = found
    middle = dose_grid_middle(case)
    for lesion in document["lesions"]:
        expected = 40.0 + 0.05 * (lesion["centroid"][2] - middle)
        assert lesion["dose"]["mean_gy"] == pytest.approx(expected, abs=0.05)
        assert lesion["dose"]["d98_gy"] <= lesion["dose"]["d95_gy"] <= lesion["dose"]["mean_gy"]
        assert lesion["dose"]["outside_dose_grid"] == 0.0
        assert lesion["dose"]["field"] in ("in-field", "marginal", "out-of-field")
    for volume, state in zip(document["volumes"], case.state.volumes, strict=True):
        expected = 40.0 + 0.05 * (state.mask.centroid_ras()[2] - middle)
        assert volume["dose"]["mean_gy"] == pytest.approx(expected, abs=0.05)


def dose_grid_middle(case):
    return points_of(case.state.dose.grid)[..., 2].mean()


def test_lesions_go_by_the_target_that_holds_them(found):
    case, document = found
    target = case.state.prescriptions[0].volume
    coverage = {row["id"]: row["volumes"] for row in document["coverage"]}
    for lesion in document["lesions"]:
        held = coverage[lesion["id"]][target]["fraction"] >= 0.5
        assert lesion["dose"]["prescription"]["volume"] == (target if held else None)
        assert lesion["dose"]["isodose_gy"] == pytest.approx(38.0 if held else 36.1)


def test_the_document_is_json_and_tells_the_plan(found):
    _, document = found
    dose = json.loads(json.dumps(document["dose"], allow_nan=False))
    again = document
    assert dose["fractions"] == 20
    assert len(dose["dvh"]) == len(again["volumes"])
    for histogram, volume in zip(dose["dvh"], again["volumes"], strict=True):
        assert histogram["volume_ml"][0] == pytest.approx(volume["volume_ml"], rel=1e-3)
        assert histogram["total_ml"] == pytest.approx(volume["volume_ml"], rel=1e-3)
    assert {line["verdict"] for line in dose["constraints"]["lines"]} <= {
        "pass",
        "fail",
        "not_determined",
        "no_structure",
    }
    target = dose["comparison"]["targets"][0]
    assert target["difference"]["mean_gy"] == pytest.approx(2.0, abs=0.01)


def test_the_report_shows_it_and_no_identity(found, patient):
    _, document = found
    html = dose_card(document)
    assert "<svg" in html
    # No organ was given as a volume, and that is said.
    assert "no volume was taken for them" in html
    assert "Rectum" in html
    assert "QUANTEC" in html
    assert all(f">{volume['name']}<" in html for volume in document["volumes"])
    assert patient[1].patient.patient_id not in html
    assert dose_card({"dose": None}) == "<p>No RTDOSE was given.</p>"
    assert dvh_svg([]) == ""


def test_names_are_escaped_in_the_picture(found):
    histogram = dict(found[1]["dose"]["dvh"][0], name='<b>&"PTV')
    svg = dvh_svg([histogram])
    assert "<b>" not in svg
    assert "&lt;b&gt;&amp;" in svg


def test_only_what_changed_is_computed_again(found):
    case, _ = found
    before = case.dose()
    lesion = case.state.lesions[0]
    case.accept(lesion.id)
    after = case.dose()
    case.undo()
    assert after.lesions[lesion.id] is before.lesions[lesion.id]
    assert [a.dose for a in after.volumes] == [b.dose for b in before.volumes]


def read(files, **changes):
    return read_case(replace(files, **changes), Settings(), Stage(no_progress))


def test_without_a_dose_the_document_says_so(found):
    case, _ = found
    document = case_document(PlanningCase(start=replace(case.state, dose=None)))
    assert document["dose"] is None
    assert document["lesions"][0]["dose"] is None
    assert document["volumes"][0]["dose"] is None


def test_a_dose_that_ends_inside_the_volumes(found, patient, tmp_path):
    case, ct = found[0], patient[1]
    whole = dose_grid(ct)
    k = whole.shape_kji[0] // 2
    half = VoxelGrid((k, *whole.shape_kji[1:]), whole.spacing_mm, whole.origin_ras, whole.direction_ras)
    dose = read_rtdose(write(tmp_path / "RD.dcm", ct, grid=half)).image
    state = replace(case.state, dose=dose, comparison_dose=None, prescriptions=())
    document = case_document(PlanningCase(start=state))
    assert 0 < max(volume["dose"]["outside_dose_grid"] for volume in document["volumes"]) <= 1
    assert any("outside the dose grid" in warning for warning in document["warnings"])
    assert "Outside the dose grid" in dose_card(document)
    json.dumps(document["dose"], allow_nan=False)
    # Nothing was prescribed, so no lesion is classified.
    assert {lesion["dose"]["field"] for lesion in document["lesions"]} == {None}


def test_the_dose_of_another_patient_is_refused(patient, tmp_path):
    files, ct = patient
    path = write(tmp_path / "RD.dcm", ct, PatientID="somebody else")
    with pytest.raises(PatientMismatchError, match="RTDOSE") as caught:
        read(files, dose=path)
    assert "somebody" not in str(caught.value)
    state = read(files, dose=path, confirmed_by="me")
    assert state.patient_check.confirmed.who == "me"
    assert "RTDOSE" in state.patient_check.compared


def test_a_dose_in_another_frame_of_reference_is_refused(patient, tmp_path):
    files, ct = patient
    with pytest.raises(FrameOfReferenceError, match="RTDOSE"):
        read(files, dose=write(tmp_path / "RD.dcm", ct, frame="1.2.840.99"))


def test_a_dose_that_lies_elsewhere_is_refused(patient, tmp_path):
    files, ct = patient
    grid = dose_grid(ct)
    away = VoxelGrid(
        grid.shape_kji, grid.spacing_mm, tuple(np.add(grid.origin_ras, 5000)), grid.direction_ras
    )
    with pytest.raises(GridError, match="does not overlap"):
        read(files, dose=write(tmp_path / "RD.dcm", ct, grid=away, dose=np.ones(grid.shape_kji)))


def test_prescriptions_for_a_volume_that_is_not_there(patient):
    files, _ = patient
    with pytest.raises(PrescriptionError, match="no volume here"):
        read(files, prescriptions=(parse_prescription("PTV_of_others=70/35"),))


def test_beams_are_added_only_when_told(patient, tmp_path):
    files, ct = patient
    for name in ("a.dcm", "b.dcm"):
        write(tmp_path / name, ct, rising(dose_grid(ct), 20.0), DoseSummationType="BEAM")
    with pytest.raises(DoseError, match="2 RTDOSE files"):
        read(files, dose=tmp_path)
    state = read(files, dose=tmp_path, sum_doses=True)
    assert state.dose.array.mean() == pytest.approx(40.0, abs=0.1)
    assert any("sum of 2" in warning for warning in state.warnings)
