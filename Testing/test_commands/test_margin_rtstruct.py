"""psma-planning margin and rtstruct import: the contract's fields, limits and broken files."""

import json

import numpy as np
import pytest
from margin_shapes import ball, box, grid_around, voxels
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.commands import margin, rtstruct
from PSMAPlanningLib.errors import InputError, MarginError, OutputError
from PSMAPlanningLib.imaging.image_file import write_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from test_commands.command_call import call

GRID = grid_around(26, (1.0, 1.0, 2.0))
SIX = ("--mm", 5, 5, 9, 6, 7, 7)


@pytest.fixture
def target(tmp_path):
    write_image_file(voxels(GRID, ball(10)), tmp_path / "ctv.nrrd")
    return tmp_path / "ctv.nrrd"


def test_margin_fields(target, tmp_path):
    write_image_file(voxels(GRID, lambda p: p[..., 1] < -12), tmp_path / "rectum.nii.gz")
    out = tmp_path / "ptv.nrrd"
    document, text = call(margin, target, *SIX, "--crop", tmp_path / "rectum.nii.gz", "--out", out)
    (written,) = read_labels(out)
    assert document["volume_ml_before"] == pytest.approx(4.19, rel=0.02)
    assert document["volume_ml_after"] == pytest.approx(written.mask.volume_ml)
    assert document["volume_ml_grown"] - document["volume_ml_after"] == pytest.approx(document["cropped_ml"])
    assert document["cropped_by_ml"][0]["name"] == "rectum" and document["cropped_ml"] > 0
    assert document["margin_mm"]["anterior"] == 9 and document["cropped_from_source_ml"] == 0
    low, high = written.mask.points_ras().min(axis=0), written.mask.points_ras().max(axis=0)
    assert low == pytest.approx([-15, -12, -17], abs=1.1) and high == pytest.approx([15, 19, 17], abs=1.1)
    assert "rectum" in text


def test_margin_crops_with_a_margin_around_and_within(target, tmp_path):
    write_image_file(voxels(GRID, lambda p: p[..., 1] < -14), tmp_path / "rectum.nrrd")
    write_image_file(voxels(GRID, box((28, 60, 60))), tmp_path / "body.nrrd")
    options = ("--crop", tmp_path / "rectum.nrrd", "--crop-margin-mm", 3, "--within", tmp_path / "body.nrrd")
    document, _ = call(margin, target, *SIX, *options, "--out", tmp_path / "o.nrrd")
    (written,) = read_labels(tmp_path / "o.nrrd")
    points = written.mask.points_ras()
    assert points[:, 1].min() > -11.6 and np.abs(points[:, 0]).max() < 14
    assert [row["name"] for row in document["cropped_by_ml"]] == ["rectum", "outside"]


def test_margin_says_when_the_source_was_cropped(target, tmp_path):
    write_image_file(voxels(GRID, lambda p: p[..., 1] < -8), tmp_path / "rectum.nrrd")
    document, _ = call(margin, target, *SIX, "--crop", tmp_path / "rectum.nrrd", "--out", tmp_path / "o.nrrd")
    assert document["cropped_from_source_ml"] > 0 and "before growing" in document["warnings"][0]


def test_margin_limits(target, tmp_path):
    out = tmp_path / "o.nrrd"
    with pytest.raises(MarginError, match="past the edge"):
        call(margin, target, "--mm", *[30] * 6, "--out", out)
    with pytest.raises(MarginError, match="two steps"):
        call(margin, target, "--mm", 5, 5, 5, 5, 5, -5, "--out", out)
    with pytest.raises(MarginError, match="3 numbers"):
        call(margin, target, *SIX, "--crop-margin-mm", 1, 2, 3, "--out", out)
    with pytest.raises(OutputError, match=r"must end in"):
        call(margin, target, *SIX, "--out", tmp_path / "o.txt")
    with pytest.raises(InputError, match="does not exist"):
        call(margin, tmp_path / "absent.nrrd", *SIX, "--out", out)
    assert not out.exists()
    document, _ = call(margin, target, "--mm", *[-3] * 6, "--out", out)
    assert document["volume_ml_after"] < document["volume_ml_before"] and document["cropped_ml"] == 0


def test_margin_needs_six_numbers(target, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["margin", str(target), "--mm", "5", "--out", str(tmp_path / "o.nrrd")])
    assert stop.value.code == 2 and "6 arguments" in capsys.readouterr().err


def test_margin_of_contours_uses_them_below_the_voxel(shared_data, tmp_path):
    folder = shared_data("sts001_ge_wholebody_pet")
    options = ("--image", folder / "dicom_pet", "--out", tmp_path / "o.nrrd")
    contours = folder / "rtstruct" / "RS.dcm"
    with pytest.raises(InputError, match=r"GTV_Mass.*--name"):
        call(margin, contours, *SIX, *options)
    document, _ = call(margin, contours, *SIX, "--name", "GTV_Mass", *options)
    assert document["below_voxel"] and document["volume_ml_before"] == pytest.approx(366, rel=0.01)
    with pytest.raises(InputError, match="--image"):
        call(margin, contours, *SIX, "--name", "GTV_Mass", "--out", tmp_path / "p.nrrd")


def test_import_fields(shared_data, tmp_path):
    folder = shared_data("sts001_ge_wholebody_pet")
    out = tmp_path / "o.seg.nrrd"
    document, text = call(
        rtstruct, "import", folder / "rtstruct" / "RS.dcm", "--image", folder / "dicom_pet", "--out", out
    )
    mass, edema = document["rois"]
    expected = json.loads((folder / "expected.json").read_text())
    assert (mass["voxels"], edema["voxels"]) == (expected["gtv_mass_voxels"], expected["gtv_edema_voxels"])
    assert {"number", "name", "type", "tg263", "matched_by", "voxels", "volume_ml", "status"} <= set(mass)
    # Mass lies in edema; a segmentation keeps both whole.
    assert [label.mask.voxels for label in read_labels(out)] == [mass["voxels"], edema["voxels"]]
    assert [label.name for label in read_labels(out)] == ["GTV_Mass", "GTV_Edema"]
    assert "GTV_Edema" in text


def test_import_to_a_label_map_says_what_is_hidden(shared_data, tmp_path):
    folder = shared_data("sts001_ge_wholebody_pet")
    out = tmp_path / "o.nii.gz"
    document, _ = call(
        rtstruct, "import", folder / "rtstruct" / "RS.dcm", "--image", folder / "dicom_pet", "--out", out
    )
    held = {label.value: label.mask.voxels for label in read_labels(out)}
    mass, edema = document["rois"]
    assert held[mass["number"]] == mass["voxels"] and held[edema["number"]] < edema["voxels"]
    assert any("GTV_Edema" in warning and "under smaller" in warning for warning in document["warnings"])


@pytest.mark.parametrize("name", ["invalid_reference_rt", "non_existent_reference_rt"])
def test_import_with_wrong_references(shared_data, tmp_path, name):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    document, _ = call(
        rtstruct, "import", folder / f"{name}.dcm", "--image", folder, "--out", tmp_path / "o.seg.nrrd"
    )
    assert len(document["rois"]) == 4
    assert all(roi["asks"] and roi["tg263"] is None for roi in document["rois"])
    assert any(roi["status"] == "ok" and roi["voxels"] > 0 for roi in document["rois"])


def test_import_of_another_frame_of_reference_is_refused(shared_data, tmp_path):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    out = tmp_path / "o.seg.nrrd"
    with pytest.raises(InputError, match="other_frame_of_reference"):
        call(rtstruct, "import", folder / "rt.dcm", "--image", folder, "--out", out)
    assert not out.exists()


def test_names_given_by_the_user(shared_data, tmp_path):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    options = ("--image", folder, "--out", tmp_path / "o.seg.nrrd", "--names", tmp_path / "names.json")
    (tmp_path / "names.json").write_text(json.dumps({"ROI-1": "Bladder"}))
    document, _ = call(rtstruct, "import", folder / "invalid_reference_rt.dcm", *options)
    assert (document["rois"][0]["tg263"], document["rois"][0]["matched_by"]) == ("Bladder", "user")
    (tmp_path / "names.json").write_text("{")
    with pytest.raises(InputError, match="no JSON"):
        call(rtstruct, "import", folder / "invalid_reference_rt.dcm", *options, "--force")


def test_json_flag_on_either_side(shared_data, tmp_path, capsys):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    for number, arguments in enumerate((["rtstruct", "--json", "import"], ["rtstruct", "import", "--json"])):
        out = tmp_path / f"{number}.seg.nrrd"
        paths = [str(folder / "invalid_reference_rt.dcm"), "--image", str(folder), "--out", str(out)]
        assert main([*arguments, *paths]) == 0
        assert len(json.loads(capsys.readouterr().out)["rois"]) == 4
