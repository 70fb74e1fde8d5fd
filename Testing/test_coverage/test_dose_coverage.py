"""In-field, marginal or out-of-field, by the prescription that is meant for the lesion."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import points_of
from PSMAPlanningLib.coverage.dose_coverage import (
    NO_PRESCRIPTION,
    OUTSIDE_DOSE_GRID,
    DoseCache,
    DoseField,
    field_of_fraction,
    governing_prescription,
    lesion_field,
)
from PSMAPlanningLib.coverage.dvh import StructureDose, dose_of
from PSMAPlanningLib.coverage.prescribed_dose import (
    PrescribedDose,
    fractions_of,
    parse_prescription,
    prescribed_doses,
)
from PSMAPlanningLib.dicomrt.contour_occupancy import roi_occupancy
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi
from PSMAPlanningLib.errors import PrescriptionError, SettingsError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.settings import DoseSettings
from test_coverage.fillings import cap_fraction, sampled

BED, NODES = PrescribedDose("PTVsb", 70.0, 35), PrescribedDose("PTVn", 56.0, 35)
ANY = PrescribedDose(None, 60.0, 30)
DEFAULT = DoseSettings()


def field_edge(at_mm, penumbra_mm=0.0):
    """50 Gy left of a plane at R = at_mm, 0 right of it; within the penumbra it falls evenly."""
    grid = VoxelGrid((41, 41, 161), (0.5, 1.0, 1.0), (-40.0, -20.0, -20.0))
    r = points_of(grid)[..., 0]
    dose = 50.0 * np.clip(0.5 - (r - at_mm) / max(penumbra_mm, 1e-6), 0, 1)
    return Image(dose.astype(np.float32), grid, Quantity.DOSE)


def ball(radius_mm):
    grid = VoxelGrid((31, 31, 31), (1.0, 1.0, 1.0), (-15.0, -15.0, -15.0))
    return sampled(grid, lambda p: np.linalg.norm(p, axis=-1) <= radius_mm)


@pytest.mark.parametrize(
    ("at_mm", "field"),
    [
        (30.0, DoseField.IN_FIELD),
        (8.0, DoseField.IN_FIELD),
        (5.5, DoseField.MARGINAL),
        (0.0, DoseField.MARGINAL),
        (-3.0, DoseField.MARGINAL),
        (-5.5, DoseField.OUT_OF_FIELD),
        (-30.0, DoseField.OUT_OF_FIELD),
    ],
)
def test_a_ball_across_the_edge_of_a_field(at_mm, field):
    radius_mm = 8.0
    # The 95 % isodose of a penumbra of 10 mm lies 4.5 mm inside its middle.
    dose = dose_of(ball(radius_mm), field_edge(at_mm + 4.5, 10.0))
    found = lesion_field(dose, PrescribedDose("PTV", 50.0), DEFAULT)
    inside = cap_fraction(radius_mm, at_mm)
    assert found.field is field
    assert found.isodose_gy == pytest.approx(47.5)
    assert found.fraction_bounds == (pytest.approx(inside, abs=0.01), pytest.approx(inside, abs=0.01))


@pytest.mark.parametrize(
    ("fraction", "field"),
    [
        (1.0, DoseField.IN_FIELD),
        (0.95, DoseField.IN_FIELD),
        (0.9499, DoseField.MARGINAL),
        (0.2, DoseField.MARGINAL),
        (0.1999, DoseField.OUT_OF_FIELD),
        (0.0, DoseField.OUT_OF_FIELD),
    ],
)
def test_limits_of_the_classes(fraction, field):
    assert field_of_fraction(fraction, DEFAULT) is field


def test_without_a_prescription_nothing_is_classified():
    found = lesion_field(dose_of(ball(5.0), field_edge(30.0)), None, DEFAULT)
    assert (found.field, found.reason) == (None, NO_PRESCRIPTION)


def part_outside(fraction_hot, fraction_outside):
    hot, rest = fraction_hot, 1.0 - fraction_hot - fraction_outside
    return StructureDose(np.array([1.0, 50.0]), np.array([rest, hot]), fraction_outside)


@pytest.mark.parametrize(
    ("hot", "outside", "field", "reason"),
    [
        (0.96, 0.03, DoseField.IN_FIELD, None),
        (0.93, 0.05, None, OUTSIDE_DOSE_GRID),
        (0.30, 0.50, DoseField.MARGINAL, None),
        (0.10, 0.05, DoseField.OUT_OF_FIELD, None),
        (0.10, 0.50, None, OUTSIDE_DOSE_GRID),
    ],
)
def test_a_part_outside_the_dose_grid_decides_or_does_not(hot, outside, field, reason):
    found = lesion_field(part_outside(hot, outside), PrescribedDose("PTV", 50.0), DEFAULT)
    assert (found.field, found.reason) == (field, reason)
    assert found.fraction_bounds == (pytest.approx(hot), pytest.approx(hot + outside))


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"PTVsb": 0.9, "PTVn": 0.0}, BED),
        ({"PTVsb": 0.0, "PTVn": 1.0}, NODES),
        # A boost inside the nodal target: the lesion goes by the higher prescription.
        ({"PTVsb": 0.6, "PTVn": 1.0}, BED),
        ({"PTVsb": 0.4, "PTVn": 0.6}, NODES),
        ({"PTVsb": 0.4, "PTVn": 0.3}, ANY),
        ({"PTVsb": None, "PTVn": None}, ANY),
        ({}, ANY),
    ],
)
def test_the_prescription_of_the_target_that_holds_the_lesion(held, expected):
    assert governing_prescription(held, (NODES, BED, ANY), DEFAULT) is expected


def test_no_target_holds_it_and_none_was_entered():
    assert governing_prescription({"PTVsb": 0.1}, (NODES, BED), DEFAULT) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PTVsb=70/35", BED),
        ("60/30", ANY),
        ("PTV_bed=66.5", PrescribedDose("PTV_bed", 66.5)),
        (" CTV 1=45/25 ", PrescribedDose("CTV 1", 45.0, 25)),
    ],
)
def test_prescriptions_as_written(text, expected):
    assert parse_prescription(text) == expected


@pytest.mark.parametrize(
    "text", ["", "PTV", "PTV=", "=70/35", "PTV=-3/5", "PTV=70/0", "PTV=500/35", "PTV=7o", "0/5"]
)
def test_what_is_no_prescription(text):
    with pytest.raises(PrescriptionError):
        parse_prescription(text)


def test_entered_prescriptions_go_before_names():
    targets = ["PTVsb_7000", "PTVn_5600x35", "CTV_Fossa"]
    found = prescribed_doses((PrescribedDose("PTVsb_7000", 66.0, 30),), targets, [*targets, "Bladder"])
    assert [(each.volume, each.dose_gy, each.fractions, each.source) for each in found] == [
        ("PTVsb_7000", 66.0, 30, "entered"),
        ("PTVn_5600x35", 56.0, 35, "name"),
    ]
    # Two numbers of fractions are none: nobody can tell which one the dose was made for.
    assert fractions_of(found) is None
    assert fractions_of(found[:1]) == 30
    assert fractions_of(()) is None


def test_prescriptions_for_what_is_not_there_or_twice():
    with pytest.raises(PrescriptionError, match="no volume here"):
        prescribed_doses((BED,), ["PTV"], ["PTV"])
    with pytest.raises(PrescriptionError, match="two prescriptions"):
        prescribed_doses((BED, BED), ["PTVsb"], ["PTVsb"])


def test_settings_that_contradict_each_other():
    with pytest.raises(SettingsError, match="must not exceed"):
        DoseSettings(in_field_from_fraction=0.1)


def test_the_cache_computes_once_and_for_each_dose():
    cache, lesion = DoseCache(), ball(3.0)
    one, other = field_edge(0.0), field_edge(5.0)
    assert cache.of(lesion, one, DEFAULT) is cache.of(lesion, one, DEFAULT)
    assert cache.of(lesion, other, DEFAULT).mean_gy > cache.of(lesion, one, DEFAULT).mean_gy


def test_the_ends_of_contours_are_those_of_the_settings():
    heights, angle = (10.0, 12.0, 14.0), np.linspace(0, 2 * np.pi, 200, endpoint=False)
    contours = [
        np.column_stack([9 * np.cos(angle), 9 * np.sin(angle), np.full(angle.size, h)]) for h in heights
    ]
    grid = VoxelGrid((24, 30, 30), (1.0, 1.0, 1.0), (-15.0, -15.0, 0.0))
    drawn = roi_occupancy(Roi(1, "CTV", "CTV", contours=tuple(contours)), grid)
    cache, dose = DoseCache(), field_edge(0.0)
    tapered, flat = (cache.of(drawn, dose, DoseSettings(end_caps=ends)) for ends in ("tapered", "flat"))
    assert flat.volume_ml == pytest.approx(drawn.volume_ml)
    # Two cones instead of two of the six half slices.
    assert tapered.volume_ml == pytest.approx(drawn.volume_ml * 7 / 9, rel=0.02)
    assert cache.of(drawn, dose, DEFAULT) is tapered
    with pytest.raises(SettingsError, match="tapered, flat"):
        DoseSettings(end_caps="none")
