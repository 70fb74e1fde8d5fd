"""A rigid transform between two frames of reference, which moves voxel grids instead of resampling voxels.

A rotation and a shift take a grid to another grid with the same voxels, so uptake and contours stay the
numbers that were measured; only where they are in space changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import RegistrationError
from .grid import VoxelGrid
from .image import Image, Mask

RIGID_TOLERANCE = 1e-4
"""Largest deviation of the rotation's columns from unit length and right angles: 0.05 mm over half a
metre, and above what DICOM's 16 characters or six written decimals leave of an exact rotation."""
_IDENTITY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
_LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Matrix4 = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RigidTransform:
    """Rotation and shift from one frame's RAS millimetres to another's.

    matrix: 4 x 4, row-major, for column vectors (R, A, S, 1); rounding within RIGID_TOLERANCE is taken
    out, so that the rotation is exact.

    Raises RegistrationError, saying what it does besides, for a matrix that scales, shears or mirrors.
    """

    matrix: Matrix4 = _IDENTITY

    def __post_init__(self) -> None:
        array = np.array(self.matrix, dtype=float)
        if array.shape != (4, 4) or not np.isfinite(array).all():
            raise RegistrationError("The transform is no matrix of 4 x 4 finite numbers; export it again.")
        if np.abs(array[3] - [0.0, 0.0, 0.0, 1.0]).max() > RIGID_TOLERANCE:
            raise RegistrationError(
                "The last row of the transform's matrix is not 0 0 0 1, so it is no rotation and shift; "
                "export a rigid transform."
            )
        rotation = array[:3, :3]
        if float(np.abs(rotation.T @ rotation - np.eye(3)).max()) > RIGID_TOLERANCE:
            raise RegistrationError(_not_rigid(rotation))
        if np.linalg.det(rotation) < 0.0:
            raise RegistrationError(
                "The transform mirrors the patient; export the rigid transform of the registration again."
            )
        left, _, right = np.linalg.svd(rotation)
        array[:3, :3] = left @ right
        array[3] = [0.0, 0.0, 0.0, 1.0]
        object.__setattr__(self, "matrix", tuple(tuple(float(x) for x in row) for row in array))

    @classmethod
    def from_lps(cls, matrix_lps: np.ndarray) -> RigidTransform:
        """The transform whose matrix is given in DICOM's and ITK's LPS coordinates."""
        return cls(tuple(map(tuple, _LPS_RAS @ np.asarray(matrix_lps, dtype=float) @ _LPS_RAS)))

    @property
    def array(self) -> np.ndarray:
        """The 4 x 4 matrix as an array."""
        return np.array(self.matrix)

    @property
    def lps_array(self) -> np.ndarray:
        """The 4 x 4 matrix between LPS coordinates."""
        return _LPS_RAS @ self.array @ _LPS_RAS

    @property
    def is_identity(self) -> bool:
        return bool(np.abs(self.array - np.eye(4)).max() < 1e-9)

    @property
    def angle_degrees(self) -> float:
        """Angle of the rotation about its axis."""
        rotation = self.array[:3, :3]
        sine = np.linalg.norm(
            [
                rotation[2, 1] - rotation[1, 2],
                rotation[0, 2] - rotation[2, 0],
                rotation[1, 0] - rotation[0, 1],
            ]
        )
        return float(np.degrees(np.arctan2(sine, np.trace(rotation) - 1.0)))

    def inverse(self) -> RigidTransform:
        return RigidTransform(tuple(map(tuple, np.linalg.inv(self.array))))

    def after(self, first: RigidTransform) -> RigidTransform:
        """The transform that does `first` and then this one."""
        return RigidTransform(tuple(map(tuple, self.array @ first.array)))

    def points(self, points_ras: np.ndarray) -> np.ndarray:
        """RAS positions, (..., 3), carried over."""
        matrix = self.array
        return np.asarray(points_ras, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]

    def shift_mm_at(self, point_ras: np.ndarray) -> float:
        """How far the transform carries a RAS position."""
        return float(np.linalg.norm(self.points(point_ras) - np.asarray(point_ras, dtype=float)))

    def grid(self, grid: VoxelGrid) -> VoxelGrid:
        """The grid with every voxel carried over; the same object when nothing moves."""
        if self.is_identity:
            return grid
        direction = self.array[:3, :3] @ np.array(grid.direction_ras)
        origin = self.points(np.array(grid.origin_ras))
        return VoxelGrid(grid.shape_kji, grid.spacing_mm, tuple(origin), tuple(map(tuple, direction)))

    def image(self, image: Image, frame_of_reference_uid: str | None) -> Image:
        """The image carried over without resampling, now in another frame of reference."""
        return replace(image, grid=self.grid(image.grid), frame_of_reference_uid=frame_of_reference_uid)

    def mask(self, mask: Mask) -> Mask:
        """The mask carried over without resampling."""
        return mask if self.is_identity else Mask(mask.array, self.grid(mask.grid))


def _not_rigid(rotation: np.ndarray) -> str:
    scales = np.linalg.norm(rotation, axis=0)
    unit = rotation / np.where(scales > 0, scales, 1.0)
    skew = float(np.abs(unit.T @ unit - np.eye(3)).max())
    faults = []
    if np.abs(scales - 1.0).max() > RIGID_TOLERANCE / 2:
        faults.append(f"scales the patient (by {', '.join(f'{s:.4f}' for s in scales)})")
    if skew > RIGID_TOLERANCE / 2:
        faults.append(f"shears the patient (by {skew:.4f})")
    return (
        f"The transform {' and '.join(faults)}, but a patient's bones keep their size, and uptake would need "
        "resampling; register rigidly (6 degrees of freedom) and give that transform."
    )
