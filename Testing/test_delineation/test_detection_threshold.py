"""Detection thresholds by their formulae, what they are taken from, and refusals by name."""

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.bone_mask import bone_mask, is_bone_name
from PSMAPlanningLib.delineation.detection_threshold import detect_regions, detection_threshold
from PSMAPlanningLib.delineation.reference_proposals import reference_regions
from PSMAPlanningLib.delineation.reference_regions import ReferenceRegion, reference_from_sphere
from PSMAPlanningLib.errors import RuleError, SettingsError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DETECTION_METHODS, DetectionSettings
from test_delineation.body_models import BLADDER, KIDNEYS, LIVER, SPLEEN, body_pet

GRID = centred_grid(70, (4, 4, 4))
LIVER_BALL, BONE_BALL = ball(GRID, (30, 0, 30), 30), ball(GRID, (-40, 0, -40), 22)
SOFT_NODE, BONE_FOCUS = ((-40.0, 0.0, 40.0), 16, 4.5), ((-40.0, 0.0, -40.0), 16, 4.5)
ENTERED = {
    "liver_mean": 5.0,
    "liver_sd": 0.75,
    "liver_max": 7.0,
    "blood_pool_mean": 1.5,
    "blood_pool_sd": 0.2,
}


def region(name, mean, sd, maximum=9.0):
    return ReferenceRegion(name, mean, sd, maximum, 100, 10.0, "mask")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("fixed_suv", 3.0),
        ("liver_mean_percent", 6.25),
        ("liver_max", 7.0),
        ("blood_pool", 3.4),
        ("percist", 9.0),
        ("qpsma", 4.30 * 1.15),
    ],
)
def test_formulae(method, expected):
    references = {"liver": region("liver", 5.0, 0.75, 7.0), "blood_pool": region("blood_pool", 1.5, 0.2)}
    threshold = detection_threshold(method, 3.0, references, has_bone=True)
    assert threshold.threshold_suv == pytest.approx(expected)
    assert threshold.bone_threshold_suv == (3.0 if method == "qpsma" else None)
    assert threshold.lowest_suv == pytest.approx(3.0 if method == "qpsma" else expected)
    entered = {k: v for k, v in ENTERED.items() if method == "blood_pool" or "liver" in k}
    if method != "fixed_suv":
        assert detection_threshold(method, 3.0, {}, True, entered).threshold_suv == pytest.approx(expected)


def test_percist_without_a_liver_takes_the_blood_pool():
    threshold = detection_threshold("percist", 3.0, {"blood_pool": region("blood_pool", 1.5, 0.2)}, False)
    assert threshold.threshold_suv == pytest.approx(3.4)
    assert [r.name for r in threshold.references] == ["blood_pool"]


@pytest.mark.parametrize(
    ("method", "references", "has_bone", "words"),
    [
        ("percist", {}, False, "needs the liver or blood pool"),
        ("qpsma", {}, True, "needs the liver"),
        ("blood_pool", {}, False, "needs the blood pool"),
        ("qpsma", {"liver": region("liver", 5.0, 0.75)}, False, "give the CT or bone masks"),
        ("otsu", {}, False, "no detection threshold"),
    ],
)
def test_what_is_missing_is_asked_for_by_name(method, references, has_bone, words):
    with pytest.raises(RuleError, match=words):
        detection_threshold(method, 3.0, references, has_bone)


def test_settings_know_the_methods():
    assert DetectionSettings().method == "fixed_suv"
    assert {"percist", "qpsma"} <= set(DETECTION_METHODS)
    with pytest.raises(SettingsError, match=r"detection\.method"):
        DetectionSettings(method="otsu")


@pytest.fixture(scope="module")
def pet():
    noise = np.random.default_rng(0).normal(0, 0.3, GRID.shape_kji)
    clean = blurred_spheres(GRID, [((30, 0, 30), 60, 5), SOFT_NODE, BONE_FOCUS], background_suv=0.5)
    return Image((clean.array + noise).astype(np.float32), GRID, Quantity.SUVBW)


def near(regions, place):
    return [r for r in regions if np.linalg.norm(np.subtract(r.peak_ras, place[0])) < 8]


def test_qpsma_has_a_lower_threshold_in_bone(pet):
    anatomy = {"liver": LIVER_BALL, "hip_left": BONE_BALL}
    found = detect_regions(pet, DetectionSettings(method="qpsma"), anatomy)
    assert found.threshold.threshold_suv == pytest.approx(4.3 * 1.06, abs=0.1)
    assert found.settings.threshold_suv == 3.0
    assert near(found.avid.regions, BONE_FOCUS)
    assert not near(found.avid.regions, SOFT_NODE)
    low = detect_regions(pet, DetectionSettings(), anatomy)
    assert near(low.avid.regions, SOFT_NODE)
    with pytest.raises(RuleError, match="bone masks"):
        detect_regions(pet, DetectionSettings(method="qpsma"), {"liver": LIVER_BALL})


def test_bone_from_masks_and_from_a_ct(pet):
    assert is_bone_name("vertebrae_L5") and is_bone_name("hip_left") and not is_bone_name("liver")
    assert bone_mask(pet, {"liver": LIVER_BALL}, None) is None
    of_mask = bone_mask(pet, {"hip_left": BONE_BALL}, None)
    assert np.array_equal(of_mask.array, BONE_BALL.array)
    hu = np.where(BONE_BALL.array, 400, 40).astype(np.float32)
    hu[ball(GRID, (-40, 0, -40), 10).array] = 60
    hu[5, 5, 5] = 900
    of_ct = bone_mask(pet, {}, Image(hu, GRID, Quantity.HOUNSFIELD))
    assert of_ct.array[BONE_BALL.array].mean() > 0.95
    assert not of_ct.array[5, 5, 5]


def test_the_liver_from_its_mask_a_placed_sphere_or_a_proposal(pet):
    by_mask = detect_regions(pet, DetectionSettings(method="liver_mean_percent"), {"liver": LIVER_BALL})
    assert by_mask.threshold.threshold_suv == pytest.approx(6.25, abs=0.2)
    placed = {"liver": ((30.0, 0.0, 30.0), 15.0)}
    by_sphere = detect_regions(pet, DetectionSettings(method="liver_mean_percent"), {}, placed=placed)
    assert by_sphere.threshold.references[0].source == "moved"
    assert by_sphere.threshold.threshold_suv == pytest.approx(6.25, abs=0.2)
    with pytest.raises(RuleError, match="--reference liver=R,A,S"):
        detect_regions(pet, DetectionSettings(method="liver_mean_percent"), {})
    whole = body_pet(organs=[*KIDNEYS, BLADDER, LIVER, SPLEEN], noise=0.1)
    proposed = detect_regions(whole, DetectionSettings(method="liver_mean_percent"), {})
    assert proposed.threshold.references[0].source == "proposed"
    assert proposed.threshold.threshold_suv == pytest.approx(7.5, abs=0.3)


def test_references_are_proposed_inside_their_organs_and_can_be_stored():
    whole = body_pet(organs=[*KIDNEYS, BLADDER, LIVER, SPLEEN], noise=0.1)
    found = reference_regions(whole, {})
    for name, (centre, size, suv) in (("liver", LIVER), ("spleen", SPLEEN)):
        offset = (np.array(found[name].centre_ras) - centre) / (np.array(size) / 2)
        assert np.linalg.norm(offset) < 0.8
        assert found[name].mean == pytest.approx(suv, rel=0.1)
        assert any("proposed" in warning for warning in found[name].warnings)
        assert ReferenceRegion.from_document(found[name].to_document()) == found[name]
    moved = reference_regions(whole, {}, placed={"liver": (LIVER[0], 12.0)})["liver"]
    assert (moved.source, moved.radius_mm) == ("moved", 12.0)
    assert moved == reference_from_sphere(whole, "liver", LIVER[0], 12.0)
    with pytest.raises(RuleError, match="measure it again"):
        ReferenceRegion.from_document({**moved.to_document(), "source": "guessed"})
    with pytest.raises(RuleError, match="measure it again"):
        ReferenceRegion.from_document({"name": "liver"})


def test_lesion_like_uptake_in_a_proposed_sphere_is_said():
    focus = (LIVER[0], 14, 25.0)
    found = reference_regions(body_pet(organs=[LIVER, focus]), {}, placed={"liver": (LIVER[0], 15.0)})
    assert any("lesion-like" in w or "uneven" in w for w in found["liver"].warnings)
