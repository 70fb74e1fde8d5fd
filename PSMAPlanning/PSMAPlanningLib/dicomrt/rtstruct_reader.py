"""DICOM RTSTRUCT files as named sets of planar contours in RAS millimetres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, InputError
from ..imaging.dicom_values import DAMAGED
from .radiotherapy_file import files_of_modality, read_radiotherapy_file

MODALITY = "RTSTRUCT"
STATUS_OK = "ok"
STATUS_EMPTY = "empty"
STATUS_POINTS = "points_only"
STATUS_DAMAGED = "damaged"
_CLOSED_TYPES = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_CONTOUR_DATA = 0x30060050


@dataclass(frozen=True, eq=False)
class Roi:
    """One structure. contours: closed polygons, (N, 3) RAS millimetres each, without a repeated end point.

    kind: the RT ROI interpreted type (GTV, CTV, PTV, ORGAN, ...), None when the file gives none.
    colour: red, green, blue 0 to 255, None when absent.
    dropped_contours: contours left out: fewer than 3 points, not closed, or an exact copy of another.
    damaged_contours: contours left out because their data are no points.
    status: "ok"; without any contour left "damaged" when some could not be read, "points_only" when some had
    fewer than 3 points or were open, else "empty".
    """

    number: int
    name: str
    kind: str | None = None
    colour: tuple[int, int, int] | None = None
    contours: tuple[np.ndarray, ...] = field(default=(), repr=False)
    dropped_contours: int = 0
    damaged_contours: int = 0
    frame_of_reference_uid: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for contour in self.contours:
            if (
                contour.ndim != 2
                or contour.shape[1] != 3
                or len(contour) < 3
                or not np.isfinite(contour).all()
            ):
                raise DicomError(
                    f"Structure '{self.name}' has a contour that is no list of three or more finite points; "
                    "export the structure set again."
                )

    @property
    def status(self) -> str:
        if self.contours:
            return STATUS_OK
        if self.damaged_contours:
            return STATUS_DAMAGED
        return STATUS_POINTS if self.dropped_contours else STATUS_EMPTY


@dataclass(frozen=True, eq=False)
class StructureSet:
    """The structures of one RTSTRUCT file in the file's order.

    frame_of_reference_uid: None when the file gives none, or more than one (then each ROI has its own).
    referenced_series_uid: of the image the structures were drawn on, None when the file does not say.
    """

    frame_of_reference_uid: str | None = field(repr=False)
    referenced_series_uid: str | None = field(repr=False)
    rois: tuple[Roi, ...]
    label: str = field(default="", repr=False)
    header: Dataset | None = field(default=None, repr=False)
    """The file's data set without contours, for comparing patient and study."""

    def roi(self, name: str) -> Roi:
        """The structure of that name; InputError, listing the names, when there is none or more than one."""
        found = [roi for roi in self.rois if roi.name == name]
        if len(found) != 1:
            names = ", ".join(f"'{roi.name}'" for roi in self.rois)
            raise InputError(
                f"The structure set has {len(found)} structures named '{name}'; it holds {names}."
            )
        return found[0]


def read_rtstruct(path: Path | str) -> StructureSet:
    """The structures of an RTSTRUCT file; missing image references are tolerated, other files refused.

    Raises InputError when the path is no RTSTRUCT file, DicomError when the file is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_dir():
        path = _only_rtstruct(path)
    dataset = read_radiotherapy_file(path, MODALITY)
    try:
        with pydicom.config.disable_value_validation():
            rois = tuple(_rois(dataset, path))
            series_uid = _referenced_series(dataset)
            frame = _frame_of_reference(dataset, rois)
            label = str(dataset.get("StructureSetLabel") or "")
    except DAMAGED:
        raise DicomError(f"{path} is a damaged RTSTRUCT; export the structure set again.") from None
    if not rois:
        raise InputError(f"{path} defines no structure; export the structure set again.")
    if "ROIContourSequence" in dataset:
        del dataset.ROIContourSequence
    return StructureSet(frame, series_uid, rois, label, dataset)


def _only_rtstruct(folder: Path) -> Path:
    found = files_of_modality(folder, MODALITY)
    if len(found) != 1:
        listing = f": {', '.join(path.name for path in found)}" if found else ""
        raise InputError(f"{folder} holds {len(found)} RTSTRUCT files{listing}; give the path of one.")
    return found[0]


def _rois(dataset: Dataset, path: Path) -> Iterator[Roi]:
    kinds = {
        _integer(item, "ReferencedROINumber"): str(item.get("RTROIInterpretedType") or "").strip() or None
        for item in dataset.get("RTROIObservationsSequence") or ()
    }
    drawn = {_integer(item, "ReferencedROINumber"): item for item in dataset.get("ROIContourSequence") or ()}
    for item in dataset.get("StructureSetROISequence") or ():
        number = _integer(item, "ROINumber")
        if number is None:
            raise DicomError(
                f"{path.name} has a structure without a ROI number (3006,0022); export it again."
            )
        name = str(item.get("ROIName") or "").strip() or f"ROI {number}"
        contours, dropped, damaged = _contours(drawn.get(number))
        yield Roi(
            number=number,
            name=name,
            kind=kinds.get(number),
            colour=_colour(drawn.get(number)),
            contours=contours,
            dropped_contours=dropped,
            damaged_contours=damaged,
            frame_of_reference_uid=str(item.get("ReferencedFrameOfReferenceUID") or "") or None,
        )


def _contours(item: Dataset | None) -> tuple[tuple[np.ndarray, ...], int, int]:
    """Contours kept, how many were dropped, and how many could not be read."""
    sequence = () if item is None else item.get("ContourSequence") or ()
    kept: dict[bytes, np.ndarray] = {}
    damaged = 0
    for contour in sequence:
        kind = str(contour.get("ContourGeometricType") or "CLOSED_PLANAR").strip().upper()
        points = _points(contour)
        if points is None:
            damaged += 1
            continue
        if len(points) > 1 and np.array_equal(points[0], points[-1]):
            points = points[:-1]
        if kind not in _CLOSED_TYPES or len(points) < 3:
            continue
        # Two copies of one contour would cancel each other under the even-odd rule.
        kept.setdefault(points.tobytes(), points)
    return tuple(kept.values()), len(sequence) - len(kept) - damaged, damaged


def _points(contour: Dataset) -> np.ndarray | None:
    """(N, 3) RAS mm; None when the contour data (3006,0050) are no points."""
    # The raw bytes, because pydicom makes an object of every single number.
    element = contour.get_item(_CONTOUR_DATA)
    value = None if element is None else element.value
    try:
        if value is None or len(value) == 0:
            numbers = np.empty(0)
        elif isinstance(value, (bytes, bytearray)):
            numbers = np.array(bytes(value).decode("ascii").strip(" \0").split("\\"), dtype=float)
        else:
            numbers = np.array([float(number) for number in value])
    except (ValueError, TypeError, UnicodeDecodeError):
        return None
    if numbers.size % 3 or not np.isfinite(numbers).all():
        return None
    return numbers.reshape(-1, 3) * _LPS_TO_RAS


def _colour(item: Dataset | None) -> tuple[int, int, int] | None:
    value = None if item is None else item.get("ROIDisplayColor")
    if not isinstance(value, Sequence) or len(value) != 3:
        return None
    return tuple(min(255, max(0, int(part))) for part in value)


def _integer(item: Dataset, keyword: str) -> int | None:
    value = item.get(keyword)
    return None if value is None or value == "" else int(value)


def _frame_of_reference(dataset: Dataset, rois: Sequence[Roi]) -> str | None:
    frames = {roi.frame_of_reference_uid for roi in rois} - {None}
    if not frames:
        frames = {
            str(item.FrameOfReferenceUID)
            for item in dataset.get("ReferencedFrameOfReferenceSequence") or ()
            if item.get("FrameOfReferenceUID")
        }
    if not frames and dataset.get("FrameOfReferenceUID"):
        frames = {str(dataset.FrameOfReferenceUID)}
    return frames.pop() if len(frames) == 1 else None


def _referenced_series(dataset: Dataset) -> str | None:
    found = {
        str(series.SeriesInstanceUID)
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
        if series.get("SeriesInstanceUID")
    }
    return found.pop() if len(found) == 1 else None
