"""An export plan as a DICOM RT Structure Set (PS3.3 A.19), bound to the planning CT it was drawn on.

Everything that says which patient, study, frame of reference, series and slices are meant is copied from
the CT's
files; only the structure set itself gets new identifiers. Written implicit little endian, because contours of
more than 64 kB do not fit the length field that decimal strings have in explicit encoding.
"""

from __future__ import annotations

import datetime
import unicodedata

import numpy as np
import pydicom
from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from ..version import VERSION
from .export_plan import ExportPlan, PlannedRoi
from .planning_series import PlanningSeries

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
"""The retired class that RT Referenced Study Sequence names, as planning systems write it."""
_CONTOUR_IMAGES, _GEOMETRIC_TYPE = Tag(0x3006, 0x0016), Tag(0x3006, 0x0042)
_POINT_COUNT, _CONTOUR_NUMBER, _CONTOUR_DATA = Tag(0x3006, 0x0046), Tag(0x3006, 0x0048), Tag(0x3006, 0x0050)
_FROM_CT = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
TYPE_2_OF_PATIENT_AND_STUDY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Type 2: must be there, may be empty; Eclipse refuses a file without (SlicerRT issue 186)."""
_EMPTY_IF_ABSENT = (*TYPE_2_OF_PATIENT_AND_STUDY, "PositionReferenceIndicator")


def structure_set_dataset(plan: ExportPlan, when: datetime.datetime | None = None) -> FileDataset:
    """The whole structure set, ready to be saved. when: creation date and time, now without it."""
    when = when or datetime.datetime.now()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    with pydicom.config.disable_value_validation():
        _identify(dataset, plan.series, when)
        _describe(dataset, plan, when)
        images: dict[int, bytes] = {}
        dataset.ReferencedFrameOfReferenceSequence = Sequence([_frame_of_reference(plan.series)])
        dataset.StructureSetROISequence = Sequence(
            [_definition(roi, plan.series.frame_of_reference_uid) for roi in plan.rois]
        )
        dataset.ROIContourSequence = Sequence([_contours(roi, plan.series, images) for roi in plan.rois])
        dataset.RTROIObservationsSequence = Sequence([_observation(roi) for roi in plan.rois])
    _keep_encoding(dataset)
    return dataset


def _identify(dataset: Dataset, series: PlanningSeries, when: datetime.datetime) -> None:
    for keyword in _FROM_CT:
        if keyword in series.header:
            setattr(dataset, keyword, series.header[keyword].value)
        elif keyword in _EMPTY_IF_ABSENT:
            setattr(dataset, keyword, "")
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = _date(when), _time(when)
    dataset.Modality = "RTSTRUCT"
    dataset.SeriesInstanceUID = generate_uid()
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.SeriesDate, dataset.SeriesTime = _date(when), _time(when)
    dataset.SeriesDescription = "PSMAPlanning structures, research"
    dataset.OperatorsName = ""
    dataset.Manufacturer, dataset.ManufacturerModelName = "PSMAPlanning", "PSMAPlanning"
    dataset.SoftwareVersions = VERSION


def _describe(dataset: Dataset, plan: ExportPlan, when: datetime.datetime) -> None:
    dataset.StructureSetLabel = plan.options.label
    dataset.StructureSetName = plan.options.label
    dataset.StructureSetDescription = "Research software, not a medical device; to be reviewed before use."
    dataset.StructureSetDate, dataset.StructureSetTime = _date(when), _time(when)
    dataset.ApprovalStatus = "UNAPPROVED"


def _frame_of_reference(series: PlanningSeries) -> Dataset:
    images = Dataset()
    images.SeriesInstanceUID = series.series_uid
    images.ContourImageSequence = Sequence([_image(series, number) for number in range(len(series.slices))])
    study = Dataset()
    study.ReferencedSOPClassUID = _DETACHED_STUDY
    study.ReferencedSOPInstanceUID = series.study_uid
    study.RTReferencedSeriesSequence = Sequence([images])
    frame = Dataset()
    frame.FrameOfReferenceUID = series.frame_of_reference_uid
    frame.RTReferencedStudySequence = Sequence([study])
    return frame


def _image(series: PlanningSeries, number: int) -> Dataset:
    reference = series.slices[number]
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class_uid
    item.ReferencedSOPInstanceUID = reference.sop_instance_uid
    if reference.frame is not None:
        item.ReferencedFrameNumber = reference.frame
    return item


def _definition(roi: PlannedRoi, frame_of_reference_uid: str) -> Dataset:
    item = Dataset()
    item.ROINumber = roi.number
    item.ReferencedFrameOfReferenceUID = frame_of_reference_uid
    item.ROIName = roi.name
    if roi.description:
        # ST holds 1024 characters; those that the CT's character set may lack are taken out of their accents.
        item.ROIDescription = _without_accents(roi.description)[:1024]
    item.ROIGenerationAlgorithm = roi.structure.algorithm.value
    return item


def _contours(roi: PlannedRoi, series: PlanningSeries, images: dict[int, bytes]) -> Dataset:
    """images: the encoded references of slices, filled as they are needed."""
    item = Dataset()
    item.ROIDisplayColor = list(roi.colour)
    item.ReferencedROINumber = roi.number
    ordered = sorted(roi.contours, key=lambda each: each.slice_number)
    sequence = []
    for number, contour in enumerate(ordered, start=1):
        place = contour.slice_number
        if place not in images:
            images[place] = _encoded_reference(series, place)
        values = (
            (_CONTOUR_IMAGES, "SQ", images[place]),
            (_GEOMETRIC_TYPE, "CS", b"CLOSED_PLANAR "),
            (_POINT_COUNT, "IS", _even(str(len(contour.points)).encode("ascii"))),
            (_CONTOUR_NUMBER, "IS", _even(str(number).encode("ascii"))),
            (_CONTOUR_DATA, "DS", decimal_text(series.points_lps(place, contour.points))),
        )
        sequence.append(_encoded_item(values))
    if sequence:
        item.ContourSequence = Sequence(sequence)
    _keep_encoding(item)
    return item


def _encoded_item(values: tuple[tuple[BaseTag, str, bytes], ...]) -> Dataset:
    """A data set of elements in the file's own bytes: pydicom would make an object of every number."""
    item = Dataset()
    for tag, representation, value in values:
        item[tag] = RawDataElement(tag, representation, len(value), value, 0, True, True)
    _keep_encoding(item)
    return item


def _keep_encoding(item: Dataset) -> None:
    """Says that it is encoded already as it will be, or the writer would take all bytes in it apart again."""
    encoding = item.get("SpecificCharacterSet")
    item.set_original_encoding(True, True, convert_encodings(encoding) if encoding else default_encoding)


def _encoded_reference(series: PlanningSeries, number: int) -> bytes:
    """The value of a Contour Image Sequence, as it stands in every contour of one slice."""
    holder = Dataset()
    holder.ContourImageSequence = Sequence([_image(series, number)])
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = True, True
    write_dataset(buffer, holder)
    # Behind tag and length, four bytes each.
    return buffer.getvalue()[8:]


def _without_accents(text: str) -> str:
    plain = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(plain).encode("ascii", "replace").decode("ascii").replace("\\", "/")


def _even(text: bytes) -> bytes:
    return text + b" " * (len(text) % 2)


def decimal_text(points: np.ndarray) -> bytes:
    """Points, (N, 3) mm, as decimal strings to the micrometre: at most 16 bytes each, of even length
    together."""
    numbers = np.round(points, 3).ravel() + 0.0
    text = ("%.3f\\" * len(numbers))[:-1] % tuple(numbers.tolist())
    return _even(text.encode("ascii"))


def _observation(roi: PlannedRoi) -> Dataset:
    item = Dataset()
    item.ObservationNumber = roi.number
    item.ReferencedROINumber = roi.number
    item.ROIObservationLabel = roi.name
    if roi.code is not None:
        code = Dataset()
        code.CodeValue = roi.code.value
        code.CodingSchemeDesignator = roi.code.scheme
        code.CodeMeaning = roi.code.meaning
        item.RTROIIdentificationCodeSequence = Sequence([code])
    item.RTROIInterpretedType = roi.interpreted_type or ""
    item.ROIInterpreter = ""
    return item


def _date(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%d")


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%H%M%S")
