"""The lesion list and the coverage table as MRML table nodes with typed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .appearance import coverage_class_of

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..records import CaseState

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]

_NOT_KNOWN = float("nan")


def write_lesion_table(node: Any, state: CaseState, coverage: Coverage) -> None:
    """One row per lesion: decision, contour, size, uptake, place and best coverage class."""
    lesions = state.lesions
    peaks = [lesion.region.peak_ras for lesion in lesions]
    _write(
        node,
        {
            "Lesion": [lesion.id for lesion in lesions],
            "State": [str(lesion.state.value) for lesion in lesions],
            "Rejection reason": [lesion.rejection_reason or "" for lesion in lesions],
            "Contour": [lesion.contour.source for lesion in lesions],
            "Threshold": [_number(lesion.contour.threshold_suv) for lesion in lesions],
            "Volume": [lesion.contour.mask.volume_ml for lesion in lesions],
            "SUVmax": [_number(lesion.region.suv_max) for lesion in lesions],
            "SUVmean": [_number(lesion.region.suv_mean) for lesion in lesions],
            "Peak R": [float(peak[0]) for peak in peaks],
            "Peak A": [float(peak[1]) for peak in peaks],
            "Peak S": [float(peak[2]) for peak in peaks],
            "Coverage": [coverage_class_of(lesion, state.volumes, coverage) for lesion in lesions],
        },
        units={
            "Threshold": "{SUVbw}g/ml",
            "Volume": "ml",
            "SUVmax": "{SUVbw}g/ml",
            "SUVmean": "{SUVbw}g/ml",
            "Peak R": "mm",
            "Peak A": "mm",
            "Peak S": "mm",
        },
        text_columns=("Lesion", "State", "Rejection reason", "Contour", "Coverage"),
    )


def write_coverage_table(node: Any, state: CaseState, coverage: Coverage) -> None:
    """One row per lesion and volume: class, covered percentage, signed distance of the centroid."""
    rows = [
        (lesion.id, volume.name, volume.kind or "", coverage[lesion.id][volume.name])
        for lesion in state.lesions
        for volume in state.volumes
        if volume.name in coverage.get(lesion.id, {})
    ]
    _write(
        node,
        {
            "Lesion": [row[0] for row in rows],
            "Volume": [row[1] for row in rows],
            "Kind": [row[2] for row in rows],
            "Class": [_text(row[3].coverage_class) for row in rows],
            "Covered": [_number(row[3].fraction) * 100 for row in rows],
            "Centroid to surface": [_number(row[3].centroid_distance_mm) for row in rows],
        },
        units={"Covered": "%", "Centroid to surface": "mm"},
        text_columns=("Lesion", "Volume", "Kind", "Class"),
    )


def _write(
    node: Any, columns: Mapping[str, Sequence], units: Mapping[str, str], text_columns: Sequence[str]
) -> None:
    import vtk

    table = vtk.vtkTable()
    for name, values in columns.items():
        column = vtk.vtkStringArray() if name in text_columns else vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    modifying = node.StartModify()
    try:
        node.RemoveAllColumns()
        node.SetAndObserveTable(table)
        node.SetUseColumnTitleAsColumnHeader(True)
        for name, unit in units.items():
            node.SetColumnUnitLabel(name, unit)
            node.SetColumnTitle(name, f"{name} [{unit}]")
    finally:
        node.EndModify(modifying)


def _number(value: float | None) -> float:
    return _NOT_KNOWN if value is None else float(value)


def _text(coverage_class: Any) -> str:
    return "" if coverage_class is None else str(coverage_class.value)
