"""Volumes and organs taken into a case that is open already; works on plain records, for a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..case_frames import PLANNING_FRAME, CaseFrames
from ..errors import InputError
from ..imaging.image import Mask
from ..imaging.registration import RigidTransform
from ..progress import Stage
from ..records import CaseState, RtVolume
from ..rtvolumes.landmarks import Landmarks, LandmarkSource
from ..rtvolumes.names import unique_names
from ..scene.surfaces import surface_for_display
from ..volume_files import identities_of, read_volume_files
from ..volume_import import ASKING, import_volumes
from .later_files import with_later_files
from .register_case import UnmovedImages

_UNSTATED = (
    "Whether PET and volumes share a frame of reference is not stated; "
    "they were compared as they lie in space."
)


def frames_of(state: CaseState, images: UnmovedImages) -> CaseFrames:
    """The case's images as their files have them, and what moves them."""
    matrix = state.registration.planning_from_pet
    return CaseFrames(
        images.of(state.pet, state.registration),
        images.of(state.ct, state.registration),
        state.planning_ct,
        None if matrix is None else RigidTransform(matrix),
    )


def with_imported(
    state: CaseState,
    paths: Sequence[Path],
    frame: str | None,
    images: UnmovedImages,
    stage: Stage,
    confirmed_by: str | None = None,
) -> tuple[CaseState, tuple[str, ...]]:
    """The case with the structures of files besides the volumes it has, and what was said about them.

    frame: "pet" or "planning", for files that carry no frame of reference; None leaves it to the voxels.
    confirmed_by: who says that files of another name are this patient's. Raises PatientNotConfirmedError
    for such files otherwise, and InputError, FrameOfReferenceError and GridError as `volume_import` does.
    """
    files = read_volume_files(paths, stage.part(0.0, 0.4))
    state = with_later_files(state, identities_of(files), confirmed_by)
    frames = frames_of(state, images)
    found = import_volumes(files, frames, state.pet, frame, stage.part(0.4, 0.8))
    # What asks is asked in the table, where the answer goes too.
    said = tuple(warning for warning in found.warnings if not warning.startswith(ASKING))
    registration = state.registration
    if not found.frames_known and (not frames.has_planning or frames.transform.is_identity):
        said = (*said, _UNSTATED)
    elif found.frames_known and not frames.has_planning and registration.source == "not_stated":
        registration = replace(registration, source="same_frame_of_reference")
    volumes = with_added(state.volumes, found.volumes)
    show_ahead(volumes[len(state.volumes) :], stage.part(0.8, 1.0))
    warnings = tuple(dict.fromkeys((*state.warnings, *said)))
    return replace(state, volumes=volumes, registration=registration, warnings=warnings), said


def with_added(volumes: Sequence[RtVolume], added: Sequence[RtVolume]) -> tuple[RtVolume, ...]:
    """The volumes with others behind them, each under a name that is not taken."""
    names = unique_names([volume.name for volume in (*volumes, *added)])[len(volumes) :]
    return (*volumes, *(replace(each, name=name) for each, name in zip(added, names, strict=True)))


def show_ahead(volumes: Sequence[RtVolume], stage: Stage) -> None:
    """Make the surfaces that 3D will show, so that the interface does not wait for them."""
    for number, volume in enumerate(volumes):
        stage.report(number / len(volumes), "surfaces")
        surface_for_display(volume.mask)


def with_organs(
    state: CaseState, masks: Mapping[str, Mask], frame: str | None, images: UnmovedImages
) -> CaseState:
    """The case with these organ masks in place of those it had; landmarks that the user placed stay.

    frame: the frame they were drawn in, None where the voxels tell. Raises InputError when nobody can tell
    the frame, or when no mask holds a voxel.
    """
    filled = {name: mask.cropped() for name, mask in masks.items() if not mask.is_empty}
    if not filled:
        raise InputError("No structure there holds a voxel; choose a segmentation with organs.")
    frames = frames_of(state, images)
    # A segmentation in the scene lies where it is shown, unless it was drawn on the PET/CT that was moved.
    drawn_in = frame or frames.frame_of_grid(next(iter(filled.values())).grid) or PLANNING_FRAME
    placed = {}
    if state.landmarks is not None:
        marks = state.landmarks.placed.items()
        placed = {name: mark for name, mark in marks if mark.source is LandmarkSource.USER}
    return replace(
        state,
        anatomy={name: frames.into_world(mask, drawn_in) for name, mask in filled.items()},
        landmarks=Landmarks(placed) if placed else None,
    )
