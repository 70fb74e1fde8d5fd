"""What is known about a contour: interval, below resolution, equivalent threshold, leak."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.delineation.avid_regions import find_avid_regions
from PSMAPlanningLib.delineation.contour_facts import contour_facts
from PSMAPlanningLib.delineation.lesion_crop import lesion_crop
from PSMAPlanningLib.delineation.psf import PointSpread
from PSMAPlanningLib.delineation.rules import delineate
from PSMAPlanningLib.errors import RuleError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.settings import ContourSettings, DetectionSettings

SIX_MM = PointSpread(6.0, "entered", "test")


def lesion(diameter_mm, suv=10, spacing_mm=2.0, threshold=1.5):
    pet = blurred_spheres(
        centred_grid(30 + diameter_mm / 2, (spacing_mm,) * 3), [((0, 0, 0), diameter_mm, suv)]
    )
    regions = find_avid_regions(pet, DetectionSettings(threshold_suv=threshold)).regions
    return pet, lesion_crop(pet, regions, regions[0], ContourSettings())


def facts_of(diameter_mm, rule="percent_max", given=None, **options):
    pet, crop = lesion(diameter_mm, **options)
    contour = delineate(crop, rule, given or {})
    return contour, contour_facts(contour.mask, crop, pet, SIX_MM, background_suv=1)


def test_uptake_and_volume():
    contour, facts = facts_of(22, "background_percent")
    assert facts.volume_ml == contour.mask.volume_ml
    assert facts.suv_max == pytest.approx(10, abs=0.05)
    assert facts.suv_mean < facts.suv_peak.suv < facts.suv_max
    assert facts.tlu == pytest.approx(facts.suv_mean * facts.volume_ml)
    assert facts.diameter_mm == pytest.approx(22, abs=0.5)
    assert facts.flags == ()


@pytest.mark.parametrize(("diameter_mm", "below"), [(5, True), (8, True), (10, False), (22, False)])
def test_below_resolution_is_told_from_the_recovered_diameter(diameter_mm, below):
    """A 41 % contour of a 5 mm node is far wider than the limit of 9 mm and is flagged all the same."""
    _, facts = facts_of(diameter_mm)
    assert facts.below_resolution is below
    assert facts.resolution_source == "recovery"
    if diameter_mm > 5:
        assert facts.resolution_diameter_mm == pytest.approx(diameter_mm, abs=0.8)
    assert ("below_resolution" in facts.flags) is below
    if diameter_mm == 5:
        assert facts.diameter_mm > 9


def test_smallest_contour_decides_without_background():
    pet, crop = lesion(8)
    object.__setattr__(crop, "background_suv", None)
    contour = delineate(crop, "percent_max", {"percent": 30}).mask
    assert contour_facts(contour, crop, pet, SIX_MM).below_resolution is False
    small = delineate(crop, "percent_max", {"percent": 60}).mask
    facts = contour_facts(contour, crop, pet, SIX_MM, others=(small,))
    assert facts.resolution_source == "smallest"
    assert facts.below_resolution is True


def test_interval_holds_the_volume_and_repeatability_is_its_floor():
    for diameter_mm in (8, 10, 22):
        _, facts = facts_of(diameter_mm)
        assert facts.interval.low_ml <= facts.volume_ml * (1 - 0.77 / np.sqrt(2)) + 1e-9
        assert facts.interval.high_ml >= facts.volume_ml * (1 + 0.77 / np.sqrt(2)) - 1e-9
        assert set(facts.interval.by_cause) == {"threshold", "psf", "repeatability"}
        assert all(low <= facts.volume_ml <= high for low, high in facts.interval.by_cause.values())


def test_interval_by_cause_against_the_reference():
    """FWHM wrong by 1 mm: +12 and -25 % at 10 mm; threshold: the volumes of thresholds 10 % off."""
    _, facts = facts_of(10, "recovery", {"background_suv": 1}, spacing_mm=0.6)
    low, high = facts.interval.by_cause["psf"]
    assert 100 * (low / facts.volume_ml - 1) == pytest.approx(-25, abs=4)
    assert 100 * (high / facts.volume_ml - 1) == pytest.approx(12, abs=4)
    contour, facts = facts_of(17, "fixed_suv", {"suv": 4})
    low, high = facts.interval.by_cause["threshold"]
    for threshold, bound in ((4.4, low), (3.6, high)):
        other, _ = facts_of(17, "fixed_suv", {"suv": threshold})
        assert bound == pytest.approx(other.mask.volume_ml, rel=0.01)
    assert contour.mask.volume_ml == facts.volume_ml


def test_equivalent_threshold():
    contour, facts = facts_of(17, "fixed_suv", {"suv": 4})
    assert facts.equivalent_threshold_suv == pytest.approx(4, abs=0.05)
    contour, facts = facts_of(17, "gradient")
    _, crop = lesion(17)
    same = delineate(crop, "fixed_suv", {"suv": facts.equivalent_threshold_suv}).mask.volume_ml
    assert same == pytest.approx(contour.mask.volume_ml, rel=0.02)


def test_leaks():
    assert "leaks" in facts_of(12, "fixed_suv", {"suv": 1.05})[1].flags
    assert "leaks" in facts_of(12, "fixed_suv", {"suv": 1.7})[1].flags
    # A node beside a wide plateau: just below the plateau's uptake the contour runs into it.
    pet = blurred_spheres(centred_grid(50, (3, 3, 3)), [((0, -26, 0), 40, 4), ((0, -2, 0), 14, 9)])
    regions = find_avid_regions(pet, DetectionSettings(threshold_suv=5.5)).regions
    crop = lesion_crop(pet, regions, regions[0], ContourSettings(crop_margin_mm=60))
    for suv, leak in ((3.9, True), (5.5, False)):
        contour = delineate(crop, "fixed_suv", {"suv": suv})
        facts = contour_facts(contour.mask, crop, pet, SIX_MM, background_suv=1)
        assert ("leaks" in facts.flags) is leak


def test_empty_contour_and_single_voxel():
    contour, facts = facts_of(10, "fixed_suv", {"suv": 900})
    assert contour.mask.is_empty
    assert facts.flags == ("empty",)
    assert facts.volume_ml == 0
    assert facts.interval is None
    grid = centred_grid(30, (4, 4, 4))
    array = np.zeros(grid.shape_kji, dtype=np.float32)
    array[tuple(n // 2 for n in grid.shape_kji)] = 9
    pet = Image(array, grid, Quantity.SUVBW)
    regions = find_avid_regions(pet, DetectionSettings()).regions
    crop = lesion_crop(pet, regions, regions[0], ContourSettings())
    facts = contour_facts(delineate(crop, "percent_max", {}).mask, crop, pet, SIX_MM)
    assert facts.below_resolution


def test_part_of_the_crop_is_enough_and_other_voxels_are_brought_to_it():
    pet, crop = lesion(17)
    contour = delineate(crop, "percent_max", {}).mask
    whole = contour_facts(contour, crop, pet, SIX_MM)
    part = contour_facts(contour.cropped(2), crop, pet, SIX_MM)
    assert part.equivalent_threshold_suv == whole.equivalent_threshold_suv
    assert part.interval == whole.interval
    coarse = Mask(pet.array >= whole.equivalent_threshold_suv, pet.grid)
    drawn = contour_facts(coarse, crop, pet, SIX_MM)
    assert drawn.volume_ml == coarse.volume_ml
    assert drawn.equivalent_threshold_suv == pytest.approx(whole.equivalent_threshold_suv, rel=0.1)
    assert drawn.resolution_diameter_mm == whole.resolution_diameter_mm
    far = Mask(np.ones((2, 2, 2), dtype=bool), VoxelGrid((2, 2, 2), (1, 1, 1), (300, 0, 0)))
    with pytest.raises(RuleError, match="lesion's voxels"):
        contour_facts(far, crop, pet, SIX_MM)
