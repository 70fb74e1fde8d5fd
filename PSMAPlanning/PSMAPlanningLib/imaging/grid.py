"""Where voxels are in the patient.

World positions are RAS millimetres, as 3D Slicer shows them; arrays are indexed K, J, I.
Spacing and the columns of the direction matrix go with the axes I, J, K, in that order, as in Slicer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import GridError

Box = tuple[slice, slice, slice]
"""Part of an array, one slice per axis K, J, I, with start and stop given."""

_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_ORTHOGONALITY_TOLERANCE = 1e-3


@dataclass(frozen=True)
class VoxelGrid:
    """Shape, spacing, origin and direction of a regular grid; oblique and left-handed grids included.

    shape_kji: voxels along K, J, I.
    spacing_mm: centre to centre distance along I, J, K.
    origin_ras: centre of voxel (0, 0, 0) in RAS millimetres.
    direction_ras: 3 x 3, row-major; column n is the unit vector of axis I, J, K in RAS.

    Raises GridError for a geometry that cannot be.
    """

    shape_kji: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_ras: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction_ras: tuple[tuple[float, float, float], ...] = _IDENTITY

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape_kji)
        spacing = tuple(float(s) for s in self.spacing_mm)
        origin = tuple(float(x) for x in self.origin_ras)
        direction = tuple(tuple(float(x) for x in row) for row in self.direction_ras)
        if len(shape) != 3 or min(shape) < 1:
            raise GridError(f"A grid needs three axes of at least one voxel; this one has {shape}.")
        if len(spacing) != 3 or not all(math.isfinite(s) and s > 0 for s in spacing):
            raise GridError(f"Voxel spacing must be three positive numbers of mm; this one is {spacing}.")
        if len(origin) != 3 or not all(math.isfinite(x) for x in origin):
            raise GridError(f"The grid's origin must be three finite numbers; this one is {origin}.")
        matrix = np.array(direction)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise GridError("The grid's direction matrix must be 3 x 3 and finite.")
        deviation = float(np.abs(matrix.T @ matrix - np.eye(3)).max())
        if deviation > _ORTHOGONALITY_TOLERANCE:
            raise GridError(
                f"The image axes are not perpendicular (deviation {deviation:.3g}), "
                "as with a tilted gantry; resample the image to a regular grid first."
            )
        for name, value in zip(
            ("shape_kji", "spacing_mm", "origin_ras", "direction_ras"),
            (shape, spacing, origin, direction),
            strict=True,
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def from_lps(
        cls,
        shape_kji: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        origin_lps: tuple[float, float, float],
        direction_lps: np.ndarray,
    ) -> VoxelGrid:
        """The grid of an image described in DICOM's and ITK's LPS coordinates."""
        direction = _LPS_TO_RAS @ np.asarray(direction_lps, dtype=float).reshape(3, 3)
        origin = _LPS_TO_RAS @ np.asarray(origin_lps, dtype=float)
        return cls(shape_kji, spacing_mm, tuple(origin), tuple(map(tuple, direction)))

    @property
    def origin_lps(self) -> tuple[float, float, float]:
        """Centre of voxel (0, 0, 0) in LPS millimetres."""
        return tuple(_LPS_TO_RAS @ np.array(self.origin_ras))

    @property
    def direction_lps(self) -> np.ndarray:
        """3 x 3 array; column n is the unit vector of axis I, J, K in LPS."""
        return _LPS_TO_RAS @ np.array(self.direction_ras)

    @property
    def ijk_to_ras_matrix(self) -> np.ndarray:
        """4 x 4 matrix from voxel indices I, J, K to RAS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(self.direction_ras) * np.array(self.spacing_mm)
        matrix[:3, 3] = self.origin_ras
        return matrix

    @property
    def spacing_kji_mm(self) -> tuple[float, float, float]:
        """Spacing in the order of the array's axes, for scipy's `sampling` arguments."""
        return self.spacing_mm[::-1]

    @property
    def voxel_count(self) -> int:
        return math.prod(self.shape_kji)

    @property
    def voxel_volume_ml(self) -> float:
        return math.prod(self.spacing_mm) / 1000.0

    def position_of(self, kji: tuple[float, float, float] | np.ndarray) -> tuple[float, float, float]:
        """RAS position of one voxel index K, J, I as plain numbers."""
        return tuple(float(x) for x in self.ras_of(np.asarray(kji, dtype=float)))

    def ras_of(self, points_kji: np.ndarray) -> np.ndarray:
        """RAS positions, (..., 3), of voxel indices K, J, I, (..., 3); fractions allowed."""
        points_ijk = np.asarray(points_kji, dtype=float)[..., ::-1]
        matrix = self.ijk_to_ras_matrix
        return points_ijk @ matrix[:3, :3].T + matrix[:3, 3]

    def kji_of(self, points_ras: np.ndarray) -> np.ndarray:
        """Fractional voxel indices K, J, I, (..., 3), of RAS positions, (..., 3)."""
        matrix = np.linalg.inv(self.ijk_to_ras_matrix)
        points_ijk = np.asarray(points_ras, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]
        return points_ijk[..., ::-1]

    def holds(self, points_ras: np.ndarray) -> np.ndarray:
        """Which RAS positions, (..., 3), lie within the voxels of this grid."""
        kji = self.kji_of(points_ras)
        return np.all((kji >= -0.5) & (kji < np.array(self.shape_kji) - 0.5), axis=-1)

    def corners_ras(self) -> np.ndarray:
        """The 8 outer corners of the grid (voxel edges, not centres), (8, 3) RAS millimetres."""
        ends = [(-0.5, n - 0.5) for n in self.shape_kji]
        return self.ras_of(np.array([(k, j, i) for k in ends[0] for j in ends[1] for i in ends[2]]))

    def crop(self, box: Box) -> VoxelGrid:
        """The grid of `array[box]`; the box must lie inside the grid."""
        starts, stops = [s.start for s in box], [s.stop for s in box]
        if any(a < 0 or b > n or a >= b for a, b, n in zip(starts, stops, self.shape_kji, strict=True)):
            raise GridError(f"The part {starts} to {stops} does not lie inside a grid of {self.shape_kji}.")
        shape = tuple(b - a for a, b in zip(starts, stops, strict=True))
        return VoxelGrid(shape, self.spacing_mm, self.position_of(starts), self.direction_ras)

    def refine(self, factors_kji: tuple[int, int, int]) -> VoxelGrid:
        """The same space with each voxel cut into `factors_kji` equal parts."""
        factors = np.array(factors_kji, dtype=float)
        shape = tuple(int(n * f) for n, f in zip(self.shape_kji, factors_kji, strict=True))
        spacing = tuple(np.array(self.spacing_mm) / factors[::-1])
        origin = self.position_of(-0.5 + 0.5 / factors)
        return VoxelGrid(shape, spacing, origin, self.direction_ras)

    def same_as(self, other: VoxelGrid, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids put every voxel within `tolerance_mm` of the same place."""
        return self.shape_kji == other.shape_kji and bool(
            np.abs(self.corners_ras() - other.corners_ras()).max() <= tolerance_mm
        )

    def overlaps(self, other: VoxelGrid) -> bool:
        """Whether the two grids share space (separating axis test on their boxes)."""
        mine, theirs = self.corners_ras(), other.corners_ras()
        a, b = np.array(self.direction_ras).T, np.array(other.direction_ras).T
        axes = [*a, *b, *(np.cross(u, v) for u in a for v in b)]
        for axis in axes:
            if np.linalg.norm(axis) < 1e-6:
                continue
            p, q = mine @ axis, theirs @ axis
            if p.max() <= q.min() or q.max() <= p.min():
                return False
        return True


def bounding_box(mask: np.ndarray, margin_voxels: int = 0) -> Box | None:
    """Smallest box around the true voxels of a KJI mask, grown and clipped to it; None when empty."""
    # One axis after the other, in the order of memory, over what the last one left.
    k = np.flatnonzero(mask.any(axis=(1, 2)))
    if k.size == 0:
        return None
    plane = mask[k[0] : k[-1] + 1].any(axis=0)
    found = (k, np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0)))
    return tuple(
        _grown(int(hits[0]), int(hits[-1]) + 1, margin_voxels, size)
        for hits, size in zip(found, mask.shape, strict=True)
    )


def grow_box(box: Box, margin_kji: tuple[int, int, int], shape_kji: tuple[int, int, int]) -> Box:
    """The box grown by whole voxels along K, J, I and clipped to the array."""
    return tuple(_grown(s.start, s.stop, m, n) for s, m, n in zip(box, margin_kji, shape_kji, strict=True))


def _grown(start: int, stop: int, margin: int, size: int) -> slice:
    return slice(max(0, start - margin), min(size, stop + margin))
