"""The doors for images: a path in, an image in known units out, or one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, InputError, NoUptakeError, SuvHeaderError, UnitsError
from .dicom_series import (
    Series,
    SliceFile,
    choose_series,
    find_series,
    read_series,
    read_stack,
    series_of_files,
    series_remarks,
    series_stack,
)
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


@dataclass(frozen=True, eq=False)
class CtInput:
    """A CT in Hounsfield units; patient and study are None for plain files."""

    image: Image
    patient: PatientIdentity | None = None
    study: StudyInfo | None = None
    warnings: tuple[str, ...] = ()


def read_pet(
    path: Path | str,
    units: str | None = None,
    series_uid: str | None = None,
    entered: EnteredValues | None = None,
) -> PetInput:
    """A PET as SUVbw, or the SUV that `entered` asks for, from a DICOM folder or an image file.

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
    return read_ct_input(path, series_uid).image


def read_ct_input(path: Path | str, series_uid: str | None = None, option: str = "--ct-series") -> CtInput:
    """A CT with the identity in its header; `option` is the one that chooses among several series.

    Raises InputError, DicomError or SeriesChoiceError.
    """
    path = Path(path)
    if _is_image_file(path):
        return CtInput(read_image_file(path, Quantity.HOUNSFIELD))
    volume = read_series(_chosen(path, "CT", series_uid, option))
    image = Image(volume.array, volume.grid, Quantity.HOUNSFIELD, volume.frame_of_reference_uid)
    first = volume.datasets[0]
    return CtInput(image, patient_identity(first), study_info(first), volume.warnings)


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
    return PetInput(Image(suv, image.grid, _quantity(conversion)), conversion)


def _pet_folder(path: Path, entered: EnteredValues, series_uid: str | None) -> PetInput:
    series = _chosen(path, "PT", series_uid)
    stack, files = series_stack(series)
    with _naming(files):
        conversion = suv_conversion(_header_of(files), entered)
    volume = read_stack(stack, files, conversion.factors)
    first = volume.datasets[0]
    image = Image(volume.array, volume.grid, _quantity(conversion), volume.frame_of_reference_uid)
    warnings = (*series_remarks(series), *volume.warnings)
    return PetInput(image, conversion, patient_identity(first), study_info(first), warnings)


def pet_header(path: Path | str | Sequence[Path | str], series_uid: str | None = None) -> SuvHeader:
    """What the header of a PET says for its SUV, without reading a pixel: for a form to be filled in.

    path: a DICOM folder, the DICOM files of one series (as Slicer's database names them for a volume), or
    a .nrrd, .nii or .mha file, whose header says nothing. Slices are in the order of the image's K axis.

    Raises InputError, DicomError, SeriesChoiceError or SuvHeaderError.
    """
    if not isinstance(path, (str, Path)):
        series = choose_series(series_of_files([Path(each) for each in path]), "PT", series_uid)
    else:
        path = Path(path)
        if _is_image_file(path):
            return SuvHeader.of_file_without_header(read_image_file(path).grid.shape_kji[0])
        series = _chosen(path, "PT", series_uid)
    _, files = series_stack(series)
    with _naming(files):
        return _header_of(files)


def _header_of(files: Sequence[SliceFile]) -> SuvHeader:
    return suv_header([each.dataset for each in files], [each.name for each in files])


@contextmanager
def _naming(files: Sequence[SliceFile]) -> Iterator[None]:
    """Puts a file's name before a refusal that names none: the first slice stands for the series."""
    try:
        yield
    except (UnitsError, SuvHeaderError) as error:
        # What is missing concerns the series, and some messages name their file already.
        if getattr(error, "missing", ()) or any(each.path.name in str(error) for each in files):
            raise
        raise type(error)(f"{files[0].path.name}: {error}") from None


def _quantity(conversion: SuvConversion) -> Quantity:
    return Quantity.SUVBW if conversion.quantity == "SUVbw" else Quantity.SUV_OTHER


def _chosen(folder: Path, modality: str, series_uid: str | None, option: str = "--series") -> Series:
    found = find_series(folder)
    try:
        return choose_series(found, modality, series_uid, option)
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
