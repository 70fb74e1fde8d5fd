"""The part of a lesion's crop that is at or above a threshold and connected to its hottest voxel."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...imaging.grid import Box, bounding_box
from ..connected_components import part_at
from ..lesion_crop import LesionCrop
from ..psf import diameter_of_volume_mm
from .local_maxima import LocalMaxima

_ASKED_BEFORE_MAXIMA = 2
_LABELLED_BEFORE_LEVELS = 8
_SLACK = 0.05
_LOOK_AHEAD = 0.25


def connected_to_peak(crop: LesionCrop, threshold_suv: float) -> np.ndarray:
    """Voxels at or above the threshold, in the lesion's territory, connected to its hottest voxel."""
    part = np.zeros(crop.suv.shape, dtype=bool)
    box = crop.box_at_or_above(threshold_suv)
    if not all(s.start <= index < s.stop for index, s in zip(crop.peak_kji, box, strict=True)):
        return part
    avid = crop.suv[box] >= threshold_suv
    avid &= crop.territory[box]
    part[box] = _at_peak(avid, _within(box, crop.peak_kji))
    return part


def contour_at(crop: LesionCrop, threshold_suv: float) -> np.ndarray:
    """The same as `connected_to_peak`, from what the rules have found out about the crop where that helps."""
    nested: NestedContours | None = crop.cache.get("nested")
    if nested is None or threshold_suv < nested.floor_suv:
        return connected_to_peak(crop, threshold_suv)
    return nested.contour(threshold_suv)


def part_at_peak(crop: LesionCrop, inside: np.ndarray) -> np.ndarray:
    """The part of a mask, in the lesion's territory, that is connected to its hottest voxel."""
    return _at_peak(inside & crop.territory, crop.peak_kji)


def _at_peak(avid: np.ndarray, peak_kji: tuple[int, int, int]) -> np.ndarray:
    part = np.zeros(avid.shape, dtype=bool)
    if avid[peak_kji]:
        box = bounding_box(avid)
        part[box] = part_at(avid[box], _within(box, peak_kji))
    return part


def _within(box: Box, kji: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(index - s.start for index, s in zip(kji, box, strict=True))


def reaches_edge(inside: np.ndarray) -> bool:
    """Whether a mask touches the border of its array."""
    return any(inside.take(end, axis=axis).any() for axis in range(inside.ndim) for end in (0, -1))


class NestedContours:
    """Contours of one lesion at several thresholds: each lies inside those of lower thresholds.

    So the search for a higher threshold stays inside the box of a lower one, which is what makes rules
    that iterate as fast as those that do not. When several are asked for, the local maxima tell where
    nothing needs to be searched (see `LocalMaxima`). Where that does not help, the level of every voxel is
    found once: the highest threshold at which it still hangs together with the hottest voxel (a
    reconstruction by dilation, which costs about as much as fifteen searches).
    """

    def __init__(self, crop: LesionCrop, floor_suv: float) -> None:
        self._crop = crop
        self._lowered = 0
        self._lower_to(floor_suv)

    def _lower_to(self, floor_suv: float) -> None:
        crop = self._crop
        inside = connected_to_peak(crop, floor_suv)
        box = bounding_box(inside)
        self.floor_suv = floor_suv
        self.box: Box | None = box
        self._asked = self._labelled = 0
        self._maxima: LocalMaxima | None = None
        self._levels: np.ndarray | None = None
        if box is not None:
            self._suv = np.where(inside[box], crop.suv[box], np.float32(-np.inf))
            self._peak = _within(box, crop.peak_kji)

    def values(self, threshold_suv: float) -> np.ndarray:
        """SUV of the voxels inside the contour at this threshold, (N,)."""
        self._reach(threshold_suv)
        if self.box is None:
            return np.empty(0, dtype=np.float32)
        return self._suv[self._part(threshold_suv)]

    def volume_ml(self, threshold_suv: float) -> float:
        self._reach(threshold_suv)
        voxels = 0 if self.box is None else int(np.count_nonzero(self._part(threshold_suv)))
        return voxels * self._crop.grid.voxel_volume_ml

    def diameter_mm(self, threshold_suv: float) -> float:
        """Diameter of the sphere of the contour's volume."""
        return diameter_of_volume_mm(self.volume_ml(threshold_suv))

    def contour(self, threshold_suv: float) -> np.ndarray:
        """The contour on the whole crop, at a threshold that is not below the floor."""
        whole = np.zeros(self._crop.suv.shape, dtype=bool)
        if self.box is not None:
            whole[self.box] = self._part(threshold_suv)
        return whole

    def _reach(self, threshold_suv: float) -> None:
        if threshold_suv < self.floor_suv:
            # From the second time on a little lower than asked for: an iteration that creeps downwards would
            # lower it every time.
            slack = _SLACK * max(0.0, self._crop.suv_max - threshold_suv) if self._lowered else 0.0
            self._lowered += 1
            self._lower_to(threshold_suv - slack)

    def _part(self, threshold_suv: float) -> np.ndarray:
        """The contour on the box, at a threshold that is not below the floor."""
        if self._levels is not None:
            # Compared as single precision, as the crop is.
            return self._levels >= np.float32(threshold_suv)
        above = self._suv >= threshold_suv
        if threshold_suv <= self.floor_suv:
            return above
        self._asked += 1
        if self._asked < _ASKED_BEFORE_MAXIMA:
            return _at_peak(above, self._peak)
        if self._maxima is None:
            self._maxima = LocalMaxima(self._suv, self.floor_suv)
        if self._maxima.are_joined(threshold_suv):
            return above
        self._labelled += 1
        if self._labelled > _LABELLED_BEFORE_LEVELS:
            self._find_levels()
            return self._part(threshold_suv)
        # Somewhat higher first: what is joined there is joined at all that is asked for below it.
        higher = threshold_suv + _LOOK_AHEAD * max(0.0, self._crop.suv_max - threshold_suv)
        self._maxima.found(higher, _at_peak(self._suv >= higher, self._peak))
        if self._maxima.are_joined(threshold_suv):
            return above
        part = _at_peak(above, self._peak)
        self._maxima.found(threshold_suv, part)
        return part

    def _find_levels(self) -> None:
        lowest = np.float32(np.finfo(np.float32).min)
        suv = np.maximum(self._suv, lowest)
        marker = np.full(suv.shape, lowest)
        marker[self._peak] = suv[self._peak]
        reconstructed = sitk.ReconstructionByDilation(
            sitk.GetImageFromArray(marker), sitk.GetImageFromArray(suv), fullyConnected=True
        )
        levels = sitk.GetArrayFromImage(reconstructed)
        self._levels = np.where(levels > lowest, levels, np.float32(-np.inf))


def nested_contours(crop: LesionCrop, floor_suv: float) -> NestedContours:
    """The crop's contours by threshold, kept with the crop, so that rules and facts share the work."""
    if "nested" not in crop.cache:
        crop.cache["nested"] = NestedContours(crop, floor_suv)
    return crop.cache["nested"]


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
