"""Synthetic PET and CT series with headers as scanners write them, one thing varied at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SOP_CLASSES = {"PT": "1.2.840.10008.5.1.4.1.1.128", "CT": "1.2.840.10008.5.1.4.1.1.2"}
BASE = {
    "Units": "BQML",
    "DecayCorrection": "START",
    "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    "PatientWeight": "70",
    "PatientSize": "1.75",
    "PatientSex": "O",
    "SeriesDate": "20250101",
    "SeriesTime": "110000",
    "AcquisitionDate": "20250101",
    "AcquisitionTime": "110000",
    "FrameReferenceTime": "150000",
    "ActualFrameDuration": "300000",
}
"""The base case of the IBSI SUV data sets: 70 kg, 1.75 m, 368.08 MBq, F-18, one hour of uptake."""
BASE_TRACER = {
    "Radiopharmaceutical": "PSMA-1007",
    "RadiopharmaceuticalStartTime": "100000",
    "RadiopharmaceuticalStartDateTime": "20250101100000",
    "RadionuclideTotalDose": "368080000",
    "RadionuclideHalfLife": "6586.2",
}
BASE_FACTOR = 70e3 / (368.08e6 * 2.0 ** (-3600.0 / 6586.2))
"""SUV per Bq/ml of the base case."""


def pet_datasets(stored: np.ndarray | None = None, **changes: Any) -> list[Dataset]:
    """Data sets of a PET series; `changes` replace header values, None removes one.

    stored: (K, J, I) uint16. Further keywords: slopes, positions (LPS), axes, pixel_spacing, modality,
    series_uid, study_uid, frame_uid, tracer (dict of changes inside the radiopharmaceutical), nuclide
    (code, meaning), per_slice (keyword to list of values), private (list of group, creator,
    element, VR, value).
    """
    stored = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5) if stored is None else stored
    count = len(stored)
    slopes = changes.pop("slopes", [1.0] * count)
    positions = changes.pop("positions", [(0.0, 0.0, 3.0 * k) for k in range(count)])
    axes = changes.pop("axes", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    spacing = changes.pop("pixel_spacing", (2.0, 2.0))
    modality = changes.pop("modality", "PT")
    series_uid = changes.pop("series_uid", None) or generate_uid()
    study_uid = changes.pop("study_uid", "1.2.3.4")
    frame_uid = changes.pop("frame_uid", "1.2.3.4.5")
    tracer, nuclide = changes.pop("tracer", {}), changes.pop("nuclide", None)
    per_slice, private = changes.pop("per_slice", {}), changes.pop("private", [])
    datasets = []
    for k in range(count):
        dataset = _empty(modality)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
        dataset.FrameOfReferenceUID = frame_uid
        dataset.PatientID, dataset.PatientName = "SYNTHETIC", "Nobody^Synthetic"
        dataset.ImagePositionPatient = [float(x) for x in positions[k]]
        dataset.ImageOrientationPatient = [float(x) for x in axes]
        dataset.PixelSpacing = [float(x) for x in spacing]
        dataset.RescaleSlope, dataset.RescaleIntercept = float(slopes[k]), 0.0
        _set_pixels(dataset, stored[k])
        if modality == "PT":
            _set(dataset, BASE)
            dataset.RadiopharmaceuticalInformationSequence = Sequence([_tracer(tracer, nuclide)])
        _set(dataset, changes)
        _set(dataset, {keyword: values[k] for keyword, values in per_slice.items()})
        for group, creator, element, representation, value in private:
            dataset.private_block(group, creator, create=True).add_new(element, representation, value)
        datasets.append(dataset)
    return datasets


def ct_datasets(stored: np.ndarray | None = None, **changes: Any) -> list[Dataset]:
    """Data sets of a CT series in HU with an intercept of -1024."""
    changes = {"modality": "CT", "RescaleIntercept": -1024.0, **changes}
    return pet_datasets(stored, **changes)


def write_series(datasets: list[Dataset], folder: Path, prefix: str = "slice") -> Path:
    """Writes the data sets as files, in reverse order of their names, and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with pydicom.config.disable_value_validation():
        for index, dataset in enumerate(reversed(datasets)):
            dataset.save_as(folder / f"{prefix}{index:03d}.dcm", enforce_file_format=True)
    return folder


def _empty(modality: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SOP_CLASSES.get(modality, "1.2.840.10008.5.1.4.1.1.7")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.Modality = modality
    return dataset


def _set_pixels(dataset: Dataset, plane: np.ndarray) -> None:
    dataset.Rows, dataset.Columns = plane.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * plane.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(plane.dtype.kind == "i")
    dataset.add_new(0x7FE00010, "OW" if plane.itemsize > 1 else "OB", plane.tobytes())


def _tracer(changes: dict[str, Any], nuclide: tuple[str, str] | None) -> Dataset:
    item = Dataset()
    _set(item, BASE_TRACER)
    _set(item, changes)
    if nuclide is not None:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = nuclide[0], "SRT", nuclide[1]
        item.RadionuclideCodeSequence = Sequence([code])
    return item


def _set(dataset: Dataset, values: dict[str, Any]) -> None:
    with pydicom.config.disable_value_validation():
        for keyword, value in values.items():
            if value is None:
                if keyword in dataset:
                    delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
