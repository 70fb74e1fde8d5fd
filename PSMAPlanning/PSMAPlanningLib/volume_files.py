"""Files of volumes as they stand: RTSTRUCT, DICOM SEG and label maps, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .dicomrt.rtstruct_reader import StructureSet, read_rtstruct
from .dicomrt.seg_reader import SegmentSet, read_seg, seg_file
from .errors import InputError
from .imaging.label_file import NamedMask, read_labels
from .imaging.patient_identity import IdentifiedFile
from .imaging.read import patient_identity, study_info
from .progress import Stage

_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima", "")


@dataclass(frozen=True, eq=False)
class VolumeFile:
    """A file of volumes as it was read: a structure set, a DICOM SEG, or the labels of a label map."""

    path: Path
    structure_set: StructureSet | None = None
    labels: tuple[NamedMask, ...] = ()
    segments: SegmentSet | None = None

    @property
    def dicom(self) -> StructureSet | SegmentSet | None:
        return self.structure_set or self.segments

    @property
    def frame_uid(self) -> str | None:
        return self.dicom.frame_of_reference_uid if self.dicom else None


def read_volume_files(paths: Sequence[Path], stage: Stage) -> tuple[VolumeFile, ...]:
    """The files as they stand, contours not yet turned into voxels."""
    found = []
    for number, path in enumerate(paths):
        stage.report(number / len(paths), f"reading {path.name}")
        if not path.exists():
            raise InputError(f"There is no file {path}; check the path given for the volumes.")
        if is_dicom_volumes(path):
            seg = seg_file(path)
            found.append(
                VolumeFile(path, segments=read_seg(seg)) if seg else VolumeFile(path, read_rtstruct(path))
            )
        else:
            found.append(VolumeFile(path, labels=read_labels(path)))
    return tuple(found)


def is_dicom_volumes(path: Path) -> bool:
    """Whether a path is read as RTSTRUCT or DICOM SEG: a folder, or a file with a suffix of DICOM's."""
    return path.is_dir() or path.suffix.lower() in _DICOM_SUFFIXES


def identities_of(files: Sequence[VolumeFile]) -> tuple[IdentifiedFile, ...]:
    """Whose files those with a DICOM header are; "RTSTRUCT", or "RTSTRUCT 2" where there are several."""
    identified = []
    for kind, of_kind in (
        ("RTSTRUCT", [f.structure_set for f in files if f.structure_set]),
        ("SEG", [f.segments for f in files if f.segments]),
    ):
        headers = [each.header for each in of_kind if each.header]
        identified += [
            IdentifiedFile(
                kind if len(headers) == 1 else f"{kind} {number}",
                patient_identity(header),
                study_info(header),
            )
            for number, header in enumerate(headers, start=1)
        ]
    return tuple(identified)


def names_in(file: VolumeFile) -> list[str]:
    """Every structure's name as the file has it."""
    rois = file.structure_set.rois if file.structure_set else ()
    segments = file.segments.segments if file.segments else ()
    return [each.name for each in (*rois, *segments, *file.labels)]
