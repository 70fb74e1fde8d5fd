"""An RTSTRUCT as it stands in the file, faults and all, for checking; for use see rtstruct_reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from ..imaging.dicom_values import plain_text

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_CONTOUR_DATA, _CONTOUR_IMAGES = 0x30060050, 0x30060016
_GEOMETRIC_TYPE, _POINT_COUNT = 0x30060042, 0x30060046


@dataclass(frozen=True, eq=False)
class ContourRecord:
    """One item of a Contour Sequence.

    points_lps: (N, 3) as written, a repeated end point included; None when the data are no points.
    stated_points: Number of Contour Points; images: SOP instance and frame (None: the whole file) referenced.
    longest_decimal: bytes of the longest number, None when the file was not read from bytes.
    """

    kind: str
    points_lps: np.ndarray | None
    stated_points: int | None
    images: tuple[tuple[str, int | None], ...] = field(repr=False)
    longest_decimal: int | None

    @property
    def is_closed(self) -> bool:
        return self.kind in CLOSED

    @property
    def polygon_lps(self) -> np.ndarray:
        """The points without a repeated end point."""
        points = self.points_lps
        return points[:-1] if self.repeats_end else points

    @property
    def repeats_end(self) -> bool:
        points = self.points_lps
        return points is not None and len(points) > 1 and np.array_equal(points[0], points[-1])


@dataclass(frozen=True, eq=False)
class RoiRecord:
    """One structure by its number. name: None where no Structure Set ROI item defines it.

    interpreted_type: None without an observation, empty where the observation gives none.
    """

    number: int | None
    name: str | None
    frame_of_reference_uid: str | None = field(repr=False)
    interpreted_type: str | None
    contours: tuple[ContourRecord, ...] = field(repr=False)
    definitions: int = 1

    @property
    def called(self) -> str:
        return self.name or f"ROI {self.number}"


@dataclass(frozen=True, eq=False)
class SeriesReference:
    """What the referenced frame of reference sequence says."""

    frame_of_reference_uid: str = field(repr=False)
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    images: tuple[tuple[str, int | None], ...] = field(repr=False)


def roi_records(dataset: Dataset) -> list[RoiRecord]:
    """Every structure that is defined or drawn, in the file's order."""
    observed = {
        _integer(item, "ReferencedROINumber"): str(item.get("RTROIInterpretedType") or "").strip()
        for item in dataset.get("RTROIObservationsSequence") or ()
    }
    drawn: dict[int | None, list[ContourRecord]] = {}
    for item in dataset.get("ROIContourSequence") or ():
        drawn.setdefault(_integer(item, "ReferencedROINumber"), []).extend(_contours(item))
    records: dict[int | None, RoiRecord] = {}
    for item in dataset.get("StructureSetROISequence") or ():
        number = _integer(item, "ROINumber")
        known = records.get(number)
        records[number] = RoiRecord(
            number,
            str(item.get("ROIName") or "").strip(),
            str(item.get("ReferencedFrameOfReferenceUID") or "") or None,
            observed.get(number),
            tuple(drawn.get(number, ())),
            1 if known is None else known.definitions + 1,
        )
    for number in drawn.keys() - records.keys():
        records[number] = RoiRecord(number, None, None, observed.get(number), tuple(drawn[number]))
    return list(records.values())


def series_references(dataset: Dataset) -> list[SeriesReference]:
    return [
        SeriesReference(
            str(frame.get("FrameOfReferenceUID") or ""),
            str(study.get("ReferencedSOPInstanceUID") or ""),
            str(series.get("SeriesInstanceUID") or ""),
            _images(series.get("ContourImageSequence")),
        )
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
    ]


def _contours(item: Dataset) -> Iterator[ContourRecord]:
    for contour in item.get("ContourSequence") or ():
        points, longest = _points(contour)
        yield ContourRecord(
            (plain_text(contour, _GEOMETRIC_TYPE) or "").upper(),
            points,
            _whole(plain_text(contour, _POINT_COUNT)),
            _contour_images(contour),
            longest,
        )


def _contour_images(contour: Dataset) -> tuple[tuple[str, int | None], ...]:
    element = contour.get_item(_CONTOUR_IMAGES) if _CONTOUR_IMAGES in contour else None
    if element is None or not isinstance(element, RawDataElement):
        return _images(None if element is None else element.value)
    return _encoded_images(element.value, element.is_implicit_VR, element.is_little_endian)


@lru_cache(maxsize=2048)
def _encoded_images(
    value: bytes, is_implicit_vr: bool, is_little_endian: bool
) -> tuple[tuple[str, int | None], ...]:
    """All contours of a slice bear the same bytes: they are taken apart once."""
    holder = Dataset()
    holder[_CONTOUR_IMAGES] = RawDataElement(
        Tag(_CONTOUR_IMAGES), "SQ", len(value), value, 0, is_implicit_vr, is_little_endian
    )
    return _images(holder[_CONTOUR_IMAGES].value)


def _images(sequence: Sequence[Dataset] | None) -> tuple[tuple[str, int | None], ...]:
    return tuple(
        (str(item.get("ReferencedSOPInstanceUID") or ""), _integer(item, "ReferencedFrameNumber"))
        for item in sequence or ()
    )


def _points(contour: Dataset) -> tuple[np.ndarray | None, int | None]:
    # The raw bytes, because pydicom makes an object of every single number.
    element = contour.get_item(_CONTOUR_DATA)
    value = None if element is None else element.value
    longest = None
    try:
        if value is None or len(value) == 0:
            numbers = np.empty(0)
        elif isinstance(value, (bytes, bytearray)):
            parts = bytes(value).strip(b" \0").split(b"\\")
            longest = max(map(len, parts))
            numbers = np.array(parts, dtype=np.bytes_).astype(float)
        else:
            longest = max(len(str(getattr(number, "original_string", number))) for number in value)
            numbers = np.array([float(number) for number in value])
    except (ValueError, TypeError):
        return None, longest
    if numbers.size % 3 or not np.isfinite(numbers).all():
        return None, longest
    return numbers.reshape(-1, 3), longest


def _integer(item: Dataset, keyword: str) -> int | None:
    return _whole(item.get(keyword))


def _whole(value: object) -> int | None:
    try:
        return None if value is None or value == "" else int(value)
    except (TypeError, ValueError):
        return None
