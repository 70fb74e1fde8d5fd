"""DVH points of a real plan beside the tables that Eclipse, CERR and SlicerRT made of it (Pinter 2012).

Run: PYTHONPATH=PSMAPlanning:Testing python Testing/dvh_table.py [--data FOLDER] [--conventions]
The tables have bins, of 0.046 Gy in Eclipse's and 0.2 Gy in CERR's, and nobody knows a point of theirs better
than that: a point is within the spread when it lies between the three, a bin of Eclipse's allowed; how many
do with nothing allowed is told beside it. Contours are every 2.5 mm; what lies between and beyond them is a
convention. This program's: each contour stands for half a slice to either side, and the ends taper to
nothing over half a slice. --conventions: also others, and the volumes by each beside the three programmes',
which tell whose convention is whose without any dose.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PSMAPlanningLib.coverage.dose_coverage import dosed_structure
from PSMAPlanningLib.coverage.dose_on_points import dose_at
from PSMAPlanningLib.coverage.dvh import StructureDose, dose_of
from PSMAPlanningLib.dicomrt.contour_occupancy import roi_occupancy
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi, read_rtstruct
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import read_image_file
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from PSMAPlanningLib.settings import DoseSettings
from scipy import ndimage

SET = "slicerrt_eclipse_prostate"
STRUCTURES = ("BODY", "Bladder", "FemoralHeadLt", "FemoralHeadRT", "PTV", "Rectum")
ECLIPSE_BIN_GY = 0.046
"""Width of its bins; CERR's are 0.2 Gy."""
_PARTS = 12
_ROUNDING = 1e-6
ROUNDED, TAPERED, FLAT, NONE = "rounded caps", "tapered caps", "half-slice caps", "no caps"


@dataclass(frozen=True, eq=False)
class Plan:
    folder: Path
    dose: Image
    rois: dict[str, Roi]


@dataclass(frozen=True)
class Point:
    """One point of a histogram: ours, the answers of the three, and theirs a bin of dose to either side."""

    structure: str
    name: str
    ours: float
    answers: tuple[float, ...]
    answers_within_a_bin: tuple[float, ...]

    @property
    def miss(self) -> float:
        """By how much it lies outside the spread; 0 inside."""
        missed = max(min(self.answers) - self.ours, self.ours - max(self.answers))
        return missed if missed > _ROUNDING else 0.0

    @property
    def is_within_a_bin(self) -> bool:
        low, high = min(self.answers_within_a_bin), max(self.answers_within_a_bin)
        return low - _ROUNDING <= self.ours <= high + _ROUNDING


class Tables:
    """The three programmes' answers for one structure."""

    def __init__(self, folder: Path, name: str) -> None:
        self.curves, self.volumes = {}, {}
        for program in ("Eclipse", "CERR"):
            self._read(folder / f"EclipseProstate_DvhTable_{program}.csv", program, name)
        with (folder / "EclipseProstate_DvhMetrics_SlicerRT.csv").open(encoding="utf-8") as file:
            rows = {row["Structure"].replace(" ", ""): row for row in csv.DictReader(file)}
        self.slicer_rt = {key: float(value) for key, value in rows[name].items() if key != "Structure"}

    def _read(self, path: Path, program: str, name: str) -> None:
        with path.open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        column = next(n for n, head in enumerate(rows[0]) if head.startswith(f"{name}_DvhArray Dose"))
        self.volumes[program] = float(re.search(r"% of ([\d.]+) cc", rows[0][column + 1]).group(1))
        pairs = [row[column : column + 2] for row in rows[1:] if len(row) > column + 1 and row[column]]
        self.curves[program] = np.array(pairs, float)

    def mean(self) -> list[float]:
        area = [np.trapezoid(c[:, 1], c[:, 0]) / 100 for c in self.curves.values()]
        return [*map(float, area), self.slicer_rt["Mean dose (GY)"]]

    def dose_to_percent(self, percent: float) -> list[float]:
        found = [float(np.interp(-percent, -c[:, 1], c[:, 0])) for c in self.curves.values()]
        return [*found, self.slicer_rt[f"D{percent}% (GY)"]]

    def dose_to_ml(self, volume: float) -> list[float]:
        found = [
            float(np.interp(-100 * volume / self.volumes[p], -c[:, 1], c[:, 0]))
            for p, c in self.curves.items()
        ]
        return [*found, self.slicer_rt[f"D{volume}cc (GY)"]]

    def percent_at(self, dose_gy: float, shift_gy: float = 0.0) -> list[float]:
        found = [float(np.interp(dose_gy + shift_gy, c[:, 0], c[:, 1])) for c in self.curves.values()]
        return [*found, self.slicer_rt[f"V{dose_gy} (%)"]]


def read_plan(folder: Path) -> Plan:
    """Dose and contours; folder: of the data set."""
    dose = read_image_file(folder / "EclipseProstate_Dose.nrrd", Quantity.DOSE)
    structures = read_rtstruct(folder / "RS_eclipse_prostate_phantom.dcm")
    return Plan(folder, dose, {roi.name.replace(" ", ""): roi for roi in structures.rois})


def filling(roi: Roi, grid: VoxelGrid, end_caps: str = DoseSettings().end_caps) -> OccupancyField:
    """A structure as dose is told of it. There is no CT of about 1 mm, so dose pixels are halved."""
    return dosed_structure(roi_occupancy(roi, grid.refine((1, 2, 2))), DoseSettings(end_caps=end_caps))


def points_of(plan: Plan, name: str, found: StructureDose) -> list[Point]:
    """Every point that all three programmes state."""
    tables = Tables(plan.folder, name)
    of_dose = {"mean": (found.mean_gy, tables.mean())}
    for percent in (5, 10):
        of_dose[f"D{percent}%"] = (found.dose_to_percent(percent), tables.dose_to_percent(percent))
    for volume in (2, 5):
        of_dose[f"D{volume}cc"] = (found.dose_to_ml(volume), tables.dose_to_ml(volume))
    points = []
    for each, (ours, answers) in of_dose.items():
        near = (min(answers) - ECLIPSE_BIN_GY, max(answers) + ECLIPSE_BIN_GY)
        points.append(Point(name, each, ours, tuple(answers), near))
    for dose_gy in (5, 20):
        ours = 100 * found.volume_at_ml(dose_gy) / found.known_ml
        near = [*tables.percent_at(dose_gy, -ECLIPSE_BIN_GY), *tables.percent_at(dose_gy, ECLIPSE_BIN_GY)]
        points.append(Point(name, f"V{dose_gy}", ours, tuple(tables.percent_at(dose_gy)), tuple(near)))
    return points


def program_points(plan: Plan, end_caps: str = DoseSettings().end_caps) -> list[Point]:
    """By this program, with the ends of its settings."""
    points = []
    for name in STRUCTURES:
        filled = filling(plan.rois[name], plan.dose.grid, end_caps)
        points += points_of(plan, name, dose_of(filled, plan.dose))
    return points


def convention_points(plan: Plan, by_shape: bool, caps: str) -> list[Point]:
    """By another convention of what lies between and beyond contours; without the body, which ends the grid.

    by_shape: contours turn into each other by their signed distances, as in shape-based interpolation, else
    each stands for its slab. caps: "rounded caps" (to nothing at half a slice, as an ellipsoid does),
    "tapered caps" (as a cone does), "half-slice caps" or "no caps".
    """
    points = []
    for name in STRUCTURES[1:]:
        found = _structure_dose(plan, plan.rois[name], by_shape, caps)
        points += points_of(plan, name, found)
    return points


def _structure_dose(plan: Plan, roi: Roi, by_shape: bool, caps: str) -> StructureDose:
    grid = plan.dose.grid.refine((1, 3, 3))
    filled = roi_occupancy(roi, grid).fraction
    first, last = np.flatnonzero(filled.any(axis=(1, 2)))[[0, -1]]
    slices = filled[first : last + 1]
    step_mm = grid.spacing_kji_mm[1]
    level = [_level(each, step_mm) for each in slices]
    random = np.random.default_rng(1)
    places, shares = [], []
    for n, here in enumerate(level):
        for offset in (np.arange(_PARTS) + 0.5) / _PARTS - 0.5:
            beyond = not 0 <= n + np.sign(offset) < len(level)
            if beyond and caps == NONE:
                continue
            if beyond and caps == ROUNDED:
                # An ellipsoid's outline has shrunk by this part of its half width at that height.
                share = _share(here - here.min() * (1 - np.sqrt(1 - (2 * offset) ** 2)), step_mm)
            elif beyond and caps == TAPERED:
                share = _share(here - here.min() * 2 * abs(offset), step_mm)
            elif beyond or not by_shape:
                share = slices[n]
            else:
                other = level[n + int(np.sign(offset))]
                share = _share((1 - abs(offset)) * here + abs(offset) * other, step_mm)
            at = np.argwhere(share > 0)
            height = first + n + offset + (random.random(len(at)) - 0.5) / _PARTS
            places.append(np.column_stack([height, at + random.random((len(at), 2)) - 0.5]))
            shares.append(share[tuple(at.T)] * grid.voxel_volume_ml / _PARTS)
    dose, volume = dose_at(plan.dose, grid.ras_of(np.concatenate(places))), np.concatenate(shares)
    order = np.argsort(dose)
    return StructureDose(dose[order], volume[order].astype(float), 0.0)


def _level(share: np.ndarray, step_mm: float) -> np.ndarray:
    """Signed distance to a slice's outline, mm, negative inside, from the shares of its pixels."""
    inside = share >= 0.5
    far = ndimage.distance_transform_edt(~inside) - 0.5
    level = np.where(inside, 0.5 - ndimage.distance_transform_edt(inside), far) * step_mm
    return np.where((share > 0) & (share < 1) & (np.abs(level) < step_mm), (0.5 - share) * step_mm, level)


def _share(level: np.ndarray, step_mm: float) -> np.ndarray:
    return np.clip(0.5 - level / step_mm, 0.0, 1.0)


def report(title: str, points: list[Point], each: bool) -> str:
    """Counts, and the points (all, or those outside)."""
    inside = sum(point.miss == 0 for point in points)
    near = sum(point.is_within_a_bin for point in points)
    lines = [f"{title}: {near} of {len(points)} within the spread, {inside} with nothing allowed"]
    for p in points:
        if each or p.miss:
            theirs = " ".join(f"{answer:8.3f}" for answer in p.answers)
            missed = f"  outside by {p.miss:.3f}" if p.miss else ""
            lines.append(f"  {p.structure:<14}{p.name:<6}{p.ours:8.3f}  |{theirs}{missed}")
    return "\n".join(lines)


def volumes_ml(plan: Plan, name: str) -> dict[str, float]:
    """By the three programmes, and by contours that stand for their slabs, with each kind of caps."""
    tables = Tables(plan.folder, name)
    theirs = {**tables.volumes, "SlicerRT": tables.slicer_rt["Volume (cc)"]}
    ours = {
        caps: _structure_dose(plan, plan.rois[name], False, caps).volume_ml
        for caps in (FLAT, TAPERED, ROUNDED, NONE)
    }
    return theirs | ours


def volumes_report(plan: Plan) -> str:
    """A line for each structure without the body, mL."""
    rows = {name: volumes_ml(plan, name) for name in STRUCTURES[1:]}
    lines = ["Volumes, mL".ljust(16) + "".join(f"{head:>16}" for head in next(iter(rows.values())))]
    lines += [
        name.ljust(16) + "".join(f"{each:16.2f}" for each in row.values()) for name, row in rows.items()
    ]
    return "\n".join(lines)


def main() -> None:
    data = Path(os.environ.get("PSMA_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data, help="folder of the test data")
    parser.add_argument("--conventions", action="store_true", help="also other conventions; minutes")
    arguments = parser.parse_args()
    plan = read_plan(arguments.data / SET)
    print("ours | Eclipse CERR SlicerRT; Gy, % of the volume")
    print(report("This program", program_points(plan), each=True))
    if arguments.conventions:
        print(report("\nThis program with flat ends", program_points(plan, "flat"), each=False))
        for by_shape in (False, True):
            for caps in (FLAT, NONE, TAPERED, ROUNDED):
                between = "by shape" if by_shape else "slabs"
                points = convention_points(plan, by_shape, caps)
                print(report(f"\nWithout BODY, {between}, {caps}", points, each=False))
        print("\n" + volumes_report(plan))


if __name__ == "__main__":
    main()
