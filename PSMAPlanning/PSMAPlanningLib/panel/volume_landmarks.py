"""Organs, landmarks and generated volumes: actions of the panel."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import CaseError, GuidelineError, InputError, LandmarkError
from ..records import CaseState, Point
from ..rtvolumes.guideline_files import load_guideline
from ..rtvolumes.landmarks import Landmarks
from ..scene.landmark_markups import NODE_NAMES
from ..volume_generation import switched
from .scene_steps import Steps
from .view_state import Action
from .volume_generating import asked_candidates, with_generated, with_landmarks_found, with_moved
from .volume_importing import with_organs
from .volume_margins import VolumeMargins


class VolumeLandmarks(VolumeMargins):
    """From organ masks to landmarks to proposed volumes."""

    def __init__(self, *arguments: Any) -> None:
        self._moves: dict[str, Point] = {}
        super().__init__(*arguments)
        self._scene.landmarks.listener = _LandmarkEvents(self)

    # Organs

    def take_organs(self, node: Any | None, names: Path | None = None) -> bool:
        """Take organ masks from a segmentation with TotalSegmentator, CADS or TG-263 names.

        names: a JSON file {"name in the segmentation": "TotalSegmentator or CADS name"}.
        """

        def take() -> None:
            if node is None:
                raise CaseError("Choose a segmentation with organs first.")
            table = {} if names is None else read_structure_names(names)
            # MRML is read here; finding a hundred organs in the copied voxels is the thread's work.
            read = self._scene.read_organs(node)

            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                stage.report(0.1, "organs")
                masks = read(table)
                after = with_organs(state, masks, None, self._images)
                said.append(f"{len(after.anatomy)} organ masks were taken from {node_name}.")
                return with_landmarks_found(after, self._kept)

            node_name = node.GetName()
            self._start_volumes("take organ masks", compute)

        return self._do(Action.TAKE_ORGANS, take)

    # Landmarks

    def find_landmarks(self) -> bool:
        """Start finding the landmarks in the organ masks; their planes are shown then."""

        def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
            stage.report(0.1, "landmarks")
            after = with_landmarks_found(state, self._kept)
            lost = [NODE_NAMES[name] for name, mark in after.landmarks.placed.items() if mark.is_missing]
            if lost:
                said.append(f"Not found: {', '.join(lost)}.")
            return after

        def start() -> None:
            self._scene.landmarks.is_shown = True
            self._start_volumes("find landmarks", compute)

        return self._do(Action.FIND_LANDMARKS, start)

    def show_landmarks(self, is_wanted: bool) -> bool:
        """Show the landmarks as planes and points in the views, or take them away."""

        def show() -> None:
            self._scene.landmarks.is_shown = is_wanted
            self._scene.landmarks.show(self.case.state.landmarks)

        return self._do(None, show)

    def move_landmark(self, name: str, point_ras: Point) -> bool:
        """Put a landmark elsewhere, RAS mm; volumes generated from it are cut anew beside the interface."""
        if self._moves and self.work.is_busy:
            # A plane that is dragged again while its volume is being cut; the former cut is of no use.
            self.work.drop()
        else:
            self._moves = {}

        def move() -> None:
            if name not in NODE_NAMES:
                raise LandmarkError(f"There is no landmark {name!r}; known: {', '.join(NODE_NAMES)}.")
            self._moves = {**self._moves, name: point_ras}
            moves, own = dict(self._moves), self._form.own

            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                after, sentences = with_moved(state, moves, self._kept, own, stage)
                said += sentences
                return after

            self._start_volumes(f"move {', '.join(NODE_NAMES[each] for each in moves)}", compute)

        return self._do(Action.MOVE_LANDMARK, move)

    def answer_level(self, index: int) -> bool:
        """Say which of the levels that could be L5/S1 it is: 0 the upper one, 1 the lower one."""

        def answer() -> None:
            candidates = asked_candidates(self.case.state)
            if not 0 <= index < len(candidates):
                raise LandmarkError("Which level is L5/S1 is not asked here.")
            self._place("L5_S1", candidates[index].point_ras, candidates[index].normal_ras)

        return self._do(Action.MOVE_LANDMARK, answer)

    def place_landmark(self, name: str) -> bool:
        """Let the next click in a view place a landmark; a second call for the same one ends that."""

        def begin() -> None:
            if name not in NODE_NAMES:
                raise LandmarkError(f"There is no landmark {name!r}; known: {', '.join(NODE_NAMES)}.")
            if self._scene.landmarks.placing == name:
                self._scene.landmarks.end_place()
            else:
                self._scene.landmarks.begin_place(name)

        return self._do(Action.PLACE, begin)

    def set_landmark(self, name: str, point_ras: Point) -> bool:
        """Put a landmark where the user says, RAS mm; it may have been missing."""
        landmarks = self.case.state.landmarks
        if landmarks is not None and not landmarks[name].is_missing:
            return self.move_landmark(name, point_ras)
        return self._do(Action.PLACE, lambda: self._place(name, point_ras, None))

    def end_place(self) -> bool:
        """Stop waiting for a click."""
        return self._do(None, self._scene.landmarks.end_place)

    def _place(self, name: str, point_ras: Point, normal_ras: Point | None) -> None:
        landmarks = self.case.state.landmarks or Landmarks()
        self._scene.landmarks.is_shown = True
        placed = landmarks.with_moved(name, point_ras, normal_ras)
        self._perform(f"place {NODE_NAMES[name]}", landmarks=placed)

    # Volumes

    def choose_guideline(self, kind: str, name: str) -> bool:
        """Choose the guideline for "nodes" or "bed", by its name or the path of a .json file."""

        def choose() -> None:
            guideline = self._form.own.get(name) or load_guideline(name)
            if guideline.kind != kind:
                wanted = "lymph nodes" if kind == "nodes" else "the prostate bed"
                raise GuidelineError(f"{guideline.title} is not for {wanted}; choose another guideline.")
            own = self._form.own
            if guideline.source != "package" and guideline.name not in own:
                own = {**own, guideline.name: guideline}
            chosen = {**self._form.chosen, kind: guideline.name}
            switches = {} if kind == "nodes" else self._form.switches
            self._form = replace(self._form, own=own, chosen=chosen, switches=switches)

        return self._do(Action.CHOOSE_GUIDELINE, choose)

    def kind_of_guideline(self, path: str) -> str | None:
        """What a guideline file is for, "nodes" or "bed"; None when it cannot be used, which is said."""
        found: list[str] = []
        self._do(Action.CHOOSE_GUIDELINE, lambda: found.append(load_guideline(path).kind))
        return found[0] if found else None

    def switch(self, name: str, is_on: bool) -> bool:
        """Switch an extension of the nodal volume: mesorectum, top_at_L4_L5, para_aortic."""

        def set_switch() -> None:
            switched(self._guideline("nodes"), {name: is_on})
            self._form = replace(self._form, switches={**self._form.switches, name: is_on})

        return self._do(Action.CHOOSE_GUIDELINE, set_switch)

    def generate(self, kind: str) -> bool:
        """Start making the CTV of "nodes" or "bed" by the guideline chosen; always a proposal."""
        action = Action.GENERATE_NODES if kind == "nodes" else Action.GENERATE_BED

        def start() -> None:
            guideline = self._guideline(kind)
            if kind == "nodes":
                guideline = switched(guideline, self._form.switches)

            def compute(state: CaseState, stage: Any, said: list[str]) -> CaseState:
                after = with_generated(state, guideline, self._kept, stage)
                made = next(v for v in after.volumes if v not in state.volumes)
                said += [finding.sentence for finding in made.generated.findings]
                return after

            self._start_volumes(f"generate {guideline.title}", compute)

        return self._do(action, start)

    # Planes follow the case

    def _showing(self) -> Steps:
        yield from super()._showing()
        yield
        yield from self._scene.landmarks.show_steps(self.case.state.landmarks)

    def _do(self, action: Action | None, step: Callable[[], Any], needs_selection: bool = True) -> bool:
        done = super()._do(action, step, needs_selection)
        if self._moves and not self.work.is_busy:
            # Done, refused or cancelled: the planes go where the case has them.
            self._moves = {}
            self._scene.landmarks.show(self.case.state.landmarks)
        if self._drawing.name is not None and self._scene.drawing.node is None:
            self._drawing.drop()
        return done

    def close(self) -> None:
        super().close()
        self._scene.landmarks.listener = None
        self._scene.drawing.on_modified = None


class _LandmarkEvents:
    """What somebody does to the landmarks' nodes, passed on soon rather than in the middle of MRML's work."""

    def __init__(self, presenter: VolumeLandmarks) -> None:
        self._presenter = presenter

    def landmark_moved(self, name: str, point_ras: Point) -> None:
        self._soon(f"move {name}", lambda: self._presenter.move_landmark(name, point_ras))

    def landmark_placed(self, name: str, point_ras: Point) -> None:
        def place() -> None:
            self._presenter.end_place()
            self._presenter.set_landmark(name, point_ras)

        self._soon(f"place {name}", place)

    def placing_ended(self) -> None:
        self._soon("end place", self._presenter.end_place)

    def _soon(self, name: str, function: Callable[[], Any]) -> None:
        self._presenter.scheduler.soon(name, function)


def read_structure_names(path: Path) -> Mapping[str, str]:
    """A user's name table; raises InputError, naming the file, when it is none."""
    try:
        table = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path.name} cannot be read as JSON ({error}).") from error
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InputError(f"{path.name} must be a JSON object of structure names and organ names.")
    return table
