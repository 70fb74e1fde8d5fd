"""The fine grid on which nodes and bed are constructed: axes R, A, S, voxels of 1 mm or less.

Margins of 5 to 7 mm on slices 3 to 5 mm apart are wrong by a slice; so are axial rules on oblique grids.
Where the segmentation's axes are the patient's, its voxels are cut into whole parts, so that what avoids an
organ here avoids the organ's voxels exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import GenerationError
from ..imaging.grid import Box, VoxelGrid
from ..imaging.image import Image, Mask
from .landmarks import Landmark

FINEST_MM = 1.0
_AXIS_TOLERANCE = 1e-3
_AXIAL_NORMAL = 1e-6
_LARGEST_VOXELS = 120_000_000


@dataclass(frozen=True, eq=False)
class WorkingSpace:
    """A grid along R, A, S (array axes K, J, I are S, A, R), and structures brought onto it."""

    grid: VoxelGrid

    @property
    def spacing_kji(self) -> tuple[float, float, float]:
        return self.grid.spacing_kji_mm

    def axis(self, axis: int) -> np.ndarray:
        """Coordinates S, A or R (axis 0, 1, 2) of the voxel centres, mm."""
        origin = self.grid.origin_ras[2 - axis]
        return origin + np.arange(self.grid.shape_kji[axis]) * self.spacing_kji[axis]

    def empty(self) -> np.ndarray:
        return np.zeros(self.grid.shape_kji, bool)

    def exact(self, masks: Sequence[Mask]) -> np.ndarray:
        """Voxels whose centre lies in a voxel of one of the masks."""
        result = self.empty()
        for mask in masks:
            self._add(result, mask, smooth=False)
        return result

    def smooth(self, masks: Sequence[Mask]) -> np.ndarray:
        """Voxels where the linear interpolation of one of the masks is at least a half."""
        result = self.empty()
        for mask in masks:
            self._add(result, mask, smooth=True)
        return result

    def image(self, image: Image) -> np.ndarray:
        """An image by linear interpolation, float32; NaN outside it."""
        coordinates, box = self._coordinates(image.grid)
        result = np.full(self.grid.shape_kji, np.nan, np.float32)
        if box is not None:
            result[box] = _sampled(image.array.astype(np.float32), coordinates, "nearest")
            outside = [
                (c < -0.5) | (c > n - 0.5) for c, n in zip(coordinates, image.array.shape, strict=True)
            ]
            if len(outside[0].shape) == 1:
                result[box][outside[0], :, :] = np.nan
                result[box][:, outside[1], :] = np.nan
                result[box][:, :, outside[2]] = np.nan
            else:
                result[box][outside[0] | outside[1] | outside[2]] = np.nan
        return result

    def heights(self, plane: Landmark) -> np.ndarray:
        """Height of every voxel above a landmark's plane, mm; (K, 1, 1) for an axial plane, to broadcast."""
        normal, point = np.array(plane.normal_ras), np.array(plane.point_ras)
        height = normal[2] * (self.axis(0)[:, None, None] - point[2])
        if abs(normal[1]) > _AXIAL_NORMAL:
            height = height + normal[1] * (self.axis(1)[None, :, None] - point[1])
        if abs(normal[0]) > _AXIAL_NORMAL:
            height = height + normal[0] * (self.axis(2)[None, None, :] - point[0])
        return height

    def mask(self, array: np.ndarray) -> Mask:
        """An array of this space as a mask on the smallest part of its grid."""
        return Mask(array, self.grid).cropped()

    def _add(self, result: np.ndarray, mask: Mask, smooth: bool) -> None:
        coordinates, box = self._coordinates(mask.grid)
        if box is None:
            return
        if smooth:
            inside = _sampled(mask.array.astype(np.float32), coordinates, "constant") >= 0.5
        else:
            inside = _nearest(mask.array, coordinates)
        result[box] |= inside

    def _coordinates(self, grid: VoxelGrid) -> tuple[list[np.ndarray], Box | None]:
        """Voxel coordinates K, J, I in another grid, for the part of this space that the grid reaches.

        One-dimensional per axis where the other grid's axes are the patient's, else full arrays.
        """
        corners = grid.corners_ras()
        box = []
        for axis in range(3):
            step, origin = self.spacing_kji[axis], self.grid.origin_ras[2 - axis]
            low = math.floor((corners[:, 2 - axis].min() - origin) / step) - 1
            high = math.ceil((corners[:, 2 - axis].max() - origin) / step) + 2
            box.append(slice(max(0, low), min(self.grid.shape_kji[axis], high)))
        if any(s.start >= s.stop for s in box):
            return [], None
        axes = [self.axis(axis)[box[axis]] for axis in range(3)]
        if is_axial(grid):
            found = []
            for axis, values in enumerate(axes):
                sign = grid.direction_ras[2 - axis][2 - axis]
                found.append((values - grid.origin_ras[2 - axis]) * sign / grid.spacing_kji_mm[axis])
            return found, tuple(box)
        s, a, r = np.meshgrid(*axes, indexing="ij")
        kji = grid.kji_of(np.stack([r, a, s], axis=-1))
        return [kji[..., axis] for axis in range(3)], tuple(box)


def is_axial(grid: VoxelGrid) -> bool:
    """Whether a grid's axes I, J, K run along R, A, S, either way."""
    return bool(np.abs(np.abs(np.array(grid.direction_ras)) - np.eye(3)).max() < _AXIS_TOLERANCE)


def make_space(reference: VoxelGrid, low_ras: Sequence[float], high_ras: Sequence[float]) -> WorkingSpace:
    """The working grid between two corners, cut from the reference's voxels where its axes are the patient's.

    Raises GenerationError when it would be too large to work on.
    """
    shape, spacing, origin = [], [], []
    for axis in range(3):
        if is_axial(reference):
            parts = max(1, math.ceil(reference.spacing_mm[axis] / FINEST_MM - 0.05))
            step = reference.spacing_mm[axis] / parts
            first = reference.origin_ras[axis] + (-0.5 + 0.5 / parts) * reference.spacing_mm[axis]
        else:
            step, first = FINEST_MM, low_ras[axis]
        start = math.floor((low_ras[axis] - first) / step)
        stop = math.ceil((high_ras[axis] - first) / step) + 1
        shape.append(stop - start)
        spacing.append(step)
        origin.append(first + start * step)
    if math.prod(shape) > _LARGEST_VOXELS:
        raise GenerationError(
            f"The structures span {[round(n * s) for n, s in zip(shape, spacing, strict=True)]} mm, too much "
            "for a pelvis; check that the segmentation is of one patient."
        )
    return WorkingSpace(VoxelGrid(tuple(shape[::-1]), tuple(spacing), tuple(origin)))


def _nearest(array: np.ndarray, coordinates: list[np.ndarray]) -> np.ndarray:
    index = [np.rint(c).astype(np.intp) for c in coordinates]
    held = [(i >= 0) & (i < n) for i, n in zip(index, array.shape, strict=True)]
    index = [np.clip(i, 0, n - 1) for i, n in zip(index, array.shape, strict=True)]
    if index[0].ndim > 1:
        return array[tuple(index)] & held[0] & held[1] & held[2]
    inside = array[np.ix_(*index)]
    return inside & held[0][:, None, None] & held[1][None, :, None] & held[2][None, None, :]


def _sampled(array: np.ndarray, coordinates: list[np.ndarray], mode: str) -> np.ndarray:
    """Linear interpolation; outside the array zero ("constant") or the outermost voxel ("nearest")."""
    if coordinates[0].ndim > 1:
        scipy_mode = "grid-constant" if mode == "constant" else "nearest"
        return ndimage.map_coordinates(
            array, np.stack(coordinates), output=np.float32, order=1, mode=scipy_mode, prefilter=False
        )
    if mode == "constant":
        array = np.pad(array, 1)
        coordinates = [c + 1.0 for c in coordinates]
    for axis, values in enumerate(coordinates):
        size = array.shape[axis]
        values = np.clip(values, 0, size - 1)
        below = np.minimum(np.floor(values).astype(np.intp), max(size - 2, 0))
        shape = [1, 1, 1]
        shape[axis] = -1
        weight = (values - below).astype(np.float32).reshape(shape)
        near = np.take(array, below, axis=axis)
        far = np.take(array, np.minimum(below + 1, size - 1), axis=axis)
        array = near + weight * (far - near)
    return array
