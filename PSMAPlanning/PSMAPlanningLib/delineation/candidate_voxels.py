"""The few voxels of a PET at or above a threshold, found in little more than one reading of the image.

Less than one voxel in a hundred of a whole-body PET is avid. Everything that follows works on a list of
those voxels, in the order of the array, and on the runs they form along I; the image is not read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

_TILE_BITS = 13
_TILE_VOXELS = 1 << _TILE_BITS
"""Long enough that the maxima of all tiles cost what the maximum of the image does, short enough that
most tiles hold nothing avid."""
_TILES_AT_ONCE = 16
"""Half a MB: the copy of the tiles that hold something stays in the processor's cache, however many there are
of them."""


@dataclass(frozen=True, eq=False)
class CandidateVoxels:
    """Voxels at or above a threshold.

    flat: (N,) index into the flattened (K, J, I) array, ascending; suv: (N,) of the image's type, finite.
    image_max: largest finite value of the image, minus infinity when it has none.
    not_finite: whether the image holds NaN or plus infinity; such voxels are in no list.
    """

    shape_kji: tuple[int, int, int]
    threshold_suv: float
    flat: np.ndarray
    suv: np.ndarray
    image_max: float
    not_finite: bool

    def at_or_above(self, threshold_suv: float) -> CandidateVoxels:
        """Those of the voxels that reach a higher threshold."""
        return self.only(np.flatnonzero(self.suv >= threshold_suv), threshold_suv)

    def only(self, positions: np.ndarray, threshold_suv: float) -> CandidateVoxels:
        """Those at some positions of the list."""
        return replace(self, threshold_suv=threshold_suv, flat=self.flat[positions], suv=self.suv[positions])


def voxels_at_or_above(array: np.ndarray, threshold_suv: float) -> CandidateVoxels:
    """The voxels of a (K, J, I) array at or above a threshold, in the order of the array."""
    line = np.ascontiguousarray(array).reshape(-1)
    tiled = line.size // _TILE_VOXELS * _TILE_VOXELS
    tiles, rest = line[:tiled].reshape(-1, _TILE_VOXELS), line[tiled:]
    with np.errstate(invalid="ignore"):
        highest = tiles.max(axis=1)
    # NaN is neither below nor above, so that a tile with NaN is looked into.
    hot = np.flatnonzero(~(highest < threshold_suv))
    flat, suv = [], []
    copy = np.empty((_TILES_AT_ONCE, _TILE_VOXELS), dtype=line.dtype)
    for n in range(0, hot.size, _TILES_AT_ONCE):
        numbers = hot[n : n + _TILES_AT_ONCE]
        # Any mode but "raise" writes straight to the copy.
        part = np.take(tiles, numbers, axis=0, out=copy[: numbers.size], mode="clip").reshape(-1)
        inside = np.flatnonzero(part >= threshold_suv)
        flat.append((numbers << _TILE_BITS)[inside >> _TILE_BITS] + (inside & (_TILE_VOXELS - 1)))
        suv.append(part[inside])
    inside = np.flatnonzero(rest >= threshold_suv)
    found, values = np.concatenate([*flat, inside + tiled]), np.concatenate([*suv, rest[inside]])
    finite = np.isfinite(values)
    not_finite = bool(np.isnan(highest).any() or np.isnan(rest).any() or not finite.all())
    if not finite.all():
        found, values = found[finite], values[finite]
    largest = float(values.max()) if values.size else _largest_finite(line)
    return CandidateVoxels(array.shape, threshold_suv, found, values, largest, not_finite)


def _largest_finite(line: np.ndarray) -> float:
    return float(np.max(line, where=np.isfinite(line), initial=-np.inf))


@dataclass(frozen=True, eq=False)
class Runs:
    """Stretches of neighbouring voxels along I in a list of voxels.

    first, last: (R,) positions in the list. kji: (R, 3) index of the first voxel of each.
    start, stop: (R,) addresses of the first voxel and of the last in the array with one column and one
    row of padding per slice, so that no address next to a voxel belongs to one on the other side.
    """

    first: np.ndarray
    last: np.ndarray
    kji: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return self.last - self.first + 1


def runs_of(flat: np.ndarray, shape_kji: tuple[int, int, int]) -> Runs:
    """The runs of an ascending list of flat indices."""
    _, rows, columns = shape_kji
    begins = np.empty(flat.size, dtype=bool)
    begins[:1] = True
    np.not_equal(flat[1:] - flat[:-1], 1, out=begins[1:])
    begins |= flat % columns == 0
    first = np.flatnonzero(begins)
    last = np.append(first[1:], flat.size) - 1 if flat.size else first
    row, i = np.divmod(flat[first], columns)
    k, j = np.divmod(row, rows)
    start = (k * (rows + 1) + j) * (columns + 1) + i
    if np.prod(np.array(shape_kji) + 1, dtype=np.int64) < np.iinfo(np.int32).max // 2:
        # Searching in half the bytes takes half the time.
        start = start.astype(np.int32)
    stop = start + (last - first).astype(start.dtype)
    return Runs(first, last, np.stack((k, j, i), axis=1), start, stop)


def touching_runs(runs: Runs, shape_kji: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs that touch by face, edge or corner, each pair once."""
    _, rows, columns = shape_kji
    lower = (1, rows, rows + 1, rows + 2)
    here, there = [], []
    for rows_back in lower:
        back = rows_back * (columns + 1)
        begin = np.searchsorted(runs.stop, runs.start - (back + 1))
        end = np.searchsorted(runs.start, runs.stop - (back - 1), side="right")
        counts = end - begin
        some = np.flatnonzero(counts > 0)
        counts = counts[some]
        before = np.cumsum(counts) - counts
        here.append(np.repeat(some, counts))
        there.append(np.arange(counts.sum()) + np.repeat(begin[some] - before, counts))
    return np.concatenate(here), np.concatenate(there)
