"""psma-planning run with a DICOM CT: what a planning system will see, and the structure set on request."""

import json

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.dicomrt.planning_series import planning_series
from PSMAPlanningLib.dicomrt.rtstruct_check import check_structure_set, read_for_check
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image_file import write_image_file
from test_dicomrt.ct_on_disk import ct_datasets, save

GRID = centred_grid(44, (4, 4, 3))
CT_GRID = VoxelGrid.from_lps((32, 90, 90), (1.0, 1.0, 3.0), (-45.0, -45.0, -46.0), np.eye(3))


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patient")
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 12, 10)])
    write_image_file(pet, folder / "pet.nrrd")
    write_image_file(ball(GRID, (20, 0, 0), 16), folder / "CTVn.nrrd")
    save(ct_datasets(CT_GRID), folder / "CT")
    return folder


def run(folder, out, *more):
    files = ["--pet", folder / "pet.nrrd", "--units", "SUVbw", "--volumes", folder / "CTVn.nrrd"]
    return main([str(a) for a in ("run", *files, "--out", out, "--json", *more)])


def test_report_says_what_a_planning_system_will_see(patient, tmp_path, capsys):
    assert run(patient, tmp_path / "out", "--ct", patient / "CT") == 0
    document = json.loads(capsys.readouterr().out)
    export = document["export"]
    assert export["file"] is None and export["exported"] == [] and "asked" in export["reason"]
    assert not (tmp_path / "out" / "rtstruct.dcm").exists()
    volumes = {each["id"]: each["volume_ml"] for each in document["lesions"]}
    classes = {row["id"]: row["volumes"]["CTVn"]["class"] for row in document["coverage"]}
    assert len(export["lesions"]) == 2
    for lesion in export["lesions"]:
        assert not lesion["exported"]
        assert lesion["volume_ml"] == pytest.approx(volumes[lesion["id"]])
        assert lesion["exported_volume_ml"] == pytest.approx(lesion["volume_ml"], rel=0.1)
        change = lesion["exported_volume_ml"] / lesion["volume_ml"] - 1
        assert lesion["volume_change_percent"] == pytest.approx(100 * change)
        found = lesion["coverage"]["CTVn"]
        assert found["before"] == classes[lesion["id"]]
        assert found["changes"] == (found["before"] != found["after"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "As a planning system will see it" in page and "GTV1_PT1" in page


def test_only_volumes_are_exported_while_nobody_reviewed(patient, tmp_path, capsys):
    assert run(patient, tmp_path / "out", "--ct", patient / "CT", "--export-rtstruct") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["files"]["rtstruct"] == str(tmp_path / "out" / "rtstruct.dcm")
    found = read_rtstruct(tmp_path / "out" / "rtstruct.dcm")
    assert [(roi.name, roi.kind) for roi in found.rois] == [("CTVn", "CTV")]
    left_out = {each["structure"] for each in document["export"]["checks"] if each["code"] == "left_out"}
    assert left_out == {each["id"] for each in document["lesions"]}
    assert not any(each["exported"] for each in document["export"]["lesions"])


def test_undecided_lesions_go_when_asked_for_and_are_marked(patient, tmp_path, capsys):
    more = ("--planning-ct", patient / "CT", "--export-rtstruct", "--include-undecided")
    assert run(patient, tmp_path / "out", *more) == 0
    document = json.loads(capsys.readouterr().out)
    path = tmp_path / "out" / "rtstruct.dcm"
    assert {roi.name for roi in read_rtstruct(path).rois} == {"GTV1_PT1", "GTV2_PT1", "CTVn"}
    series = planning_series(patient / "CT")
    dataset = read_for_check(path)
    assert [f for f in check_structure_set(dataset, series) if f.severity == "error"] == []
    for item in dataset.StructureSetROISequence:
        marked = "NOT ACCEPTED" in item.ROIDescription or "UNDECIDED" in item.ROIDescription
        assert marked == item.ROIName.startswith("GTV")
    assert all(each["exported"] for each in document["export"]["lesions"])


def test_without_a_dicom_ct_nothing_is_known_and_nothing_written(patient, tmp_path, capsys):
    assert run(patient, tmp_path / "out") == 0
    export = json.loads(capsys.readouterr().out)["export"]
    assert export["lesions"] == [] and "DICOM" in export["reason"]
    assert run(patient, tmp_path / "other", "--export-rtstruct") == 2
    assert "--planning-ct" in capsys.readouterr().err
    assert run(patient, tmp_path / "other", "--ct", patient / "CT", "--include-undecided") == 2
    assert "--export-rtstruct" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_an_error_stops_the_file_and_not_the_report(patient, tmp_path, capsys):
    """The right half of the CT is missing, and with it a lesion."""
    part = VoxelGrid.from_lps((32, 90, 40), (1.0, 1.0, 3.0), (5.0, -45.0, -46.0), np.eye(3))
    save(ct_datasets(part), tmp_path / "CT")
    more = ("--ct", tmp_path / "CT", "--export-rtstruct", "--include-undecided")
    assert run(patient, tmp_path / "out", *more) == 0
    document = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "out" / "rtstruct.dcm").exists() and document["export"]["file"] is None
    assert any("No structure set was written" in each for each in document["warnings"])
    outside = [each for each in document["export"]["lesions"] if each["slices"] == 0]
    assert len(outside) == 1 and outside[0]["class_changes"]
    errors = [each for each in document["export"]["checks"] if each["severity"] == "error"]
    assert outside[0]["id"] in {each["structure"] for each in errors}
