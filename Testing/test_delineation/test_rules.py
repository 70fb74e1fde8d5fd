"""Rules against the analytic blurred sphere: published table of volume errors, sampling, refusals."""

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.lesion_crop import lesion_crop
from PSMAPlanningLib.delineation.rules import RULES, checked_parameters, delineate
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings

DETECTION = DetectionSettings(threshold_suv=2.0)
CONTOURS = ContourSettings(fine_spacing_mm=0.34)
DIAMETERS_MM = (6, 8, 10, 13, 17, 22, 37)


def volume_of(diameter_mm):
    return np.pi * diameter_mm**3 / 6000


@pytest.fixture(scope="module")
def crops():
    """The reference table's lesions, S = 10, background 1, FWHM 6 mm, on voxels fine enough to be exact."""
    result = {}
    for diameter_mm in DIAMETERS_MM:
        # Linear interpolation rounds the top off a small sphere: finer voxels for those.
        spacing_mm = {6: 0.5, 8: 0.5, 10: 0.7}.get(diameter_mm, 1.0)
        grid = centred_grid(18 + diameter_mm / 2, (spacing_mm,) * 3)
        pet = blurred_spheres(grid, [((0, 0, 0), diameter_mm, 10)])
        regions = find_avid_regions(pet, DETECTION).regions
        result[diameter_mm] = lesion_crop(pet, regions, regions[0], CONTOURS)
    return result


@pytest.mark.parametrize(
    ("rule", "parameters", "errors_percent"),
    [
        ("fixed_suv", {"suv": 3}, (-62, 21, 47, 53, 50, 43, 29)),
        ("fixed_suv", {"suv": 4}, (-100, -53, -17, 4, 12, 15, 13)),
        ("percent_max", {"percent": 41}, (472, 115, 41, 13, 11, 12, 11)),
        ("percent_max", {"percent": 50}, (235, 40, -4, -18, -14, -7, 0)),
        ("background_percent", {"percent": 41, "background_suv": 1}, (123, 31, 0, -10, -6, 0, 4)),
        ("background_percent", {"percent": 50, "background_suv": 1}, (53, -9, -29, -33, -25, -16, -6)),
    ],
)
def test_published_volume_errors(crops, rule, parameters, errors_percent):
    for diameter_mm, error in zip(DIAMETERS_MM, errors_percent, strict=True):
        volume_ml = delineate(crops[diameter_mm], rule, parameters).mask.volume_ml
        assert 100 * (volume_ml / volume_of(diameter_mm) - 1) == pytest.approx(error, abs=2), diameter_mm


@pytest.mark.parametrize("diameter_mm", DIAMETERS_MM)
def test_local_background_is_found(crops, diameter_mm):
    assert crops[diameter_mm].background_suv == pytest.approx(1, abs=0.05)


def test_sampling_of_a_node_on_pet_voxels():
    """bg + 41 % of a 10 mm node on 4 mm voxels, upsampled: -3 +- 13 % over random offsets."""
    errors = []
    for offset in np.random.default_rng(0).uniform(-2, 2, (20, 3)):
        pet = blurred_spheres(centred_grid(34, (4, 4, 4)), [(tuple(offset), 10, 10)])
        regions = find_avid_regions(pet, DETECTION).regions
        crop = lesion_crop(pet, regions, regions[0], ContourSettings())
        volume_ml = delineate(crop, "background_percent", {"background_suv": 1}).mask.volume_ml
        errors.append(100 * (volume_ml / volume_of(10) - 1))
    assert np.mean(errors) == pytest.approx(-3, abs=3 * 13 / np.sqrt(20))
    assert np.std(errors) < 26


def test_contour_stays_off_the_neighbour():
    pet = blurred_spheres(centred_grid(50, (4, 4, 3)), [((0, -16, 0), 26, 30), ((0, 14, 0), 12, 16)])
    regions = find_avid_regions(pet, DetectionSettings()).regions
    assert len(regions) == 2
    node = delineate(lesion_crop(pet, regions, regions[1], ContourSettings()), "percent_max", {})
    bladder = ball(node.mask.grid, (0, -16, 0), 13)
    assert not np.any(node.mask.array & bladder.array)
    assert node.mask.volume_ml < 4 * volume_of(12)


def test_flags():
    pet = blurred_spheres(centred_grid(60, (4, 4, 3)), [((0, 0, 0), 12, 6)])
    regions = find_avid_regions(pet, DetectionSettings()).regions
    crop = lesion_crop(pet, regions, regions[0], ContourSettings())
    assert delineate(crop, "fixed_suv", {"suv": 900}).flags == ("empty",)
    assert delineate(crop, "fixed_suv", {"suv": 900}).mask.is_empty
    assert delineate(crop, "fixed_suv", {"suv": 0.5}).flags == ("leaks",)
    assert delineate(crop, "background_percent", {}).flags == ()


def test_no_background_where_everything_is_avid():
    pet = blurred_spheres(centred_grid(20, (4, 4, 4)), [((0, 0, 0), 20, 10)], background_suv=5)
    regions = find_avid_regions(pet, DetectionSettings()).regions
    crop = lesion_crop(pet, regions, regions[0], ContourSettings())
    assert crop.background_suv is None
    result = delineate(crop, "background_percent", {})
    assert result.flags == ("no_background",)
    assert result.threshold_suv is None
    assert result.mask.is_empty


def test_rules_describe_themselves():
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.formula
        assert rule.citation
        assert all(p.smallest <= p.default <= p.largest for p in rule.parameters)
        assert checked_parameters(name, {}) == {p.name: p.default for p in rule.parameters}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("fixed", {}, "no delineation rule 'fixed'"),
        ("fixed_suv", {"percent": 41}, "no parameter 'percent'"),
        ("percent_max", {"percent": 141}, "between"),
        ("percent_max", {"percent": float("nan")}, "between"),
    ],
)
def test_unknown_rules_and_parameters_are_refused(name, given, message):
    with pytest.raises(RuleError, match=message):
        checked_parameters(name, given)
