"""From outlines and balls to voxels.

Everything is filled along J: each shape marks, per column of voxels, where it is entered and left, and one
running sum over whole rows (K, I) turns the marks into a mask. That is many times faster than testing points.
Masks are (K, J, I) views of arrays that lie in memory as (J, K, I).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..grid import Box
from .curves import following

_ONE = np.uint8(1)
_FEW_VOXELS = 4000
_NARROW = 200  # voxels per row below which numpy's own running sum is faster than one call per row


def members(labels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Which labels (uint8) a table of 256 bools holds; by comparison, as most tables are a few runs."""
    if labels.size < _FEW_VOXELS:
        return table.take(labels)
    runs, inverted = _runs_of(table.tobytes())
    result = np.zeros(labels.shape, bool) if not runs else _within(labels, *runs[0])
    for run in runs[1:]:
        result |= _within(labels, *run)
    return np.logical_not(result, out=result) if inverted else result


def fill_polygons(contours: np.ndarray, shape_ji: tuple[int, int]) -> np.ndarray:
    """Even-odd interior of one closed polygon per slice, (slices, vertices, 2) in I, J, at pixel centres."""
    return fill_outlines(contours[..., 0], contours[..., 1], shape_ji)


def fill_outlines(x: np.ndarray, y: np.ndarray, shape_ji: tuple[int, int]) -> np.ndarray:
    """Even-odd interior of closed polygons with vertices (slices, vertices) at I = x, J = y."""
    rows, columns = shape_ji
    slices = len(x)
    next_x = following(x)
    edge, column = _spans(x, next_x, columns)
    width = next_x - x
    slope = np.divide(following(y) - y, width, out=np.zeros_like(width), where=width != 0)
    row = np.ceil((y - x * slope).ravel()[edge] + slope.ravel()[edge] * column)
    kept = row < rows
    place = edge // x.shape[1] * columns + column
    place += np.maximum(row, 0).astype(np.intp) * (slices * columns)
    marks = np.zeros((rows, slices * columns), np.uint8)
    np.add.at(marks.reshape(-1), place[kept], _ONE)
    for j in range(1, rows):
        np.bitwise_xor(marks[j], marks[j - 1], out=marks[j])
    marks &= _ONE
    return marks.view(bool).reshape(rows, slices, columns).transpose(1, 0, 2)


def fill_balls(
    middles: np.ndarray, reaches: np.ndarray, shape_kji: tuple[int, int, int]
) -> tuple[Box, np.ndarray] | None:
    """The union of at most 255 axis-aligned ellipsoids, (N, 3) in I, J, K voxels; None when off the grid."""
    low = np.maximum(np.ceil((middles - reaches).min(axis=0)), 0).astype(int)
    high = np.minimum(np.floor((middles + reaches).max(axis=0)) + 1, shape_kji[::-1]).astype(int)
    if (low >= high).any():
        return None
    (x, y, z), (rx, ry, rz) = (middles - low).T, reaches.T
    columns, rows, slices = (int(n) for n in high - low)
    ball, k = _spans(z - rz, z + rz, slices)
    left = 1.0 - ((k - z[ball]) / rz[ball]) ** 2
    half = rx[ball] * np.sqrt(np.maximum(left, 0.0))
    disc, i = _spans(x[ball] - half, x[ball] + half, columns)
    ball = ball[disc]
    left = left[disc] - ((i - x[ball]) / rx[ball]) ** 2
    half = ry[ball] * np.sqrt(np.maximum(left, 0.0))
    y = y[ball]
    first, last = _first_above(y - half, rows), _first_above(y + half, rows)
    place, stride = k[disc] * columns + i, slices * columns
    marks = np.zeros((rows + 1, stride), np.uint8)
    np.add.at(marks.reshape(-1), first * stride + place, _ONE)
    np.subtract.at(marks.reshape(-1), last * stride + place, _ONE)
    if stride < _NARROW:
        np.add.accumulate(marks, axis=0, out=marks)
    else:
        for j in range(1, rows):
            np.add(marks[j], marks[j - 1], out=marks[j])
    mask = (marks[:rows] != 0).reshape(rows, slices, columns).transpose(1, 0, 2)
    return tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True)), mask


def _spans(start: np.ndarray, stop: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """All whole numbers between each start and stop, in either order, within 0 and limit.

    Returns the position in `start` (flat) that each belongs to, and the numbers.
    """
    first = _first_above(np.minimum(start, stop), limit).ravel()
    last = _first_above(np.maximum(start, stop), limit).ravel()
    counts = last - first
    owner = np.arange(len(counts)).repeat(counts)
    return owner, np.arange(len(owner)) + (last - counts.cumsum())[owner]


def _first_above(place: np.ndarray, limit: int) -> np.ndarray:
    """The first whole number at or above each place, kept within 0 and limit."""
    number = np.ceil(place)
    return np.minimum(np.maximum(number, 0, out=number), limit, out=number).astype(np.intp)


def _within(labels: np.ndarray, first: int, last: int) -> np.ndarray:
    if first == last:
        return labels == np.uint8(first)
    if first == 0:
        return labels <= np.uint8(last)
    if last == 255:
        return labels >= np.uint8(first)
    # Codes below the run wrap round to large numbers.
    return labels - np.uint8(first) <= np.uint8(last - first)


@lru_cache(maxsize=256)
def _runs_of(table: bytes) -> tuple[tuple[tuple[int, int], ...], bool]:
    """First and last code of each run in a table or, when that has fewer, in what is not in it."""
    found = []
    for wanted in (1, 0):
        edges = np.flatnonzero(np.diff([0, *(byte == wanted for byte in table), 0]))
        found.append(tuple((int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)))
    inverted = len(found[1]) < len(found[0])
    return found[inverted], inverted
