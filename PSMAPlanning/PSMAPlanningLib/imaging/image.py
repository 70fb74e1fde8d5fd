"""Images and masks: an array and the place of its voxels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from ..errors import GridError
from .grid import VoxelGrid, bounding_box


class Quantity(str, Enum):
    """What an image's numbers are."""

    SUVBW = "SUVbw"
    # By something else than body weight; which, the conversion's record says.
    SUV_OTHER = "SUV, not SUVbw"
    ACTIVITY = "Bq/ml"
    HOUNSFIELD = "HU"
    DOSE = "Gy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Image:
    """A scalar image; the array is (K, J, I) and must not be written to after construction.

    frame_of_reference_uid: from DICOM, None when the file says nothing.
    """

    array: np.ndarray
    grid: VoxelGrid
    quantity: Quantity
    frame_of_reference_uid: str | None = None

    def __post_init__(self) -> None:
        _check_shape(self.array, self.grid)
        object.__setattr__(self, "array", _read_only(self.array))


@dataclass(frozen=True, eq=False)
class Mask:
    """A region of space as true voxels; the array is (K, J, I) bool and must not be written to."""

    array: np.ndarray
    grid: VoxelGrid
    _cache: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_shape(self.array, self.grid)
        object.__setattr__(self, "array", _read_only(self.array.astype(bool, copy=False)))

    @property
    def voxels(self) -> int:
        if "voxels" not in self._cache:
            self._cache["voxels"] = int(np.count_nonzero(self.array))
        return self._cache["voxels"]

    @property
    def is_empty(self) -> bool:
        return self.voxels == 0

    @property
    def volume_ml(self) -> float:
        return self.voxels * self.grid.voxel_volume_ml

    def points_ras(self) -> np.ndarray:
        """RAS positions of the voxel centres inside, (N, 3)."""
        return self.grid.ras_of(np.argwhere(self.array))

    def centroid_ras(self) -> tuple[float, float, float]:
        """Centre of mass in RAS millimetres; raises GridError when the mask is empty."""
        if self.is_empty:
            raise GridError("An empty contour has no centroid; leave it out or draw it first.")
        return tuple(float(x) for x in self.points_ras().mean(axis=0))

    def cropped(self, margin_voxels: int = 0) -> Mask:
        """The same region on the smallest grid that holds it (plus a margin); unchanged when empty."""
        box = bounding_box(self.array, margin_voxels)
        if box is None:
            return self
        return replace(self, array=self.array[box].copy(), grid=self.grid.crop(box))


def _check_shape(array: np.ndarray, grid: VoxelGrid) -> None:
    if array.shape != grid.shape_kji:
        raise GridError(f"An array of {array.shape} does not fit a grid of {grid.shape_kji} (K, J, I).")


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
