"""psma-planning coverage: lesions and volumes from files to the table and the patient's result."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.commands import coverage
from PSMAPlanningLib.errors import InputError, RegistrationError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.imaging.image_file import sitk_image

from .command_call import call

GRID = centred_grid(60, (1.5, 1.5, 2))
POINTS = points_of(GRID)


def write(path, array):
    sitk.WriteImage(sitk_image(array.astype(np.uint8), GRID), str(path))
    return path


@pytest.fixture
def files(tmp_path):
    lesions = np.zeros(GRID.shape_kji, np.uint8)
    for value, centre in enumerate(((0, 0, 0), (0, 0, 44), (0, -30, 0)), start=1):
        lesions[ball(GRID, centre, 4).array] = value
    box = np.abs(POINTS).max(axis=-1)
    return {
        "lesions": write(tmp_path / "lesions.nrrd", lesions),
        "CTVn": write(tmp_path / "CTVn.nrrd", box <= 20),
        "PTVn": write(tmp_path / "PTVn.nrrd", box <= 40),
    }


def test_table_and_patient_as_the_contract_says(files):
    document, text = call(
        coverage,
        "--lesions",
        files["lesions"],
        "--volumes",
        files["CTVn"],
        files["PTVn"],
        "--uncertainty-mm",
        2,
    )
    assert [lesion["id"] for lesion in document["lesions"]] == ["label_1", "label_2", "label_3"]
    inside, above, behind = (lesion["volumes"]["CTVn"] for lesion in document["lesions"])
    assert (inside["class"], inside["covered"], inside["fraction"]) == ("inside", True, 1.0)
    assert (above["class"], above["direction"]) == ("outside", "S")
    assert above["centroid_distance_mm"] == pytest.approx(23, abs=1.1)
    assert behind["missing_margin_mm"]["to_1"] == pytest.approx(13, abs=1.1)
    assert behind["fraction_bounds"] == [0, 0]
    assert document["lesions"][0]["region"] == "unknown"
    patient = document["patient"]
    # Without anatomy no region is known, so that a lesion outside may be anywhere.
    assert (patient["impact"], patient["major"], patient["minor"]) == (None, True, False)
    assert (patient["mitnm_v1"], patient["provisional"]) == ("miT? N? M?", True)
    assert patient["setup_margin_only"] == ["label_3"]
    assert patient["registration"]["stated"] == {"bed": True, "nodes": True}
    assert patient["registration"]["directions"] == 26
    assert "PROVISIONAL: 2 of 3 lesions outside CTVn" in text


def test_regions_from_anatomy_and_lesions_from_the_parts_of_one_label(files, tmp_path):
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(files["lesions"]))) > 0
    lesions = write(tmp_path / "all.nrrd", array)
    organs = np.zeros(GRID.shape_kji, np.uint8)
    organs[POINTS[..., 2] > 32] = 1
    organs[POINTS[..., 1] < -22] = 2
    anatomy = write(tmp_path / "anatomy.nrrd", organs)
    names = tmp_path / "names.json"
    names.write_text('{"1": "vertebrae_L2", "2": "sacrum"}')
    document, text = call(
        coverage, "--lesions", lesions, "--volumes", files["CTVn"],
        "--anatomy", anatomy, "--label-names", names, "--tracer", "PSMA-11",
    )  # fmt: skip
    found = {lesion["region_detail"]["words"] for lesion in document["lesions"]}
    assert {"vertebra L2", "sacrum"} <= found
    assert document["patient"]["impact"] == "extrapelvic"
    assert "vertebra L2" in text


def test_what_was_left_out_of_the_files_is_said(files, tmp_path):
    array = np.zeros(GRID.shape_kji, np.uint8)
    array[10:20, 10:20, 10:20] = 1
    header = {"Segment0_Name": "CTVx", "Segment0_LabelValue": "1", "Segment0_Layer": "0",
              "Segment1_Name": "empty one", "Segment1_LabelValue": "2", "Segment1_Layer": "0"}  # fmt: skip
    image = sitk_image(array, GRID)
    for key, value in {f"{name}_ID": name for name in ("Segment0", "Segment1")}.items():
        image.SetMetaData(key, value)
    for key, value in header.items():
        image.SetMetaData(key, value)
    path = tmp_path / "plan.seg.nrrd"
    sitk.WriteImage(image, str(path))
    document, _ = call(coverage, "--lesions", files["lesions"], "--volumes", path)
    assert "plan.seg.nrrd: empty one is empty and was left out." in document["warnings"]


def test_bad_input(files, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        call(coverage, "--lesions", tmp_path / "none.nrrd", "--volumes", files["CTVn"])
    empty = write(tmp_path / "empty.nrrd", np.zeros(GRID.shape_kji))
    with pytest.raises(InputError, match="empty"):
        call(coverage, "--lesions", empty, "--volumes", files["CTVn"])
    with pytest.raises(InputError, match="empty"):
        call(coverage, "--lesions", files["lesions"], "--volumes", empty)
    with pytest.raises(RegistrationError):
        call(coverage, "--lesions", files["lesions"], "--volumes", files["CTVn"], "--uncertainty-mm", -1)
    with pytest.raises(InputError, match="--anatomy"):
        call(
            coverage,
            "--lesions",
            files["lesions"],
            "--volumes",
            files["CTVn"],
            "--label-names",
            files["CTVn"],
        )


def test_volumes_that_are_no_targets_do_not_count(files, tmp_path):
    bladder = write(tmp_path / "Bladder.nrrd", Mask(np.abs(POINTS).max(axis=-1) <= 55, GRID).array)
    document, _ = call(coverage, "--lesions", files["lesions"], "--volumes", files["CTVn"], bladder)
    assert document["patient"]["targets"] == ["CTVn"]
    assert document["lesions"][1]["volumes"]["Bladder"]["class"] == "inside"
    odd = write(tmp_path / "Wombat.nrrd", np.abs(POINTS).max(axis=-1) <= 20)
    document, _ = call(coverage, "--lesions", files["lesions"], "--volumes", odd)
    assert any("Wombat" in warning for warning in document["warnings"])


def test_what_if_says_what_it_cannot_answer(files):
    arguments = ("--lesions", files["lesions"], "--volumes", files["CTVn"], files["PTVn"])
    without, _ = call(coverage, *arguments)
    assert without["what_if"] is None
    document, text = call(coverage, *arguments, "--what-if")
    columns = {column["name"]: column for column in document["what_if"]}
    assert "needs labelled anatomy" in columns["rtog2009_nodes"]["failed"]
    assert "no bed volume" in columns["bed_only"]["failed"]
    nodes = columns["nodes_only"]
    assert (nodes["targets"], nodes["missed"], nodes["hatched"]) == (
        ["CTVn", "PTVn"],
        ["label_2", "label_3"],
        False,
    )
    assert nodes["lesions"]["label_3"]["standing"] == "inside_setup_margin_only"
    assert nodes["lesions"]["label_2"]["direction"] == "S"
    assert "nodes only" in text
    assert "RTOG 2009 nodes + mesorectum" in text


def test_what_if_options_alone_are_refused(files):
    with pytest.raises(InputError, match="--what-if"):
        call(
            coverage,
            "--lesions",
            files["lesions"],
            "--volumes",
            files["CTVn"],
            "--landmark",
            "anastomosis=0,0,0",
        )
