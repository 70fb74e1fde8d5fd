"""A real plan against the tables that Eclipse, CERR and SlicerRT made of it (Pinter 2012)."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from PSMAPlanningLib.coverage.dvh import dose_of
from PSMAPlanningLib.dicomrt.contour_occupancy import roi_occupancy
from PSMAPlanningLib.dicomrt.dose_reader import read_rtdose
from PSMAPlanningLib.dicomrt.rasterise import roi_planes
from PSMAPlanningLib.dicomrt.rtstruct_reader import read_rtstruct
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from test_coverage.fillings import Fractions
from test_dicomrt.dose_builder import write_dose

SET = "slicerrt_eclipse_prostate"
STRUCTURES = ("BODY", "Bladder", "FemoralHeadLt", "FemoralHeadRT", "PTV", "Rectum")
ECLIPSE_BIN_GY = 0.046
"""A point of a histogram is not known better than a bin of Eclipse's table; CERR's are 0.2 Gy."""
CERR_HALF_BIN_GY = 0.1


class Tables:
    """The three programmes' answers for one structure."""

    def __init__(self, folder, name):
        self.curves, self.volumes = {}, {}
        for program in ("Eclipse", "CERR"):
            self._read(folder / f"EclipseProstate_DvhTable_{program}.csv", program, name)
        with (folder / "EclipseProstate_DvhMetrics_SlicerRT.csv").open(encoding="utf-8") as file:
            rows = {row["Structure"].replace(" ", ""): row for row in csv.DictReader(file)}
        self.slicer_rt = {key: float(value) for key, value in rows[name].items() if key != "Structure"}

    def _read(self, path, program, name):
        with path.open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        column = next(n for n, head in enumerate(rows[0]) if head.startswith(f"{name}_DvhArray Dose"))
        self.volumes[program] = float(re.search(r"% of ([\d.]+) cc", rows[0][column + 1]).group(1))
        pairs = [row[column : column + 2] for row in rows[1:] if len(row) > column + 1 and row[column]]
        self.curves[program] = np.array(pairs, float)

    def mean(self):
        area = [np.trapezoid(c[:, 1], c[:, 0]) / 100 for c in self.curves.values()]
        return [*area, self.slicer_rt["Mean dose (GY)"]]

    def dose_to_percent(self, percent):
        found = [np.interp(-percent, -c[:, 1], c[:, 0]) for c in self.curves.values()]
        return [*found, self.slicer_rt[f"D{percent}% (GY)"]]

    def dose_to_ml(self, volume):
        found = [
            np.interp(-100 * volume / self.volumes[p], -c[:, 1], c[:, 0]) for p, c in self.curves.items()
        ]
        return [*found, self.slicer_rt[f"D{volume}cc (GY)"]]

    def percent_at(self, dose_gy):
        found = [np.interp(dose_gy, c[:, 0], c[:, 1]) for c in self.curves.values()]
        return [*found, self.slicer_rt[f"V{dose_gy} (%)"]]


@pytest.fixture
def plan(shared_data):
    folder = shared_data(SET)
    dose = read_image_file(folder / "EclipseProstate_Dose.nrrd", Quantity.DOSE)
    structures = read_rtstruct(folder / "RS_eclipse_prostate_phantom.dcm")
    rois = {roi.name.replace(" ", ""): roi for roi in structures.rois}
    return folder, dose, rois


def filling(roi, grid, with_end_caps=True):
    # Contours are drawn on a CT of about 1 mm; there is none here, so the dose grid's pixels are halved.
    fine = grid.refine((4 if not with_end_caps else 1, 2, 2))
    fraction = roi_occupancy(roi, fine).fraction
    if not with_end_caps:
        planes = roi_planes(roi, fine)
        k = np.zeros((fine.shape_kji[0], 3))
        k[:, 0] = np.arange(len(k))
        heights = fine.ras_of(k) @ planes.normal
        fraction = fraction.copy()
        fraction[(heights < planes.heights_mm[0]) | (heights > planes.heights_mm[-1])] = 0
    return Fractions(fraction, fine)


def within(value, answers, allowed):
    assert min(answers) - allowed <= value <= max(answers) + allowed, (value, answers)


def test_mean_dose_of_the_ptv(plan):
    _, dose, rois = plan
    found = dose_of(filling(rois["PTV"], dose.grid), dose)
    assert found.mean_gy == pytest.approx(45.88, abs=0.05)
    assert found.outside_ml == 0


@pytest.mark.parametrize("name", STRUCTURES)
def test_doses_lie_within_the_spread_of_the_three_programmes(plan, name):
    folder, dose, rois = plan
    found, tables = dose_of(filling(rois[name], dose.grid), dose), Tables(folder, name)
    within(found.mean_gy, tables.mean(), ECLIPSE_BIN_GY)
    for percent in (5, 10):
        within(found.dose_to_percent(percent), tables.dose_to_percent(percent), ECLIPSE_BIN_GY)
    for volume in (2, 5):
        within(found.dose_to_ml(volume), tables.dose_to_ml(volume), ECLIPSE_BIN_GY)
    if name in ("PTV", "Bladder"):
        for percent in (5, 10):
            within(found.dose_to_percent(percent), tables.dose_to_percent(percent), 0.0)


@pytest.mark.parametrize("name", STRUCTURES)
def test_volumes_at_a_dose_lie_within_the_spread(plan, name):
    """Where a structure ends in low dose, V20 depends on its end caps: half a slice, or rounded, or none.

    The programmes differ in just that, so our range, with and without them, meets the range of theirs.
    """
    folder, dose, rois = plan
    tables = Tables(folder, name)
    both = [
        dose_of(filling(rois[name], dose.grid, caps), dose)
        for caps in ((True, False) if name != "BODY" else (True,))
    ]
    for dose_gy in (5, 20):
        ours = [100 * found.volume_at_ml(dose_gy) / found.known_ml for found in both]
        answers = tables.percent_at(dose_gy)
        assert min(ours) <= max(answers) + 1e-6, (ours, answers)
        assert max(ours) >= min(answers) - 1e-6, (ours, answers)


@pytest.mark.parametrize("name", ["PTV", "Bladder", "FemoralHeadLt", "FemoralHeadRT"])
def test_the_whole_curve_follows_eclipse(plan, name):
    folder, dose, rois = plan
    found, tables = dose_of(filling(rois[name], dose.grid), dose), Tables(folder, name)
    curve = tables.curves["Eclipse"]
    # Every percent but the ends, where Eclipse's rounded end caps hold less of the low dose.
    for percent in range(5, 96):
        theirs = float(np.interp(-percent, -curve[:, 1], curve[:, 0]))
        assert found.dose_to_percent(percent) == pytest.approx(theirs, abs=CERR_HALF_BIN_GY), percent


def test_the_same_through_an_rtdose(plan, tmp_path):
    _, dose, rois = plan
    grid = dose.grid
    path = write_dose(tmp_path / "RD.dcm", dose.array, grid.spacing_mm, grid.origin_lps)
    read = read_rtdose(path).image
    assert isinstance(read, Image)
    assert read.grid.same_as(grid)
    assert np.abs(read.array - dose.array).max() < 1e-4
    found = dose_of(filling(rois["PTV"], read.grid), read)
    assert found.mean_gy == pytest.approx(45.88, abs=0.05)
