"""Volumes from files into the case: RTSTRUCT and label maps, with what could not be used said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .dicomrt.rasterise import rasterise
from .dicomrt.rtstruct_reader import read_rtstruct
from .errors import FrameOfReferenceError, GridError, InputError
from .imaging.grid import VoxelGrid
from .imaging.image import Image, Mask
from .imaging.label_file import read_labels
from .progress import Stage
from .records import Registration, RtVolume
from .rtvolumes.names import kind_of, unique_names

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima", "")


@dataclass(frozen=True)
class ImportedVolumes:
    volumes: tuple[RtVolume, ...]
    registration: Registration
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Structure:
    name: str
    kind: str | None
    mask: Mask
    source_file: str
    status: str


def reference_grid(pet: Image, ct: Image | None) -> VoxelGrid:
    """The grid on which contours become voxels: the CT's where there is one, else the PET's."""
    return ct.grid if ct is not None else pet.grid


def import_volumes(
    paths: Sequence[Path],
    grid: VoxelGrid,
    pet: Image,
    ct: Image | None,
    stage: Stage,
) -> ImportedVolumes:
    """Every structure of every file, as volumes of the case.

    grid: where RTSTRUCT contours are rasterised; label maps keep their own grid. Empty structures are
    left out with a warning. Raises FrameOfReferenceError when a file's frame of reference is not the
    PET's, GridError when a file shares no space with the PET.
    """
    structures: list[_Structure] = []
    warnings: list[str] = []
    frames_known = bool(paths)
    for number, path in enumerate(paths):
        stage.report(number / len(paths), f"reading {path.name}")
        if not path.exists():
            raise InputError(f"There is no file {path}; check the path given for the volumes.")
        if path.is_dir() or path.suffix.lower() in _DICOM_SUFFIXES:
            found, frame_uid = _from_rtstruct(path, grid)
        else:
            found, frame_uid = _from_labels(path), None
        frames_known &= _same_frame(path, frame_uid, pet)
        warnings += [f"{path.name}: {s.name} is empty and was left out." for s in found if s.mask.is_empty]
        filled = [s for s in found if not s.mask.is_empty]
        if found and not filled:
            raise GridError(
                f"{path.name}: no structure has a voxel on the image; "
                "check that it belongs to this patient and study."
            )
        for structure in filled:
            if not structure.mask.grid.overlaps(pet.grid):
                raise GridError(
                    f"{path.name}: {structure.name} does not overlap the PET; register it to the PET first."
                )
        structures += filled
    if ct is not None:
        frames_known &= _same_frame(Path("the CT"), ct.frame_of_reference_uid, pet)
    if paths and not frames_known:
        warnings.append(
            "Whether PET and volumes share a frame of reference is not stated; "
            "they were compared as they lie in space."
        )
    final_names = unique_names([s.name for s in structures])
    volumes = tuple(
        RtVolume(name, s.mask, s.kind, "imported", s.source_file, s.status)
        for name, s in zip(final_names, structures, strict=True)
    )
    source = "same_frame_of_reference" if frames_known else "not_stated"
    return ImportedVolumes(volumes, Registration(source), tuple(warnings))


def _same_frame(path: Path, frame_uid: str | None, pet: Image) -> bool:
    """Whether both frames of reference are known and equal; raises when known and different."""
    if not frame_uid or not pet.frame_of_reference_uid:
        return False
    if frame_uid != pet.frame_of_reference_uid:
        raise FrameOfReferenceError(
            f"{path.name} has another frame of reference than the PET; "
            "register them and give the volumes in the PET's frame."
        )
    return True


def _from_rtstruct(path: Path, grid: VoxelGrid) -> tuple[list[_Structure], str | None]:
    structure_set = read_rtstruct(path)
    found = []
    for roi in structure_set.rois:
        kind, _ = kind_of(roi.name, roi.kind)
        found.append(_Structure(roi.name, kind, rasterise(roi, grid), path.name, roi.status))
    return found, structure_set.frame_of_reference_uid


def _from_labels(path: Path) -> list[_Structure]:
    found = []
    for label in read_labels(path):
        kind, _ = kind_of(label.name, label.kind)
        found.append(_Structure(label.name, kind, label.mask, path.name, "ok"))
    return found
