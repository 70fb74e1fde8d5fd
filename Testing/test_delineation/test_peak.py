"""SUVpeak: IBSI's digital phantom, the closed form of a blurred sphere, the edge of the image."""

import numpy as np
import pytest
from phantoms import ball, blurred_spheres, centred_grid, recovery
from PSMAPlanningLib.delineation.peak import (
    SPHERE_RADIUS_MM,
    PeakKernel,
    peak_of_crop,
    sphere_kernel,
    suv_peak,
)
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from PSMAPlanningLib.imaging.label_file import read_labels
from test_delineation.rule_crops import crop_of


def exact_peak(diameter_mm):
    """Mean of the closed form (S = 10, background 1, FWHM 6 mm) over a centred sphere of 1 cm³."""
    r = (np.arange(20000) + 0.5) / 20000 * SPHERE_RADIUS_MM
    return 1 + 9 * float(np.average(recovery(r, diameter_mm / 2, 6.0), weights=r**2))


def test_ibsi_digital_phantom(shared_data):
    folder = shared_data("ibsi_digital_phantom")
    pet = read_image_file(folder / "phantom.nii.gz", Quantity.SUVBW)
    (label,) = read_labels(folder / "mask.nii.gz")
    local = suv_peak(pet, label.mask, PeakKernel.CENTRES, at_maximum=True)
    whole = suv_peak(pet, label.mask, PeakKernel.CENTRES)
    assert round(local.suv, 1) == 2.6
    assert round(whole.suv, 1) == 3.1
    assert (local.position, whole.position) == ("at_maximum", "maximised")
    fractional = suv_peak(pet, label.mask, PeakKernel.FRACTIONAL, at_maximum=True)
    assert fractional.suv == pytest.approx(2.62, abs=0.02)
    assert suv_peak(pet, label.mask, PeakKernel.FRACTIONAL).suv == pytest.approx(2.90, abs=0.02)


@pytest.mark.parametrize(
    "spacing_mm", [(1.0, 1.0, 1.0), (2.0, 2.0, 3.0), (4.0, 4.0, 4.0), (5.47, 5.47, 3.27)]
)
def test_fractional_kernel_holds_one_millilitre(spacing_mm):
    weights = sphere_kernel(spacing_mm, PeakKernel.FRACTIONAL)
    assert weights.sum() == pytest.approx(1)
    full = weights.max()
    assert full == pytest.approx(np.prod(spacing_mm) / 1000, rel=0.01)


@pytest.mark.parametrize("diameter_mm", [6, 10, 22])
@pytest.mark.parametrize(("spacing_mm", "tolerance"), [(1.0, 0.005), (2.0, 0.02), (3.0, 0.04)])
def test_fractional_kernel_against_the_closed_form(diameter_mm, spacing_mm, tolerance):
    pet = blurred_spheres(centred_grid(30, (spacing_mm,) * 3), [((0, 0, 0), diameter_mm, 10)])
    found = suv_peak(pet, ball(pet.grid, (0, 0, 0), 8))
    assert found.suv == pytest.approx(exact_peak(diameter_mm), rel=tolerance)
    assert np.allclose(found.position_ras, 0, atol=1e-6)
    assert found.fraction_in_pet == 1


@pytest.mark.parametrize("diameter_mm", [6, 10, 22, 37])
def test_peak_of_the_fine_crop(diameter_mm):
    assert peak_of_crop(crop_of(diameter_mm)) == pytest.approx(exact_peak(diameter_mm), rel=0.005)


def test_position_is_maximised():
    """A hot corner of a wide lesion holds the maximum, its middle the peak."""
    grid = VoxelGrid((21, 21, 21), (3, 3, 3))
    array = np.zeros(grid.shape_kji, dtype=np.float32)
    array[4:17, 4:17, 4:17] = 5
    array[4, 4, 4] = 9
    pet, mask = Image(array, grid, Quantity.SUVBW), Mask(array > 0, grid)
    assert suv_peak(pet, mask).suv == pytest.approx(5, abs=0.01)
    assert suv_peak(pet, mask, at_maximum=True).suv < 4


def test_edge_of_the_image_and_beyond():
    grid = VoxelGrid((10, 10, 10), (4, 4, 4))
    pet = Image(np.full(grid.shape_kji, 3, dtype=np.float32), grid, Quantity.SUVBW)
    corner = np.zeros(grid.shape_kji, dtype=bool)
    corner[0, 0, 0] = True
    found = suv_peak(pet, Mask(corner, grid))
    assert found.suv == pytest.approx(3)
    assert found.fraction_in_pet < 0.5
    assert suv_peak(pet, Mask(np.zeros(grid.shape_kji, dtype=bool), grid)) is None
    far = VoxelGrid((2, 2, 2), (1, 1, 1), (500, 0, 0))
    assert suv_peak(pet, Mask(np.ones((2, 2, 2), dtype=bool), far)) is None
    between = VoxelGrid((1, 1, 1), (0.5, 0.5, 0.5), tuple(grid.ras_of([5.4, 5.4, 5.4])))
    assert suv_peak(pet, Mask(np.ones((1, 1, 1), dtype=bool), between)).suv == pytest.approx(3)
