"""Iliac vessels taken apart into common, external and internal, from labels that hold the whole tree.

The way from the label's upper end to its lower end, along the middle of the lumen, is the common and external
vessel; what hangs beside that way, behind it, is the internal one. The bifurcation is where it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from ..imaging.grid import bounding_box

PARTS = ("common", "external", "internal")
_SLAB_MM = 3.0
_BRANCH_CLEARANCE = 1.4
_BRANCH_CLEARANCE_MM = 2.0
_SHORTEST_BRANCH_MM = 10.0
_SMALLEST_BRANCH_MM3 = 100.0
_TWENTY_SIX = np.ones((3, 3, 3), bool)
_FORWARD = [(k, j, i) for k in (0, 1) for j in (-1, 0, 1) for i in (-1, 0, 1) if (k, j, i) > (0, 0, 0)]


@dataclass(frozen=True, eq=False)
class SplitVessel:
    """A vessel's parts as arrays of one space; split_s: the bifurcation's level, None when not found."""

    common: np.ndarray
    external: np.ndarray
    internal: np.ndarray
    split_s: float | None


def split_vessel(
    lumen: np.ndarray, spacing_kji: tuple[float, float, float], bottom_s: float, fallback_s: float
) -> SplitVessel:
    """Common, external and internal part of one side's artery or vein.

    lumen: (K, J, I) bool, axes S, A, R, not empty; bottom_s: S coordinate of its first slice, mm;
    fallback_s: level that stands for the bifurcation when the label holds no internal vessel.
    """
    box = bounding_box(lumen, 1)
    part = lumen[box]
    start_s = bottom_s + box[0].start * spacing_kji[0]
    labels, count = ndimage.label(part, _TWENTY_SIX)
    sizes = np.bincount(labels.ravel())[1:]
    trunk = labels == 1 + int(np.argmax(sizes))
    index = np.argwhere(trunk)
    points = index * np.array(spacing_kji)
    way, radius = _way(trunk, index, points, spacing_kji)
    near_mm, at = cKDTree(points[way]).query(points)
    beside = near_mm > _BRANCH_CLEARANCE * radius[at] + _BRANCH_CLEARANCE_MM
    clear_mm = near_mm - radius[at]
    internal, leaves_at = _internal(
        trunk.shape, index, points, np.where(beside, clear_mm, 0.0), points[way], at, spacing_kji
    )
    if leaves_at is None:
        height = start_s + points[:, 0]
        code = np.where(height >= fallback_s, 1, 2)
        split_s = None
    else:
        code = np.where(internal, 3, np.where(at <= leaves_at, 1, 2))
        split_s = float(start_s + points[way[leaves_at], 0])
    result = np.zeros(trunk.shape, np.uint8)
    result[trunk] = code
    if count > 1:
        _give_rest(result, part & ~trunk, spacing_kji)
    whole = np.zeros(lumen.shape, np.uint8)
    whole[box] = result
    return SplitVessel(whole == 1, whole == 2, whole == 3, split_s)


def _way(
    trunk: np.ndarray, index: np.ndarray, points: np.ndarray, spacing_kji: tuple[float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (as rows of `index`) along the middle from the upper end to the lower end, and radii there."""
    depth = ndimage.distance_transform_edt(trunk, sampling=spacing_kji)[trunk]
    graph = _graph(trunk, index, depth, spacing_kji)
    ends = []
    for height in (points[:, 0], -points[:, 0]):
        slab = np.flatnonzero(height > height.max() - _SLAB_MM)
        ends.append(int(slab[np.argmax(depth[slab])]))
    _, before = dijkstra(graph, directed=False, indices=ends[0], return_predecessors=True)
    way = [ends[1]]
    while way[-1] != ends[0]:
        way.append(int(before[way[-1]]))
    order = np.array(way[::-1])
    return order, depth[order]


def _graph(
    trunk: np.ndarray, index: np.ndarray, depth: np.ndarray, spacing_kji: tuple[float, float, float]
) -> coo_matrix:
    """Neighbouring voxels of a lumen; dear near the wall, so that ways run along the middle."""
    number = np.full(np.array(trunk.shape) + 2, -1, np.int64)
    number[1:-1, 1:-1, 1:-1][trunk] = np.arange(len(index))
    rows, columns, costs = [], [], []
    for offset in _FORWARD:
        other = number[tuple((index + 1 + offset).T)]
        here = np.flatnonzero(other >= 0)
        there = other[here]
        length = float(np.linalg.norm(np.multiply(offset, spacing_kji)))
        rows.append(here)
        columns.append(there)
        costs.append(length / np.minimum(depth[here], depth[there]) ** 2)
    shape = (len(index), len(index))
    return coo_matrix(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    ).tocsr()


def _internal(
    shape: tuple[int, ...],
    index: np.ndarray,
    points: np.ndarray,
    clear_mm: np.ndarray,
    way: np.ndarray,
    at: np.ndarray,
    spacing_kji: tuple[float, float, float],
) -> tuple[np.ndarray, int | None]:
    """Which voxels are the internal vessel, and where on the way it leaves; None without one.

    clear_mm: how far each voxel lies outside the trunk, 0 for the trunk's own.
    """
    beside = clear_mm > 0
    array = np.zeros(shape, bool)
    array[tuple(index[beside].T)] = True
    labels, count = ndimage.label(array, _TWENTY_SIX)
    of_voxel = labels[tuple(index.T)]
    internal, leaves = np.zeros(len(index), bool), []
    voxel_mm3 = float(np.prod(spacing_kji))
    for number in range(1, count + 1):
        branch = of_voxel == number
        extent = np.linalg.norm(np.ptp(points[branch], axis=0))
        if extent < _SHORTEST_BRANCH_MM or branch.sum() * voxel_mm3 < _SMALLEST_BRANCH_MM3:
            continue
        if clear_mm[branch].max() < _SHORTEST_BRANCH_MM:
            # Wide veins, and the confluence, bulge along the trunk without ever leaving it.
            continue
        # Behind the way at the same level; what hangs in front is the epigastric or a vessel's bulge.
        levels = np.argmin(np.abs(way[None, :, 0] - points[branch][::7, None, 0]), axis=1)
        if (points[branch][::7, 1] - way[levels, 1]).mean() > 0:
            continue
        first = int(at[branch].min())
        if points[branch, 0].min() > way[first, 0] - _SHORTEST_BRANCH_MM:
            # The internal vessel runs downwards; what stays level is a bulge, or a confluence.
            continue
        internal |= branch
        leaves.append((int(branch.sum()), first))
    return internal, max(leaves)[1] if leaves else None


def _give_rest(result: np.ndarray, rest: np.ndarray, spacing_kji: tuple[float, float, float]) -> None:
    """Pieces apart from the trunk belong to the part that is nearest."""
    known = np.argwhere(result > 0)
    loose = np.argwhere(rest)
    _, nearest = cKDTree(known * np.array(spacing_kji)).query(loose * np.array(spacing_kji))
    result[tuple(loose.T)] = result[tuple(known[nearest].T)]
