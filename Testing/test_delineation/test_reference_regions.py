"""Reference regions: numbers of known organs, distance from the wall, lesion-like uptake, refusals."""

import numpy as np
import pytest
from phantoms import ball, centred_grid, points_of
from PSMAPlanningLib.delineation.reference_regions import (
    REFERENCE_KINDS,
    proposed_sphere,
    reference_from_mask,
    reference_from_sphere,
    reference_numbers,
)
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity

GRID = centred_grid(70, (4, 4, 3))
LIVER = ball(GRID, (0, 0, 0), 50)


def pet_with(lesions=(), noise=0.5, liver_suv=5.0, seed=0):
    suv = np.where(LIVER.array, liver_suv, 1.0)
    suv = suv + np.random.default_rng(seed).normal(0, noise, GRID.shape_kji)
    for centre, radius_mm, value in lesions:
        suv[ball(GRID, centre, radius_mm).array] = value
    return Image(suv.astype(np.float32), GRID, Quantity.SUVBW)


def test_numbers_of_a_liver():
    region = reference_from_mask(pet_with(), "liver", {"liver": LIVER})
    assert region.mean == pytest.approx(5, abs=0.02)
    assert region.sd == pytest.approx(0.5, abs=0.02)
    assert region.cov == pytest.approx(0.1, abs=0.005)
    assert region.volume_ml == pytest.approx(4 / 3 * np.pi * 40**3 / 1000, rel=0.1)
    assert region.warnings == ()
    assert reference_numbers({"liver": region}) == {
        "liver_mean": region.mean,
        "liver_sd": region.sd,
        "liver_max": region.maximum,
    }


def test_sphere_of_percist():
    region = reference_from_sphere(pet_with(), "liver", (5, 5, 5))
    assert region.radius_mm == 15
    assert region.volume_ml == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.05)
    assert region.mean == pytest.approx(5, abs=0.1)
    assert region.source == "moved"


def test_wall_is_left_out():
    blurred = pet_with(noise=0)
    distance_mm = np.linalg.norm(points_of(GRID), axis=-1)
    soft = (1 + 4 / (1 + np.exp((distance_mm - 50) / 2))).astype(np.float32)
    region = reference_from_mask(Image(soft, GRID, Quantity.SUVBW), "liver", LIVER)
    assert region.mean == pytest.approx(5, abs=0.05)
    assert blurred.array.max() == 5


def test_finer_mask_on_another_grid_and_pairs_of_organs():
    fine = centred_grid(70, (2, 2, 2))
    parotids = {
        "parotid_gland_left": ball(fine, (-40, 0, 0), 12).cropped(),
        "parotid_gland_right": ball(fine, (40, 0, 0), 12).cropped(),
    }
    region = reference_from_mask(pet_with(noise=0.1), "parotid", parotids)
    assert region.mean == pytest.approx(5, abs=0.1)
    assert 5 < region.volume_ml < 2 * 7.3


def test_lesion_like_uptake_is_said():
    one = reference_from_mask(pet_with([((10, 10, 10), 8, 15)]), "liver", LIVER)
    assert any("lesion-like" in warning for warning in one.warnings)
    many = [((x, y, z), 9, 18) for x in (-20, 0, 20) for y in (-20, 0, 20) for z in (-20, 0, 20)]
    full = reference_from_mask(pet_with(many), "liver", LIVER)
    assert any("COV" in warning for warning in full.warnings)


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_lesion(seed):
    assert reference_from_mask(pet_with(noise=0.8, seed=seed), "liver", LIVER).warnings == ()


def test_proposed_sphere_lies_in_the_right_half_of_the_liver():
    centre, radius_mm = proposed_sphere(pet_with(), "liver", LIVER)
    assert centre[0] >= 0
    assert np.linalg.norm(centre) + radius_mm <= 52
    assert reference_from_sphere(pet_with(), "liver", centre, radius_mm).mean == pytest.approx(5, abs=0.1)


def test_refusals():
    pet = pet_with()
    far = Mask(np.ones((3, 3, 3), dtype=bool), VoxelGrid((3, 3, 3), (4, 4, 4), (900, 0, 0)))
    for call, words in (
        (lambda: reference_from_mask(pet, "liver", {}), "no mask for the liver"),
        (lambda: reference_from_mask(pet, "kidney", LIVER), "no reference region"),
        (lambda: reference_from_mask(pet, "liver", far), "outside the PET"),
        (lambda: reference_from_sphere(pet, "liver", (900, 0, 0)), "outside the PET"),
        (lambda: reference_from_sphere(pet, "liver", (0, 0, 0), -1), "radius"),
    ):
        with pytest.raises(RuleError, match=words):
            call()


def test_zero_uptake_and_tiny_regions_are_warned_of():
    nothing = Image(np.zeros(GRID.shape_kji, dtype=np.float32), GRID, Quantity.SUVBW)
    region = reference_from_mask(nothing, "liver", LIVER)
    assert region.cov is None
    assert any("not above zero" in warning for warning in region.warnings)
    tiny = reference_from_sphere(pet_with(), "blood_pool", tuple(GRID.ras_of([20, 17, 17])), 2)
    assert any("voxels" in warning for warning in tiny.warnings)
    assert set(REFERENCE_KINDS) == {"liver", "blood_pool", "parotid", "spleen", "gluteus"}
