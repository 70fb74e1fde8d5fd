"""The planning CT that a structure set is bound to: where its slices are and what its files are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ..errors import DicomError, InputError, SeriesChoiceError
from ..imaging.dicom_series import Series, choose_series, find_series, series_stack
from ..imaging.dicom_values import plain_numbers
from ..imaging.grid import VoxelGrid

_POSITION = 0x00200032
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class SliceReference:
    """One slice as its file states it. position_lps: ImagePositionPatient; frame: from 1, in a file of
    several."""

    sop_class_uid: str = field(repr=False)
    sop_instance_uid: str = field(repr=False)
    position_lps: np.ndarray = field(repr=False)
    frame: int | None = None


@dataclass(frozen=True, eq=False)
class PlanningSeries:
    """An image series as a structure set refers to it; all UIDs are the files' own.

    grid: the regular grid of the volume. slices: along its K axis. heights_mm: (K,) of the slices along the
    normal, as the files state them, which may differ from the grid by a tenth of a millimetre.
    header: of the first slice, for patient and study.
    """

    grid: VoxelGrid
    slices: tuple[SliceReference, ...] = field(repr=False)
    heights_mm: np.ndarray = field(repr=False)
    modality: str
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    frame_of_reference_uid: str = field(repr=False)
    header: Dataset = field(repr=False)

    @cached_property
    def slab_edges_mm(self) -> np.ndarray:
        """(K + 1,): each slice stands for what is nearer to it than to its neighbours."""
        middles = 0.5 * (self.heights_mm[1:] + self.heights_mm[:-1])
        first, last = self.heights_mm[0], self.heights_mm[-1]
        return np.concatenate([[2 * first - middles[0]], middles, [2 * last - middles[-1]]])

    @cached_property
    def slab_thickness_mm(self) -> np.ndarray:
        return np.diff(self.slab_edges_mm)

    @cached_property
    def normal_ras(self) -> np.ndarray:
        return np.array(self.grid.direction_ras)[:, 2]

    @property
    def pixel_area_mm2(self) -> float:
        return self.grid.spacing_mm[0] * self.grid.spacing_mm[1]

    def points_lps(self, number: int, rows_columns: np.ndarray) -> np.ndarray:
        """(N, 3) LPS mm of fractional rows and columns, (N, 2), on one slice, from the slice's own
        position."""
        along_i, along_j = self.grid.direction_lps[:, 0], self.grid.direction_lps[:, 1]
        step_i, step_j = self.grid.spacing_mm[:2]
        return (
            self.slices[number].position_lps
            + rows_columns[:, :1] * step_j * along_j
            + rows_columns[:, 1:] * step_i * along_i
        )

    def heights_of(self, points_lps: np.ndarray) -> np.ndarray:
        """(N,) mm along the normal of LPS points, (N, 3), on the scale of `heights_mm`."""
        return points_lps @ (self.normal_ras * _LPS_TO_RAS)


def planning_series(
    folder: Path | str,
    series_uid: str | None = None,
    modality: str = "CT",
    option: str = "--ct-series",
) -> PlanningSeries:
    """The one CT series of a DICOM folder, read from headers alone.

    Raises InputError, SeriesChoiceError or DicomError (missing or doubled slices, tilted gantry, uneven
    gaps).
    """
    folder = Path(folder)
    found = find_series(folder)
    try:
        return of_series(choose_series(found, modality, series_uid, option))
    except (InputError, DicomError, SeriesChoiceError) as error:
        raise type(error)(f"{folder}: {error}") from None


def referenced_series(folder: Path | str, series_uid: str | None, chosen_uid: str | None) -> PlanningSeries:
    """The series that an RTSTRUCT names or somebody chose, of any modality; else the only CT, else the only
    one.

    Raises InputError, SeriesChoiceError or DicomError.
    """
    folder = Path(folder)
    found = [each for each in find_series(folder) if each.slice_count > 1 or each.uid == chosen_uid]
    for uid in (chosen_uid, series_uid):
        named = [each for each in found if each.uid == uid]
        if named:
            return of_series(named[0])
    if chosen_uid is not None:
        raise InputError(f"{folder} has no image series {chosen_uid}; check the folder.")
    plain = [each for each in found if not each.is_localizer]
    chosen = [each for each in plain if each.modality == "CT"] or plain
    if not chosen:
        raise InputError(f"{folder} has no image series with several slices; give the planning CT's folder.")
    if len(chosen) > 1:
        listing = ", ".join(f"{each.uid} ({each.modality}, {each.slice_count} slices)" for each in chosen)
        raise SeriesChoiceError(f"{folder} holds several series; name one with --ct-series: {listing}.")
    return of_series(chosen[0])


def of_series(series: Series) -> PlanningSeries:
    """A series that was found already. Raises DicomError when it is no volume or lacks an identifier."""
    stack, files = series_stack(series)
    first = files[0].dataset
    uids: Mapping[str, str] = {
        keyword: str(first.get(keyword) or "")
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    }
    absent = next((keyword for keyword, value in uids.items() if not value), None)
    if absent is not None:
        raise DicomError(
            f"{files[0].name} has no {absent}, which a structure set must name; export it again."
        )
    slices = tuple(
        SliceReference(
            str(each.dataset.get("SOPClassUID") or ""),
            str(each.dataset.get("SOPInstanceUID") or ""),
            np.array(plain_numbers(each.dataset, _POSITION)),
            None if each.frame is None else each.frame + 1,
        )
        for each in files
    )
    _require_identified(slices, [each.name for each in files])
    return PlanningSeries(
        stack.grid,
        slices,
        stack.positions_mm,
        series.modality,
        uids["StudyInstanceUID"],
        uids["SeriesInstanceUID"],
        uids["FrameOfReferenceUID"],
        first,
    )


def _require_identified(slices: Sequence[SliceReference], names: Sequence[str]) -> None:
    seen: dict[tuple[str, int | None], str] = {}
    for each, name in zip(slices, names, strict=True):
        if not each.sop_class_uid or not each.sop_instance_uid:
            raise DicomError(f"{name} has no SOP class or instance UID (0008,0016/0018); export it again.")
        key = (each.sop_instance_uid, each.frame)
        if key in seen:
            raise DicomError(
                f"{name} and {seen[key]} bear the same SOP instance UID (0008,0018); export the series again."
            )
        seen[key] = name
