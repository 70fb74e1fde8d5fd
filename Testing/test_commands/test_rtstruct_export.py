"""psma-planning rtstruct export and check: files in, one structure set out, or one sentence."""

import json

import numpy as np
import pytest
from phantoms import ball, points_of
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import rtstruct, rtstruct_check, rtstruct_export
from PSMAPlanningLib.dicomrt.planning_series import planning_series
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.errors import ExportError, FrameOfReferenceError, InputError, PatientMismatchError
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.segmentation_file import Segment, write_segmentation
from test_commands.command_call import call
from test_dicomrt.ct_on_disk import axial_grid, ct_datasets, likeness, save

GRID = axial_grid()


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    return save(ct_datasets(GRID), tmp_path_factory.mktemp("ct"))


def shapes():
    node = ball(GRID, (5, 5, 0), 6.0).array
    bed = np.linalg.norm((points_of(GRID) - [-5, -5, 0]) / [9, 7, 11], axis=-1) < 1
    return node, bed


@pytest.fixture
def segmentation(tmp_path):
    node, bed = shapes()
    path = tmp_path / "labels.seg.nrrd"
    segments = [
        Segment("GTVn1_PT1", node, (255, 128, 0)),
        Segment("Prostate bed CTV", bed),
        Segment("x", node),
    ]
    write_segmentation(segments, GRID, path)
    return path


def tagged(path, target, *states):
    """The segmentation with the tags that a lesion's segment has in a saved case."""
    head, blank, body = path.read_bytes().partition(b"\n\n")
    for number, state in enumerate(states):
        tags = f"TerminologyEntry:a~b|PSMAPlanning.Id:L{number + 1}|PSMAPlanning.State:{state}"
        tags += "|PSMAPlanning.HandEdited:1"
        head += f"\nSegment{number}_Tags:={tags}".encode()
    target.write_bytes(head + blank + body)
    return target


def test_export_says_what_was_written(ct, segmentation, tmp_path):
    out = tmp_path / "RS.dcm"
    document, text = call(
        rtstruct_export, segmentation, "--ct", ct, "--out", out, "--type", "x=AVOIDANCE", "--holes", "keyhole"
    )
    rois = document["rois"]
    assert [(r["name"], r["type"]) for r in rois] == [
        ("GTVn1_PT1", "GTV"),
        ("CTVsb", "CTV"),
        ("x", "AVOIDANCE"),
    ]
    assert (
        rois[0]["coverage"]["CTVsb"]["class"] in ("inside", "partial", "outside") and not rois[1]["coverage"]
    )
    assert rois[1]["source_name"] == "Prostate bed CTV"
    assert all(r["exported_volume_ml"] == pytest.approx(r["volume_ml"], rel=0.01) for r in rois)
    assert {"code", "severity", "structure", "sentence"} == set(document["checks"][0])
    assert not [each for each in document["checks"] if each["severity"] == "error"]
    assert "exported mL" in text and str(out) in text
    read = read_rtstruct(out)
    assert [roi.name for roi in read.rois] == [r["name"] for r in rois]
    assert read.rois[0].colour == (255, 128, 0)
    dice, change = likeness(read.rois[1], Mask(shapes()[1], planning_series(ct).grid), 3.0)
    assert dice > 0.999 and abs(change) < 0.001


def test_label_map_needs_a_type_for_a_clean_check(ct, tmp_path):
    path = tmp_path / "thing.nrrd"
    write_image_file(Image(shapes()[1].astype(np.uint8), GRID, Quantity.UNKNOWN), path)
    document, _ = call(rtstruct_export, path, "--ct", ct, "--out", tmp_path / "a.dcm")
    assert [c["code"] for c in document["checks"]] == ["type"]
    document, _ = call(rtstruct_export, path, "--ct", ct, "--out", tmp_path / "b.dcm", "--type", "thing=PTV")
    assert document["checks"] == []


def test_lesions_of_a_case_go_only_when_accepted(ct, segmentation, tmp_path):
    lesions = tagged(segmentation, tmp_path / "lesions.seg.nrrd", "accepted", "proposed", "undecided")
    document, _ = call(rtstruct_export, lesions, "--ct", ct, "--out", tmp_path / "a.dcm")
    assert [r["status"] for r in document["rois"]] == [
        "exported",
        "left out: not accepted",
        "left out: undecided",
    ]
    assert document["rois"][0]["algorithm"] == "SEMIAUTOMATIC"
    document, _ = call(
        rtstruct_export, lesions, "--ct", ct, "--out", tmp_path / "b.dcm", "--include-undecided"
    )
    assert {r["status"] for r in document["rois"]} == {"exported"}
    assert {r["type"] for r in document["rois"]} == {"GTV"}


def test_structure_set_goes_in_and_out_again(ct, segmentation, tmp_path):
    call(rtstruct_export, segmentation, "--ct", ct, "--out", tmp_path / "a.dcm")
    document, _ = call(rtstruct_export, tmp_path / "a.dcm", "--ct", ct, "--out", tmp_path / "b.dcm")
    for roi in document["rois"]:
        assert roi["exported_volume_ml"] == pytest.approx(roi["volume_ml"], rel=0.02)
    checked, text = call(rtstruct_check, tmp_path / "b.dcm", "--ct", ct)
    assert checked["errors"] == [] and "0 errors" in text
    again = {r["name"]: r["exported_volume_ml"] for r in document["rois"]}
    for roi in checked["rois"]:
        assert roi["volume_ml"] == pytest.approx(again[roi["name"]], rel=1e-3)


def test_check_lists_errors_and_warnings(ct, segmentation, tmp_path):
    call(rtstruct_export, segmentation, "--ct", ct, "--out", tmp_path / "a.dcm")
    other = save(ct_datasets(GRID), tmp_path / "other")
    document, text = call(rtstruct_check, tmp_path / "a.dcm", "--ct", other)
    assert document["errors"] and all(isinstance(each, str) for each in document["errors"])
    assert any("another series" in each for each in document["errors"])
    assert any("x" in each for each in document["warnings"])
    assert "error: " in text


def test_objects_of_others_are_refused(ct, segmentation, tmp_path):
    call(rtstruct_export, segmentation, "--ct", ct, "--out", tmp_path / "a.dcm")
    moved = save(ct_datasets(GRID), tmp_path / "moved")
    with pytest.raises(FrameOfReferenceError, match="another frame of reference"):
        call(rtstruct_export, tmp_path / "a.dcm", "--ct", moved, "--out", tmp_path / "b.dcm")
    stranger = save(ct_datasets(GRID, PatientID="ELSE"), tmp_path / "stranger")
    with pytest.raises(PatientMismatchError, match="patient IDs"):
        call(rtstruct_export, tmp_path / "a.dcm", "--ct", stranger, "--out", tmp_path / "b.dcm")
    assert not (tmp_path / "b.dcm").exists()


def test_labels_elsewhere_stop_the_export(ct, tmp_path):
    path = tmp_path / "GTV1.nrrd"
    far = axial_grid(origin_lps=(500.0, 0.0, 0.0))
    write_image_file(Image(shapes()[0].astype(np.uint8), far, Quantity.UNKNOWN), path)
    with pytest.raises(ExportError, match="outside the CT"):
        call(rtstruct_export, path, "--ct", ct, "--out", tmp_path / "b.dcm")
    assert not (tmp_path / "b.dcm").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--type", "x=LESION"), "NAME=TYPE"), (("--type", "nobody=GTV"), "no structure of")],
)
def test_impossible_types_are_refused(ct, segmentation, tmp_path, arguments, word):
    with pytest.raises(InputError, match=word):
        call(rtstruct_export, segmentation, "--ct", ct, "--out", tmp_path / "b.dcm", *arguments)


def test_names_come_from_a_table(ct, segmentation, tmp_path):
    table = tmp_path / "names.json"
    table.write_text(json.dumps({"x": "Bladder"}))
    document, _ = call(
        rtstruct_export, segmentation, "--ct", ct, "--out", tmp_path / "b.dcm", "--names", table
    )
    assert document["rois"][2]["name"] == "Bladder" and document["rois"][2]["code"] == "89837001"


def test_exit_status_and_one_sentence(ct, segmentation, tmp_path, capsys):
    out = tmp_path / "RS.dcm"
    arguments = ["rtstruct", "export", str(segmentation), "--ct", str(ct), "--out", str(out)]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0
    assert main(["rtstruct", "check", str(out), "--ct", str(tmp_path / "absent"), "--json"]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert rtstruct_export in rtstruct.PARTS and rtstruct_check in rtstruct.PARTS
