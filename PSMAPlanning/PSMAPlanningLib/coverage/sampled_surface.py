"""Points on a surface, evenly enough that no part of it is missed."""

from __future__ import annotations

import numpy as np

_SAMPLE_MM = 1.5
"""Widest gap between sampled points of a surface."""


def sampled_surface(triangles: np.ndarray) -> np.ndarray:
    """Points, (M, 3), at most a sampling gap apart on triangles, (N, 3, 3)."""
    edges = np.roll(triangles, -1, axis=1) - triangles
    longest = np.linalg.norm(edges, axis=2).max(axis=1)
    parts = np.maximum(1, np.ceil(longest / _SAMPLE_MM)).astype(int)
    return np.concatenate(
        [
            np.einsum("pw,nwi->npi", _lattice(number), triangles[parts == number]).reshape(-1, 3)
            for number in np.unique(parts)
        ]
    )


def thinned(points: np.ndarray, cell_mm: float) -> np.ndarray:
    """One of the points, (N, 3), in each cell of space, the one nearest to their middle."""
    cells = ((points - points.min(axis=0)) / cell_mm).astype(np.int64)
    size = cells.max(axis=0) + 1
    key = (cells[:, 0] * size[1] + cells[:, 1]) * size[2] + cells[:, 2]
    order = np.argsort(key, kind="stable")
    key, points = key[order], points[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    number = np.diff(np.append(starts, len(key)))
    middles = np.add.reduceat(points, starts) / number[:, None]
    away = np.square(points - np.repeat(middles, number, axis=0)).sum(axis=1)
    candidates = np.flatnonzero(away <= np.repeat(np.minimum.reduceat(away, starts), number))
    return points[candidates[np.searchsorted(candidates, starts)]]


def _lattice(number: int) -> np.ndarray:
    """Barycentric weights, (number squared, 3), of the centres of the equal parts of a triangle."""
    weights = []
    for i in range(number):
        for j in range(number - i):
            weights.append(((i + 1 / 3) / number, (j + 1 / 3) / number))
            if i + j < number - 1:
                weights.append(((i + 2 / 3) / number, (j + 2 / 3) / number))
    pairs = np.array(weights)
    return np.column_stack([pairs, 1 - pairs.sum(axis=1)])
