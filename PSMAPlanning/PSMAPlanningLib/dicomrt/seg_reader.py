"""DICOM SEG files (DICOM PS3.3 A.51) as named masks: binary, and fractional at one half, which is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from ..errors import DicomError, GridError, InputError
from ..imaging.dicom_values import DAMAGED
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .radiotherapy_file import files_of_modality, modality_of, read_radiotherapy_file

MODALITY = "SEG"
_INSIDE_FROM = 0.5
_POSITION_TOLERANCE_MM = 0.05
_SAME_PLACE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment; the mask lies on the grid of the whole file and may be empty. number: as in the file."""

    number: int
    name: str
    mask: Mask


@dataclass(frozen=True, eq=False)
class SegmentSet:
    """The segments of one SEG file in the file's order, all on one grid; they may overlap.

    fractional: the file held occupancies or probabilities, and voxels of one half and more were taken.
    frame_of_reference_uid, referenced_series_uid: None when the file does not say.
    """

    segments: tuple[Segment, ...]
    fractional: bool
    frame_of_reference_uid: str | None = field(default=None, repr=False)
    referenced_series_uid: str | None = field(default=None, repr=False)
    header: Dataset | None = field(default=None, repr=False)
    """The file's data set without voxels and frames, for comparing patient and study."""

    @property
    def warnings(self) -> tuple[str, ...]:
        if not self.fractional:
            return ()
        return ("The SEG file is fractional; voxels of one half and more were taken as inside.",)


def seg_file(path: Path) -> Path | None:
    """The SEG file that a path means: itself, or the only one in a folder; None when it means none.

    Raises InputError for a folder with several.
    """
    if path.is_file():
        return path if modality_of(path) == MODALITY else None
    found = files_of_modality(path, MODALITY)
    if len(found) > 1:
        listing = ", ".join(each.name for each in found)
        raise InputError(f"{path} holds {len(found)} SEG files: {listing}; give the path of one.")
    return found[0] if found else None


def read_seg(path: Path | str) -> SegmentSet:
    """The segments of a DICOM SEG file.

    Raises InputError for a path that is no SEG file or one of a kind that is not read, DicomError for a
    damaged file or frames that do not lie on one regular grid.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    dataset = read_radiotherapy_file(path, MODALITY)
    kind = str(dataset.get("SegmentationType") or "").upper()
    if kind not in ("BINARY", "FRACTIONAL"):
        raise InputError(
            f"{path} is a SEG of type {kind or 'unknown'}, which is not read; export it as BINARY."
        )
    try:
        with pydicom.config.disable_value_validation():
            return _segment_set(dataset, path, kind == "FRACTIONAL")
    except DAMAGED:
        raise DicomError(f"{path} is a damaged SEG file; export the segmentation again.") from None
    except RuntimeError:
        # pydicom's for a compression it has no decoder for.
        raise DicomError(f"{path} is compressed in a way that is not read; export it uncompressed.") from None
    except GridError as error:
        raise DicomError(f"{path}: {error}") from None


@dataclass(frozen=True, eq=False)
class _Frame:
    segment: int
    position_lps: np.ndarray


def _segment_set(dataset: Dataset, path: Path, fractional: bool) -> SegmentSet:
    shared = _first(dataset.get("SharedFunctionalGroupsSequence")) or Dataset()
    groups = list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
    described = list(dataset.get("SegmentSequence") or ())
    if not groups or not described:
        raise InputError(f"{path} holds no segment; export the segmentation again.")
    frames = [_frame(group, shared) for group in groups]
    grid, slices = _grid(dataset, groups, shared, frames, path)
    pixels = dataset.pixel_array
    pixels = pixels.reshape(len(frames), *grid.shape_kji[1:])
    limit = _INSIDE_FROM * float(dataset.get("MaximumFractionalValue") or 1) if fractional else 1
    segments = []
    for item in described:
        number = int(item.SegmentNumber)
        inside = np.zeros(grid.shape_kji, dtype=bool)
        for n, frame in enumerate(frames):
            if frame.segment == number:
                inside[slices[n]] |= pixels[n] >= limit
        name = str(item.get("SegmentLabel") or "").strip() or f"segment {number}"
        segments.append(Segment(number, name, Mask(inside, grid)))
    series = _first(dataset.get("ReferencedSeriesSequence"))
    frame_uid = str(dataset.get("FrameOfReferenceUID") or "") or None
    series_uid = None if series is None else str(series.get("SeriesInstanceUID") or "") or None
    for keyword in ("PixelData", "PerFrameFunctionalGroupsSequence"):
        if keyword in dataset:
            del dataset[keyword]
    return SegmentSet(tuple(segments), fractional, frame_uid, series_uid, dataset)


def _frame(group: Dataset, shared: Dataset) -> _Frame:
    identification = _of(group, shared, "SegmentIdentificationSequence")
    place = _of(group, shared, "PlanePositionSequence")
    return _Frame(
        int(identification.ReferencedSegmentNumber),
        np.array([float(x) for x in place.ImagePositionPatient]),
    )


def _grid(
    dataset: Dataset, groups: Sequence[Dataset], shared: Dataset, frames: Sequence[_Frame], path: Path
) -> tuple[VoxelGrid, list[int]]:
    """The grid that holds all frames, and the slice of each frame. Frames without voxels may be missing."""
    cosines = {tuple(_orientation(group, shared)) for group in groups}
    if len(cosines) > 1:
        raise DicomError(f"{path} has frames of differing orientation; export it on one image's slices.")
    along_i, along_j = np.array(cosines.pop()).reshape(2, 3)
    normal = np.cross(along_i, along_j)
    measures = _of(groups[0], shared, "PixelMeasuresSequence")
    spacing_j, spacing_i = (float(x) for x in measures.PixelSpacing)
    positions = np.array([frame.position_lps for frame in frames])
    depth = positions @ normal
    first = int(np.argmin(depth))
    sideways = (positions - positions[first]) - np.outer(depth - depth[first], normal)
    spacing_k = _slice_spacing(measures, depth)
    steps = (depth - depth[first]) / spacing_k
    slices = np.rint(steps).astype(int)
    uneven = np.abs(steps - slices).max() * spacing_k
    if uneven > _POSITION_TOLERANCE_MM or np.abs(sideways).max() > _POSITION_TOLERANCE_MM:
        raise DicomError(
            f"{path} has frames that do not lie on one regular grid; export it on one image's slices."
        )
    grid = VoxelGrid.from_lps(
        (int(slices.max()) + 1, int(dataset.Rows), int(dataset.Columns)),
        (spacing_i, spacing_j, spacing_k),
        tuple(positions[first]),
        np.stack([along_i, along_j, normal], axis=1),
    )
    return grid, [int(n) for n in slices]


def _slice_spacing(measures: Dataset, depth: np.ndarray) -> float:
    """Distance of slices: the file's where the frames fit it, else their smallest distance."""
    gaps = np.diff(np.unique(np.round(depth / _SAME_PLACE_MM)) * _SAME_PLACE_MM)
    gaps = gaps[gaps > _POSITION_TOLERANCE_MM]
    stated = float(measures.get("SpacingBetweenSlices") or 0.0)
    if stated > 0:
        steps = (depth - depth.min()) / stated
        if np.abs(steps - np.rint(steps)).max() * stated <= _POSITION_TOLERANCE_MM:
            return stated
    return float(gaps.min()) if gaps.size else stated or float(measures.SliceThickness)


def _orientation(group: Dataset, shared: Dataset) -> list[float]:
    plane = _of(group, shared, "PlaneOrientationSequence")
    return [round(float(x), 6) for x in plane.ImageOrientationPatient]


def _of(group: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """The item of a functional group of one frame, or of all frames; KeyError when there is none."""
    found = _first(group.get(keyword)) or _first(shared.get(keyword))
    if found is None:
        raise KeyError(keyword)
    return found


def _first(sequence: Sequence[Dataset] | None) -> Dataset | None:
    return sequence[0] if sequence else None
