"""DICOM image series of a folder: found by reading each header once, read slice by slice."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ..errors import DicomError, InputError, SeriesChoiceError
from .dicom_pixels import rescaled_slice
from .dicom_values import DAMAGED, UNREADABLE
from .grid import VoxelGrid
from .slice_stack import SliceStack, slice_stack


@dataclass(frozen=True)
class SliceFile:
    """One file of a series: its header without pixels, and the byte at which the pixels start."""

    path: Path
    dataset: Dataset = field(repr=False)
    pixel_offset: int = 0


@dataclass(frozen=True)
class Series:
    """The image files that share a SeriesInstanceUID, in the order of their paths."""

    uid: str
    modality: str
    description: str = field(repr=False)
    files: tuple[SliceFile, ...] = field(repr=False)

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
    groups: dict[str, list[SliceFile]] = defaultdict(list)
    files = dicom = 0
    for path in _files_below(folder):
        files += 1
        if not _looks_like_dicom(path):
            continue
        found = _read_header(path)
        dicom += 1
        if found is not None:
            groups[str(found.dataset.SeriesInstanceUID)].append(found)
    if files == 0:
        raise InputError(f"{folder} is empty; give the folder that holds the DICOM series.")
    if dicom == 0:
        raise InputError(
            f"{folder} holds {files} files but none is DICOM; give the folder of the DICOM series."
        )
    return tuple(_series(uid, members) for uid, members in groups.items())


def choose_series(series: Sequence[Series], modality: str, series_uid: str | None = None) -> Series:
    """The one series of a modality (PT, CT); scout views count only when asked for by UID.

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
            f"The folder holds {len(candidates)} {modality} series, choose one with --series UID; "
            f"{_listing(candidates)}"
        )
    return candidates[0]


def series_stack(series: Series) -> tuple[SliceStack, tuple[SliceFile, ...]]:
    """Geometry of a series and its files in slice order; raises DicomError for slices that form no volume."""
    datasets, names = [each.dataset for each in series.files], [each.path.name for each in series.files]
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
    return read_stack(*series_stack(series), factors)


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
                rescaled_slice(each.path, each.dataset, each.pixel_offset, factor, out=array[index])
            except UNREADABLE:
                raise DicomError(
                    f"{each.path.name} describes its pixels wrongly; copy it again from the archive."
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


def _read_header(path: Path) -> SliceFile | None:
    try:
        with pydicom.config.disable_value_validation(), path.open("rb") as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
            offset = stream.tell()
            if "Modality" not in dataset and "DirectoryRecordSequence" in dataset:
                return None
            if not dataset.get("SeriesInstanceUID") or not dataset.get("Modality"):
                raise InvalidDicomError
            if "Rows" not in dataset or "Columns" not in dataset:
                return None
            _state_syntax(dataset)
    except DAMAGED:
        raise DicomError(f"{path} is damaged or cut short; copy it again from the archive.") from None
    return SliceFile(path, dataset, offset)


def _state_syntax(dataset: Dataset) -> None:
    """Adds the encoding that pydicom guessed to a file that has no file header to state it."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        if not little:
            raise InvalidDicomError
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _series(uid: str, members: list[SliceFile]) -> Series:
    first = members[0].dataset
    return Series(uid, str(first.Modality), str(first.get("SeriesDescription") or ""), tuple(members))


def _listing(series: Sequence[Series]) -> str:
    if not series:
        return "it holds no image series at all."
    parts = [f"{s.uid} ({s.modality}, {s.slice_count} slices, '{s.description}')" for s in series]
    return f"it holds {'; '.join(parts)}."
