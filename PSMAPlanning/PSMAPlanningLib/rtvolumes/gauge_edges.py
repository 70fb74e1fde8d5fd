"""Edges and corners of a structure as seeds of their own, which no grid line meets.

Margins grow from where grid lines cross the surface (see gauge.py). Of an edge they meet both sides, up to a
cell beside it, so a grown edge ends too early: a box of 15 mm grown by 8 mm from cells of 0.34 mm loses 1 %
of its volume, whatever told its surface. Here every cell in which the surface bends sharply gets the place
where its sides meet (Kobbelt, Botsch, Schwanecke and Seidel 2001, doi:10.1145/383259.383265; by least squares
as Ju, Losasso, Schaefer and Warren 2002, doi:10.1145/566654.566586), and the nodes around the grown surface
take those places into account.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .gauge import SMALLEST_MARGIN_MM, Sides

LevelAt = Callable[[np.ndarray], np.ndarray]
"""Level in mm, negative inside, at places (N, 3) in nodes of the working grid."""

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
_EDGES = tuple(
    (a, b) for a, b in itertools.combinations(range(8), 2) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1
)
_SHARP = 0.98
"""Largest eigenvalue of the normals' mean square below which they are spread: sides 16 degrees apart."""
_FLAT_DIRECTION = 0.02
"""Eigenvalues below this part of the largest are directions along an edge, in which nothing moves."""
_FARTHEST_CELLS = 1.5
_ON_SURFACE_CELLS = 0.03
_NEAREST = 3
_SEARCHED = 1.3
"""In margins: nodes outside the grown surface by one cell need their distance too."""


def sharp_places(
    level: np.ndarray, spacing_kji_mm: tuple[float, float, float], level_at: LevelAt
) -> np.ndarray:
    """Places (N, 3), in nodes, of edges and corners of the region where `level`, (K, J, I), is 0 or less.

    A place is kept only when level_at says that it lies in the structure or on its surface.
    """
    spacing = np.array(spacing_kji_mm, dtype=float)
    inside = level <= 0
    count = np.zeros(tuple(n - 1 for n in level.shape), dtype=np.uint8)
    for corner in _CORNERS:
        count += inside[tuple(slice(c, n - 1 + c) for c, n in zip(corner, level.shape, strict=True))]
    cubes = np.argwhere((count > 0) & (count < 8))
    if not len(cubes):
        return np.empty((0, 3))
    places, normals, crossed = _crossings(level, cubes, spacing, level_at)
    number = crossed.sum(axis=1)
    squares = np.einsum("nea,neb->nab", normals, normals) / number[:, None, None]
    values, vectors = np.linalg.eigh(squares)
    sharp = values[:, 2] < _SHARP
    places, normals, number = places[sharp] * spacing, normals[sharp], number[sharp]
    values, vectors = values[sharp], vectors[sharp]
    middle = places.sum(axis=1) / number[:, None]
    apart = np.einsum("nea,nea->ne", normals, places - middle[:, None])
    pull = np.einsum("nea,ne->na", normals, apart) / number[:, None]
    inverse = np.where(values > _FLAT_DIRECTION * values[:, 2:], 1 / np.maximum(values, 1e-9), 0)
    moved = np.einsum("nab,nb,ncb,nc->na", vectors, inverse, vectors, pull)
    found = (middle + np.clip(moved, -_FARTHEST_CELLS * spacing, _FARTHEST_CELLS * spacing)) / spacing
    return found[level_at(found) <= _ON_SURFACE_CELLS * spacing.min()]


def _crossings(
    level: np.ndarray, cubes: np.ndarray, spacing: np.ndarray, level_at: LevelAt
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the twelve edges of each cube of nodes meet the surface, (N, 12, 3) in nodes, with the outward
    normals there, and which do; zero for those that do not."""
    values = np.stack([level[tuple((cubes + corner).T)] for corner in _CORNERS], axis=1).astype(float)
    crossed = np.stack([(values[:, a] <= 0) != (values[:, b] <= 0) for a, b in _EDGES], axis=1)
    cube, edge = np.nonzero(crossed)
    ends = np.array(_EDGES)[edge]
    first, second = values[cube, ends[:, 0]], values[cube, ends[:, 1]]
    low, step = cubes[cube] + _CORNERS[ends[:, 0]], _CORNERS[ends[:, 1]] - _CORNERS[ends[:, 0]]
    at = low + (first / (first - second))[:, None] * step
    # Four cubes share an edge; one look at the level serves them all.
    key = np.ravel_multi_index(tuple(low.T), level.shape) * 3 + step.argmax(axis=1)
    _, once, again = np.unique(key, return_index=True, return_inverse=True)
    places, normals = np.zeros((len(cubes), 12, 3)), np.zeros((len(cubes), 12, 3))
    places[crossed] = at
    normals[crossed] = _normals(at[once], spacing, level_at)[again]
    return places, normals, crossed


def _normals(places: np.ndarray, spacing: np.ndarray, level_at: LevelAt) -> np.ndarray:
    """Outward unit vectors in mm along K, J, I; places in nodes."""
    step_mm = 0.05 * spacing.min()
    gradient = np.empty_like(places)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = step_mm / spacing[axis]
        gradient[:, axis] = level_at(places + step) - level_at(places - step)
    return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)


def with_places(
    squared: np.ndarray,
    places: np.ndarray,
    spacing_kji_mm: tuple[float, float, float],
    sides_kji: tuple[Sides, Sides, Sides],
) -> np.ndarray:
    """The squared distance in margins (see gauge_squared) with more seeds, (N, 3) in nodes.

    Only nodes within two of the grown surface are looked at; the others do not move it.
    """
    if not len(places):
        return squared
    spacing = np.array(spacing_kji_mm, dtype=float)
    margins = np.maximum(np.array(sides_kji, dtype=float), SMALLEST_MARGIN_MM)
    grown = squared <= 1
    near = ndimage.binary_dilation(grown, iterations=2) & ~ndimage.binary_erosion(grown, iterations=2)
    nodes = np.argwhere(near)
    nodes_mm, seeds_mm = nodes * spacing, places * spacing
    least = squared[near].astype(float)
    upward = _away_upward(squared, nodes)
    for octant in itertools.product((False, True), repeat=3):
        rows = np.flatnonzero((upward == np.array(octant)).all(axis=1))
        if not len(rows):
            continue
        scale = np.where(octant, margins[:, 1], margins[:, 0])
        # The nearest in this octant's measure, then measured as they truly lie.
        apart, number = cKDTree(seeds_mm / scale).query(
            nodes_mm[rows] / scale, k=_NEAREST, distance_upper_bound=_SEARCHED
        )
        for column in range(_NEAREST):
            found = np.flatnonzero(np.isfinite(apart[:, column]))
            offset = nodes_mm[rows[found]] - seeds_mm[number[found, column]]
            measure = np.square(np.where(offset >= 0, offset / margins[:, 1], offset / margins[:, 0]))
            least[rows[found]] = np.minimum(least[rows[found]], measure.sum(axis=1))
    result = squared.copy()
    result[near] = least
    return result


def _away_upward(squared: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Whether the structure lies towards lower index from the nodes, (N, 3) bool for K, J, I."""
    last = np.array(squared.shape) - 1
    upward = np.empty(nodes.shape, dtype=bool)
    for axis, step in enumerate(np.eye(3, dtype=int)):
        below = squared[tuple(np.maximum(nodes - step, 0).T)]
        above = squared[tuple(np.minimum(nodes + step, last).T)]
        upward[:, axis] = above >= below
    return upward
