"""Closed lines with fewer points: no point of the old line farther than a tolerance from the new one.

Points are taken out in rounds on all lines at once, none next to another in a round. The distance that a
piece of line has already moved is carried along, so the bound holds however many rounds there are.
Afterwards each line is moved outwards or inwards evenly until it encloses the area it must.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FEWEST = 6
"""Lines of this many points stay; a round takes out less than half, so no line falls below four."""
_ROUNDS = 60
_AREA_ROUNDS = 4
_SCALED_BEYOND = 0.2
"""A line whose area is off by more than this is scaled about its middle: it is only a few pixels large."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Closed lines in a plane. points: (N, 2) mm; line n is points[starts[n]:starts[n + 1]]."""

    points: np.ndarray
    starts: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        return np.diff(self.starts)

    @property
    def owner(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.starts) - 1), self.counts)

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Index of the point before and after each point, around its line."""
        index = np.arange(len(self.points))
        before, after = index - 1, index + 1
        before[self.starts[:-1]] = self.starts[1:] - 1
        after[self.starts[1:] - 1] = self.starts[:-1]
        return before, after

    def areas(self) -> np.ndarray:
        """(L,) signed, mm2."""
        if not len(self.points):
            return np.zeros(0)
        _, after = self.neighbours()
        # Relative to the line's first point, for far from the origin the differences would drown.
        local = self.points - np.repeat(self.points[self.starts[:-1]], self.counts, axis=0)
        nxt = local[after]
        return 0.5 * np.add.reduceat(local[:, 1] * nxt[:, 0] - local[:, 0] * nxt[:, 1], self.starts[:-1])

    def lengths(self) -> np.ndarray:
        """(L,) mm."""
        _, after = self.neighbours()
        return np.add.reduceat(np.linalg.norm(self.points[after] - self.points, axis=1), self.starts[:-1])


def simplified(lines: Lines, tolerance_mm: float) -> Lines:
    """The lines with as few points as the rounds find, each old point within `tolerance_mm` of the new
    line."""
    points, starts = lines.points, lines.starts
    moved = np.zeros(len(points))
    noise = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        current = Lines(points, starts)
        before, after = current.neighbours()
        error = np.maximum(moved[before], moved) + _off_chord(points, points[before], points[after])
        free = (error <= tolerance_mm) & (current.counts[current.owner] > _FEWEST)
        if not free.any():
            break
        # Ties are broken at random: along straight pieces all points are equal and would block each other.
        rank = np.where(free, error + noise.uniform(0, 0.1 * tolerance_mm, len(points)), np.inf)
        out = free & (rank < rank[before]) & (rank < rank[after])
        moved[before[out]] = error[out]
        kept = ~out
        lost = np.add.reduceat(out.astype(int), starts[:-1])
        starts = np.concatenate([[0], np.cumsum(current.counts - lost)])
        points, moved = points[kept], moved[kept]
    return Lines(points, starts)


def _off_chord(point: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Distance of each point from the piece of line between its neighbours."""
    chord, to = after - before, point - before
    square = np.einsum("ni,ni->n", chord, chord)
    share = np.clip(np.einsum("ni,ni->n", to, chord) / np.maximum(square, 1e-12), 0, 1)
    return np.linalg.norm(to - share[:, None] * chord, axis=1)


def with_areas(lines: Lines, wanted_mm2: np.ndarray, group: np.ndarray | None = None) -> Lines:
    """The lines moved so that each, or each group of lines together, encloses its signed area.

    wanted_mm2: one per group. group: (L,) of each line; every line by itself without it.
    """
    count = len(lines.starts) - 1
    group = np.arange(count) if group is None else group
    points = lines.points
    alone = np.bincount(group, minlength=len(wanted_mm2))[group] == 1
    for _ in range(_AREA_ROUNDS):
        current = Lines(points, lines.starts)
        areas, lengths = current.areas(), current.lengths()
        have = np.bincount(group, areas, len(wanted_mm2))
        around = np.bincount(group, lengths, len(wanted_mm2))
        shift = ((wanted_mm2 - have) / np.maximum(around, 1e-9))[group]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = wanted_mm2[group] / areas
        scaled = alone & (np.abs(ratio - 1) > _SCALED_BEYOND) & (ratio > 0)
        # A line twice moved by half its width would turn inside out.
        limit = 0.5 * np.abs(areas) / np.maximum(lengths, 1e-9)
        shift = np.where(scaled, 0.0, np.clip(shift, -limit, limit))
        points = points + shift[current.owner][:, None] * _outward(current)
        if scaled.any():
            points = _scaled(Lines(points, lines.starts), np.where(scaled, ratio, 1.0))
    return Lines(points, lines.starts)


def _outward(lines: Lines) -> np.ndarray:
    """How each point moves when all sides of its line move outwards by one."""
    before, after = lines.neighbours()
    side = lines.points[after] - lines.points
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    # Rows run down: with a positive area the outside is on this hand.
    normal = np.column_stack([-side[:, 1], side[:, 0]])
    total = normal + normal[before]
    square = np.einsum("ni,ni->n", total, total)
    # At a sharp corner the point would run away; two sides' width is far enough.
    return 2 * total / np.maximum(square, 1.0)[:, None]


def _scaled(lines: Lines, ratio: np.ndarray) -> np.ndarray:
    middles = np.add.reduceat(lines.points, lines.starts[:-1], axis=0) / lines.counts[:, None]
    middle = middles[lines.owner]
    return middle + (lines.points - middle) * np.sqrt(ratio)[lines.owner][:, None]
