"""Point spread: the closed form's table, defaults that say so, the fit to synthetic and real phantoms."""

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid, recovery
from PSMAPlanningLib.delineation.psf import (
    PointSpread,
    boundary_fraction,
    centre_recovery,
    default_point_spread,
    smallest_detectable_mm,
    sphere_recovery,
)
from PSMAPlanningLib.delineation.psf_fit import NEMA_DIAMETERS_MM, fit_point_spread, recovery_table
from PSMAPlanningLib.errors import PlanningError
from PSMAPlanningLib.imaging.dicom_series import choose_series, find_series, read_series
from PSMAPlanningLib.imaging.image import Image, Quantity

TABLE = [
    (6, 0.2912, 0.1731),
    (8, 0.5183, 0.2469),
    (10, 0.7220, 0.2968),
    (13, 0.9106, 0.3436),
    (17, 0.9890, 0.3804),
    (22, 0.9997, 0.4076),
    (28, 1.0, 0.4274),
    (37, 1.0, 0.4451),
]


@pytest.mark.parametrize(("diameter_mm", "at_centre", "at_edge"), TABLE)
def test_closed_form(diameter_mm, at_centre, at_edge):
    edge = float(sphere_recovery(np.array(diameter_mm / 2), diameter_mm / 2, 6.0))
    assert centre_recovery(diameter_mm, 6.0) == pytest.approx(at_centre, abs=5e-5)
    assert edge == pytest.approx(at_edge, abs=5e-5)
    assert boundary_fraction(diameter_mm, 6.0) == pytest.approx(at_edge / at_centre, abs=5e-4)


def test_closed_form_is_smooth_at_the_centre_and_equals_the_tests_own():
    r = np.array([0, 1e-6, 1e-3, 0.01, 0.1, 1, 5, 20])
    values = sphere_recovery(r, 5.0, 6.0)
    assert np.allclose(values[:4], values[0], atol=1e-4)
    assert np.allclose(values[3:], recovery(r[3:], 5.0, 6.0), atol=1e-9)


def test_smallest_detectable():
    """A 6 mm node of true SUV 10 peaks below SUV 3 without background; one of SUV 2 never reaches 3."""
    smallest = smallest_detectable_mm(10, 3, 6)
    assert 10 * centre_recovery(smallest, 6) == pytest.approx(3, abs=1e-6)
    assert smallest_detectable_mm(2, 3, 6) is None


def test_default_says_that_it_is_one():
    for model in (None, "Discovery ST", "something new"):
        default = default_point_spread(model)
        assert default.source == "default"
        assert not default.is_measured
        assert "measure" in default.note
    assert default_point_spread("DISCOVERY MI").fwhm_mm != default_point_spread("Discovery STE").fwhm_mm


@pytest.mark.parametrize(
    ("fwhm_mm", "source"), [(0.1, "entered"), (float("nan"), "entered"), (6, "guessed"), (99, "phantom")]
)
def test_impossible_point_spread_is_refused(fwhm_mm, source):
    with pytest.raises(ValueError, match="FWHM"):
        PointSpread(fwhm_mm, source, "")


@pytest.mark.parametrize("fwhm_mm", [4.5, 7.0])
def test_fit_finds_the_fwhm_of_a_made_phantom(fwhm_mm):
    angles = np.arange(6) * np.pi / 3
    spheres = [
        ((57.2 * np.cos(a) + 0.7, 57.2 * np.sin(a) - 0.4, 1.3), d, 8.0)
        for a, d in zip(angles, NEMA_DIAMETERS_MM, strict=True)
    ]
    clean = blurred_spheres(centred_grid(84, (3, 3, 3)), spheres, background_suv=2.0, fwhm_mm=fwhm_mm)
    noise = np.random.default_rng(2).normal(0, 0.15, clean.array.shape).astype(np.float32)
    fit = fit_point_spread(Image(clean.array + noise, clean.grid, Quantity.UNKNOWN))
    assert fit.point_spread.fwhm_mm == pytest.approx(fwhm_mm, abs=0.15)
    assert fit.point_spread.source == "phantom"
    assert fit.uptake == pytest.approx(8, abs=0.1)
    for sphere, (centre, diameter_mm, _) in zip(fit.spheres, spheres, strict=True):
        assert sphere.diameter_mm == diameter_mm
        assert np.allclose(sphere.centre_ras, centre, atol=0.3)


def test_fit_refuses_what_is_no_phantom():
    with pytest.raises(PlanningError, match="6 separate hot spheres"):
        fit_point_spread(blurred_spheres(centred_grid(30, (3, 3, 3)), [((0, 0, 0), 20, 8)]))


def test_measured_nema_phantom(shared_data):
    """Six spheres in the right order; 41 % gives 23.2 mL of the largest one's 26.5."""
    volume = read_series(choose_series(find_series(shared_data("nema_iq_pet") / "dicom"), "PT", None))
    fit = fit_point_spread(Image(volume.array, volume.grid, Quantity.UNKNOWN))
    volumes_ml = [sphere.volume_41_percent_ml for sphere in fit.spheres]
    assert volumes_ml == sorted(volumes_ml)
    assert volumes_ml[-1] == pytest.approx(23.2, abs=0.05)
    for sphere, volume_ml in zip(fit.spheres, volumes_ml, strict=True):
        assert 0.7 < volume_ml / (np.pi * sphere.diameter_mm**3 / 6000) < 1.1
    centres = np.array([sphere.centre_ras for sphere in fit.spheres])
    assert np.allclose(np.linalg.norm(centres - centres.mean(axis=0), axis=1), 57.2, atol=2.5)
    assert 3 < fit.point_spread.fwhm_mm < 6
    fitted = [row["fitted"] for row in recovery_table(fit)]
    assert fitted == sorted(fitted)
