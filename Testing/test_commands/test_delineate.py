"""psma-planning delineate: the contract's fields, seeds, limits, liver from anatomy, label map, refusals."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.commands import delineate
from PSMAPlanningLib.delineation.rules import RULES
from PSMAPlanningLib.errors import PlanningError, RuleError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file, sitk_image, write_image_file
from test_commands.command_call import call
from test_delineation.body_models import BLADDER, KIDNEYS, body_pet

GRID = centred_grid(70, (4, 4, 4))
CONTRACT = {
    *("id", "threshold_suv", "volume_ml", "volume_interval_ml", "suv_max", "suv_peak", "suv_mean", "tlu"),
    *("centroid", "below_resolution"),
}
UNITS = ("--units", "SUVbw")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A PET with a liver (SUV 5), two nodes and a faint third one, its organ labels, a label of one node."""
    folder = tmp_path_factory.mktemp("Knoten Ä")
    spheres = [((25, 0, 25), 60, 5), ((-40, 0, 0), 16, 15), ((-40, 0, -40), 12, 12), ((30, 0, -40), 6, 7)]
    paths = {name: folder / f"{name}.nrrd" for name in ("pet", "labels", "node")}
    write_image_file(blurred_spheres(GRID, spheres, background_suv=0.5), paths["pet"])
    liver = ball(GRID, (25, 0, 25), 30).array.astype(np.uint8)
    sitk.WriteImage(sitk_image(liver, GRID), str(paths["labels"]))
    fine = centred_grid(70, (2, 2, 2))
    write_image_file(ball(fine, (-40, 0, 0), 8), paths["node"])
    paths["names"] = folder / "names.json"
    paths["names"].write_text('{"1": "liver"}', encoding="utf-8")
    return paths


def with_anatomy(files):
    return (files["pet"], *UNITS, "--anatomy", files["labels"], "--label-names", files["names"])


def test_contract_fields(files):
    document, text = call(delineate, *with_anatomy(files), "--rule", "background_percent")
    assert document["rule"] == "background_percent"
    assert [lesion["id"] for lesion in document["lesions"]] == ["L1", "L2"]
    first, second = document["lesions"]
    assert set(first) >= CONTRACT
    assert first["volume_ml"] == pytest.approx(np.pi * 16**3 / 6000, rel=0.2)
    assert first["volume_interval_ml"][0] < first["volume_ml"] < first["volume_interval_ml"][1]
    assert first["tlu"] == pytest.approx(first["volume_ml"] * first["suv_mean"])
    assert second["volume_ml"] < first["volume_ml"]
    assert document["point_spread"]["source"] == "default"
    assert "NOT VERIFIED" in text


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_by_its_name(files, rule):
    """The liver's numbers come from the anatomy; every rule gives a contour or says why not."""
    document, _ = call(delineate, *with_anatomy(files), "--rule", rule, "--seed=-40,0,0")
    (lesion,) = document["lesions"]
    assert lesion["volume_ml"] > 0.3 or lesion["flags"]
    if any(parameter.name == "liver_mean" for parameter in RULES[rule].measured):
        assert document["references"][-1]["name"] == "liver"


def test_label_map_lies_where_the_lesions_are(files, tmp_path):
    out = tmp_path / "contours.nii.gz"
    document, _ = call(delineate, *with_anatomy(files), "--rule", "percent_max", "--out", out)
    image = read_image_file(out)
    for lesion in document["lesions"]:
        inside = image.array == lesion["label"]
        volume_ml = inside.sum() * image.grid.voxel_volume_ml
        assert volume_ml == pytest.approx(lesion["volume_ml"], rel=1e-3)
        centroid = image.grid.ras_of(np.argwhere(inside)).mean(axis=0)
        assert np.allclose(centroid, lesion["centroid"], atol=0.01)


def test_seeds(files):
    """In a lesion, again in it, on a focus below the threshold, in the liver."""
    seeds = ("--seed=-40,0,0", "--seed=-39,2,1", "--seed=29,1,-41", "--seed=25,0,25")
    document, _ = call(delineate, *with_anatomy(files), "--rule", "background_percent", *seeds)
    assert len(document["lesions"]) == 3
    faint = document["lesions"][1]
    assert "below_threshold" in faint["flags"]
    assert faint["below_resolution"] is True
    assert faint["centroid"] == pytest.approx([30, 0, -40], abs=2)
    words = " ".join(document["warnings"])
    assert "same lesion" in words
    assert "below the threshold" in words
    assert "physiologic" in words


def test_contours_stay_within_the_labels(files):
    given = (files["pet"], *UNITS, "--rule", "percent_max", "--set", "percent=10")
    free, _ = call(delineate, *given, "--seed=-40,0,0")
    kept, _ = call(delineate, *given, "--within", files["node"])
    (lesion,) = kept["lesions"]
    assert lesion["volume_ml"] < free["lesions"][0]["volume_ml"]
    assert lesion["volume_ml"] == pytest.approx(np.pi * 16**3 / 6000, rel=0.25)


def test_parameters_are_used_and_recorded(files):
    given = ("--rule", "recovery", "--fwhm-mm", "5", "--set", "background_suv=0.5", "--seed=-40,0,0")
    document, _ = call(delineate, files["pet"], *UNITS, *given)
    assert document["parameters"] == {"fwhm_mm": 5, "background_suv": 0.5}
    assert document["point_spread"]["source"] == "entered"
    assert document["lesions"][0]["details"]["diameter_mm"] == pytest.approx(16, abs=1.5)


def test_no_lesion_and_empty_contour_are_results(files, tmp_path):
    out = tmp_path / "empty.nrrd"
    given = (files["pet"], *UNITS, "--rule", "percent_max", "--threshold", "900", "--out", out)
    document, _ = call(delineate, *given)
    assert document["lesions"] == []
    assert any("not mean no disease" in warning for warning in document["warnings"])
    assert not read_image_file(out).array.any()
    high = ("--rule", "fixed_suv", "--set", "suv=900", "--seed=-40,0,0")
    document, _ = call(delineate, files["pet"], *UNITS, *high)
    assert document["lesions"][0]["volume_ml"] == 0
    assert document["lesions"][0]["volume_interval_ml"] is None
    assert any("no contour" in warning for warning in document["warnings"])


def test_single_hot_voxel_and_lesion_at_the_edge(tmp_path):
    grid = centred_grid(30, (4, 4, 4))
    array = np.full(grid.shape_kji, -0.1, dtype=np.float32)
    array[7, 7, 7] = 9
    array[0:2, 2:4, 2:4] = 12
    path = tmp_path / "odd.nrrd"
    write_image_file(Image(array, grid, Quantity.SUVBW), path)
    document, _ = call(delineate, path, *UNITS, "--rule", "background_percent")
    edge, single = document["lesions"]
    assert "cut_by_field_of_view" in edge["flags"]
    assert single["below_resolution"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rule", "nonsense"), "no delineation rule"),
        (("--rule", "qpsma"), "needs the liver"),
        (("--rule", "percent_max", "--set", "suv=3"), "no parameter"),
        (("--rule", "percent_max", "--set", "percent=300"), "between"),
        (("--rule", "percent_max", "--set", "percent=41", "--set", "percent=50"), "twice"),
        (("--rule", "percent_max", "--seed=999,0,0"), "outside the PET"),
        (("--rule", "recovery", "--fwhm-mm", "0"), "fwhm"),
        (("--rule", "percent_max", "--threshold", "nan"), "threshold_suv"),
        (("--rule", "percent_max", "--out", "contours.txt"), "must end in"),
    ],
)
def test_refusals(files, arguments, words):
    with pytest.raises(PlanningError, match=words):
        call(delineate, files["pet"], *UNITS, *arguments)


@pytest.mark.parametrize(
    "wrong", ["--seed=1,2", "--seed=a,b,c", "--seed=1,2,nan", "--set=percent", "--set=percent=x"]
)
def test_argument_errors(files, wrong):
    with pytest.raises(SystemExit):
        call(delineate, files["pet"], *UNITS, "--rule", "percent_max", wrong)


def test_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(PlanningError, match="does not exist"):
        call(delineate, tmp_path / "none.nrrd", *UNITS, "--rule", "percent_max")
    with pytest.raises(RuleError):
        call(delineate, tmp_path / "none.nrrd", *UNITS, "--rule", "nonsense")


def test_a_liver_rule_without_masks_rests_on_a_proposed_sphere_and_says_so(tmp_path):
    path = tmp_path / "pet.nrrd"
    liver = ((96.0, 50.0, 430.0), (100, 110, 110), 6.0)
    node = ((-40.0, 20.0, 250.0), 12, 15.0)
    write_image_file(body_pet((*KIDNEYS, liver, BLADDER, node), noise=0.03), path)
    document, _ = call(
        delineate,
        path,
        "--units",
        "SUVbw",
        "--rule",
        "liver_max",
        "--tracer",
        "PSMA-1007",
        "--seed=-40,20,250",
    )
    assert [region["source"] for region in document["references"]] == ["proposed"]
    assert document["lesions"][0]["threshold_suv"] == pytest.approx(document["references"][0]["max"])
    assert any("the sphere is proposed" in warning for warning in document["warnings"])
    assert any("excreted by the liver" in warning for warning in document["warnings"])
