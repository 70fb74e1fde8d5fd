"""The doors for images: a path in, an image in known units out, or one sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, InputError, NoUptakeError, UnitsError
from .dicom_series import Series, choose_series, find_series, read_series, read_stack, series_stack
from .dicom_values import UNREADABLE
from .image import Image, Quantity
from .image_file import SUFFIXES, read_image_file, suffix_of
from .suv import SuvConversion, apply, suv_conversion
from .suv_entered import EnteredValues, normal_units
from .suv_header import SuvHeader, suv_header


@dataclass(frozen=True)
class PatientIdentity:
    """Who a series belongs to, to be compared across files; never shown by repr, never logged."""

    patient_id: str = field(repr=False)
    name: str = field(repr=False)
    birth_date: str | None = field(default=None, repr=False)
    sex: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StudyInfo:
    """Which study and series an image was read from; UIDs and dates stay out of logs."""

    modality: str
    study_uid: str | None = field(default=None, repr=False)
    series_uid: str | None = field(default=None, repr=False)
    study_date: str | None = field(default=None, repr=False)
    series_description: str | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class PetInput:
    """A PET in SUVbw with the audit of its conversion; patient and study are None for plain files."""

    image: Image
    suv: SuvConversion
    patient: PatientIdentity | None = None
    study: StudyInfo | None = None
    warnings: tuple[str, ...] = ()

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What was said about the slices and about their SUV."""
        return (*self.warnings, *self.suv.warnings)


def read_pet(
    path: Path | str,
    units: str | None = None,
    series_uid: str | None = None,
    entered: EnteredValues | None = None,
) -> PetInput:
    """A PET as SUVbw from a DICOM folder or an image file.

    units: "SUVbw" or "Bq/ml", needed for .nrrd, .nii and .mha, which carry none.
    entered: what the header lacks. series_uid: which PET of several.

    Raises InputError, DicomError, SeriesChoiceError, UnitsError, SuvHeaderError or NoUptakeError,
    each with one sentence that names the file or tag and the remedy.
    """
    path = Path(path)
    entered = _with_units(entered or EnteredValues(), units)
    pet = _pet_file(path, entered) if _is_image_file(path) else _pet_folder(path, entered, series_uid)
    if not np.isfinite(pet.image.array).all():
        raise InputError(
            f"{path} holds voxels that are not finite numbers after conversion to SUV; export it again."
        )
    if float(pet.image.array.max()) <= 0.0:
        raise NoUptakeError(
            f"The PET in {path} has no uptake: no voxel is above zero; check that it is the right one."
        )
    return pet


def read_ct(path: Path | str, series_uid: str | None = None) -> Image:
    """A CT in Hounsfield units from a DICOM folder or an image file.

    Raises InputError, DicomError or SeriesChoiceError.
    """
    path = Path(path)
    if _is_image_file(path):
        return read_image_file(path, Quantity.HOUNSFIELD)
    volume = read_series(_chosen(path, "CT", series_uid))
    return Image(volume.array, volume.grid, Quantity.HOUNSFIELD, volume.frame_of_reference_uid)


def patient_identity(dataset: Dataset) -> PatientIdentity:
    """The identity in a DICOM header of any kind."""
    return PatientIdentity(
        patient_id=_optional(dataset, "PatientID") or "",
        name=_optional(dataset, "PatientName") or "",
        birth_date=_optional(dataset, "PatientBirthDate"),
        sex=_optional(dataset, "PatientSex"),
    )


def study_info(dataset: Dataset) -> StudyInfo:
    """Study and series in a DICOM header of any kind."""
    return StudyInfo(
        modality=_optional(dataset, "Modality") or "",
        study_uid=_optional(dataset, "StudyInstanceUID"),
        series_uid=_optional(dataset, "SeriesInstanceUID"),
        study_date=_optional(dataset, "StudyDate"),
        series_description=_optional(dataset, "SeriesDescription"),
    )


def _is_image_file(path: Path) -> bool:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_dir():
        return False
    if suffix_of(path) is None:
        raise InputError(
            f"{path} is a single file of another kind; give the folder of the DICOM series, or a file "
            f"ending in {', '.join(SUFFIXES)}."
        )
    return True


def _with_units(entered: EnteredValues, units: str | None) -> EnteredValues:
    if units is None:
        return entered
    units = normal_units(units)
    if entered.units not in (None, units):
        raise UnitsError(f"The units were given twice, as {units} and as {entered.units}; give --units once.")
    return replace(entered, units=units)


def _pet_file(path: Path, entered: EnteredValues) -> PetInput:
    if entered.units is None:
        raise UnitsError(
            f"{path} is a file without units; say what its voxels are with --units SUVbw or --units Bq/ml."
        )
    image = read_image_file(path)
    conversion = suv_conversion(SuvHeader.of_file_without_header(image.grid.shape_kji[0]), entered)
    suv = apply(conversion, image.array)
    return PetInput(Image(suv, image.grid, Quantity.SUVBW), conversion)


def _pet_folder(path: Path, entered: EnteredValues, series_uid: str | None) -> PetInput:
    series = _chosen(path, "PT", series_uid)
    stack, files = series_stack(series)
    conversion = suv_conversion(suv_header([each.dataset for each in files]), entered)
    volume = read_stack(stack, files, conversion.factors)
    first = volume.datasets[0]
    image = Image(volume.array, volume.grid, Quantity.SUVBW, volume.frame_of_reference_uid)
    return PetInput(image, conversion, patient_identity(first), study_info(first), volume.warnings)


def _chosen(folder: Path, modality: str, series_uid: str | None) -> Series:
    found = find_series(folder)
    try:
        return choose_series(found, modality, series_uid)
    except InputError as error:
        raise type(error)(f"{folder}: {error}") from None


def _optional(dataset: Dataset, keyword: str) -> str | None:
    # Without pydicom's validation, whose warnings quote the value and would end in a log.
    try:
        with pydicom.config.disable_value_validation():
            return str(dataset.get(keyword) or "").strip() or None
    except UNREADABLE:
        raise DicomError(
            f"The header value {keyword} is damaged; copy the files again from the archive."
        ) from None
