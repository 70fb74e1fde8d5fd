"""Whether a structure set and an image series belong together, and whether a planning system will take it.

dciodvfy and dicom-validator look at one file; links between files and what contours may not do are checked
here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, InputError
from ..imaging.dicom_values import DAMAGED
from ..imaging.patient_identity import normal_id, normal_name
from ..rtvolumes.tg263 import LONGEST_NAME
from .contour_check import contour_findings
from .export_names import INTERPRETED_TYPES, plain_name
from .findings import ERROR, WARNING, Finding
from .planning_series import PlanningSeries
from .radiotherapy_file import read_radiotherapy_file
from .rtstruct_contents import RoiRecord, SeriesReference, roi_records, series_references
from .rtstruct_dataset import TYPE_2_OF_PATIENT_AND_STUDY

_LONGEST_LABEL = 16
_TYPE_2 = (*TYPE_2_OF_PATIENT_AND_STUDY, "Manufacturer", "StructureSetDate", "StructureSetTime")
"""Eclipse refuses files in which one of them is absent, be it empty (SlicerRT issue 186)."""


def read_for_check(path: Path | str) -> Dataset:
    """An RTSTRUCT file as it stands. Raises InputError when it is none, DicomError when it is damaged."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is no file; give an RTSTRUCT.")
    return read_radiotherapy_file(path, "RTSTRUCT")


def check_structure_set(dataset: Dataset, series: PlanningSeries) -> tuple[Finding, ...]:
    """Everything found about a structure set and the series it should lie on, errors first.

    Raises DicomError when the structure set cannot be read at all.
    """
    try:
        with pydicom.config.disable_value_validation():
            rois, references = roi_records(dataset), series_references(dataset)
            found = [
                *_file_findings(dataset, series),
                *_link_findings(references, rois, series),
                *_name_findings(rois),
            ]
            for roi in rois:
                found += contour_findings(roi, series)
    except DAMAGED:
        raise DicomError("The RTSTRUCT is damaged; export the structure set again.") from None
    return tuple(sorted(found, key=lambda each: each.severity != ERROR))


def _file_findings(dataset: Dataset, series: PlanningSeries) -> Iterator[Finding]:
    for keyword, normal in (("PatientID", normal_id), ("PatientName", normal_name)):
        mine, theirs = (normal(str(each.get(keyword) or "")) for each in (dataset, series.header))
        if mine and theirs and mine != theirs:
            yield Finding(
                "patient",
                ERROR,
                f"The {keyword} of structure set and images differ; they may be of two patients.",
            )
    if str(dataset.get("StudyInstanceUID") or "") != series.study_uid:
        yield Finding(
            "study", WARNING, "The structure set is filed under another study than the images it lies on."
        )
    label = str(dataset.get("StructureSetLabel") or "").strip()
    if not label:
        yield Finding("label", ERROR, "The structure set has no label (3006,0002).")
    elif len(label) > _LONGEST_LABEL:
        yield Finding(
            "label",
            ERROR,
            f"The label has {len(label)} characters; {_LONGEST_LABEL} are the most DICOM allows.",
        )
    absent = [keyword for keyword in _TYPE_2 if keyword not in dataset]
    if absent:
        yield Finding("absent", WARNING, f"Must be there, be it empty, and is not: {', '.join(absent)}.")
    if not str(dataset.get("ApprovalStatus") or ""):
        yield Finding("approval", WARNING, "The approval status (300E,0002) is not stated.")


def _link_findings(
    references: Sequence[SeriesReference], rois: Sequence[RoiRecord], series: PlanningSeries
) -> Iterator[Finding]:
    frames = {roi.frame_of_reference_uid for roi in rois} - {None}
    frames |= {each.frame_of_reference_uid for each in references} - {""}
    if not frames:
        yield Finding("frame_of_reference", ERROR, "No frame of reference is stated.")
    elif frames != {series.frame_of_reference_uid}:
        yield Finding(
            "frame_of_reference", ERROR, "The structures lie in another frame of reference than the images."
        )
    if not references:
        yield Finding(
            "series", ERROR, "The structure set does not say which series it was drawn on (3006,0010)."
        )
        return
    if all(each.series_uid != series.series_uid for each in references):
        yield Finding("series", ERROR, "The structure set was drawn on another series than these images.")
    studies = {each.study_uid for each in references if each.series_uid == series.series_uid}
    if studies and studies != {series.study_uid}:
        yield Finding("study", ERROR, "The study that the structure set refers to is not the images' study.")
    there = {(each.sop_instance_uid, each.frame) for each in series.slices}
    listed = {image for each in references if each.series_uid == series.series_uid for image in each.images}
    if listed - there:
        yield Finding(
            "images", ERROR, f"{len(listed - there)} images are referred to that are not in the series."
        )
    if listed and there - listed:
        yield Finding(
            "images",
            WARNING,
            f"{len(there - listed)} images of the series are not in the list of references.",
        )


def _name_findings(rois: Sequence[RoiRecord]) -> Iterator[Finding]:
    if not rois:
        yield Finding("empty", ERROR, "The structure set defines no structure.")
    seen: set[str] = set()
    for roi in rois:
        if roi.number is None or roi.definitions > 1:
            yield Finding(
                "number", ERROR, f"The number {roi.number} names no structure, or several.", roi.called
            )
        if roi.name is None:
            yield Finding(
                "number", ERROR, f"Contours are drawn for number {roi.number}, which is not defined."
            )
            continue
        if not roi.name:
            yield Finding("name", ERROR, f"Structure {roi.number} has no name.")
        elif len(roi.name) > LONGEST_NAME:
            yield Finding(
                "name_length",
                WARNING,
                f"The name has {len(roi.name)} characters; planning systems keep {LONGEST_NAME}.",
                roi.name,
            )
        elif plain_name(roi.name) != roi.name:
            yield Finding(
                "name_characters", WARNING, "The name has characters some planning systems refuse.", roi.name
            )
        if roi.name.upper() in seen:
            yield Finding("name_twice", ERROR, "Another structure has the same name.", roi.name)
        seen.add(roi.name.upper())
        if roi.interpreted_type is None:
            yield Finding("observation", ERROR, "There is no RT ROI observation (3006,0080).", roi.called)
        elif not roi.interpreted_type:
            yield Finding(
                "type", WARNING, "What kind of structure it is (3006,00A4) is not stated.", roi.called
            )
        elif roi.interpreted_type.upper() not in INTERPRETED_TYPES:
            yield Finding(
                "type", WARNING, f"{roi.interpreted_type} is no interpreted type DICOM knows.", roi.called
            )
