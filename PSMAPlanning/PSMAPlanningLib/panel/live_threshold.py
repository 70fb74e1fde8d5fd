"""The detection threshold while it is being dragged: made ready beside the interface, shown at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..delineation.threshold_slider import LOWEST_SUV, ThresholdSlider
from ..errors import CancelledError, PlanningError
from ..imaging.image import Image
from ..progress import Progress
from .ports import Job, SceneAdapter, Worker
from .view_state import Preview


class LiveThreshold:
    """Preview of one PET at a time; `on_change` is called when there is something new to show.

    Nothing of it is part of the case: letting go of the slider is one step of the history, and ends it.
    """

    def __init__(self, scene: SceneAdapter, on_change: Callable[[], None]) -> None:
        self.preview: Preview | None = None
        self._scene = scene
        self._on_change = on_change
        self._slider: tuple[Image, ThresholdSlider] | None = None
        self._job: tuple[Image, Job | None] | None = None
        self._wanted: tuple[float, float] | None = None

    def at(self, pet: Image, threshold_suv: float, minimum_volume_ml: float, worker: Worker) -> None:
        """Show what a threshold would find; the first time it takes a moment."""
        self._wanted = (threshold_suv, minimum_volume_ml)
        if self._slider is not None and self._slider[0] is pet:
            self._show()
        elif self._job is None or self._job[0] is not pet:
            self._drop_job()
            self._job = (pet, None)
            job = worker.start(lambda progress: _ready(pet, progress), _Listener(self, pet))
            if self._job is not None:
                self._job = (pet, job)

    def end(self) -> None:
        """The slider was let go, or the PET is another one."""
        self._wanted = self.preview = None
        self._scene.end_outline()

    def forget(self) -> None:
        """End it, and let the PET go."""
        self.end()
        self._drop_job()
        self._slider = None

    def ready(self, pet: Image, slider: ThresholdSlider) -> None:
        self._job, self._slider = None, (pet, slider)
        if self._wanted is not None:
            self._show()
            self._on_change()

    def failed(self) -> None:
        """Without a preview the slider works all the same."""
        self._job = None

    def _drop_job(self) -> None:
        if self._job is not None and self._job[1] is not None:
            self._job[1].cancel()
        self._job = None

    def _show(self) -> None:
        pet, slider = self._slider
        threshold_suv, minimum_volume_ml = self._wanted
        step = slider.at(max(threshold_suv, slider.lowest_suv))
        counted = step.volume_ml >= minimum_volume_ml
        self.preview = Preview(threshold_suv, int(counted.sum()), float(step.volume_ml[counted].sum()))
        # Below what the slider was made ready for there are too many voxels to follow a drag.
        if threshold_suv < slider.lowest_suv:
            self.preview = None
            self._scene.end_outline()
            return
        shown = np.concatenate(([False], counted))[step.labels_of_candidates[:-1]]
        self._scene.outline(pet.grid, slider.candidates.flat[shown])


def _ready(pet: Image, progress: Progress) -> Any:
    if not progress(0.0, "threshold"):
        raise CancelledError("Cancelled.")
    return ThresholdSlider(pet, LOWEST_SUV)


class _Listener:
    """Who the worker tells about the making of the slider."""

    def __init__(self, owner: LiveThreshold, pet: Image) -> None:
        self._owner, self._pet = owner, pet

    def progressed(self, fraction: float, doing: str) -> None:
        """Too short to be shown."""

    def finished(self, result: Any) -> None:
        self._owner.ready(self._pet, result)

    def failed(self, error: BaseException) -> None:
        self._owner.failed()
        if not isinstance(error, PlanningError):
            raise error
