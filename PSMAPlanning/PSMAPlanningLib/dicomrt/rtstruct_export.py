"""Structures ready for a planning system: contours, structure set and check; nothing is written here."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import FileDataset

from ..imaging.grid import VoxelGrid
from ..rtvolumes.occupancy import OccupancyField
from .contour_occupancy import roi_occupancy
from .export_check import plan_findings
from .export_plan import ExportOptions, ExportPlan, ExportStructure, PlannedRoi, plan_export
from .findings import ERROR, Finding, errors_of
from .planning_series import PlanningSeries
from .rtstruct_check import check_structure_set
from .rtstruct_dataset import decimal_text, structure_set_dataset
from .rtstruct_reader import Roi

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_SAID_BEFORE = ("no_contour", "type", "gap")
"""Found already before anything was drawn, where the reason is known."""


@dataclass(frozen=True, eq=False)
class Export:
    """A structure set ready to be written, and what its check found, errors first.

    dataset: None when an error left nothing to make one of.
    """

    plan: ExportPlan
    dataset: FileDataset | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return errors_of(self.findings)

    @property
    def rois(self) -> tuple[PlannedRoi, ...]:
        return self.plan.rois


def prepare_export(
    structures: Sequence[ExportStructure],
    series: PlanningSeries,
    options: ExportOptions | None = None,
    when: datetime.datetime | None = None,
) -> Export:
    """Contours, structure set and check, without writing anything. when: creation time, now without it."""
    plan = plan_export(structures, series, options)
    found = plan_findings(plan)
    if not plan.rois:
        return Export(plan, None, found)
    dataset = structure_set_dataset(plan, when)
    there = [each for each in check_structure_set(dataset, series) if each.code not in _SAID_BEFORE]
    findings = sorted([*found, *there], key=lambda each: each.severity != ERROR)
    return Export(plan, dataset, tuple(findings))


def exported_roi(roi: PlannedRoi, series: PlanningSeries) -> Roi:
    """The structure as a reader of the file will find it: contours in RAS mm, numbers as they are written."""
    contours = []
    for each in roi.contours:
        text = decimal_text(series.points_lps(each.slice_number, each.points))
        contours.append(np.array(text.strip().split(b"\\")).astype(float).reshape(-1, 3) * _LPS_TO_RAS)
    return Roi(roi.number, roi.name, roi.interpreted_type, roi.colour, tuple(contours))


def exported_occupancy(
    roi: PlannedRoi, series: PlanningSeries, grid: VoxelGrid | None = None
) -> OccupancyField:
    """What the exported contours stand for, on the planning CT's voxels or on `grid`: for its coverage
    after export.

    Each contour stands for its slab, as planning systems take it. Raises GridError off the grid.
    """
    spacing_mm = float(np.median(series.slab_thickness_mm))
    return roi_occupancy(exported_roi(roi, series), grid or series.grid, spacing_mm)
