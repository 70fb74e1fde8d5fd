"""What a detection threshold finds, fast enough to follow a slider being dragged.

The image is read once, for the voxels at or above the lowest threshold the slider offers. Each step labels
those of them that reach the threshold and touches nothing else, so that it costs the same in a larger image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import RuleError
from ..imaging.image import Image
from .avid_regions import finding_warnings
from .candidate_voxels import voxels_at_or_above
from .connected_components import Components, components_of

LOWEST_SUV = 1.5
"""Below it blood and marrow are avid and the voxels are no longer few."""


class ThresholdSlider:
    """A PET made ready for many thresholds.

    lowest_suv: the lowest threshold `at` accepts; highest_suv: the image's largest finite value.
    Raises RuleError when the lowest is not above zero.
    """

    def __init__(self, pet: Image, lowest_suv: float = LOWEST_SUV) -> None:
        if not math.isfinite(lowest_suv) or lowest_suv <= 0:
            raise RuleError(f"The slider's lowest threshold is SUV {lowest_suv:g}; it must be above 0.")
        self.lowest_suv = float(lowest_suv)
        self.grid = pet.grid
        self.candidates = voxels_at_or_above(pet.array, lowest_suv)
        self.highest_suv = self.candidates.image_max
        self._kji = np.stack(np.unravel_index(self.candidates.flat, pet.grid.shape_kji)).astype(np.int32)
        self._hottest_on_ray = tuple(self._hottest(axis) for axis in range(3))

    def at(self, threshold_suv: float) -> SliderStep:
        """What is at or above a threshold; raises RuleError below the slider's lowest."""
        if not threshold_suv >= self.lowest_suv:
            raise RuleError(
                f"The slider was made ready from SUV {self.lowest_suv:g} on and cannot show "
                f"{threshold_suv:g}; make it ready again with a lower start."
            )
        positions = np.flatnonzero(self.candidates.suv >= threshold_suv)
        components = components_of(self.candidates.only(positions, float(threshold_suv)))
        # One more entry than there are candidates: position -1, where a ray meets none.
        labels = np.zeros(self.candidates.flat.size + 1, dtype=np.int32)
        labels[positions] = components.number + 1
        return SliderStep(self, components, labels)

    def on_slice(self, axis: int, index: int) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Positions of the candidates on one slice of the array, and their places on it."""
        if axis == 0:
            # The list is in the order of the array, so that a slice is a stretch of it.
            voxels = self.grid.shape_kji[1] * self.grid.shape_kji[2]
            ends = np.searchsorted(self.candidates.flat, (index * voxels, (index + 1) * voxels))
            positions = np.arange(*ends)
        else:
            positions = np.flatnonzero(self._kji[axis] == index)
        return positions, tuple(self._kji[other][positions] for other in range(3) if other != axis)

    def along_rays(self, axis: int) -> tuple[tuple[slice, ...], np.ndarray]:
        """The part of a projection along an axis that holds candidates, and which is hottest on each ray."""
        return self._hottest_on_ray[axis]

    def _hottest(self, axis: int) -> tuple[tuple[slice, ...], np.ndarray]:
        first, second = (self._kji[other] for other in range(3) if other != axis)
        if first.size == 0:
            return (slice(0, 0), slice(0, 0)), np.empty((0, 0), dtype=np.int32)
        part = tuple(slice(int(places.min()), int(places.max()) + 1) for places in (first, second))
        hottest = np.full(tuple(s.stop - s.start for s in part), -1, dtype=np.int32)
        order = self._coldest_first
        # Of several values written to one place the last stays: the hottest.
        hottest[first[order] - part[0].start, second[order] - part[1].start] = order
        return part, hottest

    @cached_property
    def _coldest_first(self) -> np.ndarray:
        return np.argsort(self.candidates.suv).astype(np.int32)


@dataclass(frozen=True, eq=False)
class SliderStep:
    """The components at one threshold, as Components has them, and what views need to draw them.

    labels_of_candidates: (N + 1,) component number plus 1 of each candidate, 0 below the threshold.
    """

    slider: ThresholdSlider
    components: Components
    labels_of_candidates: np.ndarray

    @property
    def threshold_suv(self) -> float:
        return self.components.candidates.threshold_suv

    @property
    def ids(self) -> np.ndarray:
        """(C,) flat index of each component's hottest voxel: the same while the slider moves.

        When two components run together the hotter one's stays.
        """
        return self.components.statistics.peak_flat

    @property
    def volume_ml(self) -> np.ndarray:
        return self.components.statistics.voxels * self.slider.grid.voxel_volume_ml

    @property
    def centroid_ras(self) -> np.ndarray:
        return self.slider.grid.ras_of(self.components.statistics.centroid_kji)

    @property
    def peak_ras(self) -> np.ndarray:
        """(C, 3) RAS mm of each component's hottest voxel."""
        kji = np.unravel_index(self.ids, self.slider.grid.shape_kji)
        return self.slider.grid.ras_of(np.stack(kji, axis=1))

    @property
    def cut_by_field_of_view(self) -> np.ndarray:
        """(C,) whether the component touches the edge of the image."""
        return self.components.touches_edge

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes, as those of AvidRegions."""
        return finding_warnings(self.components)

    def slice_labels(self, axis: int, index: int) -> np.ndarray:
        """Component numbers plus 1 on one slice of the array, int32; axis 0, 1, 2 is K, J, I."""
        labels = np.zeros(_without(self.slider.grid.shape_kji, axis), dtype=np.int32)
        positions, places = self.slider.on_slice(axis, index)
        labels[places] = self.labels_of_candidates[positions]
        return labels

    def projection_labels(self, axis: int) -> np.ndarray:
        """On the maximum projection along an axis, the component of the hottest voxel of each ray, int32.

        It is 0 exactly where the projection of the PET is below the threshold.
        """
        labels = np.zeros(_without(self.slider.grid.shape_kji, axis), dtype=np.int32)
        part, hottest = self.slider.along_rays(axis)
        labels[part] = self.labels_of_candidates[hottest]
        return labels


def _without(shape_kji: tuple[int, int, int], axis: int) -> tuple[int, ...]:
    return tuple(n for other, n in enumerate(shape_kji) if other != axis)
