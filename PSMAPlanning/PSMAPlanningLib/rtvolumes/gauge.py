"""Squared distance to a surface, measured in margins: 1 where the grown surface lies.

The margin body is made of eight eighths of ellipsoids, one per octant of directions. A place belongs to the
grown structure when some place of the structure lies within that body, that is, when the sum over the axes
of (offset / margin in that direction)^2 is at most 1 for one of them. That sum is separable, so its
minimum is found one axis at a time (Saito and Toriwaki 1994, doi:10.1016/0031-3203(94)90133-3;
Felzenszwalb and Huttenlocher 2012, doi:10.4086/toc.2012.v008a019), with a scale of its own on each side of
each axis. The seeds are not voxel centres but the places where the surface crosses the grid lines of all
three axes, so the answer is accurate far below the voxel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_CHUNK_VALUES = 131_072
"""Values worked on at once: half a megabyte, which stays in a processor's cache."""
SMALLEST_MARGIN_MM = 1e-3
"""Stands for no margin at all, so that no direction divides by zero."""

Chunk = tuple[slice, ...]
Sides = tuple[float, float]
"""Margin in mm towards lower and towards higher index of one array axis."""


def gauge_squared(
    level: np.ndarray,
    spacing_kji_mm: tuple[float, float, float],
    sides_kji: tuple[Sides, Sides, Sides],
    every_k: int = 1,
) -> np.ndarray:
    """Squared distance in margins, (K, J, I) float32, from the region where `level` is 0 or less; 0 inside.

    level: (K, J, I) float32, proportional to the distance from the surface near it, negative inside.
    every_k: give only every so many slices of the result; the seeds are those of all slices.
    Values above 1 may be too large: nothing beyond the margin is looked for.
    """
    sides = [tuple(max(side, SMALLEST_MARGIN_MM) for side in pair) for pair in sides_kji]
    step_k, step_j, step_i = spacing_kji_mm
    # Seeds on the lines of one axis still have to spread along both others. Parts that stay in the cache
    # go through all steps at once, because moving whole arrays would cost more than the arithmetic.
    in_plane = np.empty(level.shape, dtype=np.float32)

    def within_slices(chunk: Chunk) -> None:
        along_j = _along_lines(level[chunk], 1, step_j, sides[1])
        along_i = _along_lines(level[chunk], 2, step_i, sides[2])
        across_i = spread_along(along_j, 2, step_i, sides[2])
        in_plane[chunk] = np.minimum(across_i, spread_along(along_i, 1, step_j, sides[1]), out=across_i)

    result = np.empty((len(level[::every_k]), *level.shape[1:]), dtype=np.float32)
    along_k = np.empty_like(result)

    def across_slices(chunk: Chunk) -> None:
        result[chunk] = spread_along(in_plane[chunk], 0, step_k, sides[0], every_k)
        along_k[chunk] = _along_lines(level[chunk], 0, step_k, sides[0])[::every_k]

    def from_across(chunk: Chunk) -> None:
        spread = spread_along(along_k[chunk], 1, step_j, sides[1])
        spread = spread_along(spread, 2, step_i, sides[2])
        np.minimum(result[chunk], spread, out=result[chunk])

    with ThreadPoolExecutor(_threads()) as pool:
        for work, shape, across in (
            (within_slices, level.shape, 0),
            (across_slices, level.shape, 1),
            (from_across, result.shape, 0),
        ):
            list(pool.map(work, _chunks(shape, across)))
    return result


def _threads() -> int:
    """numpy lets other threads run while it counts; more than four wait for memory."""
    return min(4, os.cpu_count() or 1)


def _along_lines(level: np.ndarray, axis: int, step_mm: float, sides: Sides) -> np.ndarray:
    """Squared distance in margins to the part of the structure on the same grid line only."""
    result = np.full(level.shape, np.inf, dtype=np.float32)
    # Most lines around a structure miss it.
    hit = (level <= 0).any(axis=axis)
    lines = np.moveaxis(level, axis, -1)[hit]
    if lines.size:
        np.moveaxis(result, axis, -1)[hit] = _on_lines(lines, step_mm, sides)
    return result


def _on_lines(lines: np.ndarray, step_mm: float, sides: Sides) -> np.ndarray:
    """The same for lines, (lines, nodes), each of which has a node inside."""
    inside = lines <= 0
    index = np.arange(lines.shape[1], dtype=np.float32)
    # The last place inside before each node, and the first one after it, in steps.
    last = np.where(inside, index, np.float32(-np.inf))
    first = np.where(inside, index, np.float32(np.inf))
    row, node = np.nonzero(inside[:, :-1] != inside[:, 1:])
    share = lines[row, node] / (lines[row, node] - lines[row, node + 1])
    leaving = inside[row, node]
    last[row[leaving], node[leaving]] += share[leaving]
    first[row[~leaving], node[~leaving] + 1] -= 1 - share[~leaving]
    np.maximum.accumulate(last, axis=1, out=last)
    np.minimum.accumulate(first[:, ::-1], axis=1, out=first[:, ::-1])
    below, above = sides
    np.subtract(index, last, out=last)
    np.subtract(first, index, out=first)
    last *= np.float32(step_mm / above)
    first *= np.float32(step_mm / below)
    np.minimum(np.maximum(last, 0, out=last), np.maximum(first, 0, out=first), out=last)
    return np.square(last, out=last)


def spread_along(values: np.ndarray, axis: int, step_mm: float, sides: Sides, every: int = 1) -> np.ndarray:
    """Smallest of (value at another node of the line) + (offset / margin)^2, for every node.

    values, result: (K, J, I) float32. Offsets longer than the margin cannot give 1 or less and are left out.
    every: give only every so many nodes of the axis.
    """
    kept = [slice(None)] * 3
    kept[axis] = slice(None, None, every)
    result = values[tuple(kept)].copy()
    if not np.isfinite(values).any():
        return result
    below, above = sides
    length = values.shape[axis]
    scratch = np.empty(result.shape, dtype=np.float32)
    for towards, margin in ((1, above), (-1, below)):
        for n in range(1, min(int(margin / step_mm + 1e-6), length - 1) + 1):
            cost = np.float32((n * step_mm / margin) ** 2)
            from_, to = _offset(axis, towards * n, every, length)
            part = result[to]
            moved = np.add(values[from_], cost, out=scratch[to])
            np.minimum(part, moved, out=part)
    return result


def _offset(axis: int, offset: int, every: int, length: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the values come from, and which kept nodes, `offset` further along, they go to."""
    first = max(0, -(-offset // every))
    last = min(length - 1, length - 1 + offset) // every
    from_, to = [slice(None)] * 3, [slice(None)] * 3
    to[axis] = slice(first, last + 1)
    from_[axis] = slice(first * every - offset, last * every - offset + 1, every)
    return tuple(from_), tuple(to)


def _shifted(axis: int, n: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Indices of all nodes that have one `n` steps further along the axis, and of those further ones."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[axis], high[axis] = slice(None, -n), slice(n, None)
    return tuple(low), tuple(high)


def _chunks(shape: tuple[int, int, int], across: int) -> Iterator[Chunk]:
    """Parts of an array, cut across one axis, that stay in the cache."""
    size = max(1, _CHUNK_VALUES * shape[across] // max(1, shape[0] * shape[1] * shape[2]))
    for start in range(0, shape[across], size):
        chunk = [slice(None)] * 3
        chunk[across] = slice(start, start + size)
        yield tuple(chunk)
