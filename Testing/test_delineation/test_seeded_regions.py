"""A click means the region it lies in, else the focus beside it, however faint."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.seeded_regions import BELOW_THRESHOLD, region_at, with_focus
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DetectionSettings

PET = blurred_spheres(centred_grid(50, (4, 4, 3)), [((-25, 0, 0), 14, 12), ((25, 0, 0), 6, 6)])
REGIONS = find_avid_regions(PET, DetectionSettings()).regions


def test_seed_in_and_beside_a_region():
    assert len(REGIONS) == 1
    assert region_at(PET, REGIONS, (-25, 0, 0)) is REGIONS[0]
    assert region_at(PET, REGIONS, (-25, 10, 0)) is REGIONS[0]
    assert with_focus(REGIONS, REGIONS[0]) is REGIONS


def test_faint_focus_is_added():
    focus = region_at(PET, REGIONS, (22, 3, 0))
    assert focus.flags == (BELOW_THRESHOLD,)
    assert np.linalg.norm(np.subtract(focus.peak_ras, (25, 0, 0))) < 5
    assert 1 < focus.suv_max < 3
    both = with_focus(REGIONS, focus)
    assert [region.id for region in both] == ["R1", "R2"]


def test_refusals():
    with pytest.raises(RuleError, match="outside the PET"):
        region_at(PET, REGIONS, (500, 0, 0))
    flat = blurred_spheres(centred_grid(30, (4, 4, 4)), [((0, 0, 0), 10, 1)])
    with pytest.raises(RuleError, match="Nothing stands out"):
        region_at(flat, (), (0, 0, 0))


def test_two_seeds_in_one_lesion_mean_one_region():
    assert region_at(PET, REGIONS, (-24, 1, 0)) is region_at(PET, REGIONS, (-27, -2, 1))
    once = with_focus(REGIONS, region_at(PET, REGIONS, (22, 3, 0)))
    again = region_at(PET, once, (27, -2, 0))
    assert again is once[1]
    assert with_focus(once, again) is once


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_passed_over(odd):
    array = PET.array.copy()
    near = np.rint(PET.grid.kji_of(np.array([22.0, 4.0, 3.0]))).astype(int)
    array[tuple(near)] = odd
    pet = Image(array, PET.grid, Quantity.SUVBW)
    focus, plain = region_at(pet, REGIONS, (22, 3, 0)), region_at(PET, REGIONS, (22, 3, 0))
    assert (focus.suv_max, focus.peak_ras) == (plain.suv_max, plain.peak_ras)
    assert plain.mask.voxels - 1 <= focus.mask.voxels <= plain.mask.voxels
    with pytest.raises(RuleError, match="Nothing stands out"):
        region_at(Image(np.full_like(array, odd), PET.grid, Quantity.SUVBW), (), (0, 0, 0))


@pytest.mark.parametrize("seed", [(np.nan, 0, 0), (0, np.inf, 0), (1e30, 0, 0)])
def test_a_seed_that_is_nowhere(seed):
    with pytest.raises(RuleError, match="outside the PET"):
        region_at(PET, REGIONS, seed)
