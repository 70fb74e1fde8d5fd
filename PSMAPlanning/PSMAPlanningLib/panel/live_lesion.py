"""The threshold of one lesion while it is being dragged: its outline in the slices, and its volume."""

from __future__ import annotations

import numpy as np

from ..delineation.lesion_crop import LesionCrop
from ..delineation.rules.connected import connected_to_peak
from ..lesion_facts import crop_of
from ..records import CaseState, Lesion
from .contours_view import ThresholdPreview
from .ports import SceneAdapter


class LiveLesion:
    """Preview for one lesion at a time. Nothing of it is part of the case."""

    def __init__(self, scene: SceneAdapter) -> None:
        self.preview: ThresholdPreview | None = None
        self._scene = scene
        self._crop: tuple[Lesion, LesionCrop] | None = None

    def ready(self, lesion: Lesion, state: CaseState) -> None:
        """Cut out what `at` looks at, some 10 ms, before the first step needs it."""
        if self._crop is None or self._crop[0] is not lesion:
            self._scene.end_outline()
            self._crop = (lesion, crop_of(lesion, state))

    def at(self, lesion: Lesion, state: CaseState, threshold_suv: float) -> None:
        """Outline what of the lesion is at or above a threshold (SUV) and connected to its hottest voxel."""
        self.ready(lesion, state)
        crop = self._crop[1]
        flat = np.flatnonzero(connected_to_peak(crop, threshold_suv))
        self._scene.outline(crop.grid, flat)
        volume_ml = flat.size * crop.grid.voxel_volume_ml
        self.preview = ThresholdPreview(lesion.id, threshold_suv, volume_ml)

    def end(self) -> None:
        """The slider was let go."""
        if self.preview is not None:
            self.preview = None
            self._scene.end_outline()

    def forget(self) -> None:
        """End it, and let the lesion go."""
        self.end()
        self._crop = None
