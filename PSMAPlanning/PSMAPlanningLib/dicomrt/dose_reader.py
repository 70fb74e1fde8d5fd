"""DICOM RTDOSE files as a dose image in gray, or one sentence that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, DoseError, InputError
from ..imaging.dicom_values import DAMAGED, UNREADABLE, plain_numbers, plain_text
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity
from .radiotherapy_file import files_of_modality, read_radiotherapy_file

MODALITY = "RTDOSE"
WHOLE_PLAN = ("PLAN", "MULTI_PLAN", "PLAN_OVERVIEW")
"""Dose Summation Types (3004,000A) that stand for a whole plan; the others are parts of one."""
_EVEN_TO_MM = 0.05
"""Planes may be this far from a regular grid: offsets are often written with one digit after the point."""
_SAME_PLANE_MM = 1e-3
_DIRECTION_TOLERANCE = 1e-3
_POSITION, _ORIENTATION, _SPACING = 0x00200032, 0x00200037, 0x00280030
_OFFSETS, _SCALING = 0x3004000C, 0x3004000E
_FRAME, _TYPE, _UNITS, _SUMMATION = 0x00200052, 0x30040004, 0x30040002, 0x3004000A


@dataclass(frozen=True, eq=False)
class RtDose:
    """A dose distribution. image: gray, float32, with its frame of reference.

    summation_type: PLAN, BEAM, FRACTION ..., as the file says; parts: how many files were added up.
    header: the first file's data set without pixels, for comparing patient and study.
    """

    image: Image
    summation_type: str
    parts: int = 1
    header: Dataset | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()


def read_rtdose(path: Path | str, sum_parts: bool = False) -> RtDose:
    """The dose of an RTDOSE file, or of a folder that holds one (searched recursively).

    sum_parts: add up all RTDOSE files of the folder (doses of beams or of fraction groups); without it
        several files are refused, because only the user knows whether they make one plan.
    Raises InputError for what is no RTDOSE, DicomError for a damaged file, DoseError for a dose that is
    relative, not physical, or on planes that form no regular grid (DICOM PS3.3 C.8.8.3).
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_file():
        dose = _read_one(path)
        if dose.summation_type in WHOLE_PLAN:
            return dose
        raise DoseError(
            f"{path.name} is the dose of a part of a plan (Dose Summation Type "
            f"{dose.summation_type or 'not stated'}); give the plan's dose, or a folder of all parts with "
            "--sum-doses."
        )
    files = files_of_modality(path, MODALITY)
    if not files:
        raise InputError(f"{path} holds no RTDOSE file; give the dose exported from the planning system.")
    if len(files) > 1 and not sum_parts:
        names = ", ".join(each.name for each in files)
        raise DoseError(
            f"{path} holds {len(files)} RTDOSE files ({names}); give the path of one, or add --sum-doses "
            "when together they are the dose of one plan."
        )
    return read_rtdose(files[0]) if len(files) == 1 else _sum(files)


def _sum(files: Sequence[Path]) -> RtDose:
    doses = [_read_one(each) for each in files]
    first = doses[0]
    whole = [each.summation_type in WHOLE_PLAN for each in doses]
    if any(whole) and not all(whole):
        raise DoseError(
            f"{files[whole.index(True)].name} is already the dose of a whole plan, so it is not added to its "
            "parts; give one or the other."
        )
    for each, file in zip(doses[1:], files[1:], strict=True):
        if each.image.frame_of_reference_uid != first.image.frame_of_reference_uid:
            raise DoseError(f"{file.name} has another frame of reference than {files[0].name}; not added up.")
        if not each.image.grid.same_as(first.image.grid):
            raise DoseError(
                f"{file.name} lies on another dose grid than {files[0].name}; export the sum from the "
                "planning system."
            )
    total = np.sum([each.image.array for each in doses], axis=0, dtype=np.float32)
    image = Image(total, first.image.grid, Quantity.DOSE, first.image.frame_of_reference_uid)
    said = f"The dose is the sum of {len(doses)} RTDOSE files of type {first.summation_type or 'not stated'}."
    return RtDose(image, first.summation_type, len(doses), first.header, (*first.warnings, said))


def _read_one(path: Path) -> RtDose:
    dataset = read_radiotherapy_file(path, MODALITY)
    try:
        with pydicom.config.disable_value_validation():
            _require_physical_gray(dataset, path.name)
            frame = plain_text(dataset, _FRAME)
            if frame is None:
                raise DoseError(
                    f"{path.name} states no frame of reference (0020,0052), so nobody can tell where its "
                    "dose lies; export it again."
                )
            scaling = _numbers(dataset, path.name, _SCALING, "DoseGridScaling (3004,000e)", 1)[0]
            if scaling <= 0.0:
                raise DoseError(
                    f"{path.name} has a DoseGridScaling (3004,000e) of {scaling:g}; export it again."
                )
            stored = _pixels(dataset, path.name)
            grid, flipped = _grid(dataset, stored.shape, path.name)
            summation = (plain_text(dataset, _SUMMATION) or "").upper()
    except UNREADABLE:
        raise DicomError(f"{path.name} is a damaged RTDOSE; copy it again from the archive.") from None
    # In double precision: a 32 bit dose has more digits than a float32 before it is scaled.
    dose = (stored * scaling).astype(np.float32)
    if dose.min() < 0.0:
        raise DoseError(f"{path.name} holds doses below zero; export the physical dose.")
    if dose.max() <= 0.0:
        raise DoseError(f"{path.name} holds no dose above zero; check that it is the right file.")
    if flipped:
        dose = np.ascontiguousarray(dose[::-1])
    del dataset.PixelData
    return RtDose(Image(dose, grid, Quantity.DOSE, frame), summation, 1, dataset)


def _require_physical_gray(dataset: Dataset, name: str) -> None:
    units = (plain_text(dataset, _UNITS) or "not stated").upper()
    if units != "GY":
        raise DoseError(
            f"{name} has the dose units {units} instead of GY, and without the dose that 100 % stands for "
            "there are no grays; export the dose in Gy."
        )
    kind = (plain_text(dataset, _TYPE) or "not stated").upper()
    if kind != "PHYSICAL":
        raise DoseError(
            f"{name} has the dose type {kind}; limits and prescriptions are physical dose, export that."
        )


def _pixels(dataset: Dataset, name: str) -> np.ndarray:
    """(frames, rows, columns), as stored."""
    if "PixelData" not in dataset:
        raise DoseError(
            f"{name} holds no dose on a grid (only curves or points); export the dose as a volume."
        )
    try:
        array = dataset.pixel_array
    except (*DAMAGED, RuntimeError):
        # pydicom raises RuntimeError for a compression it has no decoder for.
        raise DicomError(f"{name} has pixels that cannot be read; export it again, uncompressed.") from None
    if array.ndim != 3 or array.shape[0] < 2:
        raise DoseError(f"{name} holds a single plane of dose; export the dose as a volume.")
    return array


def _grid(dataset: Dataset, shape: tuple[int, int, int], name: str) -> tuple[VoxelGrid, bool]:
    """The grid, and whether the planes are to be turned round because they are stored downwards."""
    axes = _numbers(dataset, name, _ORIENTATION, "ImageOrientationPatient (0020,0037)", 6)
    position = _numbers(dataset, name, _POSITION, "ImagePositionPatient (0020,0032)", 3)
    spacing = _numbers(dataset, name, _SPACING, "PixelSpacing (0028,0030)", 2)
    offsets = _numbers(dataset, name, _OFFSETS, "GridFrameOffsetVector (3004,000c)", shape[0])
    row, column = axes[:3], axes[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(row @ column))) > _DIRECTION_TOLERANCE:
        raise DoseError(f"{name} has axes (0020,0037) that are not perpendicular unit vectors; export again.")
    normal = np.cross(row, column)
    # Planes oblique to the patient are read along their normal by some systems and along z by others.
    if np.abs(normal).max() < 1 - _DIRECTION_TOLERANCE:
        raise DoseError(
            f"{name} has tilted dose planes (0020,0037), whose distances are not defined alike everywhere; "
            "export the dose on planes along the patient's axes."
        )
    if abs(offsets[0]) > _SAME_PLANE_MM:
        transverse = np.abs(axes - (1, 0, 0, 0, 1, 0)).max() <= _DIRECTION_TOLERANCE
        if not transverse or abs(offsets[0] - position[2]) > _EVEN_TO_MM:
            raise DoseError(
                f"{name} has frame offsets (3004,000c) that start neither at zero nor at the first plane's "
                "position, so nobody can tell where its planes lie; export it again."
            )
    offsets = offsets - offsets[0]
    steps = np.diff(offsets)
    flipped = bool(steps[0] < 0)
    step = float(offsets[-1] - offsets[0]) / (len(offsets) - 1)
    even = step * np.arange(len(offsets))
    if abs(step) <= _SAME_PLANE_MM or np.abs(offsets - even).max() > _EVEN_TO_MM:
        raise DoseError(
            f"{name} has unevenly spaced planes ({np.abs(steps).min():.2f} to {np.abs(steps).max():.2f} mm); "
            "export the dose on a regular grid."
        )
    origin = position + (offsets[-1] if flipped else 0.0) * normal
    grid = VoxelGrid.from_lps(
        shape,
        # DICOM's first spacing is between rows, which is along J.
        (spacing[1], spacing[0], abs(step)),
        tuple(origin),
        np.column_stack([row, column, normal]),
    )
    return grid, flipped


def _numbers(dataset: Dataset, name: str, tag: int, what: str, count: int) -> np.ndarray:
    try:
        numbers = np.array(plain_numbers(dataset, tag))
    except UNREADABLE:
        numbers = np.array([])
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise DoseError(f"{name} has no usable {what}; export it again.")
    if tag == _SPACING and numbers.min() <= 0:
        raise DoseError(f"{name} has a {what} of zero or below; export it again.")
    return numbers
