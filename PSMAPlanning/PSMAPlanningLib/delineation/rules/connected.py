"""The part of a lesion's crop that is at or above a threshold and connected to its hottest voxel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ...imaging.grid import Box, bounding_box
from ..avid_regions import TWENTY_SIX_CONNECTED
from ..lesion_crop import LesionCrop
from ..psf import diameter_of_volume_mm


def connected_to_peak(crop: LesionCrop, threshold_suv: float) -> np.ndarray:
    """Voxels at or above the threshold, in the lesion's territory, connected to its hottest voxel."""
    return _at_peak((crop.suv >= threshold_suv) & crop.territory, crop.peak_kji)


def part_at_peak(crop: LesionCrop, inside: np.ndarray) -> np.ndarray:
    """The part of a mask, in the lesion's territory, that is connected to its hottest voxel."""
    return _at_peak(inside & crop.territory, crop.peak_kji)


def _at_peak(avid: np.ndarray, peak_kji: tuple[int, int, int]) -> np.ndarray:
    if not avid[peak_kji]:
        return np.zeros(avid.shape, dtype=bool)
    labels, _ = ndimage.label(avid, structure=TWENTY_SIX_CONNECTED)
    return labels == labels[peak_kji]


def reaches_edge(inside: np.ndarray) -> bool:
    """Whether a non-empty mask touches the border of its array."""
    box = bounding_box(inside)
    return any(s.start == 0 or s.stop == n for s, n in zip(box, inside.shape, strict=True))


class NestedContours:
    """Contours of one lesion at several thresholds: each lies inside those of lower thresholds.

    So the search for a higher threshold stays inside the box of a lower one, which is what makes rules
    that iterate as fast as those that do not.
    """

    def __init__(self, crop: LesionCrop, floor_suv: float) -> None:
        self._crop = crop
        self._lower_to(floor_suv)

    def _lower_to(self, floor_suv: float) -> None:
        crop = self._crop
        inside = connected_to_peak(crop, floor_suv)
        box = bounding_box(inside)
        self.floor_suv = floor_suv
        self.box: Box | None = box
        if box is not None:
            self._suv = np.where(inside[box], crop.suv[box], -np.inf)
            self._peak = tuple(p - s.start for p, s in zip(crop.peak_kji, box, strict=True))

    def values(self, threshold_suv: float) -> np.ndarray:
        """SUV of the voxels inside the contour at this threshold, (N,)."""
        if threshold_suv < self.floor_suv:
            self._lower_to(threshold_suv)
        if self.box is None:
            return np.empty(0, dtype=np.float32)
        return self._suv[_at_peak(self._suv >= threshold_suv, self._peak)]

    def volume_ml(self, threshold_suv: float) -> float:
        return self.values(threshold_suv).size * self._crop.grid.voxel_volume_ml

    def diameter_mm(self, threshold_suv: float) -> float:
        """Diameter of the sphere of the contour's volume."""
        return diameter_of_volume_mm(self.volume_ml(threshold_suv))


def threshold_of_volume(nested: NestedContours, volume_ml: float, low_suv: float, high_suv: float) -> float:
    """The highest threshold at which the contour at the peak is at least this large (bisection)."""
    low, high = low_suv, high_suv
    for _ in range(24):
        middle = 0.5 * (low + high)
        if nested.volume_ml(middle) >= volume_ml:
            low = middle
        else:
            high = middle
    return low
