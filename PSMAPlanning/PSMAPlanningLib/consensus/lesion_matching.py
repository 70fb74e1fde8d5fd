"""Which lesion of one reader is which lesion of another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from ..errors import ConsensusError
from ..imaging.image import Mask
from .common_grid import on_common_grid

_TWENTY_SIX_CONNECTED = np.ones((3, 3, 3), dtype=bool)
_TOUCH_MM = 1e-3
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class ReaderLesions:
    """All lesions that one reader (or rule, or network) found, each a mask on any grid.

    A lesion may have holes and separate parts. family: as in ContourInput.
    """

    reader: str
    lesions: tuple[Mask, ...]
    family: str = ""
    frame_of_reference_uid: str | None = None


@dataclass(frozen=True)
class MatchedLesion:
    """Lesions of several readers that are one place in the patient.

    members: per reader that found it, the numbers of its lesions there; more than one where another
    reader's lesion bridges them.
    """

    members: dict[str, tuple[int, ...]] = field(hash=False)

    @property
    def found_by(self) -> tuple[str, ...]:
        return tuple(self.members)

    @property
    def only_reader(self) -> str | None:
        """The reader, when nobody else found it."""
        return self.found_by[0] if len(self.members) == 1 else None

    @property
    def bridged(self) -> bool:
        """Whether one reader's lesion covers several of another's."""
        return any(len(numbers) > 1 for numbers in self.members.values())


def lesions_of(mask: Mask) -> tuple[Mask, ...]:
    """The parts of a mask that do not touch (26 neighbours), each on the smallest grid that holds it."""
    labels, _ = ndimage.label(mask.array, structure=_TWENTY_SIX_CONNECTED)
    return tuple(
        Mask(labels[box] == number, mask.grid.crop(box))
        for number, box in enumerate(ndimage.find_objects(labels), start=1)
    )


def match_lesions(
    readers: Sequence[ReaderLesions], smallest_overlap: float = 0.0
) -> tuple[MatchedLesion, ...]:
    """Group lesions of different readers that overlap; empty lesions are ignored.

    smallest_overlap: share of the smaller lesion that must lie in the other (0: any voxel will do).
    Groups come in the order of the first reader's lesions, then the second's, and so on. Overlap is
    handed on: two lesions of one reader that a third contour bridges become one group.
    Raises ConsensusError for a share outside 0 to 1, or two readers of one name.
    """
    if not 0 <= smallest_overlap <= 1:
        raise ConsensusError(f"The overlap {smallest_overlap} is not possible; give a share from 0 to 1.")
    if len({r.reader for r in readers}) != len(readers):
        raise ConsensusError("Two readers have the same name; give each a name of its own.")
    nodes = [
        _Node(r, n, lesion.cropped())
        for r, reader in enumerate(readers)
        for n, lesion in enumerate(reader.lesions)
        if not lesion.is_empty
    ]
    group = list(range(len(nodes)))
    for a, b in _pairs_that_meet(nodes):
        if _root(group, a) == _root(group, b):
            continue
        if _overlap(nodes[a].mask, nodes[b].mask) > max(smallest_overlap - _ROUNDING, 0):
            first, second = sorted((_root(group, a), _root(group, b)))
            group[second] = first
    members: dict[int, dict[str, list[int]]] = {}
    for n, node in enumerate(nodes):
        of_reader = members.setdefault(_root(group, n), {})
        of_reader.setdefault(readers[node.reader].reader, []).append(node.number)
    return tuple(
        MatchedLesion({reader: tuple(numbers) for reader, numbers in found.items()})
        for found in members.values()
    )


@dataclass(frozen=True, eq=False)
class _Node:
    reader: int
    number: int
    mask: Mask
    low: np.ndarray = field(init=False)
    high: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        corners = self.mask.grid.corners_ras()
        object.__setattr__(self, "low", corners.min(axis=0))
        object.__setattr__(self, "high", corners.max(axis=0))


def _root(group: list[int], node: int) -> int:
    while group[node] != node:
        group[node] = group[group[node]]
        node = group[node]
    return node


def _pairs_that_meet(nodes: Sequence[_Node]) -> Iterator[tuple[int, int]]:
    """Pairs of lesions of different readers whose boxes share space, the earlier one first."""
    if not nodes:
        return
    low, high = np.array([n.low for n in nodes]), np.array([n.high for n in nodes])
    reader = np.array([n.reader for n in nodes])
    for a in range(len(nodes)):
        later = slice(a + 1, None)
        meet = np.all((low[a] < high[later] - _TOUCH_MM) & (low[later] < high[a] - _TOUCH_MM), axis=1)
        for b in np.flatnonzero(meet & (reader[later] != reader[a])):
            yield a, a + 1 + int(b)


def _overlap(one: Mask, other: Mask) -> float:
    """Volume that both share, as a share of the smaller.

    Counted at the voxel centres of the finer grid, so that no voxel of it is missed.
    """
    fine, coarse = sorted((one, other), key=lambda mask: mask.grid.voxel_volume_ml)
    kji = np.rint(coarse.grid.kji_of(fine.points_ras())).astype(int)
    there = np.all((kji >= 0) & (kji < coarse.grid.shape_kji), axis=1)
    hits = int(np.count_nonzero(coarse.array[tuple(kji[there].T)]))
    smaller_ml = min(fine.volume_ml, coarse.volume_ml)
    return min(1.0, hits * fine.grid.voxel_volume_ml / smaller_ml) if smaller_ml > 0 else math.nan


def merged(lesions: Sequence[Mask]) -> Mask:
    """Lesions of one reader as one mask, on the smallest grid that holds them."""
    if len(lesions) == 1:
        return lesions[0]
    common = on_common_grid(lesions)
    return Mask(np.logical_or.reduce([mask.array for mask in common.masks]), common.grid).cropped()
