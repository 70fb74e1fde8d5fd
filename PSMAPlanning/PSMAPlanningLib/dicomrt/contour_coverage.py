"""How much of each pixel lies inside planar contours: exact along rows, eight lines to a pixel across."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LINES_PER_PIXEL = 8


def pixel_coverage(polygons: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns) float32, 0 to 1: share of each pixel inside an odd number of polygon boundaries.

    polygons: (N, 2) vertices each, as fractional row and column; pixel n spans n - 0.5 to n + 0.5.
    """
    rows, columns = shape
    line, column = _crossings(polygons, rows * LINES_PER_PIXEL)
    order = np.lexsort((column, line))
    line, column = line[order], np.clip(column[order] + 0.5, 0, columns)
    # The line enters at its first crossing, leaves at its second, and so on; each line has an even number.
    first = np.concatenate([[0], np.flatnonzero(np.diff(line)) + 1]) if line.size else np.zeros(0, int)
    place = np.arange(line.size) - np.repeat(first, np.diff(np.append(first, line.size)))
    sign = np.where(place % 2 == 0, 1.0, -1.0)
    pixel = np.minimum(column.astype(int), columns - 1)
    share = column - pixel
    row = line // LINES_PER_PIXEL
    # Entering at x covers the rest of its pixel, and all pixels after it.
    size = rows * (columns + 1)
    steps = np.bincount(row * (columns + 1) + pixel, sign * (1 - share), size)
    steps += np.bincount(row * (columns + 1) + pixel + 1, sign * share, size)
    covered = np.cumsum(steps.reshape(rows, columns + 1)[:, :columns], axis=1) / LINES_PER_PIXEL
    return np.clip(covered, 0, 1).astype(np.float32)


def _crossings(polygons: Sequence[np.ndarray], lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Line number and column of every place where a boundary crosses one of the evenly spaced lines."""
    first = np.concatenate(polygons)
    last = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons])
    # Line n runs through row (n + 0.5) / LINES_PER_PIXEL - 0.5.
    first = np.column_stack([(first[:, 0] + 0.5) * LINES_PER_PIXEL - 0.5, first[:, 1]])
    last = np.column_stack([(last[:, 0] + 0.5) * LINES_PER_PIXEL - 0.5, last[:, 1]])
    # Each edge is walked upwards, so that two coincident edges cross at exactly the same place.
    down = first[:, 0] > last[:, 0]
    first[down], last[down] = last[down].copy(), first[down].copy()
    start = np.clip(np.ceil(first[:, 0]), 0, lines).astype(int)
    stop = np.clip(np.ceil(last[:, 0]), 0, lines).astype(int)
    counts = stop - start
    edge = np.repeat(np.arange(len(first)), counts)
    line = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + start[edge]
    rise = last[edge, 0] - first[edge, 0]
    column = first[edge, 1] + (line - first[edge, 0]) / rise * (last[edge, 1] - first[edge, 1])
    return line, column
