"""Where the boundary runs inside partly filled voxels: one plane per voxel that cuts off its filled part.

The fraction of each voxel that lies inside a structure says more than its bits do. In every partly filled
voxel the boundary is taken as a plane; its normal is the gradient of the fractions, its offset the one that
cuts off the voxel's own fraction (Youngs 1982, "Time-dependent multi-material flow with large fluid
distortion"; relation of offset and fraction: Scardovelli and Zaleski, J Comput Phys 2000,
doi:10.1006/jcph.2000.6567). Flat boundaries along the axes come out exactly.
"""

from __future__ import annotations

import itertools

import numpy as np

_THIN = 1e-3
"""Smallest part of a voxel's width along the normal that one axis may have; zero would divide by zero."""
_BISECTIONS = 40


def outward_normals(fraction: np.ndarray, cells: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Unit vectors, (N, 3) in mm along K, J, I, from filled to empty, at the voxels `cells`, (N, 3).

    fraction: KJI array with at least one empty or full layer around the cells.
    """
    parts = np.zeros((len(cells), 3))
    weights = {-1: 1.0, 0: 2.0, 1: 1.0}
    for offset in itertools.product((-1, 0, 1), repeat=3):
        values = fraction[tuple((cells + offset).T)]
        for axis in range(3):
            if offset[axis]:
                across = np.prod([weights[o] for a, o in enumerate(offset) if a != axis])
                parts[:, axis] -= offset[axis] * across * values
    gradient = parts / spacing_kji_mm
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    # A voxel that is alike on all sides has no direction; any will do, its plane goes by its fraction.
    gradient[length[:, 0] < 1e-9] = (1.0, 0.0, 0.0)
    return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)


def plane_offsets_mm(filled: np.ndarray, normals: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Offsets, (N,), of the planes n.x = offset (x from the voxel's centre) that cut off `filled`, (N,)."""
    widths = np.abs(normals) * spacing_kji_mm
    total = widths.sum(axis=1)
    widths = np.maximum(widths, _THIN * total[:, None])
    total = widths.sum(axis=1)
    low, high = np.zeros_like(total), total.copy()
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        too_little = filled_below(middle, widths) < filled
        low, high = np.where(too_little, middle, low), np.where(too_little, high, middle)
    return 0.5 * (low + high) - 0.5 * total


def filled_below(offset: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Fraction, (N,), of a box below a plane `offset` from its lowest corner; widths, (N, 3), positive."""
    volume = np.zeros_like(offset)
    for corner in itertools.product((0, 1), repeat=3):
        beyond = np.maximum(0.0, offset - widths @ np.array(corner, float))
        volume += (-1) ** sum(corner) * beyond**3
    return np.clip(volume / (6.0 * widths.prod(axis=1)), 0.0, 1.0)


def filled_around(depth_mm: np.ndarray, normals: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """Fraction, (N, M), of boxes of that spacing behind planes of `normals`, (N, 3).

    depth_mm: (N, M), how deep the boxes' centres lie behind the plane.
    """
    widths = np.abs(normals) * spacing_kji_mm
    widths = np.maximum(widths, _THIN * widths.sum(axis=1, keepdims=True))
    offset = depth_mm + 0.5 * widths.sum(axis=1, keepdims=True)
    boxes = np.repeat(widths, depth_mm.shape[1], axis=0)
    return filled_below(offset.ravel(), boxes).reshape(depth_mm.shape)


def level_of(fraction: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> np.ndarray:
    """Distance to the boundary in mm at voxel centres near it, float32 KJI, negative inside.

    Farther from the boundary only the sign counts; the outermost layer of `fraction` must be empty. Linear
    interpolation of the result is zero on the boundary; for a flat one along an axis, exactly.
    """
    spacing = np.array(spacing_kji_mm)
    inside = fraction >= 0.5
    level = np.where(inside, -1.0, 1.0).astype(np.float32) * float(np.linalg.norm(spacing))
    _at_sharp_faces(level, fraction, spacing)
    mixed = np.argwhere((fraction > 1e-4) & (fraction < 1 - 1e-4))
    if len(mixed):
        normals = outward_normals(fraction, mixed, spacing)
        offsets = plane_offsets_mm(fraction[tuple(mixed.T)].astype(float), normals, spacing)
        _beside_planes(level, fraction, mixed, normals, offsets, spacing)
        level[tuple(mixed.T)] = -offsets
    return level


def _at_sharp_faces(level: np.ndarray, fraction: np.ndarray, spacing: np.ndarray) -> None:
    """Between a full and an empty voxel the boundary is their common face."""
    full, empty = fraction >= 1 - 1e-4, fraction <= 1e-4
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        for one, other in ((low, high), (high, low)):
            touching = full[one] & empty[other]
            half = np.float32(0.5 * spacing[axis])
            level[one][touching] = np.maximum(level[one][touching], -half)
            level[other][touching] = np.minimum(level[other][touching], half)


def _beside_planes(
    level: np.ndarray,
    fraction: np.ndarray,
    mixed: np.ndarray,
    normals: np.ndarray,
    offsets: np.ndarray,
    spacing: np.ndarray,
) -> None:
    """Full and empty voxels beside partly filled ones go by the planes that face them."""
    total = np.zeros(level.shape, np.float32)
    weight = np.zeros(level.shape, np.float32)
    for offset in itertools.product((-1, 0, 1), repeat=3):
        if not any(offset):
            continue
        step = np.array(offset) * spacing
        along = normals @ step
        facing = (along / np.linalg.norm(step)) ** 8 / (step @ step)
        where = tuple((mixed + offset).T)
        np.add.at(total, where, (facing * (along - offsets)).astype(np.float32))
        np.add.at(weight, where, facing.astype(np.float32))
    is_mixed = np.zeros(level.shape, bool)
    is_mixed[tuple(mixed.T)] = True
    beside = (weight > 1e-6) & ~is_mixed
    distance = total[beside] / weight[beside]
    full = fraction[beside] >= 0.5
    # A plane of a neighbour can cut into a voxel that is full; its centre stays on the side it is on.
    least = 0.02 * float(spacing.min())
    distance = np.where(full, np.minimum(distance, -least), np.maximum(distance, least))
    nearer = np.abs(distance) < np.abs(level[beside])
    level[beside] = np.where(nearer, distance, level[beside])


def padded_fraction(array: np.ndarray, box: tuple[slice, slice, slice]) -> np.ndarray:
    """The fractions in a box with two empty layers around, float32."""
    return np.pad(np.asarray(array[box], np.float32), 2)
