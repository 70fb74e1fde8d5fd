"""Classification by organ masks, and the bladder's spill-out against the published closed form."""

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid, points_of
from PSMAPlanningLib.delineation.avid_regions import RegionClass, find_avid_regions
from PSMAPlanningLib.delineation.physiologic import classify_regions, physiologic_organs, spill_out_mm
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.settings import DetectionSettings, Settings

GRID = centred_grid(70, (4, 4, 3))
CT_GRID = centred_grid(70, (2, 2, 3))


@pytest.mark.parametrize(
    ("urine_suv", "expected_mm"), [(10, 1.3), (20, 2.6), (30, 3.3), (50, 4.0), (100, 4.8)]
)
def test_spill_out_as_published(urine_suv, expected_mm):
    assert spill_out_mm(urine_suv, 3, 6) == pytest.approx(expected_mm, abs=0.05)


@pytest.mark.parametrize("urine_suv", [0, 3, 6])
def test_no_spill_out_of_a_faint_organ(urine_suv):
    assert spill_out_mm(urine_suv, 3, 6) == 0


def test_spill_out_agrees_with_a_blurred_organ():
    """A large blurred ball of urine falls to the threshold where the formula for a plane says."""
    pet = blurred_spheres(centred_grid(66, (1, 1, 1)), [((0, 0, 0), 100, 30)], background_suv=0)
    middle = pet.array[66, 66, 66:]
    edge_mm = sum(middle >= 3) - 0.5
    assert edge_mm - 50 == pytest.approx(spill_out_mm(30, 3, 6), abs=0.6)


@pytest.fixture(scope="module")
def classified():
    bladder, kidney = ((0, 0, 0), 50, 30), ((50, 0, 30), 30, 40)
    node, faint = ((-45, 20, 20), 12, 10), ((0, -50, -30), 12, 9)
    pet = blurred_spheres(GRID, [bladder, kidney, node, faint])
    anatomy = {
        "urinary_bladder": ball(CT_GRID, (0, 0, 0), 25),
        "kidney_right": ball(CT_GRID, (50, 0, 30), 15),
        "prostate": ball(CT_GRID, (0, -50, -30), 12),
    }
    regions = find_avid_regions(pet, DetectionSettings()).regions
    return pet, anatomy, regions, classify_regions(regions, anatomy, pet, Settings())


def test_organs_are_physiologic_and_nodes_are_lesions(classified):
    reasons = [(r.region_class.value, r.reason) for r in classified[3]]
    assert reasons == [
        ("physiologic", "organ:kidney_right"),
        ("physiologic", "organ:urinary_bladder"),
        ("lesion", None),
        ("lesion", None),
    ]


def test_a_prostate_label_is_not_trusted_after_prostatectomy(classified):
    assert "prostate" not in physiologic_organs()
    assert classified[3][3].region_class is RegionClass.LESION


def test_without_masks_everything_is_undecided(classified):
    pet, _, regions, _ = classified
    result = classify_regions(regions, {}, pet, Settings())
    assert {(r.region_class, r.reason) for r in result} == {(RegionClass.UNDECIDED, "no_anatomy")}
    assert len(result) == len(regions)


def test_recurrence_behind_the_bladder_without_a_maximum_of_its_own():
    """A shoulder on the bladder's flank is no peak; beyond the spill-out it is a focus all the same."""
    pet = blurred_spheres(GRID, [((0, 0, 0), 50, 22), ((0, -31, 0), 9, 20)])
    anatomy = {"urinary_bladder": ball(CT_GRID, (0, 0, 0), 25)}
    regions = find_avid_regions(pet, DetectionSettings()).regions
    assert len(regions) == 1
    bladder, focus = classify_regions(regions, anatomy, pet, Settings())
    assert (bladder.region_class, bladder.reason) == (RegionClass.PHYSIOLOGIC, "organ:urinary_bladder")
    assert (focus.region_class, focus.reason) == (RegionClass.UNDECIDED, "beyond:urinary_bladder")
    assert focus.centroid_ras == pytest.approx((0, -32, 0), abs=3)
    assert bladder.mask.voxels + focus.mask.voxels == regions[0].mask.voxels


def test_a_ureter_beside_a_node_does_not_hide_it():
    """The ureter's voxels next to the node hold the node's uptake, not the ureter's own."""
    bladder, node = ((0, 0, 0), 50, 22), ((0, -31, 0), 9, 20)
    pet = blurred_spheres(GRID, [bladder, node])
    tube = np.zeros(CT_GRID.shape_kji, bool)
    points = points_of(CT_GRID)
    tube[(np.hypot(points[..., 0] - 2, points[..., 1] + 31) < 3) & (points[..., 2] > -12)] = True
    anatomy = {"urinary_bladder": ball(CT_GRID, (0, 0, 0), 25), "ureter_right": Mask(tube, CT_GRID)}
    regions = find_avid_regions(pet, DetectionSettings()).regions
    reasons = [r.reason for r in classify_regions(regions, anatomy, pet, Settings())]
    assert reasons == ["organ:urinary_bladder", "beyond:urinary_bladder"]


def test_a_bladder_alone_has_no_focus_beyond_it():
    pet = blurred_spheres(GRID, [((1.3, 0.7, -0.9), 50, 22)])
    anatomy = {"urinary_bladder": ball(CT_GRID, (1.3, 0.7, -0.9), 25)}
    regions = find_avid_regions(pet, DetectionSettings()).regions
    assert len(classify_regions(regions, anatomy, pet, Settings())) == 1


def liver_classes(spheres):
    grid = centred_grid(70, (4, 4, 4))
    liver = ((0, 0, 0), 110, 5)
    pet = blurred_spheres(grid, [liver], background_suv=0.5)
    for centre, diameter_mm, suv in spheres:
        blob = blurred_spheres(grid, [(centre, diameter_mm, suv)], background_suv=0.0)
        pet = Image(pet.array + blob.array, grid, Quantity.SUVBW)
    anatomy = {"liver": ball(grid, (0, 0, 0), 55)}
    regions = find_avid_regions(pet, DetectionSettings()).regions
    return [(r.region_class.value, r.reason) for r in classify_regions(regions, anatomy, pet, Settings())]


def test_a_focus_in_the_liver_is_no_liver():
    assert liver_classes([]) == [("physiologic", "organ:liver")]
    found = liver_classes([((20, 10, 0), 16, 20)])
    assert ("undecided", "focus_in:liver") in found
    assert ("physiologic", "organ:liver") in found


def test_a_liver_full_of_metastases_is_undecided():
    steps = (-30, 0, 30)
    found = liver_classes([((x, y, z), 26, 25) for x in steps for y in steps for z in steps])
    assert {classified for classified, _ in found} == {"undecided"}
    assert "uneven:liver" in {reason for _, reason in found}
