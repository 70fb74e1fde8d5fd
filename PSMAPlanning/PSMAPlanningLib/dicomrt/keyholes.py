"""Holes as keyholes: each joined to the line around it by a channel of no width, so that one contour is left.

The other way, which most planning systems prefer, is exclusive or: the hole is a contour of its own
(DICOM PS3.3 C.8.8.6.3 allows both).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .polygon_area import holds_point, signed_area

_CANDIDATES = 12


def with_keyholes(polygons: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The polygons of one slice, (N, 2) each, without separate holes.

    Outer ones have positive signed areas, holes negative ones, as `slice_lines` traces them. A hole that no
    channel reaches without crossing a line stays as it is.
    """
    outer = [polygon for polygon in polygons if signed_area(polygon) >= 0]
    holes = [polygon for polygon in polygons if signed_area(polygon) < 0]
    for hole in sorted(holes, key=lambda each: -float(each[:, 1].max())):
        around = [n for n, polygon in enumerate(outer) if holds_point(polygon, hole[0])]
        if around:
            # The innermost, when parts lie in holes of others.
            chosen = min(around, key=lambda n: abs(signed_area(outer[n])))
            others = [each for each in polygons if each is not hole]
            joined = _joined(outer[chosen], hole, [outer[chosen], hole, *others])
            if joined is not None:
                outer[chosen] = joined
                continue
        outer.append(hole)
    return outer


def _joined(around: np.ndarray, hole: np.ndarray, lines: Sequence[np.ndarray]) -> np.ndarray | None:
    distance = np.linalg.norm(around[:, None] - hole[None], axis=2)
    nearest = np.argsort(distance, axis=None)[: _CANDIDATES * 8 : 8]
    nearest = np.concatenate([[int(distance.argmin())], nearest])
    for flat in nearest:
        a, h = np.unravel_index(int(flat), distance.shape)
        if not any(_crosses(around[a], hole[h], line) for line in lines):
            way = np.concatenate([hole[h:], hole[: h + 1]])
            return np.concatenate([around[: a + 1], way, around[a:]])
    return None


def _crosses(start: np.ndarray, end: np.ndarray, polygon: np.ndarray) -> bool:
    """Whether the piece start-end properly crosses a side of the polygon."""
    following = np.roll(polygon, -1, axis=0)

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        area = (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]
        return np.where(np.abs(area) < 1e-9, 0.0, np.sign(area))

    across = side(start, end, polygon) * side(start, end, following) < 0
    return bool(np.any(across & (side(polygon, following, start) * side(polygon, following, end) < 0)))
