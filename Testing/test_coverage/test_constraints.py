"""Constraints: rescaled by fractions, held against a dose line by line, and compared between two plans."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import numpy as np
import pytest
from PSMAPlanningLib.coverage.constraint_table import (
    DOSE_AT_VOLUME,
    MEAN_DOSE,
    VOLUME_AT_DOSE,
    Constraint,
    ConstraintTable,
    default_constraints,
    read_constraints,
    rescaled_dose_gy,
    table_of_document,
)
from PSMAPlanningLib.coverage.constraints import NamedDose, Verdict, check_constraints, counts
from PSMAPlanningLib.coverage.dvh import StructureDose
from PSMAPlanningLib.coverage.isotoxic import compare_plans
from PSMAPlanningLib.errors import ConstraintError
from PSMAPlanningLib.rtvolumes.eqd2 import eqd2_gy
from PSMAPlanningLib.rtvolumes.name_table import organ_names


def dose(gray, part_ml, outside_ml=0.0):
    return StructureDose(np.array(gray, float), np.array(part_ml, float), outside_ml)


def constraint(metric, **values):
    return Constraint("c", ("Rectum",), "limit", metric, "test", True, **values)


def verdict(line, structure, fractions=None, largest_gy=80.0):
    table = ConstraintTable("t", (line,))
    (result,) = check_constraints(table, [NamedDose("Rectum", "Rectum", structure)], fractions, largest_gy)
    return result


RAMP = dose(np.linspace(0.05, 79.95, 800), np.full(800, 0.1))
"""80 mL, evenly from 0 to 80 Gy."""


@pytest.mark.parametrize(
    ("line", "reached", "expected"),
    [
        (constraint(VOLUME_AT_DOSE, dose_gy=60.0, limit=25.5, unit="percent"), 25.0, Verdict.PASS),
        (constraint(VOLUME_AT_DOSE, dose_gy=60.0, limit=24.5, unit="percent"), 25.0, Verdict.FAIL),
        (constraint(VOLUME_AT_DOSE, dose_gy=60.0, limit=20.5, unit="ml"), 20.0, Verdict.PASS),
        (constraint(DOSE_AT_VOLUME, volume=2.0, unit="percent", limit_gy=79.0), 78.4, Verdict.PASS),
        (constraint(DOSE_AT_VOLUME, volume=2.0, unit="percent", limit_gy=78.0), 78.4, Verdict.FAIL),
        (constraint(DOSE_AT_VOLUME, volume=8.0, unit="ml", limit_gy=73.0), 72.0, Verdict.PASS),
        (constraint(MEAN_DOSE, limit_gy=41.0), 40.0, Verdict.PASS),
        (constraint(MEAN_DOSE, limit_gy=39.0), 40.0, Verdict.FAIL),
    ],
)
def test_pass_or_fail_with_the_number_reached(line, reached, expected):
    result = verdict(line, RAMP)
    assert result.reached == pytest.approx(reached, abs=0.1)
    assert result.verdict is expected
    assert result.bounds == (result.reached, result.reached)


@pytest.mark.parametrize("fractions", [1, 5, 20, 25, 35, 41])
@pytest.mark.parametrize(("gray", "alpha_beta"), [(72.0, 3.0), (66.0, 2.0), (26.0, 3.0), (58.24, 10.0)])
def test_rescaled_doses_have_the_same_eqd2(gray, alpha_beta, fractions):
    scaled = rescaled_dose_gy(gray, 2.0, alpha_beta, fractions)
    assert eqd2_gy(scaled, fractions, alpha_beta) == pytest.approx(gray, rel=1e-12)


def test_published_examples_of_rescaling():
    # 72 Gy in 36 fractions, alpha/beta 3, is 60 Gy in 20 (rt-volumes.md 2.3 has 60/20 as 72.0).
    assert rescaled_dose_gy(72.0, 2.0, 3.0, 20) == pytest.approx(60.0)
    # As many fractions as it was stated for: the same dose.
    assert rescaled_dose_gy(66.0, 2.0, 2.0, 33) == pytest.approx(66.0)


def test_rescaling_changes_the_verdict_only_where_it_can():
    line = constraint(MEAN_DOSE, limit_gy=42.0, fraction_dose_gy=2.0, alpha_beta_gy=3.0)
    assert verdict(line, RAMP, fractions=21).is_rescaled
    assert verdict(line, RAMP, fractions=21).limit == pytest.approx(42.0)
    assert verdict(line, RAMP, fractions=5).verdict is Verdict.FAIL
    unstated = verdict(line, RAMP, fractions=None)
    assert (unstated.is_rescaled, unstated.limit) == (False, 42.0)
    without_ratio = verdict(constraint(MEAN_DOSE, limit_gy=42.0, fraction_dose_gy=2.0), RAMP, fractions=5)
    assert (without_ratio.is_rescaled, without_ratio.limit) == (False, 42.0)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(56.0, Verdict.PASS), (35.0, Verdict.NOT_DETERMINED), (19.0, Verdict.FAIL)],
)
def test_a_part_outside_the_dose_grid_is_never_dropped(limit, expected):
    # 10 mL at 70 Gy, 20 mL at 10 Gy, 15 mL unknown: V60 is between 10/45 and 25/45.
    structure = dose([10.0, 70.0], [20.0, 10.0], outside_ml=15.0)
    result = verdict(constraint(VOLUME_AT_DOSE, dose_gy=60.0, limit=limit, unit="percent"), structure)
    assert result.bounds == (pytest.approx(100 * 10 / 45), pytest.approx(100 * 25 / 45))
    assert result.verdict is expected


def test_no_structure_and_no_dose():
    line = constraint(MEAN_DOSE, limit_gy=42.0)
    table = ConstraintTable("t", (line,))
    (missing,) = check_constraints(table, [NamedDose("Bladder", "Bladder", RAMP)], 35, 80.0)
    assert (missing.verdict, missing.volume, missing.reached) == (Verdict.NO_STRUCTURE, None, None)
    assert verdict(line, dose([], [], 30.0)).verdict is Verdict.NOT_DETERMINED
    assert counts([missing]) == {"pass": 0, "fail": 0, "not_determined": 0, "no_structure": 1}


def test_a_line_for_both_sides_is_told_for_each():
    line = Constraint("f", ("Femur_Head_L", "Femur_Head_R"), "limit", MEAN_DOSE, "test", True, limit_gy=42.0)
    structures = [
        NamedDose("right head", "Femur_Head_R", dose([50.0], [60.0])),
        NamedDose("left head", "Femur_Head_L", dose([30.0], [60.0])),
        NamedDose("unknown", None, RAMP),
    ]
    results = check_constraints(ConstraintTable("t", (line,)), structures, None, 80.0)
    assert [(r.volume, r.verdict) for r in results] == [
        ("left head", Verdict.PASS),
        ("right head", Verdict.FAIL),
    ]


def test_the_table_of_the_program():
    table = default_constraints()
    by_id = {line.id: line for line in table.lines}
    assert len(by_id) == len(table.lines)
    assert all(line.verified and line.citation and line.can_be_rescaled for line in table.lines)
    assert set(table.off) == {"QUANTEC", "RTOG 0534"}
    # rt-volumes.md section 4: rectum V72 < 22, V60 < 38, V50 < 51, V40 < 64, V26 < 80 %, alpha/beta 3.
    rectum = {
        line.dose_gy: line.limit
        for line in table.lines
        if line.id.startswith("rectum_") and line.kind == "limit"
    }
    assert rectum == {72.0: 22.0, 60.0: 38.0, 50.0: 51.0, 40.0: 64.0, 26.0: 80.0}
    aims = {line.dose_gy: line.limit for line in table.lines if line.kind == "aim"}
    assert aims == {72.0: 1.0, 60.0: 18.0, 50.0: 31.0, 40.0: 44.0, 26.0: 60.0}
    bladder = {line.dose_gy: line.limit for line in table.lines if line.id.startswith("bladder_")}
    assert bladder == {66.0: 20.0, 63.0: 41.0, 74.0: 5.0, 39.0: 41.0}
    assert {by_id[i].alpha_beta_gy for i in ("bladder_v66", "bladder_v39")} == {2.0}
    known = {organ.tg263 for organ in organ_names()}
    assert {organ for line in table.lines for organ in line.organs} <= known


def document():
    text = (files("PSMAPlanningLib.data") / "constraints.json").read_text(encoding="utf-8")
    return json.loads(text)


def test_a_set_from_memory_is_read_when_switched_on_and_says_so():
    edited = document()
    next(each for each in edited["sets"] if each["id"] == "quantec")["enabled"] = True
    lines = {line.id: line for line in table_of_document(edited, "own").lines}
    assert not lines["quantec_rectum_v70"].verified
    assert (lines["quantec_rectum_v70"].dose_gy, lines["quantec_rectum_v70"].limit) == (70.0, 20.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dose_gy": -1}, "dose_gy"),
        ({"dose_gy": "72"}, "dose_gy"),
        ({"dose_gy": True}, "dose_gy"),
        ({"limit": 130}, "more than 100 percent"),
        ({"unit": "cc"}, "unit"),
        ({"metric": "V"}, "unknown metric"),
        ({"kind": "wish"}, "kind"),
        ({"organs": []}, "organs"),
        ({"verified": "yes"}, "verified"),
        ({"alpha_beta": 3}, "alpha_beta"),
        ({"id": "rectum_v60"}, "two lines"),
    ],
)
def test_a_table_that_says_something_impossible(tmp_path, change, said):
    edited = copy.deepcopy(document())
    edited["sets"][0]["lines"][0].update(change)
    path = tmp_path / "own.json"
    path.write_text(json.dumps(edited), encoding="utf-8")
    with pytest.raises(ConstraintError, match=said) as caught:
        read_constraints(path)
    assert "own.json" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sets": 3}', '{"schema_version": 2, "sets": []}'])
def test_what_is_no_table(tmp_path, text):
    path = tmp_path / "own.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConstraintError):
        read_constraints(path)
    with pytest.raises(ConstraintError, match="cannot be read"):
        read_constraints(tmp_path / "none.json")


def plans(first_gy, second_gy, target_gy=(50.0, 56.0), limit_gy=42.0):
    table = ConstraintTable("t", (constraint(MEAN_DOSE, limit_gy=limit_gy),))
    answers = []
    for organ_gy, gray in zip((first_gy, second_gy), target_gy, strict=True):
        organ = NamedDose("Rectum", "Rectum", dose([organ_gy], [60.0]))
        target = NamedDose("PTV", None, dose([gray, gray + 2], [50.0, 50.0]))
        answers.append((check_constraints(table, [organ], 35, 80.0), [target]))
    return compare_plans(*answers)


def test_two_plans_side_by_side():
    found = plans(40.0, 41.5)
    (line,), (target,) = found.lines, found.targets
    assert line.difference == pytest.approx(1.5)
    assert found.is_isotoxic is True
    assert target.difference["mean_gy"] == pytest.approx(6.0)
    assert target.first["d2_gy"] == pytest.approx(52.0)


def test_a_second_plan_that_breaks_a_limit_is_not_isotoxic():
    assert plans(40.0, 43.0).is_isotoxic is False
    assert plans(40.0, 43.0).lines[0].is_lost
    # What the first one breaks already does not count against the second.
    assert plans(43.0, 44.0).is_isotoxic is True
    assert plans(43.0, 41.0).lines[0].is_gained


def test_other_constraints_are_not_compared():
    one = check_constraints(
        ConstraintTable("t", (constraint(MEAN_DOSE, limit_gy=40.0),)),
        [NamedDose("R", "Rectum", RAMP)],
        35,
        80.0,
    )
    other = check_constraints(
        ConstraintTable("t", (constraint(MEAN_DOSE, limit_gy=41.0),)),
        [NamedDose("R", "Rectum", RAMP)],
        35,
        80.0,
    )
    with pytest.raises(ValueError, match="same constraints"):
        compare_plans((one, []), (other, []))
