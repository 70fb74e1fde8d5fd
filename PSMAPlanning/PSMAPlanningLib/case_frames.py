"""The frames of reference of a case: whose millimetres the case counts in, and what must be moved there.

Volumes and doses belong to the planning CT and stay where they are; the PET and what was drawn on it are
carried over, which a rigid transform does exactly by moving their grids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .errors import FrameOfReferenceError, InputError
from .imaging.grid import VoxelGrid
from .imaging.image import Image, Mask
from .imaging.registration import RigidTransform
from .rtvolumes.occupancy import OccupancyField

PET_FRAME, PLANNING_FRAME = "pet", "planning"
_SAME_LATTICE_VOXELS = 0.01
_SAME_DIRECTION = 1e-4


@dataclass(frozen=True, eq=False)
class CaseFrames:
    """Images as their files have them, before anything is moved.

    planning_from_pet: carries the PET's frame to the case's world; None when no registration was given.
    has_planning: whether there is a planning frame besides the PET's.
    """

    pet: Image
    ct: Image | None = None
    planning_ct: Image | None = None
    planning_from_pet: RigidTransform | None = None

    @property
    def has_planning(self) -> bool:
        return self.planning_ct is not None or self.planning_from_pet is not None

    @property
    def world(self) -> str:
        return PLANNING_FRAME if self.has_planning else PET_FRAME

    @property
    def transform(self) -> RigidTransform:
        return self.planning_from_pet or RigidTransform()

    @property
    def planning_uid(self) -> str | None:
        return self.planning_ct.frame_of_reference_uid if self.planning_ct is not None else None

    @property
    def relation(self) -> str:
        """Whether PET and planning CT have one frame of reference: "same", "different" or "not_stated"."""
        if not self.pet.frame_of_reference_uid or not self.planning_uid:
            return "not_stated"
        return "same" if self.pet.frame_of_reference_uid == self.planning_uid else "different"

    def moved(self, image: Image) -> Image:
        """An image of the PET/CT in the case's world."""
        if not self.has_planning:
            return image
        uid = self.planning_uid or (image.frame_of_reference_uid if self.transform.is_identity else None)
        return self.transform.image(image, uid)

    def contour_grid(self, frame: str) -> VoxelGrid:
        """Where contours of that frame become voxels: the CT they were drawn on, in that frame."""
        if self.planning_ct is not None and (frame == PLANNING_FRAME or self.transform.is_identity):
            return self.planning_ct.grid
        drawn_on = self.ct or self.pet
        return self.transform.grid(drawn_on.grid) if frame == PLANNING_FRAME else drawn_on.grid

    def into_world(self, mask: Mask, frame: str) -> Mask:
        """A mask of the PET's frame or the planning frame, in the case's world."""
        return self.transform.mask(mask) if frame == PET_FRAME and self.has_planning else mask

    def occupancy_into_world(self, occupancy: OccupancyField, frame: str) -> OccupancyField:
        """The same for shares of voxels: their grid is moved, they stay."""
        if frame != PET_FRAME or not self.has_planning:
            return occupancy
        return replace(occupancy, grid=self.transform.grid(occupancy.grid))

    def frame_of(self, uid: str | None, name: str) -> str | None:
        """The frame that a file's frame of reference is; None when one of them is not stated.

        Raises FrameOfReferenceError when it is known to be neither; `name` is the file's.
        """
        pet_uid = self.pet.frame_of_reference_uid
        if not uid or not (pet_uid or self.planning_uid):
            return None
        if uid == self.planning_uid:
            return PLANNING_FRAME
        if uid == pet_uid:
            return PET_FRAME
        if self.planning_ct is None and self.planning_from_pet is not None:
            # The transform leads to a frame that nothing but such a file can name.
            return PLANNING_FRAME
        if self.planning_uid is None and self.planning_ct is not None:
            return None
        if pet_uid is None:
            return None
        if self.planning_ct is not None:
            raise FrameOfReferenceError(
                f"{name} has another frame of reference than the PET and the planning CT, so it is not "
                "compared with them; give it in one of their frames."
            )
        raise FrameOfReferenceError(
            f"{name} has another frame of reference than the PET, so they are not compared; give the CT it "
            "was drawn on with --planning-ct, and the registration with --transform."
        )

    def frame_of_grid(self, grid: VoxelGrid) -> str | None:
        """The frame of the image whose voxels a label map shares; None when that does not tell."""
        on_pet = any(on_lattice(grid, image.grid) for image in (self.pet, self.ct) if image is not None)
        on_planning = self.planning_ct is not None and on_lattice(grid, self.planning_ct.grid)
        if on_pet == on_planning:
            return None
        return PET_FRAME if on_pet else PLANNING_FRAME

    def require_registered(self) -> None:
        """Raises FrameOfReferenceError when PET and planning CT differ and nothing says how."""
        if self.planning_from_pet is None and self.relation == "different":
            raise FrameOfReferenceError(
                "The planning CT has another frame of reference than the PET, so they are not compared; give "
                "their registration with --transform, or have the bones registered with --register-bone."
            )


def on_lattice(grid: VoxelGrid, other: VoxelGrid) -> bool:
    """Whether the voxels of `grid` are voxels of `other`, or of its continuation."""
    if not np.allclose(grid.spacing_mm, other.spacing_mm, rtol=1e-4, atol=0.0):
        return False
    if np.abs(np.array(grid.direction_ras) - np.array(other.direction_ras)).max() > _SAME_DIRECTION:
        return False
    start = other.kji_of(np.array(grid.origin_ras))
    return bool(np.abs(start - np.rint(start)).max() <= _SAME_LATTICE_VOXELS)


def frame_of_labels(
    frames: CaseFrames, grids: Sequence[VoxelGrid], stated: str | None, name: str, option: str
) -> str:
    """The frame of a label map, which carries no frame of reference.

    The user's word, else the image whose voxels it shares; PET_FRAME where nothing has to be moved.
    Raises InputError naming `option` when only the user can tell.
    """
    if stated is not None:
        return stated
    if not frames.has_planning or frames.transform.is_identity:
        return PET_FRAME
    found = {frames.frame_of_grid(grid) for grid in grids}
    if len(found) == 1 and None not in found:
        return found.pop()
    raise InputError(
        f"{name} carries no frame of reference and its voxels do not tell whether it was drawn on the PET/CT "
        f"or on the planning CT; say it with {option} pet or {option} planning."
    )
