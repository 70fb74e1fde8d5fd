"""A second CT of the same patient, lying differently on the treatment couch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from ..grid import VoxelGrid
from ..image import Image
from .parameters import RigidOffset


def rigid_matrix(offset: RigidOffset, grid: VoxelGrid) -> np.ndarray:
    """4 x 4 from the CT's RAS to the planning CT's: rotation about the middle of the grid, then the shift."""
    rotation = Rotation.from_euler("xyz", offset.rotation_degrees, degrees=True).as_matrix()
    middle = grid.corners_ras().mean(axis=0)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = middle - rotation @ middle + np.array(offset.shift_ras_mm)
    return matrix


def make_planning_ct(ct: Image, planning_from_ct: np.ndarray, frame_of_reference_uid: str) -> Image:
    """The CT carried to the planning position, on a grid of its own with another origin."""
    source = ct.grid
    origin = tuple(np.array(source.origin_ras) + np.array((-1.7, 2.3, 1.1)))
    grid = VoxelGrid(source.shape_kji, source.spacing_mm, origin, source.direction_ras)
    to_source = (
        np.linalg.inv(source.ijk_to_ras_matrix) @ np.linalg.inv(planning_from_ct) @ grid.ijk_to_ras_matrix
    )
    flip = np.eye(4)[[2, 1, 0, 3]]
    matrix = flip @ to_source @ flip
    moved = affine_transform(
        ct.array, matrix, output_shape=grid.shape_kji, order=1, mode="constant", cval=-1000
    )
    return Image(moved, grid, ct.quantity, frame_of_reference_uid)
