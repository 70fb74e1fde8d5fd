"""Which closed lines on a slice cross themselves or each other.

All edges of all slices are swept along the columns at once: edges are sorted by where they begin, and each is
compared with those that begin before it ends.
"""

from __future__ import annotations

import numpy as np

from .simplify import Lines

_SIDE_MM2 = 1e-7
"""A point this close to a line, as an area, is on it: edges that touch or coincide, as in a keyhole, do not
cross."""


def crossing_lines(lines: Lines, slices: np.ndarray) -> np.ndarray:
    """(L,) bool: the lines with an edge that crosses another edge of the same slice. slices: (L,)."""
    first, second = crossing_edges(lines, slices)
    crossed = np.zeros(len(lines.starts) - 1, bool)
    owner = lines.owner
    crossed[owner[first]] = True
    crossed[owner[second]] = True
    return crossed


def crossing_edges(lines: Lines, slices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of edges that cross, by the index of the point that each begins with."""
    points = lines.points
    if not len(points):
        return np.zeros(0, int), np.zeros(0, int)
    after = points[lines.neighbours()[1]]
    low, high = np.minimum(points, after), np.maximum(points, after)
    # Slices are put side by side, so that edges of different ones never meet in the sweep.
    width = float(np.ptp(points[:, 1])) + 10.0
    shift = slices[lines.owner] * width - float(points[:, 1].min())
    begin, end = low[:, 1] + shift, high[:, 1] + shift
    order = np.argsort(begin, kind="stable")
    reach = np.searchsorted(begin[order], end[order], side="right")
    found_first, found_second = [], []
    active = np.arange(len(order))
    for step in range(1, len(order)):
        active = active[active + step < reach[active]]
        if not active.size:
            break
        a, b = order[active], order[active + step]
        near = (low[a, 0] <= high[b, 0]) & (low[b, 0] <= high[a, 0])
        a, b = a[near], b[near]
        cross = _cross(points[a], after[a], points[b], after[b])
        found_first.append(a[cross])
        found_second.append(b[cross])
    if not found_first:
        return np.zeros(0, int), np.zeros(0, int)
    return np.concatenate(found_first), np.concatenate(found_second)


def _cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Whether each piece a-b properly crosses the piece c-d."""
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    along, to = end - start, point - start
    area = along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]
    return np.where(np.abs(area) < _SIDE_MM2, 0.0, np.sign(area))
