"""Opening the DICOM files of radiotherapy: one that is asked for, or those of a kind in a folder."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ..errors import DicomError, InputError
from ..imaging.dicom_values import DAMAGED

_CALLED = {"RTSTRUCT": "an RTSTRUCT", "RTDOSE": "an RTDOSE", "SEG": "a DICOM SEG"}


def read_radiotherapy_file(path: Path, modality: str) -> Dataset:
    """The whole data set of a file of that modality: "RTSTRUCT", "RTDOSE" or "SEG".

    Raises InputError when it is no DICOM file or of another modality, DicomError when it is damaged.
    """
    try:
        with pydicom.config.disable_value_validation():
            dataset = pydicom.dcmread(path)
            found = str(dataset.get("Modality") or "")
    except InvalidDicomError:
        raise InputError(f"{path} is no DICOM file; give {_CALLED[modality]}.") from None
    except DAMAGED:
        raise DicomError(
            f"{path} is damaged, cut short or not readable; copy it again from the archive."
        ) from None
    if found != modality:
        raise InputError(
            f"{path} is a DICOM file of modality {found or 'unknown'}, not {_CALLED[modality]}; give another."
        )
    return dataset


def modality_of(path: Path) -> str:
    """The modality a file states; empty when it states none or is no DICOM file."""
    try:
        header = pydicom.dcmread(path, specific_tags=["Modality"], stop_before_pixels=True)
        return str(header.get("Modality") or "")
    except DAMAGED:
        return ""


def files_of_modality(folder: Path, modality: str) -> list[Path]:
    """The files of a modality anywhere in a folder, sorted by path."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and modality_of(path) == modality]
