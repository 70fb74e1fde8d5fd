"""The area that the contours of one slice enclose by the even-odd rule, as planning systems take it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def signed_area(polygon: np.ndarray) -> float:
    """Of (N, 2) row and column, positive when it runs from rows to columns as `slice_lines` traces outer
    lines."""
    local = polygon - polygon[0]
    following = np.roll(local, -1, axis=0)
    return 0.5 * float(local[:, 1] @ following[:, 0] - local[:, 0] @ following[:, 1])


def holds_point(polygon: np.ndarray, point: np.ndarray) -> bool:
    """Whether a point, (2,), lies inside a polygon, (N, 2), by the even-odd rule."""
    first, last = polygon, np.roll(polygon, -1, axis=0)
    crosses = (first[:, 0] <= point[0]) != (last[:, 0] <= point[0])
    if not crosses.any():
        return False
    first, last = first[crosses], last[crosses]
    at = first[:, 1] + (point[0] - first[:, 0]) / (last[:, 0] - first[:, 0]) * (last[:, 1] - first[:, 1])
    return bool(np.count_nonzero(at <= point[1]) % 2)


def even_odd_area(polygons: Sequence[np.ndarray]) -> float:
    """Area inside an odd number of the polygons, (N, 2) each, which must not cross each other."""
    total = 0.0
    for number, polygon in enumerate(polygons):
        # Half-way along a side: corners may lie on other polygons, in files from elsewhere.
        probe = 0.5 * (polygon[0] + polygon[1])
        depth = sum(
            holds_point(other, probe)
            for n, other in enumerate(polygons)
            if n != number and _may_hold(other, probe)
        )
        total += (-1) ** depth * abs(signed_area(polygon))
    return total


def _may_hold(polygon: np.ndarray, point: np.ndarray) -> bool:
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    return bool(np.all(low <= point) and np.all(point <= high))
