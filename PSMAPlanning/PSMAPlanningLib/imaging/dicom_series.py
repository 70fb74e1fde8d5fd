"""DICOM image series of a folder: found by reading each header once, read slice by slice."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ..errors import DicomError, InputError, SeriesChoiceError
from .dicom_enhanced import frame_datasets, is_enhanced
from .dicom_pixels import rescaled_slice
from .dicom_values import DAMAGED, UNREADABLE, plain_numbers, plain_text
from .grid import VoxelGrid
from .slice_stack import SliceStack, slice_stack

_SERIES_UID, _MODALITY, _ROWS, _COLUMNS = 0x0020000E, 0x00080060, 0x00280010, 0x00280011
_NUMBER_OF_SLICES = 0x00540081


@dataclass(frozen=True)
class SliceFile:
    """One slice of a series: its header without pixels, and the byte at which the pixels start.

    frame: its index in a file of several frames, None for a file of its own.
    """

    path: Path
    dataset: Dataset = field(repr=False)
    pixel_offset: int = 0
    frame: int | None = None

    @property
    def name(self) -> str:
        return self.path.name if self.frame is None else f"{self.path.name} frame {self.frame + 1}"


@dataclass(frozen=True)
class Series:
    """The image files that share a SeriesInstanceUID, in the order of their paths.

    passed_over: names of the files beside its slices that are not DICOM.
    """

    uid: str
    modality: str
    description: str = field(repr=False)
    files: tuple[SliceFile, ...] = field(repr=False)
    passed_over: tuple[str, ...] = field(default=(), repr=False)

    @property
    def slice_count(self) -> int:
        return len(self.files)

    @property
    def is_localizer(self) -> bool:
        """A scout view: an image, but of no use as a volume."""
        kinds = self.files[0].dataset.get("ImageType") or ()
        return "LOCALIZER" in [str(kind).upper() for kind in kinds]


class SeriesVolume(NamedTuple):
    """A series as a volume: array (K, J, I) float32, its grid, and the headers in slice order.

    warnings: plain sentences on anything done to the slices.
    """

    array: np.ndarray
    grid: VoxelGrid
    frame_of_reference_uid: str | None
    datasets: tuple[Dataset, ...]
    warnings: tuple[str, ...] = ()


def find_series(folder: Path | str) -> tuple[Series, ...]:
    """Image series in a folder and the folders below it; other files are passed over.

    Raises InputError when the folder is missing, empty or without DICOM, DicomError for a damaged file.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder} does not exist; check the path.")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; give the folder that holds the DICOM series.")
    paths = tuple(_files_below(folder))
    if not paths:
        raise InputError(f"{folder} is empty; give the folder that holds the DICOM series.")
    return _grouped(paths, str(folder))


def series_of_files(paths: Sequence[Path]) -> tuple[Series, ...]:
    """`find_series` for files that are known already, whatever folders they lie in."""
    absent = next((path for path in paths if not path.is_file()), None)
    if absent is not None or not paths:
        raise InputError(f"{absent or 'The list of DICOM files'} does not exist; load the series again.")
    return _grouped(paths, "The list of files")


def _grouped(paths: Sequence[Path], place: str) -> tuple[Series, ...]:
    groups: dict[str, list[SliceFile]] = defaultdict(list)
    strangers: dict[Path, list[str]] = defaultdict(list)
    dicom = 0
    for path in paths:
        if not _looks_like_dicom(path):
            strangers[path.parent].append(path.name)
            continue
        dicom += 1
        for found in _read_header(path):
            groups[plain_text(found.dataset, _SERIES_UID)].append(found)
    if dicom == 0:
        raise InputError(
            f"{place} holds {len(paths)} files but none is DICOM; give the folder of the DICOM series."
        )
    return tuple(_series(uid, members, strangers) for uid, members in groups.items())


def choose_series(
    series: Sequence[Series], modality: str, series_uid: str | None = None, option: str = "--series"
) -> Series:
    """The one series of a modality (PT, CT); scout views count only when asked for by UID.

    option: of the command line that chooses, for the message.

    Raises InputError when there is none and SeriesChoiceError, listing them, when there are several.
    """
    fitting = [each for each in series if each.modality == modality]
    if series_uid is not None:
        for each in fitting:
            if each.uid == series_uid:
                return each
        raise InputError(
            f"There is no {modality} series {series_uid} in the folder; {_listing(fitting or series)}"
        )
    candidates = [each for each in fitting if not each.is_localizer]
    if not candidates:
        called = {"PT": "PET (PT)"}.get(modality, modality)
        raise InputError(f"The folder holds no {called} series; {_listing(series)}")
    if len(candidates) > 1:
        raise SeriesChoiceError(
            f"The folder holds {len(candidates)} {modality} series, choose one with {option} UID; "
            f"{_listing(candidates)}"
        )
    return candidates[0]


def series_stack(series: Series) -> tuple[SliceStack, tuple[SliceFile, ...]]:
    """Geometry of a series and its files in slice order; raises DicomError for slices that form no volume."""
    datasets, names = [each.dataset for each in series.files], [each.name for each in series.files]
    try:
        with pydicom.config.disable_value_validation():
            stack = slice_stack(datasets, names)
    except UNREADABLE:
        raise DicomError(
            f"A header of the series that begins with {names[0]} is damaged; copy it again from the archive."
        ) from None
    return stack, tuple(series.files[index] for index in stack.order)


def read_series(series: Series, factors: Sequence[float] | None = None) -> SeriesVolume:
    """The volume of a series: stored * slope + intercept, per slice, times `factors` where given.

    Geometry comes from ImagePositionPatient projected on the slice normal; K runs along the normal.
    The slices are kept as they are while each lies within 0.1 mm of the regular grid between the first
    and the last (0.040 mm in STS_001, whose gaps are 3.19, 3.27 and 3.29 mm). Beyond that, gaps within
    5 % of their median are resampled linearly along K onto that grid, which is said in `warnings`.
    Factors are applied before resampling, for they belong to the true slices.

    Raises DicomError, naming the file, for slices that are missing, doubled, sheared by a tilted
    gantry, of different size or direction, or cannot be decoded.
    """
    volume = read_stack(*series_stack(series), factors)
    return volume._replace(warnings=(*series_remarks(series), *volume.warnings))


def series_remarks(series: Series) -> tuple[str, ...]:
    """Plain sentences on files that are no slices, and on slices that the header counts and are not there.

    A slice lost at either end of a stack, or turned into something else, leaves no gap to be found by.
    """
    remarks = []
    if series.passed_over:
        names = ", ".join(series.passed_over[:3]) + (" ..." if len(series.passed_over) > 3 else "")
        remarks.append(
            f"Passed over beside the slices, because not DICOM: {len(series.passed_over)} file(s) ({names})."
        )
    first = series.files[0]
    try:
        counted = plain_numbers(first.dataset, _NUMBER_OF_SLICES)
    except UNREADABLE:
        counted = []
    if first.frame is None and counted and counted[0] > series.slice_count:
        remarks.append(
            f"The header counts {counted[0]:.0f} slices (0054,0081) and {series.slice_count} were found; "
            "export the whole series if any is missing."
        )
    return tuple(remarks)


def read_stack(
    stack: SliceStack, files: Sequence[SliceFile], factors: Sequence[float] | None = None
) -> SeriesVolume:
    """`read_series` for a series whose stack is known already."""
    if factors is not None and len(factors) != len(files):
        raise DicomError(
            f"{len(factors)} factors were given for a series of {len(files)} slices; read it again."
        )
    array = np.empty(stack.grid.shape_kji, dtype=np.float32)
    with pydicom.config.disable_value_validation():
        for index, each in enumerate(files):
            factor = 1.0 if factors is None else float(factors[index])
            try:
                rescaled_slice(each.path, each.dataset, each.pixel_offset, factor, array[index], each.frame)
            except UNREADABLE:
                raise DicomError(
                    f"{each.name} describes its pixels wrongly; copy it again from the archive."
                ) from None
    warnings = ()
    if stack.needs_resampling:
        array = stack.resampled(array)
        warnings = (
            f"The slice gaps are uneven (a slice lies up to {stack.position_error_mm:.2f} mm off the regular "
            "grid); the slices were interpolated linearly onto even gaps.",
        )
    return SeriesVolume(
        array, stack.grid, stack.frame_of_reference_uid, tuple(each.dataset for each in files), warnings
    )


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(parent) / name


def _looks_like_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(132)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    # Some old exports have no preamble and begin with an element of group 0008 at once.
    return start[128:132] == b"DICM" or (start[:2] == b"\x08\x00" and start[3:4] == b"\x00")


def _read_header(path: Path) -> tuple[SliceFile, ...]:
    try:
        with pydicom.config.disable_value_validation(), path.open("rb") as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
            offset = stream.tell()
            if "Modality" not in dataset and "DirectoryRecordSequence" in dataset:
                return ()
            if not plain_text(dataset, _SERIES_UID) or not plain_text(dataset, _MODALITY):
                raise InvalidDicomError
            if _ROWS not in dataset or _COLUMNS not in dataset:
                return ()
            _state_syntax(dataset)
            has_frames = is_enhanced(dataset)
    except DAMAGED:
        raise DicomError(f"{path} is damaged or cut short; copy it again from the archive.") from None
    if not has_frames:
        return (SliceFile(path, dataset, offset),)
    with pydicom.config.disable_value_validation():
        frames = frame_datasets(dataset, path.name)
    return tuple(SliceFile(path, frame, offset, index) for index, frame in enumerate(frames))


def _state_syntax(dataset: Dataset) -> None:
    """Adds the encoding that pydicom guessed to a file that has no file header to state it."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        if not little:
            raise InvalidDicomError
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _series(uid: str, members: list[SliceFile], strangers: Mapping[Path, list[str]]) -> Series:
    first = members[0].dataset
    folders = dict.fromkeys(each.path.parent for each in members)
    # Hidden files are left by desktops, not by scanners.
    beside = [name for folder in folders for name in strangers.get(folder, ()) if not name.startswith(".")]
    description = str(first.get("SeriesDescription") or "")
    return Series(uid, str(first.Modality), description, tuple(members), tuple(beside))


def _listing(series: Sequence[Series]) -> str:
    if not series:
        return "it holds no image series at all."
    parts = [f"{s.uid} ({s.modality}, {s.slice_count} slices, '{s.description}')" for s in series]
    return f"it holds {'; '.join(parts)}."
