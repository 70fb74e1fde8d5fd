"""Contours as occupancy below the voxel, for coverage, distances and margins."""

from __future__ import annotations

import math

import numpy as np

from ..imaging.grid import VoxelGrid
from ..rtvolumes.occupancy import EndCaps, OccupancyField
from .contour_coverage import pixel_coverage
from .end_caps import CapFinder, PlaneCoverage
from .rasterise import RoiPlanes, rasterise, roi_planes
from .rtstruct_reader import Roi

_OBLIQUE_CELL_MM = 0.5
_SLAB_TOLERANCE = 1e-4
_BODY = "EXTERNAL"


def roi_occupancy(roi: Roi, grid: VoxelGrid, contour_spacing_mm: float | None = None) -> OccupancyField:
    """The share of every voxel of `grid` that lies in `roi`; all zero for a ROI without contours.

    A contour stands for a slab of half the contour spacing to either side, as in `rasterise`, so the volume
    is area times spacing, whatever the grid. Along the contours' normal the share is exact; in their
    plane it is exact along rows and taken on eight lines per pixel across. On a grid oblique to the contours
    voxels are cut into cells of 0.5 mm or less, taken by their centres, and its end caps are not told.

    Raises GridError as `rasterise` does.
    """
    if not roi.contours:
        return OccupancyField(np.zeros(grid.shape_kji, dtype=np.float32), grid)
    planes = roi_planes(roi, grid, contour_spacing_mm)
    if planes.axis is None:
        return OccupancyField(_by_cells(roi, grid, planes.spacing_mm), grid)
    fraction, end_caps = _by_slabs(roi, grid, planes)
    # The body does not end where its contours do: the scan ends.
    return OccupancyField(fraction, grid, end_caps=None if roi.kind == _BODY else end_caps)


def roi_occupancy_around(roi: Roi, grid: VoxelGrid) -> OccupancyField | None:
    """The same on the part of `grid` around the contours only: a whole CT takes 200 MB per structure.

    None when no voxel is half filled: such a structure has no surface on these voxels.
    Raises GridError as `roi_occupancy` does.
    """
    if not roi.contours:
        return None
    planes = roi_planes(roi, grid)
    points = np.concatenate(roi.contours)
    reach = 0.5 * planes.spacing_mm * planes.normal
    kji = grid.kji_of(np.concatenate([points - reach, points + reach]))
    size = np.array(grid.shape_kji)
    low = np.clip(np.floor(kji.min(axis=0)).astype(int) - 1, 0, size - 1)
    high = np.clip(np.ceil(kji.max(axis=0)).astype(int) + 2, low + 1, size)
    part = grid.crop(tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True)))
    # The spacing as found on the whole grid, which a part of it need not tell.
    found = roi_occupancy(roi, part, planes.spacing_mm)
    return found if (found.fraction >= 0.5).any() else None


def _by_slabs(roi: Roi, grid: VoxelGrid, planes: RoiPlanes) -> tuple[np.ndarray, EndCaps | None]:
    axis = planes.axis
    in_plane = [other for other in range(3) if other != axis]
    places = np.zeros((grid.shape_kji[axis], 3))
    places[:, axis] = np.arange(grid.shape_kji[axis])
    centre = grid.kji_of(np.concatenate(roi.contours).mean(axis=0))
    places[:, in_plane] = centre[in_plane]
    slices_mm = grid.ras_of(places) @ planes.normal
    half_mm = 0.5 * grid.spacing_kji_mm[axis]
    fraction = np.zeros(grid.shape_kji, dtype=np.float32)
    slices = np.moveaxis(fraction, axis, 0)
    caps = CapFinder(slices.shape, slices_mm, half_mm, planes.spacing_mm)
    for plane, (low, high) in enumerate(planes.slabs_mm()):
        shared = np.minimum(high, slices_mm + half_mm) - np.maximum(low, slices_mm - half_mm)
        shared = np.clip(shared / (2 * half_mm), 0, 1)
        hit = np.flatnonzero(shared > _SLAB_TOLERANCE)
        if not hit.size:
            caps.pass_over()
            continue
        polygons = [grid.kji_of(roi.contours[index])[:, in_plane] for index in planes.members[plane]]
        window, covered = _window(polygons, slices.shape[1:])
        caps.add(PlaneCoverage(window, covered, low, float(planes.heights_mm[plane]), high))
        for number in hit:
            slices[number][window] += np.float32(shared[number]) * covered
    return np.clip(fraction, 0, 1, out=fraction), caps.found(axis)


def _window(polygons: list[np.ndarray], shape: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of a slice around the polygons, and how much of its pixels they cover."""
    points = np.concatenate(polygons)
    low = np.clip(np.floor(points.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 1, 0, shape).astype(int)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    size = tuple(int(n) for n in np.maximum(high - low, 0))
    if 0 in size:
        return window, np.zeros(size, dtype=np.float32)
    return window, pixel_coverage([polygon - low for polygon in polygons], size)


def _by_cells(roi: Roi, grid: VoxelGrid, spacing_mm: float) -> np.ndarray:
    """Mean over cells of the voxel, around the contours only."""
    factors = tuple(math.ceil(s / _OBLIQUE_CELL_MM - 1e-6) for s in grid.spacing_kji_mm)
    points = np.concatenate(roi.contours)
    reach = 0.5 * spacing_mm
    kji = np.concatenate([grid.kji_of(points - reach), grid.kji_of(points + reach)])
    margin = reach / np.array(grid.spacing_kji_mm) + 1
    low = np.clip(np.floor(kji.min(axis=0) - margin), 0, np.array(grid.shape_kji) - 1).astype(int)
    high = np.clip(np.ceil(kji.max(axis=0) + margin) + 1, low + 1, grid.shape_kji).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    part = grid.crop(box)
    inside = rasterise(roi, part.refine(factors), spacing_mm).array
    k, j, i = part.shape_kji
    blocks = inside.reshape(k, factors[0], j, factors[1], i, factors[2])
    fraction = np.zeros(grid.shape_kji, dtype=np.float32)
    fraction[box] = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return fraction
