"""Volumes from files into the case: RTSTRUCT, DICOM SEG and label maps, with what could not be used said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .case_frames import PLANNING_FRAME, CaseFrames, frame_of_labels
from .coverage.prescribed_dose import PrescribedDose, prescribed_doses
from .dicomrt.contour_occupancy import roi_occupancy_around
from .dicomrt.roi_import import STATUS_NO_VOXEL, STATUS_OTHER_FRAME, STATUS_UNUSABLE, ImportedRoi, import_rois
from .errors import GridError, InputError
from .imaging.grid import VoxelGrid
from .imaging.image import Image, Mask
from .progress import Stage
from .records import RtVolume
from .rtvolumes.eqd2 import Prescription
from .rtvolumes.name_mapping import NamedStructure, NameMatch, match_names
from .rtvolumes.names import unique_names
from .rtvolumes.occupancy import OccupancyField
from .volume_files import VolumeFile, names_in

ASKING = "What these structures are is not certain from their names"
"""How the warning begins that asks for the meaning of names."""
_LEFT_OUT = {
    "empty": "is empty",
    "points_only": "has points but no closed contour",
    "damaged": "has only contours that cannot be read",
    STATUS_NO_VOXEL: "holds no voxel's centre",
    STATUS_OTHER_FRAME: "lies in another frame of reference",
}
_FAULTS = {
    "contours_left_out": "contours of one or two points left out",
    "contours_damaged": "contours that cannot be read left out",
    "self_crossing": "contours that cross themselves",
    "off_slices": "contours between the slices",
    "duplicate_name": "a name that another structure has too",
    "long_name": "a name of more than 16 characters",
}


@dataclass(frozen=True)
class ImportedVolumes:
    """frames_known: whether every file stated a frame of reference that is one of the case's."""

    volumes: tuple[RtVolume, ...]
    frames_known: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Structure:
    mask: Mask
    match: NameMatch
    source_file: str
    occupancy: OccupancyField | None = None

    @property
    def name(self) -> str:
        return self.match.name

    def volume(self, name: str) -> RtVolume:
        match = self.match
        return RtVolume(
            name,
            self.mask,
            match.kind,
            "imported",
            self.source_file,
            tg263=match.tg263,
            role=match.role,
            matched_by=match.matched_by,
            asks=match.asks,
            occupancy=self.occupancy,
        )


def import_volumes(
    files: Sequence[VolumeFile],
    frames: CaseFrames,
    pet: Image,
    stated_frame: str | None,
    stage: Stage,
    names: Mapping[str, str] | None = None,
    below_voxel: bool = True,
) -> ImportedVolumes:
    """Every structure of every file as volumes of the case, in its world.

    pet: in the case's world. stated_frame: "pet" or "planning", the user's word for files that carry no
    frame of reference. names: the user's TG-263 names by structure name. below_voxel: keep the shares of
    voxels that contours fill. RTSTRUCT contours become voxels of the CT they belong to; label maps keep their
    grid. Structures that cannot be used are left out, each with a warning that says why. Raises
    FrameOfReferenceError when a file's frame of reference is not one of the case's, GridError when a file
    shares no space with the PET, InputError for a name in `names` that no structure has.
    """
    structures: list[_Structure] = []
    warnings: list[str] = []
    frames_known = bool(files)
    chosen = dict(names or {})
    _require_known(chosen, files)
    for number, file in enumerate(files):
        name = file.path.name
        stage.report(number / len(files), f"placing {name}")
        frame = frames.frame_of(file.frame_uid, name)
        frames_known &= frame is not None
        if frame is None:
            frame = _stated_frame(file, frames, stated_frame, warnings)
        found = _structures(file, frames, frame, chosen, below_voxel, warnings)
        if not found and names_in(file):
            raise GridError(
                f"{name}: no structure has a voxel on the image; "
                "check that it belongs to this patient and study."
            )
        for structure in found:
            if not structure.mask.grid.overlaps(pet.grid):
                raise GridError(
                    f"{name}: {structure.name} does not overlap the PET; register it to the PET first."
                )
        structures += found
    final_names = unique_names([s.name for s in structures])
    volumes = tuple(s.volume(name) for name, s in zip(final_names, structures, strict=True))
    asking = [volume.name for volume in volumes if volume.asks]
    if asking:
        warnings.append(
            f"{ASKING}: {', '.join(asking)}; "
            'look at the mapping, and name them with --names, a JSON of {"name in the file": "TG-263 name"}.'
        )
    return ImportedVolumes(volumes, frames_known, tuple(warnings))


def with_prescriptions(
    volumes: Sequence[RtVolume], entered: Sequence[PrescribedDose]
) -> tuple[RtVolume, ...]:
    """The volumes with what each is to receive, entered or in its TG-263 name, where the fractions are known.

    Raises PrescriptionError for one that was entered for a volume that is not there.
    """
    targets = [volume.name for volume in volumes if volume.is_target]
    doses = prescribed_doses(entered, targets, [volume.name for volume in volumes])
    by_name = {
        each.volume: Prescription(each.volume, each.dose_gy, each.fractions)
        for each in doses
        if each.volume is not None and each.fractions is not None
    }
    return tuple(replace(volume, prescription=by_name.get(volume.name)) for volume in volumes)


def _require_known(chosen: Mapping[str, str], files: Sequence[VolumeFile]) -> None:
    known = {name for file in files for name in names_in(file)}
    for name in chosen:
        if name not in known:
            raise InputError(
                f"The name table names '{name}', which is no structure here; check its spelling."
            )


def _structures(
    file: VolumeFile,
    frames: CaseFrames,
    frame: str,
    chosen: Mapping[str, str],
    below_voxel: bool,
    warnings: list[str],
) -> list[_Structure]:
    name = file.path.name
    here = {key: wanted for key, wanted in chosen.items() if key in names_in(file)}
    if file.structure_set is not None:
        found = _from_contours(file, frames.contour_grid(frame), here, below_voxel, warnings)
    else:
        found = _from_voxels(file, here, warnings)
    warnings += [f"{name}: {warning}" for warning in (file.segments.warnings if file.segments else ())]
    if frame == PLANNING_FRAME:
        return found
    return [
        replace(
            each,
            mask=frames.into_world(each.mask, frame),
            occupancy=each.occupancy and frames.occupancy_into_world(each.occupancy, frame),
        )
        for each in found
    ]


def _from_contours(
    file: VolumeFile,
    grid: VoxelGrid,
    chosen: Mapping[str, str],
    below_voxel: bool,
    warnings: list[str],
) -> list[_Structure]:
    name, structures = file.path.name, file.structure_set
    found = []
    for each in import_rois(structures, grid, structures.frame_of_reference_uid, chosen):
        warnings += [f"{name}: {said}" for said in said_of(each)]
        if each.mask is None:
            continue
        # Nobody asks for the body's outline below the voxel, and it is most of the image.
        contours = below_voxel and each.match.role != "external"
        occupancy = roi_occupancy_around(each.roi, grid) if contours else None
        found.append(_Structure(each.mask, each.match, name, occupancy))
    return found


def said_of(found: ImportedRoi) -> list[str]:
    """What a user is told of a structure that was left out or taken with faults; nothing otherwise."""
    name = found.roi.name
    if found.status == STATUS_UNUSABLE:
        return [f"{name} was left out: {found.problem}"]
    if found.mask is None:
        return [f"{name} {_LEFT_OUT[found.status]} and was left out."]
    faults = ", ".join(f"{_FAULTS[fault]} ({count})" for fault, count in found.faults.items())
    return [f"{name} was taken although it has {faults}."] if faults else []


def _from_voxels(file: VolumeFile, chosen: Mapping[str, str], warnings: list[str]) -> list[_Structure]:
    name = file.path.name
    named = [NamedStructure(s.name, None, s.mask) for s in (file.segments.segments if file.segments else ())]
    named += [NamedStructure(label.name, label.kind, label.mask) for label in file.labels]
    matches = match_names(named, chosen)
    warnings += [f"{name}: {each.name} is empty and was left out." for each in named if each.mask.is_empty]
    return [
        _Structure(each.mask, match, name)
        for each, match in zip(named, matches, strict=True)
        if not each.mask.is_empty
    ]


def _stated_frame(file: VolumeFile, frames: CaseFrames, stated: str | None, warnings: list[str]) -> str:
    """The frame of a file that does not state one; the planning frame where nothing tells."""
    try:
        grids = [label.mask.grid for label in file.labels]
        return frame_of_labels(frames, grids, stated, file.path.name, "--volumes-frame")
    except InputError:
        warnings.append(
            f"{file.path.name} carries no frame of reference; it was taken as drawn on the planning CT "
            "(--volumes-frame pet says otherwise)."
        )
        return PLANNING_FRAME
