"""Every structure of an RTSTRUCT as voxels, each with what became of it; one bad structure stops no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import GridError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..rtvolumes.name_mapping import NamedStructure, NameMatch, match_names
from .contour_faults import DUPLICATE_NAME, duplicate_names, faults_of
from .rasterise import rasterise
from .rtstruct_reader import STATUS_OK, Roi, StructureSet

STATUS_NO_VOXEL = "no_voxel"
STATUS_UNUSABLE = "unusable"
STATUS_OTHER_FRAME = "other_frame_of_reference"


@dataclass(frozen=True, eq=False)
class ImportedRoi:
    """One structure of the file.

    mask: None unless status is "ok". status: "ok", "empty", "points_only", "damaged", "no_voxel" (between the
    voxel centres or slices), "other_frame_of_reference", or "unusable" with the reason in `problem`.
    faults: number of contours by fault (see contour_faults); match: what its name was taken for.
    """

    roi: Roi
    mask: Mask | None
    status: str
    match: NameMatch
    faults: Mapping[str, int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def volume_ml(self) -> float | None:
        return None if self.mask is None else self.mask.volume_ml


def import_rois(
    structures: StructureSet,
    grid: VoxelGrid,
    frame_of_reference_uid: str | None = None,
    overrides: Mapping[str, str] | None = None,
) -> tuple[ImportedRoi, ...]:
    """The structures, in the file's order, on the voxels of `grid`.

    frame_of_reference_uid: the image's; a structure that states another is not placed on it.
    overrides: the user's TG-263 names, by structure name; raises InputError when they fit no structure.
    """
    placed = [_placed(roi, structures, grid, frame_of_reference_uid) for roi in structures.rois]
    named = [
        NamedStructure(roi.name, roi.kind, mask)
        for roi, (mask, _, _) in zip(structures.rois, placed, strict=True)
    ]
    twice = duplicate_names(structures.rois)
    found = []
    for roi, (mask, status, problem), match in zip(
        structures.rois, placed, match_names(named, overrides), strict=True
    ):
        faults = faults_of(roi, grid)
        if roi.name in twice:
            faults[DUPLICATE_NAME] = 1
        found.append(ImportedRoi(roi, mask, status, match, faults, problem))
    return tuple(found)


def _placed(
    roi: Roi, structures: StructureSet, grid: VoxelGrid, frame_uid: str | None
) -> tuple[Mask | None, str, str | None]:
    if roi.status != STATUS_OK:
        return None, roi.status, None
    frame = roi.frame_of_reference_uid or structures.frame_of_reference_uid
    if frame and frame_uid and frame != frame_uid:
        return None, STATUS_OTHER_FRAME, None
    try:
        mask = rasterise(roi, grid)
    except GridError as error:
        return None, STATUS_UNUSABLE, str(error)
    return (None, STATUS_NO_VOXEL, None) if mask.is_empty else (mask, STATUS_OK, None)
