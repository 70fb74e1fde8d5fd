"""Workers and schedulers that a test moves on by hand, and a presenter over a real scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.errors import PlanningError
from PSMAPlanningLib.imaging.image import Image
from PSMAPlanningLib.panel.ports import JobListener, Work
from PSMAPlanningLib.panel.presenter import Presenter
from PSMAPlanningLib.panel.thread_worker import InlineScheduler
from PSMAPlanningLib.panel.view_state import ViewState
from PSMAPlanningLib.records import CaseState
from PSMAPlanningLib.scene.planning_scene import PlanningScene
from PSMAPlanningLib.scene.volume_nodes import write_image
from test_scene.cases import small_state


@dataclass
class StepJob:
    """Work that waits until the test lets it go on."""

    work: Work
    listener: JobListener
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def run(self) -> None:
        """Do the work to its end, as a thread would: nothing is delivered after cancel."""
        try:
            result = self.work(self._report)
        except PlanningError as error:
            if not self.is_cancelled:
                self.listener.failed(error)
        else:
            if not self.is_cancelled:
                self.listener.finished(result)

    def _report(self, fraction: float, doing: str) -> bool:
        if not self.is_cancelled:
            self.listener.progressed(fraction, doing)
        return not self.is_cancelled


@dataclass
class StepWorker:
    """Keeps what was started, for the test to run."""

    jobs: list[StepJob] = field(default_factory=list)

    def start(self, work: Work, listener: JobListener) -> StepJob:
        self.jobs.append(StepJob(work, listener))
        return self.jobs[-1]


@dataclass
class StepScheduler:
    """Keeps what is to be called soon, for the test to call."""

    waiting: dict[str, Callable[[], None]] = field(default_factory=dict)

    def soon(self, name: str, function: Callable[[], None]) -> None:
        self.waiting[name] = function

    def next_turn(self, _function: Callable[[], None]) -> bool:
        return False

    def cancel_all(self) -> None:
        self.waiting.clear()

    def run(self) -> None:
        waiting, self.waiting = self.waiting, {}
        for function in waiting.values():
            function()


@dataclass
class TurnScheduler(StepScheduler):
    """Has turns of an event loop, for the test to make one after the other."""

    turns: list[Callable[[], None]] = field(default_factory=list)

    def next_turn(self, function: Callable[[], None]) -> bool:
        self.turns.append(function)
        return True

    def turn(self) -> None:
        """What is asked for in a turn comes in the one after it."""
        turns, self.turns = self.turns, []
        for function in turns:
            function()

    def cancel_all(self) -> None:
        super().cancel_all()
        self.turns.clear()


class Panel:
    """A presenter over the scene of slicer-core, with everything it told its listener."""

    def __init__(self, slicer_app: Any, start: CaseState | None = None, worker: Any = None) -> None:
        self.scene = slicer_app.scene
        self.nodes_before = node_ids(self.scene)
        self.observers_before = observer_count(self.scene)
        self.planning_scene = PlanningScene(self.scene)
        self.worker = worker or StepWorker()
        self.scheduler = InlineScheduler()
        case = PlanningCase(who="tester", start=start)
        self.presenter = Presenter(case, self.planning_scene, self.worker, self.scheduler)
        self.presenter.restore_if_due()
        self.heard: list[ViewState] = []
        self.presenter.observe(self.heard.append)

    @property
    def view(self) -> ViewState:
        return self.presenter.view

    @property
    def state(self) -> CaseState:
        return self.presenter.case.state

    def fill(self, state: CaseState | None = None) -> None:
        """Give it a small patient with three lesions, as one step of the history."""
        self.presenter.case.perform("fill", state or _small_state())

    def volume_node(self, image: Image, name: str) -> Any:
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        write_image(image, node)
        return node

    def close(self) -> None:
        # What is still to be shown would come after the nodes are gone.
        self.presenter.finish_showing()
        self.planning_scene.remove_all()
        self.presenter.close()


@cache
def _small_state() -> CaseState:
    return small_state()


def node_ids(scene: Any) -> set[str]:
    from slicer import vtkMRMLSubjectHierarchyNode

    # A scene makes this one when it is first asked for.
    vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


def observer_count(scene: Any) -> int:
    """How many observers scene and nodes have; VTK counts them only in what it prints."""
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return sum(str(thing).count("vtkObserver (") for thing in (scene, *nodes))
