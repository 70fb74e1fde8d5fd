"""psma-planning regions: the contract's fields, thresholds by number and by rule, references, refusals."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.commands import regions
from PSMAPlanningLib.errors import OutputError, PlanningError, RuleError
from PSMAPlanningLib.imaging.image_file import read_image_file, sitk_image, write_image_file
from test_commands.command_call import call
from test_delineation.body_models import BLADDER, KIDNEYS, body_pet

GRID = centred_grid(70, (4, 4, 4))
CONTRACT = {
    *("id", "class", "reason", "volume_ml", "suv_max", "suv_peak", "suv_mean", "centroid", "peak"),
}


@pytest.fixture
def files(tmp_path):
    """A PET with a liver (SUV 5) and two nodes, and its organ labels."""
    pet = blurred_spheres(
        GRID, [((25, 0, 25), 60, 5), ((-40, 0, 0), 16, 15), ((-40, 0, -40), 12, 12)], background_suv=0.5
    )
    liver = ball(GRID, (25, 0, 25), 30)
    paths = {name: tmp_path / f"{name}.nrrd" for name in ("pet", "labels", "out")}
    write_image_file(pet, paths["pet"])
    sitk.WriteImage(sitk_image(liver.array.astype(np.uint8), GRID), str(paths["labels"]))
    paths["names"] = tmp_path / "names.json"
    paths["names"].write_text('{"1": "liver"}', encoding="utf-8")
    return paths


def with_anatomy(files):
    return (files["pet"], "--units", "SUVbw", "--anatomy", files["labels"], "--label-names", files["names"])


def test_contract_fields_and_classes(files):
    document, text = call(regions, *with_anatomy(files), "--out", files["out"])
    assert document["threshold_suv"] == 3
    assert [region["class"] for region in document["regions"]] == ["lesion", "lesion", "physiologic"]
    assert document["regions"][2]["reason"] == "organ:liver"
    for region in document["regions"]:
        assert set(region) >= CONTRACT
        assert region["suv_mean"] < region["suv_max"]
        assert region["suv_peak"] <= region["suv_max"]
    assert document["regions"][0]["centroid"] == pytest.approx([-40, 0, 0], abs=1)
    labels = read_image_file(files["out"]).array
    assert sorted(set(np.unique(labels))) == [0, 1, 2, 3]
    assert "R1" in text
    assert document["references"][0]["mean"] == pytest.approx(5, abs=0.1)
    assert document["smallest_detectable_mm"]["5"] > document["smallest_detectable_mm"]["20"]


def test_thresholds_by_rule(files):
    document, _ = call(regions, *with_anatomy(files), "--threshold", "liver_mean_percent")
    assert document["threshold_suv"] == pytest.approx(6.25, abs=0.15)
    given = ("--threshold", "percist", "--set", "liver_mean=4", "--set", "liver_sd=0.5")
    document, _ = call(regions, files["pet"], "--units", "SUVbw", *given)
    assert document["threshold_suv"] == pytest.approx(7)


def test_nothing_at_this_threshold_is_not_no_disease(files):
    document, _ = call(regions, files["pet"], "--units", "SUVbw", "--threshold", "500", "--out", files["out"])
    assert document["regions"] == []
    assert any("not mean no disease" in warning for warning in document["warnings"])
    assert not read_image_file(files["out"]).array.any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--threshold", "qpsma"), "needs the liver"),
        (("--threshold", "otsu"), "needs a lesion"),
        (("--threshold", "high"), "neither a number nor a rule"),
        (("--threshold", "-1"), "between"),
        (("--threshold", "nan"), "between"),
        (("--set", "liver_mean=4"), "no parameter"),
    ],
)
def test_refusals(files, arguments, words):
    with pytest.raises(RuleError, match=words):
        call(regions, files["pet"], "--units", "SUVbw", *arguments)


def test_output_is_never_overwritten_and_bad_images_are_refused(files, tmp_path):
    files["out"].write_bytes(b"mine")
    with pytest.raises(OutputError, match="--force"):
        call(regions, files["pet"], "--units", "SUVbw", "--out", files["out"])
    assert files["out"].read_bytes() == b"mine"
    for name, value in (("nan", np.nan), ("infinite", np.inf), ("zero", 0)):
        array = np.zeros((8, 8, 8), dtype=np.float32)
        array[4, 4, 4] = value
        path = tmp_path / f"{name}.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
        with pytest.raises(PlanningError):
            call(regions, path, "--units", "SUVbw")


def test_faint_foci_and_detectability_are_in_the_document(files):
    document, text = call(regions, *with_anatomy(files), "--faint", "3", "--fwhm-mm", "5")
    assert document["detectability"]["fwhm_mm"] == 5
    assert document["detectability"]["fwhm_source"] == "entered"
    assert set(document["detectability"]["smallest_mm"]) == {"5", "10", "20"}
    assert len(document["faint_foci"]["foci"]) <= 3
    assert "Smallest sphere" in text
    assert document["detection"]["method"] == "fixed_suv"
    with pytest.raises(RuleError, match="--fwhm-mm"):
        call(regions, files["pet"], "--units", "SUVbw", "--fwhm-mm", "400")


def test_a_sphere_placed_by_the_user_serves_where_no_mask_does(files):
    placed = ("--reference", "liver=25,0,25,12", "--threshold", "liver_mean_percent")
    document, text = call(regions, files["pet"], "--units", "SUVbw", *placed)
    assert document["references"][0]["source"] == "moved"
    assert document["references"][0]["radius_mm"] == 12
    assert document["detection"]["threshold_suv"] == pytest.approx(6.25, abs=0.15)
    assert "reference liver (moved)" in text
    with pytest.raises(RuleError, match="no reference region"):
        call(regions, files["pet"], "--units", "SUVbw", "--reference", "kidney=0,0,0")


def test_a_class_by_position_states_its_confidence(tmp_path):
    path = tmp_path / "pet.nrrd"
    write_image_file(body_pet(organs=[*KIDNEYS, BLADDER], spacing_mm=(5.0, 5.0, 5.0)), path)
    document, text = call(regions, path, "--units", "SUVbw", "--faint", "0")
    by_reason = {region["reason"]: region for region in document["regions"]}
    assert by_reason["position:urinary_bladder"]["class"] == "physiologic"
    assert by_reason["position:urinary_bladder"]["confidence"] == "high"
    assert "high confidence" in text
    assert any("No lesion found at this threshold" in warning for warning in document["warnings"])


def test_a_liver_that_excretes_the_tracer_and_an_image_edge_are_said(files, tmp_path):
    given = ("--threshold", "liver_mean_percent", "--tracer", "PSMA-1007")
    document, _ = call(regions, *with_anatomy(files), *given)
    assert any("excreted by the liver" in warning for warning in document["warnings"])
    document, _ = call(regions, *with_anatomy(files), "--tracer", "PSMA-1007")
    assert not any("excreted by the liver" in warning for warning in document["warnings"])
    path = tmp_path / "cut.nrrd"
    write_image_file(blurred_spheres(GRID, [((68, 0, 0), 20, 15)]), path)
    document, _ = call(regions, path, "--units", "SUVbw")
    assert "R1 touches the edge of the PET; volumes there are lower bounds." in document["warnings"]
