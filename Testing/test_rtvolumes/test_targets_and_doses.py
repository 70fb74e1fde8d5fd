"""CTV to PTV, boosts, rings, prescriptions: nothing by default, everything reported."""

import json

import numpy as np
import pytest
from margin_shapes import ball, grid_around, voxels
from PSMAPlanningLib.errors import MarginError, PrescriptionError
from PSMAPlanningLib.rtvolumes.boolean import intersection, union
from PSMAPlanningLib.rtvolumes.boost import DoseLevel, boost, boost_rings
from PSMAPlanningLib.rtvolumes.eqd2 import Prescription, eqd2_table
from PSMAPlanningLib.rtvolumes.margins import CropBy, SixMargins
from PSMAPlanningLib.rtvolumes.planning_target import planning_target, read_institution_margins

GRID = grid_around(30, (1.0, 1.0, 2.0))
SIX = {
    "left_mm": 5,
    "right_mm": 5,
    "anterior_mm": 9,
    "posterior_mm": 6,
    "superior_mm": 7,
    "inferior_mm": 7,
}


@pytest.mark.parametrize(
    ("dose", "fractions", "low", "high"),
    [
        (70, 35, 70, 70),
        (64.8, 36, 61.1, 62.2),
        (70.2, 39, 66.2, 67.4),
        (66, 30, 69.8, 68.6),
        (60, 20, 77.1, 72.0),
        (62.5, 25, 71.4, 68.8),
        (45, 25, 42.4, 43.2),
        (30, 3, 98.6, 78.0),
        (30, 5, 64.3, 54.0),
        (35, 5, 85.0, 70.0),
        (40, 5, 108.6, 88.0),
    ],
)
def test_table_of_the_reference(dose, fractions, low, high):
    (row,) = eqd2_table([Prescription("PTV", dose, fractions)])
    assert [ratio for ratio, _ in row.eqd2_gy] == [1.5, 3.0]
    assert [value for _, value in row.eqd2_gy] == pytest.approx([low, high], abs=0.05)


@pytest.mark.parametrize(
    "values", [("", 70, 35), ("PTV", 0, 35), ("PTV", np.nan, 35), ("PTV", 70, 0), ("PTV", 70, 2.5)]
)
def test_prescriptions_that_cannot_be(values):
    with pytest.raises(PrescriptionError):
        Prescription(*values)


def test_no_planning_target_without_margins():
    with pytest.raises(MarginError, match="no PTV without a margin"):
        planning_target(voxels(GRID, ball(8)), None)
    with pytest.raises(MarginError, match="never smaller"):
        planning_target(voxels(GRID, ball(8)), SixMargins.uniform(-2))


def test_margins_of_an_institution(tmp_path):
    path = tmp_path / "here.json"
    path.write_text(json.dumps({"institution": "Here", "citation": "protocol 7", "margins_mm": {"bed": SIX}}))
    here = read_institution_margins(path)
    assert (here.institution, here.for_role("bed").anterior_mm) == ("Here", 9)
    grown = planning_target(voxels(GRID, ball(8)), here.for_role("bed"))
    assert grown.volume_ml_after > grown.volume_ml_before
    with pytest.raises(MarginError, match="none for 'nodes'"):
        here.for_role("nodes")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "no JSON"),
        ({}, "no margins_mm"),
        ({"margins_mm": {"bed": {**SIX, "left_mm": -5, "right_mm": -5}}}, "bed: Some sides"),
        ({"margins_mm": {"bed": dict.fromkeys(SIX, -1)}}, "bed shrinks"),
        ({"margins_mm": {"bed": {"left_mm": 5}}}, "bed needs exactly"),
        ({"margins_mm": {"bed": {**SIX, "lateral": 5}}}, "look at lateral"),
        ({"margins_mm": {"bed": {**SIX, "left_mm": "5"}}}, "left_mm is '5'"),
        ({"margins_mm": {"bed": SIX}, "margin": 1}, "unknown entry 'margin'"),
    ],
)
def test_institution_files_that_are_wrong(tmp_path, document, message):
    path = tmp_path / "wrong.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(MarginError, match=message):
        read_institution_margins(path)
    with pytest.raises(MarginError, match="cannot be read"):
        read_institution_margins(tmp_path / "absent.json")


def test_boost_reports_what_was_cropped_and_keeps_the_gross_tumour():
    gross = voxels(GRID, ball(6))
    rectum = voxels(GRID, lambda p: p[..., 1] < -4)
    made = boost(gross, SixMargins.uniform(3), SixMargins.uniform(4), [CropBy("Rectum", rectum)])
    assert made.gross is gross
    assert dict(made.planning.removed_ml)["Rectum"] > dict(made.clinical.removed_ml)["Rectum"] > 0
    lost = intersection([gross, rectum]).volume_ml
    assert made.gross_outside_ml == pytest.approx(lost) and lost > 0
    assert not intersection([made.planning.mask, rectum]).voxels
    # 3 mm and 4 mm end where 7 mm would, away from the rectum.
    assert made.planning.mask.points_ras()[:, 1].max() == pytest.approx(13, abs=0.8)
    with pytest.raises(MarginError, match="only grow"):
        boost(gross, SixMargins.uniform(-1), SixMargins.uniform(4))


def test_rings_of_a_simultaneous_boost():
    low, high = voxels(GRID, ball(20)), voxels(GRID, ball(8))
    rings = boost_rings([DoseLevel("PTVsb", low, 56.0), DoseLevel("PTVn1", high, 70.0)])
    assert [(ring.name, ring.dose_gy) for ring in rings] == [("PTVn1", 70.0), ("PTVsb", 56.0)]
    assert intersection([ring.mask for ring in rings]).is_empty
    np.testing.assert_array_equal(union([ring.mask for ring in rings]).array, low.array)
    assert rings[1].removed_ml == pytest.approx(high.volume_ml)
    gap = boost_rings([DoseLevel("a", low, 56.0), DoseLevel("b", high, 70.0)], SixMargins.uniform(3))
    assert gap[1].removed_ml > rings[1].removed_ml
    with pytest.raises(MarginError, match="same dose"):
        boost_rings([DoseLevel("a", low, 56.0), DoseLevel("b", high, 56.0)])
