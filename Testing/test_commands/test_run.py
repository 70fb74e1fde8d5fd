"""psma-planning run on a small made-up patient, on real data, and on everything that can be wrong."""

import json
import shutil

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import write_image_file

GRID = centred_grid(44, (4, 4, 3))


@pytest.fixture
def patient(tmp_path):
    """A folder with blanks and umlauts that holds PET, CTV and organ label map."""
    folder = tmp_path / "Patient Müller Ö"
    folder.mkdir()
    pet = blurred_spheres(GRID, [((20, 0, 0), 14, 12), ((-20, 0, 0), 12, 10), ((0, -25, 0), 20, 25)])
    write_image_file(pet, folder / "pet.nrrd")
    write_image_file(ball(GRID, (20, 0, 0), 16), folder / "CTVn.nrrd")
    bladder = ball(GRID, (0, -25, 0), 10).array.astype(np.uint8) * 3
    write_image_file(Image(bladder, GRID, Quantity.UNKNOWN), folder / "organs.nii.gz")
    (folder / "names.csv").write_text("label,name\n3,urinary_bladder\n", encoding="utf-8")
    return folder


def run(folder, *more):
    return main(["run", "--pet", str(folder / "pet.nrrd"), "--units", "SUVbw", *map(str, more)])


def test_whole_chain(patient, capsys):
    out = patient / "Ergebnis"
    organs = ("--anatomy", patient / "organs.nii.gz", "--label-names", patient / "names.csv")
    given = ("--volumes", patient / "CTVn.nrrd", *organs, "--what-if")
    assert run(patient, *given, "--out", out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert printed["reviewed"] is False
    assert [(row["class"], row["reason"]) for row in printed["regions"]] == [
        ("physiologic", "organ:urinary_bladder"),
        ("lesion", None),
        ("lesion", None),
    ]
    classes = [row["volumes"]["CTVn"]["class"] for row in printed["coverage"]]
    assert classes == ["inside", "outside"]
    assert printed["volumes"][0]["type"] == "CTV"
    what_if = {column["name"]: column for column in printed["what_if"]}
    assert what_if["nodes_only"]["missed"] == [printed["coverage"][1]["id"]]
    assert "landmarks" in what_if["rtog2009_nodes"]["failed"]
    assert "RTOG 2009 nodes + mesorectum" in (out / "report.html").read_text(encoding="utf-8")
    assert "what_if" in printed["timings_s"]
    assert {"chain", "scene"} <= set(printed["timings_s"])
    for name in printed["files"].values():
        assert (out / name).is_file()
    assert "picture_3d" in printed["files"]
    assert sorted(p.name for p in patient.iterdir() if p.name.startswith(".")) == []


def test_nothing_above_the_threshold(patient, capsys):
    (patient / "s.json").write_text('{"schema_version": 1, "detection": {"threshold_suv": 400}}')
    assert run(patient, "--settings", patient / "s.json", "--out", patient / "out", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["lesions"] == []
    assert any("not mean no disease" in warning for warning in document["warnings"])
    assert "lesions" not in document["files"]


def _no_pet(folder):
    return ["run", "--pet", folder / "missing.nrrd", "--units", "SUVbw"]


def _no_units(folder):
    return ["run", "--pet", folder / "pet.nrrd"]


def _empty_folder(folder):
    (folder / "empty").mkdir()
    return ["run", "--pet", folder / "empty"]


def _folder_that_is_no_dicom(folder):
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("hello")
    return ["run", "--pet", folder / "texts"]


def _no_uptake(folder):
    write_image_file(Image(np.zeros(GRID.shape_kji, np.float32), GRID, Quantity.SUVBW), folder / "cold.nrrd")
    return ["run", "--pet", folder / "cold.nrrd", "--units", "SUVbw"]


def _volumes_elsewhere(folder):
    far = centred_grid(20, (4, 4, 3)).__class__((5, 5, 5), (3, 3, 3), (900, 900, 900))
    write_image_file(ball(far, (906, 906, 906), 5), folder / "far.nrrd")
    return ["run", "--pet", folder / "pet.nrrd", "--units", "SUVbw", "--volumes", folder / "far.nrrd"]


def _bad_settings(folder):
    (folder / "s.json").write_text('{"schema_version": 99}')
    return ["run", "--pet", folder / "pet.nrrd", "--units", "SUVbw", "--settings", folder / "s.json"]


def _negative_uncertainty(folder):
    return ["run", "--pet", folder / "pet.nrrd", "--units", "SUVbw", "--uncertainty-mm", "-1"]


def _anatomy_without_names(folder):
    return ["run", "--pet", folder / "pet.nrrd", "--units", "SUVbw", "--anatomy", folder / "organs.nii.gz"]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (_no_pet, "missing.nrrd"),
        (_no_units, "--units"),
        (_empty_folder, "empty"),
        (_folder_that_is_no_dicom, "DICOM"),
        (_no_uptake, "no uptake"),
        (_volumes_elsewhere, "overlap"),
        (_bad_settings, "update PSMAPlanning"),
        (_negative_uncertainty, "uncertainty"),
        (_anatomy_without_names, "--label-names"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(patient, capsys, arguments, remedy):
    command = [str(a) for a in arguments(patient)]
    before = sorted(p.name for p in patient.iterdir())
    assert main([*command, "--out", str(patient / "out")]) == 2
    message = capsys.readouterr().err.strip()
    assert len(message.splitlines()) == 1
    assert remedy in message
    assert message.endswith((".", ")"))
    assert sorted(p.name for p in patient.iterdir()) == before


def test_existing_output_is_kept_unless_forced(patient, capsys):
    out = patient / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    assert run(patient, "--out", out) == 2
    assert "--force" in capsys.readouterr().err
    assert (out / "precious.txt").read_text() == "mine"
    assert run(patient, "--out", out, "--force") == 0
    assert not (out / "precious.txt").exists()


def test_two_pets_in_one_folder(shared_data, tmp_path, capsys):
    folder = tmp_path / "both"
    shutil.copytree(shared_data("sts001_ge_wholebody_pet") / "dicom_pet", folder / "a")
    shutil.copytree(shared_data("ibsi_sts_petct") / "STS_002" / "dicom_PET_units_GML", folder / "b")
    assert main(["run", "--pet", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "--series" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_ct_is_no_pet(shared_data, tmp_path, capsys):
    folder = shared_data("rtstruct_mim_phantom") / "dicom"
    assert main(["run", "--pet", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "PET" in capsys.readouterr().err


@pytest.mark.slow
def test_real_whole_body(shared_data, tmp_path, capsys):
    """STS_001 with its RTSTRUCT: the numbers of expected.json, and the mass found."""
    folder = shared_data("sts001_ge_wholebody_pet")
    rtstruct = next((folder / "rtstruct").iterdir())
    out = tmp_path / "out"
    arguments = ["run", "--pet", folder / "dicom_pet", "--volumes", rtstruct, "--out", out, "--json"]
    assert main([str(a) for a in arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    mass = next(v for v in document["volumes"] if v["name"] == "GTV_Mass")
    assert mass["voxels"] == 5095
    assert mass["volume_ml"] == pytest.approx(366.079, abs=0.001)
    assert mass["suv_max"] == pytest.approx(7.9107, abs=1e-4)
    assert mass["suv_mean"] == pytest.approx(2.5552, abs=1e-4)
    hottest = max(document["regions"], key=lambda region: region["suv_max"])
    assert hottest["suv_max"] == pytest.approx(66.52, abs=0.005)
    assert (hottest["class"], hottest["reason"]) == ("physiologic", "position:urinary_bladder")
    inside = [row for row in document["coverage"] if row["volumes"]["GTV_Mass"]["class"] == "inside"]
    assert inside
    assert document["case"]["registration"]["source"] == "same_frame_of_reference"
