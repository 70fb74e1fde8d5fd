"""Odd images all the way through: regions, crop, every rule. A result with a flag, never a traceback."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.background import local_background_suv
from PSMAPlanningLib.delineation.lesion_crop import lesion_crop
from PSMAPlanningLib.delineation.rules import RULES, delineate
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings

GRID = centred_grid(32, (4, 4, 4))
SETTINGS = ContourSettings(fine_spacing_mm=2.0)
LIVER = {"liver_mean": 4.0, "liver_sd": 0.4, "liver_max": 5.0}


def every_rule(pet):
    """All contours of the hottest region by all rules, checked to be usable."""
    regions = find_avid_regions(pet, DetectionSettings()).regions
    crop = lesion_crop(pet, regions, regions[0], SETTINGS)
    assert np.isfinite(crop.suv).all()
    contours = {}
    for name, rule in RULES.items():
        known = {parameter.name for parameter in rule.measured}
        contour = delineate(crop, name, {key: value for key, value in LIVER.items() if key in known})
        assert contour.mask.voxels > 0 or contour.flags
        assert contour.threshold_suv is None or np.isfinite(contour.threshold_suv)
        contours[name] = contour
    return regions, crop, contours


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_beside_a_lesion(odd):
    plain = blurred_spheres(GRID, [((0, 0, 0), 16, 12)])
    array = plain.array.copy()
    array[3, 3, 3] = array[8, 8, 13] = odd
    pet = Image(array, GRID, Quantity.SUVBW)
    _, crop, contours = every_rule(pet)
    _, _, expected = every_rule(plain)
    assert "not_finite" in crop.flags
    assert crop.background_suv == pytest.approx(1.0, abs=0.02)
    for name, contour in contours.items():
        assert "not_finite" in contour.flags
        assert contour.mask.volume_ml == pytest.approx(expected[name].mask.volume_ml, rel=0.05)
        assert "not_finite" not in expected[name].flags


def test_no_number_anywhere_around():
    array = np.full(GRID.shape_kji, np.nan, dtype=np.float32)
    array[8, 8, 8] = 6
    pet = Image(array, GRID, Quantity.SUVBW)
    regions, crop, _ = every_rule(pet)
    assert local_background_suv(pet, regions, regions[0], SETTINGS) is None
    assert crop.background_suv is None


@pytest.mark.parametrize("around", [0.0, -3.0])
def test_a_single_hot_voxel_in_nothing(around):
    array = np.full(GRID.shape_kji, around, dtype=np.float32)
    array[8, 8, 8] = 9
    regions, crop, contours = every_rule(Image(array, GRID, Quantity.SUVBW))
    assert len(regions) == 1
    assert crop.background_suv == around
    assert contours["fixed_suv"].mask.voxels > 0


def test_a_lesion_in_the_corner_of_the_image():
    corner = GRID.position_of((-0.5, -0.5, -0.5))
    regions, _, contours = every_rule(blurred_spheres(GRID, [(corner, 20, 12)]))
    assert regions[0].flags == ("cut_by_field_of_view",)
    assert contours["background_percent"].mask.volume_ml == pytest.approx(np.pi * 20**3 / 6000 / 8, rel=0.35)


def test_an_image_of_one_voxel():
    pet = Image(np.full((1, 1, 1), 5, np.float32), VoxelGrid((1, 1, 1), (4, 4, 4)), Quantity.SUVBW)
    regions = find_avid_regions(pet, DetectionSettings()).regions
    assert len(regions) == 1
    assert lesion_crop(pet, regions, regions[0], SETTINGS).background_suv is None


def test_a_liver_full_of_metastases_is_contoured():
    random = np.random.default_rng(4)
    spheres = [(tuple(random.uniform(-18, 18, 3)), random.uniform(8, 16), 30.0) for _ in range(20)]
    regions, crop, contours = every_rule(blurred_spheres(GRID, [((0, 0, 0), 54, 6), *spheres]))
    assert len(regions) > 3
    inside = contours["percent_max"].mask.array
    assert inside[crop.peak_kji]
    assert not (inside & ~crop.territory).any()
