"""Structures finer than voxels: how much of each voxel belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import GridError
from ..imaging.grid import Box, VoxelGrid, bounding_box
from ..imaging.image import Mask


@dataclass(frozen=True, eq=False)
class EndCaps:
    """What a structure of contours loses when its ends taper to nothing instead of ending half a slice on.

    flat: (N,) ascending indices into the structure's shares, flattened; share: (N,) float32, of each voxel.
    """

    flat: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, eq=False)
class OccupancyField:
    """A structure as the share, 0 to 1, of every voxel that lies in it.

    fraction: (K, J, I) float32 on `grid`, never written to after construction.
    lowest, highest: bounds of the true share, same shape, where they are known and differ from it; for a
    field made from voxels that were only in or out, a voxel at the surface may be anything.
    end_caps: of a structure made from contours, which tell nothing of what lies beyond the last of them.

    Raises GridError when the array does not fit the grid or holds anything but shares.
    """

    fraction: np.ndarray
    grid: VoxelGrid
    lowest: np.ndarray | None = None
    highest: np.ndarray | None = None
    end_caps: EndCaps | None = None
    _cache: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("fraction", "lowest", "highest"):
            array = getattr(self, name)
            if array is None:
                continue
            array = np.asarray(array, dtype=np.float32)
            if array.shape != self.grid.shape_kji:
                raise GridError(f"Occupancy of {array.shape} does not fit a grid of {self.grid.shape_kji}.")
            if array.size and not (array.min() >= -1e-6 and array.max() <= 1 + 1e-6):
                raise GridError("Occupancy is the share of a voxel; give numbers from 0 to 1.")
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def array(self) -> np.ndarray:
        """The fraction, by the name that a `Mask` has for its voxels."""
        return self.fraction

    @property
    def volume_ml(self) -> float:
        if "volume" not in self._cache:
            self._cache["volume"] = float(self.fraction.sum(dtype=np.float64)) * self.grid.voxel_volume_ml
        return self._cache["volume"]

    @property
    def volume_bounds_ml(self) -> tuple[float, float]:
        """Smallest and largest volume the bounds allow; both the volume itself without bounds."""
        arrays = (
            self.fraction if self.lowest is None else self.lowest,
            self.fraction if self.highest is None else self.highest,
        )
        low, high = (float(a.sum(dtype=np.float64)) * self.grid.voxel_volume_ml for a in arrays)
        return low, high

    @property
    def is_empty(self) -> bool:
        return not self.fraction.any()

    def box(self) -> Box | None:
        """Smallest box around all that is occupied; None when nothing is."""
        return bounding_box(self.fraction > 0)

    def with_tapered_ends(self) -> OccupancyField:
        """The same structure with ends that shrink to nothing; itself when it has no ends of contours."""
        if self.end_caps is None:
            return self
        if "tapered" not in self._cache:
            fraction = self.fraction.copy()
            fraction.reshape(-1)[self.end_caps.flat] -= self.end_caps.share
            np.clip(fraction, 0, 1, out=fraction)
            self._cache["tapered"] = replace(self, fraction=fraction, end_caps=None)
        return self._cache["tapered"]

    def mask(self) -> Mask:
        """The voxels at least half of which lie in the structure."""
        return Mask(self.fraction >= 0.5, self.grid)


def occupancy_of_mask(mask: Mask) -> OccupancyField:
    """A mask as an occupancy field: 0 and 1 as they are, bounds half a voxel either way at the surface.

    A voxel that touches one on the other side of the surface may be cut anywhere up to its centre, so its
    share may be as low as a half (inside) or as high as a half (outside).
    """
    inside = mask.array
    fraction = inside.astype(np.float32)
    lowest, highest = fraction.copy(), fraction.copy()
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        differs = inside[tuple(low)] != inside[tuple(high)]
        for part in (tuple(low), tuple(high)):
            np.copyto(lowest[part], 0.5, where=differs & inside[part])
            np.copyto(highest[part], 0.5, where=differs & ~inside[part])
    return OccupancyField(fraction, mask.grid, lowest, highest)
