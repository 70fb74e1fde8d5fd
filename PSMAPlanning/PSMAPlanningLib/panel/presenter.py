"""What the panel decides: what can be done, what each press does, what is shown. It knows no Qt.

Every public action may be called at any time, in any order. One that cannot be done changes nothing,
says why in the view state, and returns False. The actions of each section are in a file of their own.
"""

from __future__ import annotations

from typing import Any

from ..case import PlanningCase
from ..imaging.phantom import PhantomParameters
from ..progress import Progress, Stage
from ..records import CaseState
from .contour_actions import ContourActions
from .lesion_actions import LesionActions
from .patient_actions import PatientActions
from .plan_actions import PlanActions
from .ports import SceneAdapter, Scheduler, Worker
from .presenter_core import LOAD_SAMPLE
from .restore_actions import RestoreActions
from .sample_case import make_surfaces, sample_case
from .scene_events import SceneEvents
from .view_actions import ViewActions
from .view_state import Action, Message
from .volume_actions import VolumeActions


class Presenter(
    RestoreActions, ViewActions, PatientActions, LesionActions, ContourActions, VolumeActions, PlanActions
):
    """The panel's decisions over one planning case at a time.

    case: the one to begin with; another takes its place when the scene is closed or a scene is loaded.
    A case that the scene holds is taken over by `restore`, which is due from the beginning.
    """

    def __init__(self, case: PlanningCase, scene: SceneAdapter, worker: Worker, scheduler: Scheduler) -> None:
        super().__init__(case, scene, worker, scheduler)
        scene.listener = SceneEvents(self)
        self.restore_is_due = True

    # The whole case

    def load_sample_case(self, variant: str = "full", seed: int = 1) -> bool:
        """Make the digital patient and take it for the case. variant: "full", or "small" for tests."""

        def compute(state: CaseState, progress: Progress) -> CaseState:
            stage = Stage(progress)
            after = sample_case(PhantomParameters(seed, variant), state.settings, stage.part(0.0, 0.9))
            make_surfaces(after, stage.part(0.9, 1.0))
            return after

        return self._do(Action.LOAD_SAMPLE, lambda: self._start(LOAD_SAMPLE, compute))

    def forget(self, changes: dict[str, Any], name: str, message: Message) -> bool:
        """Clear from the case what was deleted from the scene, as a step that undo takes back."""

        def clear() -> None:
            self._shown = None
            if changes:
                self._perform(name, **changes)
            else:
                self._show()
            self._message = message

        return self._do(None, clear)

    # History

    def undo(self) -> bool:
        return self._do(Action.UNDO, lambda: self.case.undo())

    def redo(self) -> bool:
        return self._do(Action.REDO, lambda: self.case.redo())
