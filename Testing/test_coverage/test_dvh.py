"""Dose figures against closed forms: an evenly rising dose across boxes and spheres, known histograms."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import points_of
from PSMAPlanningLib.coverage.dose_on_points import dose_at, structure_points
from PSMAPlanningLib.coverage.dvh import StructureDose, cumulative_dvh, dose_of
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation
from test_coverage.fillings import Fractions, sampled

OBLIQUE = tuple(map(tuple, Rotation.from_euler("zyx", (25, -15, 10), degrees=True).as_matrix()))
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
LEFT_HANDED = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GRADIENT = np.array([0.3, -0.5, 0.4])
"""Gy per mm; its length is 0.7071."""
AT_CENTRE_GY = 60.0


def centred(half_mm, spacing_mm, direction=UPRIGHT, centre=(0.0, 0.0, 0.0)):
    shape = tuple(int(np.ceil(2 * half_mm / s)) + 1 for s in spacing_mm[::-1])
    grid = VoxelGrid(shape, spacing_mm, (0, 0, 0), direction)
    middle = grid.ras_of((np.array(shape) - 1) / 2)
    return VoxelGrid(shape, spacing_mm, tuple(np.array(centre) - middle), direction)


def rising_dose(direction=UPRIGHT, half_mm=40.0, gradient=GRADIENT):
    grid = centred(half_mm, (2.5, 2.5, 3.0), direction)
    dose = AT_CENTRE_GY + points_of(grid) @ gradient
    return Image(dose.astype(np.float32), grid, Quantity.DOSE)


def ball(radius_mm, spacing_mm, direction=UPRIGHT, centre=(0.3, -0.4, 0.2)):
    grid = centred(radius_mm + 6, spacing_mm, direction, centre)
    parts = 3 if radius_mm > 10 else 6
    return sampled(grid, lambda p: np.linalg.norm(p - np.array(centre), axis=-1) <= radius_mm, parts)


def ball_quantile(fraction_above, radius_mm):
    """Height along the gradient above which that fraction of a ball lies, mm."""

    def above(height):
        h = radius_mm - height
        return h**2 * (3 * radius_mm - h) / (4 * radius_mm**3) - fraction_above

    return brentq(above, -radius_mm, radius_mm)


@pytest.mark.parametrize("radius_mm", [3.0, 10.0, 20.0])
@pytest.mark.parametrize(
    ("spacing_mm", "direction"),
    [((1.0, 1.0, 1.0), UPRIGHT), ((1.2, 1.2, 3.0), OBLIQUE), ((2.0, 2.0, 2.0), LEFT_HANDED)],
)
def test_sphere_in_an_evenly_rising_dose(radius_mm, spacing_mm, direction):
    centre = np.array([0.3, -0.4, 0.2])
    found = dose_of(ball(radius_mm, spacing_mm, direction, centre), rising_dose(direction=OBLIQUE))
    middle = AT_CENTRE_GY + centre @ GRADIENT
    slope = np.linalg.norm(GRADIENT)
    assert found.outside_ml == 0
    # A tenth of a millimetre of the gradient; of a ball of 3 mm voxels of 3 mm leave a twentieth of a voxel.
    tolerance = slope * max(0.1, max(spacing_mm) / 20)
    assert found.mean_gy == pytest.approx(middle, abs=slope * 0.03)
    for percent in (98, 95, 50, 5, 2):
        expected = middle + slope * ball_quantile(percent / 100, radius_mm)
        assert found.dose_to_percent(percent) == pytest.approx(expected, abs=tolerance), percent


@pytest.mark.parametrize("along", [(1.0, 0.0, 0.0), (0.0, 0.6, 0.8)])
def test_box_in_an_evenly_rising_dose(along):
    grid = VoxelGrid((10, 12, 14), (2.5, 2.5, 2.5), (-16.25, -13.75, -11.25))
    dose = rising_dose(gradient=2.0 * np.array(along))
    found = dose_of(Mask(np.ones(grid.shape_kji, bool), grid), dose)
    # The centre of the box is the origin, where the dose is 60 Gy; 35 x 30 x 25 mm.
    assert found.volume_ml == pytest.approx(35 * 30 * 25 / 1000)
    assert found.mean_gy == pytest.approx(60.0, abs=0.02)
    if along[0] == 1.0:
        # Uniform from 25 to 95 Gy: a quantile of the dose is one of the box.
        for percent in (98, 95, 50, 2):
            assert found.dose_to_percent(percent) == pytest.approx(95 - 0.7 * percent, abs=0.05)
        assert found.volume_at_ml(60.0) == pytest.approx(found.volume_ml / 2, rel=0.003)
        assert found.min_gy == pytest.approx(25.0, abs=0.5)
        assert found.max_gy == pytest.approx(95.0, abs=0.5)


def test_mask_and_fractions_of_the_same_box_agree():
    grid = centred(12, (2.0, 2.0, 2.0))
    inside = np.abs(points_of(grid)).max(axis=-1) <= 7
    dose = rising_dose()
    one = dose_of(Mask(inside, grid), dose)
    other = dose_of(Fractions(inside.astype(np.float32), grid), dose)
    assert one.mean_gy == other.mean_gy
    assert one.dose_to_percent(95) == other.dose_to_percent(95)


def test_points_keep_the_volume_of_what_they_stand_for():
    filled = ball(10.0, (1.2, 1.2, 3.0), OBLIQUE)
    wanted = float(filled.array.sum()) * filled.grid.voxel_volume_ml
    for most in (100, 2_000, 200_000):
        points = structure_points(filled, most)
        assert points.volume_ml.sum() == pytest.approx(wanted, rel=1e-4)
        middle = np.average(points.points_ras, axis=0, weights=points.volume_ml)
        assert middle == pytest.approx([0.3, -0.4, 0.2], abs=0.15 if most > 100 else 0.7)


def test_a_structure_of_very_many_voxels_is_joined():
    grid = centred(60, (1.0, 1.0, 2.0))
    mask = Mask(np.linalg.norm(points_of(grid), axis=-1) <= 55, grid)
    points = structure_points(mask, 20_000)
    assert len(points.volume_ml) < 30_000
    assert points.volume_ml.sum() == pytest.approx(mask.volume_ml, rel=1e-5)
    found = dose_of(mask, rising_dose(half_mm=70.0))
    assert found.mean_gy == pytest.approx(AT_CENTRE_GY, abs=0.05)


def test_the_same_structure_has_the_same_figures_every_time():
    filled, dose = ball(5.0, (2.0, 2.0, 2.0)), rising_dose()
    assert np.array_equal(dose_of(filled, dose).dose_gy, dose_of(filled, dose).dose_gy)


def test_dose_is_interpolated_between_the_points_and_unknown_beyond():
    dose = rising_dose(OBLIQUE)
    inside = dose.grid.ras_of(np.array([[0, 0, 0], [3.3, 4.6, 5.9], np.array(dose.grid.shape_kji) - 1]))
    assert dose_at(dose, inside) == pytest.approx(AT_CENTRE_GY + inside @ GRADIENT, abs=1e-3)
    beyond = dose.grid.ras_of(np.array([[-0.3, 3, 3], [3, 3, dose.grid.shape_kji[2] - 0.8]]))
    assert np.isnan(dose_at(dose, beyond)).all()


def test_a_part_outside_the_dose_grid_is_told():
    grid = VoxelGrid((10, 10, 10), (2.0, 2.0, 2.0), (-9, -9, -9))
    dose = Image(
        np.full((21, 21, 11), 50.0, np.float32),
        VoxelGrid((21, 21, 11), (1, 1, 1), (0, -10, -10)),
        Quantity.DOSE,
    )
    found = dose_of(Mask(np.ones((10, 10, 10), bool), grid), dose)
    assert found.outside_fraction == pytest.approx(0.5, abs=0.01)
    assert found.volume_ml == pytest.approx(8.0)
    assert found.known_ml + found.outside_ml == pytest.approx(8.0)
    assert found.mean_gy == pytest.approx(50.0)
    assert found.with_outside_at(0.0).mean_gy == pytest.approx(25.0, abs=0.5)
    assert found.with_outside_at(0.0).outside_ml == 0


def test_nothing_in_the_dose_grid_has_no_figures():
    far = VoxelGrid((4, 4, 4), (2.0, 2.0, 2.0), (500.0, 0.0, 0.0))
    found = dose_of(Mask(np.ones((4, 4, 4), bool), far), rising_dose())
    assert found.outside_fraction == 1.0
    assert (found.mean_gy, found.min_gy, found.max_gy, found.dose_to_percent(95)) == (None,) * 4
    assert found.volume_at_ml(1.0) == 0.0
    assert cumulative_dvh(found, 0.1).volume_ml.tolist() == [0.0]
    empty = dose_of(Mask(np.zeros((4, 4, 4), bool), far), rising_dose())
    assert (empty.volume_ml, empty.mean_gy) == (0.0, None)


def test_a_single_voxel():
    grid = VoxelGrid((1, 1, 1), (3.0, 3.0, 3.0), (1.0, 2.0, 3.0))
    found = dose_of(Mask(np.ones((1, 1, 1), bool), grid), rising_dose())
    expected = AT_CENTRE_GY + np.array([1.0, 2.0, 3.0]) @ GRADIENT
    assert found.volume_ml == pytest.approx(0.027)
    assert found.mean_gy == pytest.approx(expected, abs=0.05)


def test_known_histogram():
    known = StructureDose(np.array([10.0, 20.0, 30.0, 40.0]), np.array([1.0, 2.0, 3.0, 4.0]), 2.0)
    dvh = cumulative_dvh(known, 10.0)
    assert dvh.dose_gy.tolist() == [0, 10, 20, 30, 40, 50]
    assert dvh.volume_ml.tolist() == [10, 10, 9, 7, 4, 0]
    assert dvh.total_ml == 12.0
    assert known.mean_gy == pytest.approx(30.0)
    assert known.volume_at_ml(20.0) == 9.0
    assert known.volume_at_ml(20.001) == 7.0
    # Half of the hottest part is 2 mL from the top.
    assert known.dose_to_ml(2.0) == 40.0
    assert known.dose_to_ml(1000.0) == 10.0


@pytest.mark.parametrize("bin_gy", [0.05, 0.1, 1.0, 7.0])
def test_histogram_falls_from_the_volume_to_nothing(bin_gy):
    found = dose_of(ball(10.0, (2.0, 2.0, 2.0)), rising_dose())
    dvh = cumulative_dvh(found, bin_gy)
    assert dvh.volume_ml[0] == pytest.approx(found.volume_ml)
    assert dvh.volume_ml[-1] == 0.0
    assert np.all(np.diff(dvh.volume_ml) <= 0)
    # The area under a cumulative histogram is the mean dose, to a bin.
    assert np.trapezoid(dvh.volume_ml, dvh.dose_gy) / found.volume_ml == pytest.approx(
        found.mean_gy, abs=bin_gy / 2
    )
