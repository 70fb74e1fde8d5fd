"""A real plan against the tables that Eclipse, CERR and SlicerRT made of it (Pinter 2012)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from dvh_table import (
    FLAT,
    NONE,
    SET,
    STRUCTURES,
    TAPERED,
    Tables,
    convention_points,
    filling,
    program_points,
    read_plan,
)
from PSMAPlanningLib.coverage.dvh import dose_of
from PSMAPlanningLib.dicomrt.dose_reader import read_rtdose
from PSMAPlanningLib.imaging.image import Image
from test_dicomrt.dose_builder import write_dose

CERR_HALF_BIN_GY = 0.1


@pytest.fixture(scope="module")
def read():
    """Read once: the plan of a folder."""
    return lru_cache(maxsize=1)(read_plan)


@pytest.fixture
def plan(shared_data, read):
    return read(shared_data(SET))


def test_mean_dose_of_the_ptv(plan):
    found = dose_of(filling(plan.rois["PTV"], plan.dose.grid), plan.dose)
    assert found.mean_gy == pytest.approx(45.88, abs=0.05)
    assert found.outside_ml == 0


def test_points_lie_within_the_spread_of_the_three_programmes(plan):
    """Every one, to a bin of Eclipse's table, below which nobody knows a point; most with nothing allowed."""
    points = program_points(plan)
    assert len(points) == 7 * len(STRUCTURES)
    assert [(p.structure, p.name) for p in points if not p.is_within_a_bin] == []
    assert sum(point.miss == 0 for point in points) >= 36
    assert max(point.miss for point in points) < 0.02
    assert all(p.miss == 0 for p in points if p.structure in ("PTV", "Bladder"))


def test_flat_ends_leave_a_point_outside(plan):
    """What parts the programmes is a convention: a count that only a change of it can move."""
    points = program_points(plan, end_caps="flat")
    assert [(p.structure, p.name) for p in points if not p.is_within_a_bin] == [("Rectum", "V20")]


@pytest.mark.parametrize("name", STRUCTURES[1:])
def test_volumes_tell_whose_ends_are_whose_without_any_dose(plan, name):
    """CERR's volumes are those of flat ends, Eclipse's and SlicerRT's nearer to tapered ones."""
    flat, tapered = (filling(plan.rois[name], plan.dose.grid, ends).volume_ml for ends in ("flat", "tapered"))
    tables = Tables(plan.folder, name)
    assert flat == pytest.approx(tables.volumes["CERR"], rel=2e-3)
    assert tapered == pytest.approx(tables.volumes["Eclipse"], rel=4e-3)
    for theirs in (tables.volumes["Eclipse"], tables.slicer_rt["Volume (cc)"]):
        assert abs(tapered - theirs) < abs(flat - theirs)


def test_the_body_is_cut_by_the_scan_and_does_not_taper(plan):
    flat, tapered = (filling(plan.rois["BODY"], plan.dose.grid, ends) for ends in ("flat", "tapered"))
    assert tapered.volume_ml == flat.volume_ml


@pytest.mark.slow
def test_tapered_caps_are_nearest_to_the_tables_by_points_too(plan):
    """The same drawn anew by points in each slice, by each convention."""
    missed = {
        caps: sum(not p.is_within_a_bin for p in convention_points(plan, False, caps))
        for caps in (FLAT, NONE, TAPERED)
    }
    assert missed[TAPERED] == 0 < min(missed[FLAT], missed[NONE])


@pytest.mark.parametrize("name", ["PTV", "Bladder", "FemoralHeadLt", "FemoralHeadRT"])
def test_the_whole_curve_follows_eclipse(plan, name):
    found, tables = dose_of(filling(plan.rois[name], plan.dose.grid), plan.dose), Tables(plan.folder, name)
    curve = tables.curves["Eclipse"]
    # Every percent but the ends.
    for percent in range(5, 96):
        theirs = float(np.interp(-percent, -curve[:, 1], curve[:, 0]))
        assert found.dose_to_percent(percent) == pytest.approx(theirs, abs=CERR_HALF_BIN_GY), percent


def test_the_same_through_an_rtdose(plan, tmp_path):
    dose, rois = plan.dose, plan.rois
    grid = dose.grid
    path = write_dose(tmp_path / "RD.dcm", dose.array, grid.spacing_mm, grid.origin_lps)
    read = read_rtdose(path).image
    assert isinstance(read, Image)
    assert read.grid.same_as(grid)
    assert np.abs(read.array - dose.array).max() < 1e-4
    found = dose_of(filling(rois["PTV"], read.grid), read)
    assert found.mean_gy == pytest.approx(45.88, abs=0.05)
