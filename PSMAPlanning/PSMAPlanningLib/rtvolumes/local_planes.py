"""A surface between voxels from the share of each voxel it cuts off: planes that meet in edges and corners.

One plane per voxel (see imaging/plane_cells.py) is exact on flat sides, but where sides meet it cuts the
corner off and sticks out beyond both sides by up to half a millimetre on slices of 3 mm, and a margin carries
the place that sticks out furthest along. Here a voxel is filled behind all planes around it that describe
their surroundings well: behind every one of them where the surface is convex, behind any where it is concave.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..imaging.plane_cells import filled_below, outward_normals

_CUT = 1e-4
"""A voxel this close to empty or full is taken as such."""
_THIN = 1e-3
_SAME_DIRECTION = 0.9999
_LEAST = 5e-4
"""Share left empty in a full voxel beside an empty one, whose plane is their common face."""
_FLAT = 0.02
"""Sum of the differences, over 27 voxels, up to which one plane is taken as the whole truth."""
_BETTER = 0.9
"""A neighbour's direction is taken over when it leaves less than this part of the differences. Nearer to 1
helps boxes (their sides are flat up to the edge), nearer to 0 helps curved surfaces."""
_ROUNDS = 4
"""Directions wander one voxel per round from the middle of a side towards its edges."""
_KEEP = 5.0
"""Planes whose differences are up to so many times the best one's bound a voxel. Over random boxes and
ellipsoids of 9 to 36 mm on 1 x 1 x 3 mm, grown by 0 to 15 mm, 3 left corners sticking out (+1 % on average),
9 and all rounded edges off (-0.8 % of boxes)."""
_SAMPLE_MM = 0.34
_BISECTIONS = 18
"""Places a plane to 1e-5 of a voxel."""
_POINTS_AT_ONCE = 200_000
_AROUND = tuple(np.array(offset) for offset in itertools.product((-1, 0, 1), repeat=3))
_SELF = 13


@dataclass(frozen=True, eq=False)
class LocalPlanes:
    """The planes of an occupancy field (K, J, I) whose two outermost layers are empty.

    voxels: (N, 3) the voxels with a plane; index: (K, J, I) their number, else -1. normals: (N, 3) outward
    and offsets_mm: (N,) from the voxel's centre. neighbours, bounding: (N, 27) number of the voxels around
    and whether their planes bound this one. concave: (N,); shifts_mm: (N,) how far all its planes move
    outward so that the voxel holds what it must.
    """

    fraction: np.ndarray
    spacing: np.ndarray
    voxels: np.ndarray
    index: np.ndarray
    normals: np.ndarray
    offsets_mm: np.ndarray
    neighbours: np.ndarray
    bounding: np.ndarray
    concave: np.ndarray
    shifts_mm: np.ndarray

    def level_mm(self, kji: np.ndarray) -> np.ndarray:
        """About the distance to the surface in mm, negative inside, at places (N, 3) in voxels.

        In voxels that the surface does not touch only the sign counts.
        """
        last = np.array(self.fraction.shape) - 1
        voxel = np.clip(np.rint(kji).astype(np.int32), 0, last)
        where = tuple(voxel.T)
        level = np.where(self.fraction[where] >= 0.5, -0.25, 0.25) * self.spacing.min()
        number = self.index[where]
        cut = np.flatnonzero(number >= 0)
        for start in range(0, len(cut), _POINTS_AT_ONCE):
            some = cut[start : start + _POINTS_AT_ONCE]
            places = (kji[some] - voxel[some]) * self.spacing
            depth, _ = self.depths_mm(number[some], places[:, None], np.zeros(3))
            level[some] = -(depth[:, 0] + self.shifts_mm[number[some]])
        return level

    def depths_mm(
        self, numbers: np.ndarray, places_mm: np.ndarray, cell_mm: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How deep places (M, P, 3), in mm from the centres of voxels (M,), lie before any shift.

        Second: (M, P) width of a cell along the normal of the plane that decided.
        """
        sign = np.where(self.concave[numbers], -1.0, 1.0)[:, None]
        shape = len(numbers), places_mm.shape[1]
        least, width = np.full(shape, np.inf), np.ones(shape)
        for column, offset in enumerate(_AROUND):
            rows = np.flatnonzero(self.bounding[numbers, column])
            other = self.neighbours[numbers[rows], column]
            normals = self.normals[other]
            ends = self.offsets_mm[other] + normals @ (offset * self.spacing)
            places = places_mm[rows] if len(places_mm) > 1 else places_mm
            depth = ends[:, None] - np.einsum(
                "mpa,ma->mp", np.broadcast_to(places, (len(rows), *places.shape[1:])), normals
            )
            depth *= sign[rows]
            nearer = depth < least[rows]
            least[rows] = np.where(nearer, depth, least[rows])
            cells = np.abs(normals) @ cell_mm
            width[rows] = np.where(nearer, cells[:, None], width[rows])
        return least * sign, width


def local_planes(fraction: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> LocalPlanes:
    """The planes of an occupancy field (K, J, I) with two empty layers around."""
    fraction = np.asarray(fraction, dtype=np.float32)
    spacing = np.array(spacing_kji_mm, dtype=float)
    cut = touched(fraction)
    voxels = np.argwhere(cut)
    index = np.full(fraction.shape, -1, dtype=np.int32)
    index[cut] = np.arange(len(voxels))
    filled = np.clip(fraction[cut].astype(float), _LEAST, 1 - _LEAST)
    neighbours = np.stack([index[tuple((voxels + offset).T)] for offset in _AROUND], axis=1)
    normals, offsets, misfit = _fitted(fraction, voxels, filled, neighbours, spacing)
    bounding = _bounding(neighbours, misfit)
    planes = LocalPlanes(
        fraction,
        spacing,
        voxels,
        index,
        normals,
        offsets,
        neighbours,
        bounding,
        _is_concave(normals, neighbours, spacing),
        np.zeros(len(voxels)),
    )
    _shift(planes, filled, np.flatnonzero(misfit > _FLAT))
    return planes


def touched(fraction: np.ndarray) -> np.ndarray:
    """Voxels (K, J, I) bool that the surface cuts or, of full ones, touches."""
    full, empty = fraction > 1 - _CUT, fraction < _CUT
    cut = ~full & ~empty
    for axis in range(3):
        for step in (1, -1):
            cut |= full & np.roll(empty, step, axis)
    return cut


def _fitted(
    fraction: np.ndarray,
    voxels: np.ndarray,
    filled: np.ndarray,
    neighbours: np.ndarray,
    spacing: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normals, offsets and misfits: each voxel's own gradient, or a neighbour's direction that fits better.

    A gradient over three voxels leans over near an edge; that of the middle of the side does not.
    """
    normals = outward_normals(fraction, voxels, spacing)
    offsets, misfit = _offset_and_misfit(fraction, voxels, filled, normals, spacing)
    changed = np.ones(len(voxels), dtype=bool)
    for _ in range(_ROUNDS):
        before, news = normals.copy(), changed
        changed = np.zeros(len(voxels), dtype=bool)
        for column in range(len(_AROUND)):
            number = neighbours[:, column]
            rows = np.flatnonzero((misfit > _FLAT) & (number >= 0) & news[number])
            other = before[number[rows]]
            differs = np.einsum("na,na->n", other, normals[rows]) < _SAME_DIRECTION
            rows, other = rows[differs], other[differs]
            if not len(rows):
                continue
            offset, rest = _offset_and_misfit(fraction, voxels[rows], filled[rows], other, spacing)
            better = rest < _BETTER * misfit[rows]
            rows = rows[better]
            normals[rows], offsets[rows], misfit[rows] = other[better], offset[better], rest[better]
            changed[rows] = True
        if not changed.any():
            break
    return normals, offsets, misfit


def _offset_and_misfit(
    fraction: np.ndarray, voxels: np.ndarray, filled: np.ndarray, normals: np.ndarray, spacing: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets, (N,) mm, of planes with these normals that cut off the voxels' shares, and their misfits.

    A misfit is the sum over 27 voxels of the difference between their share and what the plane gives them.
    """
    widths = np.abs(normals) * spacing
    widths = np.maximum(widths, _THIN * widths.sum(axis=1, keepdims=True))
    total = widths.sum(axis=1)
    low, high = np.zeros_like(total), total.copy()
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        too_little = filled_below(middle, widths) < filled
        low, high = np.where(too_little, middle, low), np.where(too_little, high, middle)
    lowest = 0.5 * (low + high)
    misfit = np.zeros(len(voxels))
    for offset in _AROUND:
        share = filled_below(lowest - normals @ (offset * spacing), widths)
        misfit += np.abs(share - fraction[tuple((voxels + offset).T)])
    return lowest - 0.5 * total, misfit


def _bounding(neighbours: np.ndarray, misfit: np.ndarray) -> np.ndarray:
    around = np.where(neighbours >= 0, misfit[neighbours], np.inf)
    best = around.min(axis=1, keepdims=True)
    bounding = around <= np.maximum(_KEEP * best, _FLAT)
    flat = misfit <= _FLAT
    bounding[flat] = False
    bounding[flat, _SELF] = True
    return bounding


def _is_concave(normals: np.ndarray, neighbours: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Whether the normals of the voxels around lean towards this one."""
    spread = np.zeros(len(normals))
    for column, offset in enumerate(_AROUND):
        step = offset * spacing
        rows = np.flatnonzero(neighbours[:, column] >= 0)
        if offset.any():
            apart = normals[neighbours[rows, column]] - normals[rows]
            spread[rows] += apart @ step / (step @ step)
    return spread < 0


def _shift(planes: LocalPlanes, filled: np.ndarray, numbers: np.ndarray) -> None:
    """Move the planes of these voxels together until each voxel holds its share."""
    parts = np.clip(np.ceil(planes.spacing / _SAMPLE_MM), 2, 9).astype(int)
    cell_mm = planes.spacing / parts
    along = [((np.arange(n) + 0.5) / n - 0.5) * s for n, s in zip(parts, planes.spacing, strict=True)]
    places = np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(1, -1, 3)
    step = max(1, _POINTS_AT_ONCE // places.shape[1])
    for start in range(0, len(numbers), step):
        some = numbers[start : start + step]
        depth, width = planes.depths_mm(some, places, cell_mm)
        low = np.full(len(some), -planes.spacing.sum())
        high = -low
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            held = np.clip((depth + middle[:, None]) / width + 0.5, 0, 1).mean(axis=1)
            too_little = held < filled[some]
            low, high = np.where(too_little, middle, low), np.where(too_little, high, middle)
        planes.shifts_mm[some] = 0.5 * (low + high)
