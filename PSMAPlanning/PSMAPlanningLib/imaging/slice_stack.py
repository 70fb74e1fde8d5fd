"""How the slices of a DICOM series stand in space, and whether they form a volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from ..errors import DicomError
from .dicom_values import UNREADABLE, plain_numbers, raw_value
from .grid import VoxelGrid

POSITION_TOLERANCE_MM = 0.1
"""A slice this close to the regular grid stays as it is: a fortieth of a usual PET voxel."""
GAP_TOLERANCE = 0.05
"""Relative to the median gap; beyond it a slice is missing or misplaced."""
_SAME_POSITION_MM = 1e-3
_DIRECTION_TOLERANCE = 1e-3
_SHEAR_TOLERANCE_MM = 0.1


@dataclass(frozen=True)
class _Element:
    keyword: str
    tag: int
    count: int

    def __str__(self) -> str:
        return f"{self.keyword} ({self.tag >> 16:04x},{self.tag & 0xFFFF:04x})"


_POSITION = _Element("ImagePositionPatient", 0x00200032, 3)
_ORIENTATION = _Element("ImageOrientationPatient", 0x00200037, 6)
_SPACING = _Element("PixelSpacing", 0x00280030, 2)
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_FRAMES, _SAMPLES = 0x00280008, 0x00280002
_FRAME_OF_REFERENCE = 0x00200052


@dataclass(frozen=True)
class SliceStack:
    """order: index of each slice along K in the sequence given; grid: the regular grid of the volume.

    positions_mm: (K,) distance of the slices along the normal; position_error_mm: the largest distance
    of a slice from the regular grid between the first and the last.
    """

    order: tuple[int, ...]
    grid: VoxelGrid
    positions_mm: np.ndarray
    position_error_mm: float
    frame_of_reference_uid: str | None

    @property
    def needs_resampling(self) -> bool:
        return self.position_error_mm > POSITION_TOLERANCE_MM

    def resampled(self, array: np.ndarray) -> np.ndarray:
        """(K, J, I) float32: linear interpolation along K from the true positions to the grid's."""
        even = self.positions_mm[0] + self.grid.spacing_mm[2] * np.arange(len(self.positions_mm))
        below = np.clip(np.searchsorted(self.positions_mm, even, side="right") - 1, 0, len(even) - 2)
        weight = (even - self.positions_mm[below]) / np.diff(self.positions_mm)[below]
        weight = np.clip(weight, 0.0, 1.0)
        result = np.empty_like(array)
        for k, (low, share) in enumerate(zip(below.tolist(), weight.tolist(), strict=True)):
            result[k] = array[low] * (1.0 - share) + array[low + 1] * share
        return result


def slice_stack(datasets: Sequence[Dataset], names: Sequence[str]) -> SliceStack:
    """The stack that slices form; `names` are the file names for messages.

    Raises DicomError, naming file and tag, for slices that form no volume.
    """
    if len(datasets) < 2:
        raise DicomError(
            f"{names[0]} is the only slice of its series; give the folder with the whole series."
        )
    _require_plain_slices(datasets, names)
    axes = _numbers(datasets[0], names[0], _ORIENTATION)
    spacing = _numbers(datasets[0], names[0], _SPACING)
    for dataset, name in zip(datasets, names, strict=True):
        _require_like_first(dataset, name, datasets[0], axes, spacing)
    row, column, normal = _axes(axes, names[0])
    points = np.array(
        [_numbers(dataset, name, _POSITION) for dataset, name in zip(datasets, names, strict=True)]
    )
    heights = points @ normal
    order = np.argsort(heights, kind="stable")
    heights, points = heights[order], points[order]
    _require_complete(heights, [names[index] for index in order])
    _require_upright(points, heights, normal)
    step = (heights[-1] - heights[0]) / (len(heights) - 1)
    even = heights[0] + step * np.arange(len(heights))
    grid = VoxelGrid.from_lps(
        (len(heights), int(datasets[0].Rows), int(datasets[0].Columns)),
        # DICOM's first spacing is between rows, which is along J.
        (spacing[1], spacing[0], step),
        tuple(points[0]),
        np.column_stack([row, column, normal]),
    )
    frame = str(datasets[0].get("FrameOfReferenceUID") or "") or None
    return SliceStack(tuple(order.tolist()), grid, heights, float(np.abs(heights - even).max()), frame)


def _require_plain_slices(datasets: Sequence[Dataset], names: Sequence[str]) -> None:
    ordinary = raw_value(datasets[0], _SAMPLES) if int(datasets[0].get("SamplesPerPixel") or 1) == 1 else None
    for dataset, name in zip(datasets, names, strict=True):
        if _FRAMES in dataset and int(dataset.get("NumberOfFrames") or 1) > 1:
            raise DicomError(
                f"{name} holds several frames (0028,0008), which this version cannot read; "
                "export the series as one file per slice."
            )
        if raw_value(dataset, _SAMPLES) != ordinary and int(dataset.get("SamplesPerPixel") or 1) != 1:
            raise DicomError(
                f"{name} is a colour picture (0028,0002), not a measurement; choose another series."
            )


def _require_like_first(
    dataset: Dataset, name: str, first: Dataset, axes: np.ndarray, spacing: np.ndarray
) -> None:
    def differs(tag: int) -> bool:
        # Equal bytes need no conversion, and nearly all slices of a series have them.
        return raw_value(dataset, tag) != raw_value(first, tag)

    remedy = "the series mixes images, choose another or export it again"
    if (differs(_ROWS) or differs(_COLUMNS)) and (dataset.Rows, dataset.Columns) != (
        first.Rows,
        first.Columns,
    ):
        raise DicomError(
            f"{name} has {dataset.Columns} x {dataset.Rows} pixels and the first slice "
            f"{first.Columns} x {first.Rows}; {remedy}."
        )
    if differs(_ORIENTATION.tag) and np.abs(_numbers(dataset, name, _ORIENTATION) - axes).max() > 1e-4:
        raise DicomError(f"{name} lies in another direction (0020,0037) than the first slice; {remedy}.")
    if differs(_SPACING.tag) and np.abs(_numbers(dataset, name, _SPACING) / spacing - 1.0).max() > 1e-4:
        raise DicomError(f"{name} has another pixel spacing (0028,0030) than the first slice; {remedy}.")
    if differs(_FRAME_OF_REFERENCE) and dataset.get(_FRAME_OF_REFERENCE) != first.get(_FRAME_OF_REFERENCE):
        raise DicomError(f"{name} has another frame of reference (0020,0052) than the first slice; {remedy}.")


def _axes(axes: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors of increasing column, increasing row and slice, exactly perpendicular, in LPS."""
    row, column = axes[:3], axes[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if (
        any(abs(length - 1.0) > _DIRECTION_TOLERANCE for length in lengths)
        or abs(row @ column) > _DIRECTION_TOLERANCE
    ):
        raise DicomError(
            f"{name} has row and column directions (0020,0037) that are not perpendicular unit vectors; "
            "export the series again."
        )
    row = row / lengths[0]
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return row, np.cross(normal, row), normal


def _require_complete(heights: np.ndarray, names: Sequence[str]) -> None:
    gaps = np.diff(heights)
    if gaps.min() < _SAME_POSITION_MM:
        index = int(gaps.argmin())
        raise DicomError(
            f"{names[index]} and {names[index + 1]} lie at the same position (0020,0032): a slice is "
            "doubled, or the series holds several time points; export one static series."
        )
    usual = float(np.median(gaps))
    index = int(np.abs(gaps / usual - 1.0).argmax())
    ratio = float(gaps[index] / usual)
    if abs(ratio - 1.0) <= GAP_TOLERANCE:
        return
    between = f"between {names[index]} and {names[index + 1]}"
    if round(ratio) >= 2 and abs(ratio - round(ratio)) <= GAP_TOLERANCE * round(ratio):
        raise DicomError(
            f"{round(ratio) - 1} slice(s) are missing {between}: the gap is {gaps[index]:.2f} mm instead of "
            f"{usual:.2f} mm; export the whole series."
        )
    raise DicomError(
        f"The slice gap {between} is {gaps[index]:.2f} mm instead of {usual:.2f} mm, more than 5 % off; "
        "export the series with even gaps."
    )


def _require_upright(points: np.ndarray, heights: np.ndarray, normal: np.ndarray) -> None:
    drift = points - points[0] - (heights - heights[0])[:, None] * normal
    largest = float(np.linalg.norm(drift, axis=1).max())
    if largest > _SHEAR_TOLERANCE_MM:
        angle = math.degrees(math.atan2(np.linalg.norm(drift[-1]), heights[-1] - heights[0]))
        raise DicomError(
            f"The slices are shifted sideways by up to {largest:.1f} mm (gantry tilt of about {angle:.1f} "
            "degrees), so they form no regular grid; export the series corrected for the tilt."
        )


def _numbers(dataset: Dataset, name: str, element: _Element) -> np.ndarray:
    try:
        numbers = np.array(plain_numbers(dataset, element.tag))
    except UNREADABLE:
        numbers = np.array([])
    if numbers.shape != (element.count,) or not np.isfinite(numbers).all():
        raise DicomError(f"{name} has no usable {element}; export the series again.")
    if element is _SPACING and numbers.min() <= 0.0:
        raise DicomError(f"{name} has a {element} of zero or below; export the series again.")
    return numbers
