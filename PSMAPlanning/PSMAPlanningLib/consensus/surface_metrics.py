"""Distances between surfaces: Hausdorff, mean, surface Dice, added path length.

Surface elements lie between eight voxel centres that are not all on one side, and weigh by their area,
as in Nikolov 2021, 10.2196/26151 (deepmind/surface-distance); that puts the surface in a layer one voxel
thick and makes distances about 0.4 voxel too small. A contour that touches the grid's edge ends there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from ..imaging.grid import bounding_box
from .surface_elements import surface_areas_mm2

_CORNER_BITS = [(dk, dj, di, dk * 4 + dj * 2 + di) for dk in (0, 1) for dj in (0, 1) for di in (0, 1)]
_SLICE_APART_MM = 1e6
_ROUNDING_MM = 1e-6


@dataclass(frozen=True, eq=False)
class Surface:
    """Elements of a contour's surface. points_mm: (M, 3) along K, J, I from the grid's corner.

    areas_mm2: (M,).
    """

    points_mm: np.ndarray
    areas_mm2: np.ndarray
    tree: cKDTree


def surface_of(inside: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> Surface | None:
    """The surface of a mask (K, J, I) bool; None when it is empty."""
    box = bounding_box(inside)
    if box is None:
        return None
    padded = np.pad(inside[box], 1).astype(np.uint8)
    cells = np.zeros(tuple(n - 1 for n in padded.shape), dtype=np.uint8)
    for dk, dj, di, bit in _CORNER_BITS:
        part = padded[dk : dk + cells.shape[0], dj : dj + cells.shape[1], di : di + cells.shape[2]]
        cells |= part << bit
    where = np.argwhere((cells != 0) & (cells != 255))
    areas = surface_areas_mm2(tuple(float(s) for s in spacing_kji_mm))[cells[tuple(where.T)]]
    starts = np.array([s.start for s in box])
    points = (where + starts) * np.array(spacing_kji_mm)
    return Surface(points, areas, cKDTree(points))


@dataclass(frozen=True, eq=False)
class SurfacePair:
    """Distances in mm from every element of one surface to the other, (M,), and back, (L,); their areas."""

    there_mm: np.ndarray
    back_mm: np.ndarray
    areas_there_mm2: np.ndarray
    areas_back_mm2: np.ndarray

    @property
    def mean_mm(self) -> float:
        """Symmetric mean surface distance (mean distance to agreement), weighted by area."""
        total = self.there_mm @ self.areas_there_mm2 + self.back_mm @ self.areas_back_mm2
        return float(total / (self.areas_there_mm2.sum() + self.areas_back_mm2.sum()))

    @property
    def directed_means_mm(self) -> tuple[float, float]:
        return (
            float(np.average(self.there_mm, weights=self.areas_there_mm2)),
            float(np.average(self.back_mm, weights=self.areas_back_mm2)),
        )

    @property
    def hausdorff_mm(self) -> float:
        return float(max(self.there_mm.max(), self.back_mm.max()))

    def hausdorff_percentile_mm(self, percent: float = 95.0) -> float:
        """The larger of the two directed percentiles, weighted by area."""
        return max(
            _percentile(self.there_mm, self.areas_there_mm2, percent),
            _percentile(self.back_mm, self.areas_back_mm2, percent),
        )

    def surface_dice(self, tolerance_mm: float) -> float:
        """Share of both surfaces that lies within the tolerance of the other."""
        near = tolerance_mm + _ROUNDING_MM
        within = (
            self.areas_there_mm2[self.there_mm <= near].sum()
            + self.areas_back_mm2[self.back_mm <= near].sum()
        )
        return float(within / (self.areas_there_mm2.sum() + self.areas_back_mm2.sum()))


def compare_surfaces(one: Surface, other: Surface) -> SurfacePair:
    """Distances between two surfaces of one grid."""
    there, _ = other.tree.query(one.points_mm)
    back, _ = one.tree.query(other.points_mm)
    return SurfacePair(there, back, one.areas_mm2, other.areas_mm2)


def _percentile(distances: np.ndarray, areas: np.ndarray, percent: float) -> float:
    order = np.argsort(distances)
    share = np.cumsum(areas[order]) / areas.sum()
    place = int(np.searchsorted(share, percent / 100.0))
    return float(distances[order][min(place, len(order) - 1)])


@dataclass(frozen=True, eq=False)
class PathPoints:
    """Boundary pixels of a contour, slice by slice. points: (M, 3) slice number, J mm, I mm.

    pixel_mm: length that a pixel stands for. slices: of the whole grid.
    """

    points: np.ndarray
    pixel_mm: float
    slices: int
    tree: cKDTree | None = None

    def apart(self) -> np.ndarray:
        """The points with slices so far apart that the nearest one is of the same slice, if any is."""
        return self.points * (_SLICE_APART_MM, 1, 1)


def path_points(inside: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> PathPoints:
    """Pixels of a mask (K, J, I) that have one of their four neighbours in the slice outside."""
    padded = np.pad(inside, ((0, 0), (1, 1), (1, 1)))
    core = padded[:, 1:-1, 1:-1]
    inner = padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    points = np.argwhere(core & ~inner).astype(float)
    points[:, 1:] *= np.array(spacing_kji_mm[1:])
    pixel_mm = math.sqrt(spacing_kji_mm[1] * spacing_kji_mm[2])
    path = PathPoints(points, pixel_mm, inside.shape[0])
    return replace(path, tree=cKDTree(path.apart())) if len(points) else path


def path_distances_mm(reference: PathPoints, test: PathPoints) -> np.ndarray:
    """(M,) mm from each boundary pixel of the reference to the test's boundary in the same slice.

    Larger than any patient where the test has no boundary in that slice.
    """
    if len(reference.points) == 0 or test.tree is None:
        return np.full(len(reference.points), np.inf)
    return test.tree.query(reference.apart())[0]


def added_path_length_mm(
    reference: PathPoints, distances_mm: np.ndarray, tolerance_mm: float = 0.0
) -> np.ndarray:
    """(slices,) mm of the reference's boundary further than the tolerance from the test's, in each slice.

    distances_mm: from `path_distances_mm`. Vaassen 2020, 10.1016/j.phro.2019.12.001: what would have to be
    drawn anew to turn the test into the reference. Not symmetric.
    """
    missed = reference.points[distances_mm > tolerance_mm + _ROUNDING_MM, 0].astype(int)
    return np.bincount(missed, minlength=reference.slices) * reference.pixel_mm
