"""Several contours of one lesion fused into one, on one grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConsensusError
from ..imaging.image import Mask


@dataclass(frozen=True, eq=False)
class Fusion:
    """The fused contour, which inputs took part, and how many empty ones were left out."""

    method: str
    mask: Mask
    used: tuple[int, ...]
    left_out_empty: int


def _votes(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return np.sum([array.view(np.uint8) for array in arrays], axis=0, dtype=np.uint16)


def _union(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return _votes(arrays) > 0


def _intersection(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return _votes(arrays) == len(arrays)


def _majority(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return 2 * _votes(arrays) > len(arrays)


METHODS: dict[str, Callable[[Sequence[np.ndarray]], np.ndarray]] = {
    "majority": _majority,
    "union": _union,
    "intersection": _intersection,
}
"""Majority is strict: of an even number of contours more than half must agree."""


def fuse(contours: Sequence[Mask], method: str) -> Fusion:
    """Fuse contours that lie on one grid.

    Empty contours are left out and counted. Raises ConsensusError for an unknown method, for contours
    on different grids, and when nothing is left to fuse.
    """
    if method not in METHODS:
        raise ConsensusError(f"There is no fusion method {method!r}; known: {', '.join(METHODS)}.")
    used = tuple(n for n, contour in enumerate(contours) if not contour.is_empty)
    if not used:
        raise ConsensusError("All contours are empty; lower the threshold or choose another rule.")
    masks = [contours[n] for n in used]
    if not all(mask.grid.same_as(masks[0].grid) for mask in masks):
        raise ConsensusError("The contours lie on different grids; bring them to one grid first.")
    fused = METHODS[method]([mask.array for mask in masks])
    return Fusion(method, Mask(fused, masks[0].grid), used, len(contours) - len(used))
