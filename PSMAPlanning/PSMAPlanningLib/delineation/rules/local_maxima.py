"""The local maxima of a contour's uptake, and at which thresholds they hang together with its hottest voxel.

Whatever part of a contour comes off at a higher threshold holds a local maximum of its own. So at a threshold
where all maxima that reach it are known to be joined, the contour is simply every voxel that reaches it.
"""

from __future__ import annotations

import numpy as np


class LocalMaxima:
    """Maxima over 26 neighbours of a lesion's contour, which is connected at `floor_suv`.

    suv: (K, J, I) float32, minus infinity outside the contour.
    """

    def __init__(self, suv: np.ndarray, floor_suv: float) -> None:
        self._positions = np.flatnonzero((suv >= highest_around(suv)) & (suv > -np.inf))
        self._height = suv.reshape(-1)[self._positions]
        self._joined_at = np.full(self._height.shape, floor_suv, dtype=float)

    def are_joined(self, threshold_suv: float) -> bool:
        """Whether the maxima at or above a threshold are all known to be in one piece there."""
        return bool(np.all(self._joined_at[self._height >= threshold_suv] >= threshold_suv))

    def found(self, threshold_suv: float, part: np.ndarray) -> None:
        """Take note of the piece at a threshold that holds the hottest voxel, a (K, J, I) mask."""
        held = part.reshape(-1)[self._positions]
        self._joined_at[held] = np.maximum(self._joined_at[held], threshold_suv)


def highest_around(array: np.ndarray) -> np.ndarray:
    """The largest of each voxel and its 26 neighbours in a (K, J, I) array."""
    for axis in range(array.ndim):
        lines = np.moveaxis(array, axis, 0)
        highest = lines.copy()
        np.maximum(highest[1:], lines[:-1], out=highest[1:])
        np.maximum(highest[:-1], lines[1:], out=highest[:-1])
        array = np.moveaxis(highest, 0, axis)
    return array
