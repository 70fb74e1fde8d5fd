"""psma-planning suv: the contract's fields, the audit in words, refusals with status 2."""

import json

import numpy as np
import pytest
from PSMAPlanningLib.chain import CaseFiles, read_case
from PSMAPlanningLib.commandline import main
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file, write_image_file
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.settings import Settings

CONTRACT = {
    *("units_in", "quantity", "factor", "decay_correction", "injection_time", "reference_time"),
    *("half_life_s", "dose_bq", "weight_kg", "tracer", "uptake_time_min"),
    *("min", "mean", "max", "shape", "spacing_mm", "warnings"),
}


@pytest.fixture
def pet_file(tmp_path):
    array = np.random.default_rng(1).random((4, 5, 6)).astype(np.float32)
    path = tmp_path / "Grüße vom PET.nrrd"
    write_image_file(Image(array, VoxelGrid((4, 5, 6), (4, 4, 3)), Quantity.SUVBW), path)
    return path


def test_contract_fields(pet_file, capsys):
    assert main(["suv", str(pet_file), "--units", "SUVbw", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) >= CONTRACT
    assert document["factor"] == 1
    assert document["shape"] == [6, 5, 4]
    assert document["spacing_mm"] == [4, 4, 3]


def test_real_series(shared_data, capsys):
    assert main(["suv", str(shared_data("sts001_ge_wholebody_pet") / "dicom_pet"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["max"] == pytest.approx(66.52, abs=0.005)
    assert document["factor"] == pytest.approx(0.0002429029766148455, rel=1e-6)
    assert document["decay_correction"] == "START"


def test_units_are_never_guessed(pet_file, capsys):
    assert main(["suv", str(pet_file)]) == 2
    message = capsys.readouterr().err
    assert "--units" in message
    assert "Traceback" not in message


def test_every_missing_value_is_named_at_once(shared_data, capsys):
    assert main(["suv", str(shared_data("nema_iq_pet") / "dicom")]) == 2
    message = capsys.readouterr().err
    for option in ("--units", "--weight-kg", "--dose-bq", "--injection-time", "--half-life-s", "--decay"):
        assert option in message


def test_entered_values_are_recorded(shared_data, capsys):
    options = "--units Bq/ml --weight-kg 70 --dose-bq 2e8 --injection-time 10:00:00 --half-life-s 6586.2"
    options += " --decay START --reference-time 11:00:00 --tracer FDG --json"
    assert main(["suv", str(shared_data("nema_iq_pet") / "dicom"), *options.split()]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["weight_kg"] == 70
    assert document["factor"] == pytest.approx(70e3 / (2e8 * 2 ** (-3600 / 6586.2)), rel=1e-9)
    assert "entered" in document["sources"]["weight_kg"]


def test_the_audit_in_words(shared_data, capsys):
    folder = str(shared_data("sts001_ge_wholebody_pet") / "dicom_pet")
    assert main(["suv", folder]) == 0
    printed = capsys.readouterr()
    lines = {line[:24].strip(): line[24:] for line in printed.out.splitlines()}
    assert lines["Voxels in"] == "BQML   [header (0054,1001)]"
    assert lines["Half-life"] == "6588 s   [header (0018,1075)]"
    assert lines["Voxels"] == "128 x 128 x 267" and lines["Tracer known as"].startswith("[18F]FDG")
    assert "Body height" not in lines and "Still to be asked for" not in lines
    assert "not a PSMA ligand" in printed.err


def test_an_unknown_tracer_is_asked_for_and_not_refused(pet_file, capsys):
    assert main(["suv", str(pet_file), "--units", "SUVbw", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["missing"] == ["tracer", "uptake_time_min"] and document["tracer_facts"] is None
    assert main(["suv", str(pet_file), "--units", "SUVbw"]) == 0
    assert "tracer (--tracer), uptake_time_min (--injection-time or --uptake-min)" in capsys.readouterr().out
    options = ["--tracer", "PSMA-1007", "--uptake-min", "20", "--json"]
    assert main(["suv", str(pet_file), "--units", "SUVbw", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["missing"] == [] and document["tracer_facts"]["expression_reference"] == "spleen"
    assert any("20 min is outside" in warning for warning in document["warnings"])


def test_another_quantity_on_request(shared_data, capsys):
    folder = str(shared_data("sts001_ge_wholebody_pet") / "dicom_pet")
    assert main(["suv", folder, "--suv-type", "lbm_janma", "--sex", "M", "--height-m", "1.80", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    lean = 9270 * 71 / (6680 + 216 * 71 / 1.8**2)
    assert document["quantity"] == "SUVlbm(Janma)"
    assert document["max"] == pytest.approx(66.5215 * lean / 71, rel=1e-5)
    assert document["sources"]["height_m"] == document["sources"]["sex"] == "entered by the user"
    assert any("not SUVbw" in warning for warning in document["warnings"])


def test_output_file(pet_file, tmp_path, capsys):
    out = tmp_path / "suv.nii.gz"
    arguments = ["suv", str(pet_file), "--units", "SUVbw", "--out", str(out)]
    assert main(arguments) == 0
    assert np.array_equal(read_image_file(out).array, read_image_file(pet_file).array)
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0


def test_argument_errors_are_one_sentence(capsys):
    for arguments in ([], ["suv"], ["nonsense"], ["suv", "x", "--decay", "MAYBE"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_what_was_said_while_reading_is_never_lost(pet_file, monkeypatch, capsys):
    """Resampled slices are said of the series, entered values of the SUV; both must reach people."""
    from dataclasses import replace

    from PSMAPlanningLib import chain
    from PSMAPlanningLib.commands import suv
    from PSMAPlanningLib.imaging.read import read_pet

    def read_with_a_warning(*arguments, **options):
        return replace(read_pet(*arguments, **options), warnings=("Slices were resampled.",))

    monkeypatch.setattr(suv, "read_pet", read_with_a_warning)
    monkeypatch.setattr(chain, "read_pet", read_with_a_warning)
    assert main(["suv", str(pet_file), "--units", "SUVbw", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)["warnings"]
    state = read_case(CaseFiles(pet_file, units="SUVbw"), Settings(), Stage(no_progress))
    assert printed[0] == state.warnings[0] == "Slices were resampled."
    assert printed[1:] == list(read_pet(pet_file, units="SUVbw").suv.warnings)


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("psma-planning 0.")
