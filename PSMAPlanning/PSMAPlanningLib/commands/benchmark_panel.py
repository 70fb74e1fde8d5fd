"""What psma-planning benchmark times of revising by hand: a contour drawn, a threshold dragged.

Both are told in passes over the PET: the time its largest value takes to find. Everything between the change
of a segment or of a slider and the nodes and numbers that the panel shows is ours; Qt's own drawing is not in
it, and is measured in desktop Slicer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import numpy as np
from scipy import ndimage

from ..case import PlanningCase
from ..delineation.rules.connected import connected_to_peak
from ..delineation.threshold_slider import LOWEST_SUV, ThresholdSlider
from ..imaging.image import Mask
from ..imaging.phantom import PhantomParameters, make_phantom
from ..lesion_facts import crop_of, facts_of
from ..lesion_finding import find_lesions
from ..progress import Stage, no_progress
from ..records import CaseState, RtVolume
from ..scene.appearance import COVERAGE_COLORS
from ..scene.edit_session import put_drawing
from ..scene.headless import HeadlessSlicer
from ..scene.planning_scene import PlanningScene
from .benchmark_works import Sides, Work

_THRESHOLDS_SUV = (2.0, 2.2, 2.5, 2.7, 3.0, 3.4, 4.0, 5.0)


def phantom_case() -> PlanningCase:
    """The full digital patient with its lesions found and its four standard volumes."""
    phantom = make_phantom(PhantomParameters())
    anatomy = {name: phantom.structure(name).cropped() for name in phantom.structure_names}
    volumes = tuple(
        RtVolume(name, mask, name[:3], "imported", "phantom") for name, mask in phantom.volumes.items()
    )
    state = CaseState(
        pet=phantom.pet,
        ct=phantom.ct,
        anatomy={name: mask for name, mask in anatomy.items() if not mask.is_empty},
        volumes=volumes,
    )
    case = PlanningCase(who="benchmark", start=state)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    return case


class DrawnCase:
    """A case in a scene of its own, one of whose lesions is drawn on as the segment editor does it."""

    def __init__(self, scene: PlanningScene, case: PlanningCase) -> None:
        self.case, self._scene = case, scene
        self._lesion_id = max(case.state.lesions, key=lambda lesion: lesion.contour.mask.volume_ml).id
        scene.show(None, case.state, case.coverage())
        self._stop = case.observe(lambda before, after: scene.show(before, after, case.coverage()))
        lesion = case.lesion(self._lesion_id)
        scene.begin_edit(lesion, case.state.pet, COVERAGE_COLORS["partial"])
        self._drawings = _drawings(lesion.contour.mask)
        self._turn = count()

    def draw(self) -> None:
        """From the release of the mouse to what a line of the table says of the lesion drawn on."""
        drawing = self._drawings[next(self._turn) % len(self._drawings)]
        put_drawing(self._scene.edit_node, self._lesion_id, drawing)
        case = self.case
        case.edit_contour(self._lesion_id, self._scene.drawn())
        case.coverage()
        case.assigned_regions()
        facts_of(case.lesion(self._lesion_id), case.state)

    def close(self) -> None:
        self._stop()
        self._scene.close()


def _drawings(mask: Mask) -> list[Mask]:
    """The contour with a bite out of it, grown, and grown with a bite: no two alike, none seen before."""
    box = mask.cropped(4)
    grown = ndimage.binary_dilation(box.array, iterations=2)
    drawings = []
    for array in (box.array, grown):
        for part in (2, 3):
            bitten = array.copy()
            first = int(np.argmax(array.any(axis=(1, 2))))
            bitten[: first + part] = False
            drawings.append(Mask(bitten, box.grid))
    return drawings


@contextmanager
def _contour_drawn() -> Iterator[Sides]:
    case = phantom_case()
    pet = case.state.pet
    with HeadlessSlicer() as slicer_app:
        drawn = DrawnCase(PlanningScene(slicer_app.scene), case)
        try:
            yield Sides(drawn.draw, lambda: pet.array.max())
        finally:
            drawn.close()


@contextmanager
def _threshold_dragged() -> Iterator[Sides]:
    case = phantom_case()
    pet = case.state.pet
    slider = ThresholdSlider(pet, LOWEST_SUV)
    lesion = max(case.state.lesions, key=lambda each: each.region.suv_max)
    crop = crop_of(lesion, case.state)
    turn = count()
    with HeadlessSlicer() as slicer_app:
        # One for each slider: an outline on other voxels would be made anew each time.
        scenes = [PlanningScene(slicer_app.scene) for _ in range(2)]

        def next_suv() -> float:
            return _THRESHOLDS_SUV[next(turn) % len(_THRESHOLDS_SUV)]

        def detection() -> None:
            step = slider.at(next_suv())
            counted = step.volume_ml >= case.state.settings.detection.minimum_volume_ml
            shown = np.concatenate(([False], counted))[step.labels_of_candidates[:-1]]
            scenes[0].outline(pet.grid, slider.candidates.flat[shown])

        def of_a_lesion() -> None:
            scenes[1].outline(crop.grid, np.flatnonzero(connected_to_peak(crop, next_suv())))

        try:
            ours = {"detection threshold": detection, "threshold of one lesion": of_a_lesion}
            yield Sides(ours, lambda: pet.array.max())
        finally:
            for scene in scenes:
                scene.close()


WORKS = (
    Work(
        "contour_drawn",
        "one pass over the phantom's PET (its largest value)",
        1 / 100,
        "one lesion of the full phantom drawn on to its line of the table: voxels read back, command, "
        "coverage by four volumes, surface, nodes, tables and record of the scene, region, volume interval",
        _contour_drawn,
    ),
    Work(
        "threshold_dragged",
        "one pass over the phantom's PET (its largest value)",
        1 / 20,
        "one step of a slider: regions (or one lesion) at the threshold, their volumes, the outline's node; "
        "the median of both sliders",
        _threshold_dragged,
    ),
)
