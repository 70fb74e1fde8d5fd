"""Faint foci below the threshold, and what a threshold cannot see, against the closed form."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.detectability import detectability, nothing_found_sentence, peak_suv
from PSMAPlanningLib.delineation.faint_foci import faint_foci
from PSMAPlanningLib.delineation.psf import PointSpread
from PSMAPlanningLib.delineation.seeded_regions import BELOW_THRESHOLD, region_at
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DetectionSettings
from test_delineation.body_models import body_pet

SIX_MM = PointSpread(6.0, "entered", "")
FAINT = ((-40.0, 20.0, 0.0), 6, 6)
HOT = ((40.0, -20.0, 10.0), 14, 20)


def with_noise(pet, seed=1, share=0.1):
    field = np.random.default_rng(seed).normal(size=pet.array.shape)
    return Image((pet.array + share * field).astype(np.float32), pet.grid, Quantity.SUVBW)


@pytest.fixture(scope="module")
def pet():
    return with_noise(blurred_spheres(centred_grid(80, (4, 4, 3)), [FAINT, HOT]))


def regions_of(pet):
    return find_avid_regions(pet, DetectionSettings()).regions


def test_the_faint_node_comes_first_and_the_avid_one_is_no_faint_focus(pet):
    regions = regions_of(pet)
    assert len(regions) == 1
    found = faint_foci(pet, regions, 3.0)
    assert found.foci[0].position_ras == pytest.approx(FAINT[0], abs=5)
    assert found.foci[0].background_suv == pytest.approx(1, abs=0.1)
    assert 1.8 < found.foci[0].suv_max < 3
    for focus in found.foci:
        assert np.linalg.norm(np.subtract(focus.position_ras, HOT[0])) > 10
        assert focus.suv_max < 3
        assert focus.spreads >= 4


def test_a_click_on_a_focus_makes_it_a_region(pet):
    regions = regions_of(pet)
    focus = faint_foci(pet, regions, 3.0).foci[0]
    region = region_at(pet, regions, focus.position_ras)
    assert BELOW_THRESHOLD in region.flags
    assert region.suv_max == pytest.approx(focus.suv_max)


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_is_seldom_a_focus(seed):
    pet = with_noise(blurred_spheres(centred_grid(80, (4, 4, 3)), []), seed)
    assert len(faint_foci(pet, (), 3.0).foci) == 0


def test_the_list_is_limited_and_says_so():
    spheres = [((x, y, 0.0), 6, 7) for x in (-60.0, -20.0, 20.0, 60.0) for y in (-60.0, -20.0, 20.0, 60.0)]
    pet = with_noise(blurred_spheres(centred_grid(85, (4, 4, 3)), spheres), share=0.05)
    found = faint_foci(pet, regions_of(pet), 3.0, limit=5)
    assert len(found.foci) == 5
    assert found.left_out >= 11
    spreads = [focus.spreads for focus in found.foci]
    assert spreads == sorted(spreads, reverse=True)
    assert found.to_document()["left_out"] == found.left_out
    with pytest.raises(RuleError, match="at least one"):
        faint_foci(pet, (), 3.0, limit=0)


def test_a_whole_body_and_an_image_without_uptake():
    pet = body_pet(organs=[((40.0, 20.0, 300.0), 7, 7.0)], noise=0.03)
    found = faint_foci(pet, regions_of(pet), 3.0)
    assert found.foci[0].position_ras == pytest.approx((40, 20, 300), abs=5)
    nothing = blurred_spheres(centred_grid(40, (4, 4, 4)), [], background_suv=0.0)
    assert faint_foci(nothing, (), 3.0).foci == ()


def test_cancelling():
    class Stopped(Exception):
        pass

    def stop():
        raise Stopped

    with pytest.raises(Stopped):
        faint_foci(blurred_spheres(centred_grid(40, (4, 4, 4)), [FAINT]), (), 3.0, go_on=stop)


@pytest.mark.parametrize(("uptake_suv", "expected"), [(10, 3.62), (5, 2.16)])
def test_peak_of_a_small_node_as_published(uptake_suv, expected):
    """Specification: a 6 mm node of true SUV 10 peaks at 3.6, of SUV 5 at 2.2, at 6 mm FWHM."""
    assert peak_suv(6, uptake_suv, 6, background_suv=1) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("background_suv", [0.0, 0.5, 1.0])
def test_the_smallest_detectable_sphere_peaks_at_the_threshold(background_suv):
    seen = detectability(3.0, SIX_MM, background_suv)
    assert [suv for suv, _ in seen.smallest_mm] == [5, 10, 20]
    for suv, size in seen.smallest_mm:
        assert peak_suv(size, suv, 6, background_suv) == pytest.approx(3, abs=1e-3)
    sizes = [size for _, size in seen.smallest_mm]
    assert sizes == sorted(sizes, reverse=True)
    assert "SUV 10" in seen.sentence()


def test_an_uptake_below_the_threshold_is_never_seen():
    seen = detectability(6.0, SIX_MM)
    assert dict(seen.smallest_mm)[5] is None
    assert "SUV 5: none" in seen.sentence()
    assert seen.to_document()["smallest_mm"]["5"] is None
    with pytest.raises(RuleError, match="background"):
        detectability(3.0, SIX_MM, 3.5)


def test_never_no_disease():
    assert "at this threshold" in nothing_found_sentence(3.0)
    assert "does not mean no disease" in nothing_found_sentence(3.0)
