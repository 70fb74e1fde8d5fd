"""From planar contours to voxels: a voxel belongs to a structure when its centre does.

Even-odd rule at pixel centres, several contours of a plane by exclusive or (holes, keyholes and
separate parts alike). A contour stands for a slab of half the contour spacing to either side, without
the smooth end caps that some programmes add. Checked voxel by voxel against the IBSI masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import GridError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .rtstruct_reader import Roi

PLANARITY_TOLERANCE_MM = 0.1
"""Points of a contour this close to one plane, and contours this close to each other, share the plane."""
_LARGEST_SPACING_MM = 10.0
"""Contours further apart are separate structures: no CT is planned on thicker slices."""
_GAP_RATIO = 1.5
_SLAB_EDGE_MM = 1e-3
_POINTS_AT_ONCE = 200_000


def rasterise(roi: Roi, grid: VoxelGrid, contour_spacing_mm: float | None = None) -> Mask:
    """The voxels of `grid` whose centres lie in `roi`; all false for a ROI without contours.

    Each slice of the grid takes the contours of the nearest plane within half the contour spacing.
    contour_spacing_mm: distance between contour planes, for a ROI with one plane, or planes so few
    and far apart that it cannot be told; else the usual gap between its planes. Without it, such planes
    are taken to be one grid slice thick.
    Exact on any grid, oblique and left-handed ones included; fastest where a grid axis is
    perpendicular to the contours.

    Raises GridError when contours are not planar or parallel, or lie outside the grid entirely.
    """
    if not roi.contours:
        return Mask(np.zeros(grid.shape_kji, dtype=bool), grid)
    found = roi_planes(roi, grid, contour_spacing_mm)
    place = (found.normal, found.heights_mm, found.members, found.spacing_mm)
    if found.axis is None:
        array = _by_points(roi, grid, *place)
    else:
        array = _by_scanlines(roi, grid, found.axis, *place)
    return Mask(array, grid)


@dataclass(frozen=True, eq=False)
class RoiPlanes:
    """The parallel planes of a ROI's contours.

    normal: unit vector, RAS; heights_mm: of the planes along it, ascending; members: indices of the contours
    of each plane. spacing_mm: what one contour stands for. axis: the axis of the grid's array that is
    perpendicular to the planes, None when the grid is oblique to them.
    """

    normal: np.ndarray
    heights_mm: np.ndarray
    members: Sequence[np.ndarray]
    spacing_mm: float
    axis: int | None

    def slabs_mm(self) -> np.ndarray:
        """(planes, 2): from where to where along the normal each plane's contours stand; none overlap."""
        half = 0.5 * self.spacing_mm
        low, high = self.heights_mm - half, self.heights_mm + half
        middles = 0.5 * (self.heights_mm[1:] + self.heights_mm[:-1])
        high[:-1] = np.minimum(high[:-1], middles)
        low[1:] = np.maximum(low[1:], middles)
        return np.column_stack([low, high])


def roi_planes(roi: Roi, grid: VoxelGrid, contour_spacing_mm: float | None = None) -> RoiPlanes:
    """The planes of a ROI with contours; parameters and errors as for `rasterise`."""
    normal = _common_normal(roi)
    heights = np.array([float((contour @ normal).mean()) for contour in roi.contours])
    planes, members = _planes(heights)
    along = np.abs(normal @ np.array(grid.direction_ras))
    thickness = float(grid.spacing_mm[int(along.argmax())])
    spacing = contour_spacing_mm or plane_spacing_mm(planes) or thickness
    _require_overlap(roi, grid, normal, spacing)
    return RoiPlanes(normal, planes, members, spacing, _parallel_axis(roi, grid))


def plane_spacing_mm(planes_mm: np.ndarray) -> float | None:
    """Usual gap between contour planes at these heights; None when there is none to measure.

    Larger gaps, between separate parts of a structure, do not count.
    """
    gaps = np.diff(np.sort(np.asarray(planes_mm, dtype=float)))
    if gaps.size == 0 or gaps.min() > _LARGEST_SPACING_MM:
        return None
    return float(np.median(gaps[gaps <= _GAP_RATIO * gaps.min()]))


def _common_normal(roi: Roi) -> np.ndarray:
    """Unit normal of the contour planes, from the contour of the largest area (Newell's method)."""
    areas = []
    for contour in roi.contours:
        centred = contour - contour.mean(axis=0)
        areas.append(np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0))
    normal = max(areas, key=lambda area: float(area @ area))
    length = float(np.linalg.norm(normal))
    if length == 0.0:
        raise GridError(f"The contours of '{roi.name}' enclose no area; draw the structure again.")
    normal = normal / length
    # DICOM contours are almost always axial; the exact axis spares a rounding error of the last digit.
    nearest = np.round(normal)
    if np.abs(normal - nearest).max() < 1e-6:
        normal = nearest
    for contour in roi.contours:
        if np.ptp(contour @ normal) > 2.0 * PLANARITY_TOLERANCE_MM:
            raise GridError(
                f"The contours of '{roi.name}' are not planar or not parallel to each other; "
                "export the structure on one set of parallel slices."
            )
    return normal


def _planes(heights: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Heights of the distinct planes, ascending, and the indices of the contours in each."""
    order = np.argsort(heights, kind="stable")
    starts = np.flatnonzero(np.diff(heights[order]) > PLANARITY_TOLERANCE_MM) + 1
    members = np.split(order, starts)
    return np.array([heights[group].mean() for group in members]), members


def _nearest_plane(heights: np.ndarray, planes: np.ndarray, spacing: float) -> np.ndarray:
    """Index of the plane each height belongs to, -1 for none; slabs are closed below and open above."""
    above = np.clip(np.searchsorted(planes, heights), 1, max(len(planes) - 1, 1))
    if len(planes) == 1:
        nearest = np.zeros(heights.shape, dtype=int)
    else:
        middle = 0.5 * (planes[above - 1] + planes[above])
        nearest = np.where(heights >= middle - _SLAB_EDGE_MM, above, above - 1)
    distance = heights - planes[nearest]
    half = 0.5 * spacing
    inside = (distance >= -half - _SLAB_EDGE_MM) & (distance < half - _SLAB_EDGE_MM)
    return np.where(inside, nearest, -1)


def _require_overlap(roi: Roi, grid: VoxelGrid, normal: np.ndarray, spacing: float) -> None:
    points = np.concatenate(roi.contours)
    slab = np.concatenate([points - 0.5 * spacing * normal, points + 0.5 * spacing * normal])
    kji = grid.kji_of(slab)
    size = np.array(grid.shape_kji)
    if np.any(kji.max(axis=0) < -0.5) or np.any(kji.min(axis=0) > size - 0.5):
        raise GridError(
            f"Structure '{roi.name}' lies outside the image; check that both belong to the same patient and "
            "frame of reference."
        )


def _parallel_axis(roi: Roi, grid: VoxelGrid) -> int | None:
    """The array axis perpendicular to every contour plane, None when the grid is oblique to them."""
    spreads = np.array([np.ptp(grid.kji_of(contour), axis=0) for contour in roi.contours])
    flat = np.all(spreads * np.array(grid.spacing_kji_mm) <= PLANARITY_TOLERANCE_MM, axis=0)
    axes = np.flatnonzero(flat)
    return int(axes[0]) if axes.size == 1 else None


def _by_scanlines(
    roi: Roi,
    grid: VoxelGrid,
    axis: int,
    normal: np.ndarray,
    planes: np.ndarray,
    members: Sequence[np.ndarray],
    spacing: float,
) -> np.ndarray:
    array = np.zeros(grid.shape_kji, dtype=bool)
    slices = np.moveaxis(array, axis, 0)
    in_plane = [other for other in range(3) if other != axis]
    positions = np.zeros((len(slices), 3))
    positions[:, axis] = np.arange(len(slices))
    # The height of a slice is taken at the contours, so that a slight tilt within the tolerance is harmless.
    centre = grid.kji_of(np.concatenate(roi.contours).mean(axis=0))
    positions[:, in_plane] = centre[in_plane]
    owner = _nearest_plane(grid.ras_of(positions) @ normal, planes, spacing)
    for plane in np.unique(owner[owner >= 0]):
        polygons = [grid.kji_of(roi.contours[index])[:, in_plane] for index in members[plane]]
        slices[owner == plane] = even_odd(polygons, slices.shape[1:])
    return array


def even_odd(polygons: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns) bool: which pixel centres lie inside an odd number of polygon boundaries.

    polygons: (N, 2) vertices each, as fractional row and column. One crossing per edge and row is
    toggled in the first column right of it; the running parity along each row is the answer.
    """
    rows, columns = shape
    first, last = _edges(polygons)
    # Each edge is walked upwards, so that two coincident edges cross at exactly the same place.
    down = first[:, 0] > last[:, 0]
    first[down], last[down] = last[down].copy(), first[down].copy()
    start = np.clip(np.ceil(first[:, 0]), 0, rows).astype(int)
    stop = np.clip(np.ceil(last[:, 0]), 0, rows).astype(int)
    counts = stop - start
    edge = np.repeat(np.arange(len(first)), counts)
    row = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + start[edge]
    rise = last[edge, 0] - first[edge, 0]
    crossing = first[edge, 1] + (row - first[edge, 0]) / rise * (last[edge, 1] - first[edge, 1])
    column = np.clip(np.ceil(crossing), 0, columns).astype(int)
    inside = np.zeros(shape, dtype=bool)
    if not row.size:
        return inside
    # Only where there are crossings: most of a slice is outside.
    top, left = int(row.min()), int(column.min())
    height, width = int(row.max()) + 1 - top, int(column.max()) - left
    toggles = np.bincount((row - top) * (width + 1) + column - left, minlength=height * (width + 1))
    parity = np.cumsum(toggles.reshape(height, width + 1)[:, :width], axis=1)
    inside[top : top + height, left : left + width] = parity & 1
    return inside


def _edges(polygons: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(polygons), np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons])


def _by_points(
    roi: Roi,
    grid: VoxelGrid,
    normal: np.ndarray,
    planes: np.ndarray,
    members: Sequence[np.ndarray],
    spacing: float,
) -> np.ndarray:
    """The same rule for a grid oblique to the contours: each voxel centre is tested in the contour plane."""
    array = np.zeros(grid.shape_kji, dtype=bool)
    points = np.concatenate(roi.contours)
    slab = np.concatenate([points - 0.5 * spacing * normal, points + 0.5 * spacing * normal])
    kji = grid.kji_of(slab)
    low = np.clip(np.floor(kji.min(axis=0)), 0, np.array(grid.shape_kji) - 1).astype(int)
    high = np.clip(np.ceil(kji.max(axis=0)) + 1, 1, grid.shape_kji).astype(int)
    across, upwards = _plane_axes(normal)
    polygons = [
        [np.column_stack([roi.contours[i] @ across, roi.contours[i] @ upwards]) for i in group]
        for group in members
    ]
    for k in range(low[0], high[0]):
        j, i = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
        centres = grid.ras_of(np.stack([np.full(j.shape, k), j, i], axis=-1)).reshape(-1, 3)
        owner = _nearest_plane(centres @ normal, planes, spacing)
        inside = np.zeros(owner.shape, dtype=bool)
        for plane in np.unique(owner[owner >= 0]):
            chosen = np.flatnonzero(owner == plane)
            flat = np.column_stack([centres[chosen] @ across, centres[chosen] @ upwards])
            inside[chosen] = _points_inside(flat, polygons[plane])
        array[k, low[1] : high[1], low[2] : high[2]] = inside.reshape(j.shape)
    return array


def _plane_axes(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    helper = np.eye(3)[int(np.abs(normal).argmin())]
    across = np.cross(normal, helper)
    across /= np.linalg.norm(across)
    return across, np.cross(normal, across)


def _points_inside(points: np.ndarray, polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Which points, (N, 2), lie inside an odd number of polygon boundaries."""
    first, last = _edges(polygons)
    sideways = first[:, 1] == last[:, 1]
    first, last = first[~sideways], last[~sideways]
    inside = np.empty(len(points), dtype=bool)
    step = max(1, _POINTS_AT_ONCE // max(1, len(first)))
    for begin in range(0, len(points), step):
        x, y = points[begin : begin + step, :1], points[begin : begin + step, 1:]
        crosses = (first[:, 1] <= y) != (last[:, 1] <= y)
        rise = np.broadcast_to(last[:, 1] - first[:, 1], crosses.shape)
        share = np.divide(y - first[:, 1], rise, out=np.zeros(crosses.shape), where=crosses)
        at = first[:, 0] + share * (last[:, 0] - first[:, 0])
        inside[begin : begin + step] = np.count_nonzero(crosses & (at <= x), axis=1) & 1
    return inside
