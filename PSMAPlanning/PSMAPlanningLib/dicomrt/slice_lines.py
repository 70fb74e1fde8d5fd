"""Closed lines around what lies inside on slices: marching squares on all slices at once.

Only pixels next to the boundary are looked at closely, so the work goes with the length of the lines.
Pixels that touch at a corner only are kept apart: no line touches itself or another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LevelAt = Callable[[np.ndarray], np.ndarray]
"""From flat indices of pixels in the padded array to their levels: negative inside, positive outside."""
PAD = 2
"""Empty rows and columns around each slice; two, so that the neighbours of a boundary pixel exist."""
_CORNER_CLAMP = 0.25
"""A pixel stays this far on its side after smoothing, so that none gets lost (as in surface_level)."""
_BINOMIAL = ((-1, (1, 2, 1)), (0, (2, 4, 2)), (1, (1, 2, 1)))


@dataclass(frozen=True, eq=False)
class Loops:
    """Closed lines. points: (N, 2) fractional row and column; loop n is points[starts[n]:starts[n + 1]].

    slices: (L,) slice of each loop. areas: (L,) what each encloses in pixels by whole pixels, holes negative.
    Outer lines and holes run in opposite directions: the signed area of an outer one is positive.
    """

    points: np.ndarray
    starts: np.ndarray
    slices: np.ndarray
    areas: np.ndarray

    @property
    def count(self) -> int:
        return len(self.slices)

    @property
    def owner(self) -> np.ndarray:
        """(N,) the loop of each point."""
        return np.repeat(np.arange(self.count), np.diff(self.starts))


def lines_of_mask(inside: np.ndarray) -> Loops:
    """Lines around true pixels, (K, J, I), slice by slice, the stairs of pixels smoothed.

    Every pixel centre stays on its side of the line, by a quarter of a pixel or more.
    """
    padded = np.pad(inside, ((0, 0), (PAD, PAD), (PAD, PAD))).view(np.uint8)
    flat, row = padded.ravel(), padded.shape[2]

    def level_at(pixel: np.ndarray) -> np.ndarray:
        total = np.zeros(len(pixel), np.int16)
        for down, weights in _BINOMIAL:
            for right, weight in zip((-1, 0, 1), weights, strict=True):
                total += flat[pixel + (down * row + right)] * np.int16(weight)
        level = 0.5 - total / 16.0
        is_in = flat[pixel].astype(bool)
        return np.where(is_in, np.minimum(level, -_CORNER_CLAMP), np.maximum(level, _CORNER_CLAMP))

    return _lines(padded, level_at)


def lines_of_level(level: np.ndarray) -> Loops:
    """Lines where a level, (K, J, I), negative inside, is zero by linear interpolation between pixels."""
    outside = max(1.0, float(level.max(initial=0.0)))
    padded = np.pad(level, ((0, 0), (PAD, PAD), (PAD, PAD)), constant_values=outside)
    flat = padded.ravel()
    return _lines((padded < 0).view(np.uint8), lambda pixel: flat[pixel])


def _lines(inside: np.ndarray, level_at: LevelAt) -> Loops:
    """`inside`: (K, J, I) uint8 with PAD empty rows and columns around every slice."""
    begins, ends = _segments(inside)
    if not begins.size:
        return Loops(np.zeros((0, 2)), np.zeros(1, int), np.zeros(0, int), np.zeros(0))
    order = np.argsort(begins)
    edges = begins[order]
    following = np.searchsorted(edges, ends[order])
    sequence, starts = _walked(following)
    edges = edges[sequence]
    points, signs = _crossings(edges, inside, level_at)
    # Area by Green: each boundary between left and right neighbours adds its column, one pixel high.
    share = signs * (np.floor(points[:, 1]) + 0.5)
    areas = np.add.reduceat(share, starts[:-1])
    slices = (edges[starts[:-1]] >> 1) // (inside.shape[1] * inside.shape[2])
    return Loops(points - PAD, starts, slices, areas)


def _segments(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directed pieces of line, from edge to edge of the cells between pixel centres.

    Edge 2p lies between pixel p and the next in its row, 2p + 1 between p and the one below. Walking around
    a cell (p, right, below right, below), a piece begins where one leaves the inside and ends where one
    enters.
    """
    row = inside.shape[2]
    cell = np.zeros(inside.shape, np.uint8)
    core = cell[:, :-1, :-1]
    core |= inside[:, :-1, :-1]
    core |= inside[:, :-1, 1:] << 1
    core |= inside[:, 1:, 1:] << 2
    core |= inside[:, 1:, :-1] << 3
    place = np.flatnonzero((cell > 0) & (cell < 15))
    corner = cell.ravel()[place]
    bits = [(corner >> n) & 1 for n in range(4)]
    edge = (2 * place, 2 * (place + 1) + 1, 2 * (place + row), 2 * place + 1)
    begins, ends = [], []
    for n in range(4):
        leaves = (bits[n] == 1) & (bits[(n + 1) % 4] == 0)
        # The piece around corner n ends where that corner's run of inside corners was entered.
        back = np.zeros(len(place), int)
        for step in (1, 2):
            run = leaves & (back == step - 1) & (bits[(n - step) % 4] == 1)
            back[run] = step
        for length in range(3):
            chosen = leaves & (back == length)
            begins.append(edge[n][chosen])
            ends.append(edge[(n - length - 1) % 4][chosen])
    return np.concatenate(begins), np.concatenate(ends)


def _walked(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order in which the edges follow each other, loop by loop, and where each loop starts."""
    after = following.tolist()
    seen = bytearray(len(after))
    sequence: list[int] = []
    starts: list[int] = []
    for first in range(len(after)):
        if seen[first]:
            continue
        starts.append(len(sequence))
        edge = first
        while not seen[edge]:
            seen[edge] = 1
            sequence.append(edge)
            edge = after[edge]
    starts.append(len(sequence))
    return np.array(sequence), np.array(starts)


def _crossings(edges: np.ndarray, inside: np.ndarray, level_at: LevelAt) -> tuple[np.ndarray, np.ndarray]:
    """Where the line crosses each edge (row, column), and what the edge adds to Green's sum: 1, -1 or 0."""
    rows, columns = inside.shape[1:]
    pixel, down = edges >> 1, (edges & 1).astype(bool)
    other = pixel + np.where(down, columns, 1)
    here, there = level_at(pixel), level_at(other)
    share = here / (here - there)
    row, column = np.divmod(pixel % (rows * columns), columns)
    points = np.column_stack([row + share * down, column + share * ~down])
    leaving = inside.ravel()[pixel].astype(bool)
    return points, np.where(down, 0.0, np.where(leaving, 1.0, -1.0))
