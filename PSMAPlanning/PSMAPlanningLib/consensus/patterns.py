"""Decisions of N contours as one integer per voxel: everything a vote needs is in the patterns' counts.

Seven contours of eight million voxels have at most 128 patterns, so a method that looks at voxels only
through the decisions made there works on 128 numbers instead of 56 million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import ConsensusError
from ..imaging.grid import Box, bounding_box
from .domain import Domain

LARGEST_INPUT_COUNT = 30
_TABLE_BITS = 16
_VOXELS_AT_ONCE = 1 << 19


@dataclass(frozen=True, eq=False)
class DecisionPatterns:
    """The patterns of decisions that occur in a domain.

    input_count: N; bit n of a code is the decision of input n.
    shape_kji, box: the whole grid, and the part of it that `index` covers.
    index: (K, J, I) of the box; which value of a table of patterns belongs to the voxel.
    codes: (P,) the patterns that occur in the domain, ascending. counts: (P,) how many voxels have each.
    decisions: (P, N) bool, the codes taken apart.
    """

    input_count: int
    shape_kji: tuple[int, int, int]
    box: Box
    index: np.ndarray
    codes: np.ndarray
    counts: np.ndarray
    domain: Domain
    _table_codes: np.ndarray | None = None
    decisions: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        bits = (self.codes[:, None] >> np.arange(self.input_count, dtype=np.int64)) & 1
        object.__setattr__(self, "decisions", bits.astype(bool))

    @property
    def voxels(self) -> int:
        """Voxels in the domain."""
        return int(self.counts.sum())

    @property
    def votes(self) -> np.ndarray:
        """(P,) how many inputs say inside."""
        return self.decisions.sum(axis=1)

    def sizes(self) -> np.ndarray:
        """(N,) voxels of each input within the domain."""
        return self.counts @ self.decisions

    def intersections(self) -> np.ndarray:
        """(N, N) voxels that two inputs share; the diagonal is the inputs' own size."""
        weighted = self.decisions * self.counts[:, None]
        return self.decisions.astype(np.int64).T @ weighted

    def on_grid(self, values: np.ndarray, unanimous: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
        """A value per pattern, (P,), put into every voxel of the grid, (K, J, I); same dtype as `values`.

        unanimous: the value of voxels outside the domain that all inputs exclude, and that all include.
        """
        none, every = unanimous
        if self._table_codes is None:
            table = np.full(1 << self.input_count, none, dtype=values.dtype)
            table[-1] = every
            table[self.codes] = values
        else:
            table = np.where(self._table_codes == 0, none, every).astype(values.dtype)
            table[np.isin(self._table_codes, self.codes)] = values
        inside = table[self.index]
        if inside.shape == self.shape_kji:
            return inside
        whole = np.full(self.shape_kji, none, dtype=values.dtype)
        whole[self.box] = inside
        return whole


def decision_patterns(arrays: Sequence[np.ndarray], domain: Domain, grid: object) -> DecisionPatterns:
    """Pack contours, N arrays (K, J, I) bool on one `grid` (VoxelGrid), into patterns.

    Raises ConsensusError for no contour at all, more than 30, or contours that are all empty.
    """
    check_input_count(len(arrays))
    shape = arrays[0].shape
    codes = _packed(arrays)
    whole: Box = tuple(slice(0, n) for n in shape)
    box = whole
    if domain.kind != "full":
        union_box = bounding_box(codes != 0)
        if union_box is None:
            raise ConsensusError("All contours are empty; lower the threshold or choose another rule.")
        box = domain.box(union_box, grid)
        codes = codes[box]
    if len(arrays) <= _TABLE_BITS:
        present, counts = _counted(codes, len(arrays))
        table_codes, index = None, codes
    else:
        table_codes, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
        table_codes, index = table_codes.astype(np.int64), index.reshape(codes.shape).astype(np.uint32)
        present = table_codes
    keep = np.ones(len(present), dtype=bool)
    if domain.kind in ("union", "disputed"):
        keep &= present != 0
    if domain.kind == "disputed":
        keep &= present != (1 << len(arrays)) - 1
    return DecisionPatterns(len(arrays), shape, box, index, present[keep], counts[keep], domain, table_codes)


def check_input_count(count: int) -> None:
    """Raise ConsensusError when there are no contours, or more than a pattern holds."""
    if count == 0:
        raise ConsensusError("There is no contour to compare; give at least one that is not empty.")
    if count > LARGEST_INPUT_COUNT:
        raise ConsensusError(
            f"{count} contours are more than the {LARGEST_INPUT_COUNT} that can be fused at once; "
            "leave some out."
        )


def _packed(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """(K, J, I) codes in the smallest unsigned type that holds N bits."""
    dtype = np.uint8 if len(arrays) <= 8 else np.uint16 if len(arrays) <= 16 else np.uint32
    shape = arrays[0].shape
    codes = np.empty(shape, dtype=dtype)
    # Slabs that stay in the processor's cache: seven passes over memory become one.
    step = max(1, _VOXELS_AT_ONCE // max(1, shape[1] * shape[2]))
    for start in range(0, shape[0], step):
        slab = slice(start, start + step)
        part = codes[slab]
        part[...] = arrays[0][slab]
        for bit, array in enumerate(arrays[1:], start=1):
            decisions = array[slab].view(np.uint8).astype(dtype, copy=False)
            np.bitwise_or(part, decisions << dtype(bit), out=part)
    return codes


def _counted(codes: np.ndarray, input_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes that occur, ascending, and their counts."""
    flat = np.ascontiguousarray(codes).ravel()
    if codes.dtype == np.uint8 and flat.size >= _VOXELS_AT_ONCE:
        # Two codes at a time, and in parts, because counting converts to 64 bit integers.
        even = flat[: flat.size // 2 * 2].view(np.uint16)
        pairs = np.zeros(1 << 16, dtype=np.int64)
        for start in range(0, even.size, _VOXELS_AT_ONCE):
            pairs += np.bincount(even[start : start + _VOXELS_AT_ONCE], minlength=1 << 16)
        square = pairs.reshape(256, 256)
        counts = square.sum(axis=0) + square.sum(axis=1)
        if flat.size % 2:
            counts[flat[-1]] += 1
    else:
        counts = np.bincount(flat, minlength=1 << input_count)
    present = np.flatnonzero(counts)
    return present, counts[present]
