"""Taking over the case that a loaded scene holds, beside the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..case import PlanningCase
from ..progress import Progress, Stage
from ..records import CaseState
from ..scene import framing
from ..scene.restore import StoredCase, restored_case
from .presenter_core import PresenterCore
from .running_work import Outcome
from .sample_case import make_surfaces
from .thread_worker import InlineWorker
from .view_state import Message, Notice

RESTORE = "take over the case"


@dataclass(frozen=True, eq=False)
class _TakenOver:
    """A case out of a scene with everything worked out that the panel shows of it."""

    stored: StoredCase
    case: PlanningCase
    notes: tuple[str, ...]


class RestoreActions(PresenterCore):
    """The way from a scene to its case.

    restore_is_due: whether the scene may hold a case that nobody looked for yet.
    """

    def __init__(self, *arguments: Any) -> None:
        self.restore_is_due = False
        self._is_restoring = self._is_quiet = False
        super().__init__(*arguments)

    def restore(self) -> bool:
        """Take over the case that is stored in the scene; nothing happens when there is none.

        The nodes are looked at now, and understood beside the interface; no action is possible meanwhile.
        """
        return self._do(None, self._begin_restoring)

    def restore_if_due(self) -> None:
        """The same where nobody did it since the scene was loaded."""
        if self.restore_is_due:
            self.restore()

    def finish_restoring(self) -> None:
        """Have the scene's case at once, for callers that cannot wait, like the Python console."""
        if not (self.restore_is_due or self._is_restoring):
            return
        former, self.work.worker = self.work.worker, InlineWorker()
        try:
            self.restore()
        finally:
            self.work.worker = former

    def drop_all(self) -> None:
        self.restore_is_due = self._is_restoring = False
        super().drop_all()

    def _begin_restoring(self) -> None:
        self.restore_is_due = self._is_restoring = False
        stored = self._scene.stored()
        if stored is None:
            return
        who = self.case.who

        def compute(_state: CaseState, progress: Progress) -> _TakenOver:
            return self._taken_over(stored, who, Stage(progress))

        self._is_restoring = True
        self._start(RESTORE, compute)

    def _take_outcome(self, outcome: Outcome) -> None:
        if outcome.name != RESTORE:
            super()._take_outcome(outcome)
            return
        self._is_restoring = False
        if outcome.error is not None:
            super()._take_outcome(outcome)
            return
        taken: _TakenOver = outcome.result
        if any(self._scene.by_id(node_id) is None for node_id in taken.stored.node_ids.values()):
            # A node was deleted in the meantime; what is left of the case is another one.
            self._begin_restoring()
            return
        state = taken.case.state
        self._is_quiet = True
        try:
            self.begin_again(taken.case)
            self._message = Message(Notice.RESTORED, " ".join(taken.notes), len(state.lesions))
            self._show()
        finally:
            self._is_quiet = False

    def _emit(self) -> None:
        # A new case whose nodes are not its own yet is nothing to show.
        if not self._is_quiet:
            super()._emit()

    def _taken_over(self, stored: StoredCase, who: str, stage: Stage) -> _TakenOver:
        """Understand what was taken from the scene, and work out what is shown of it; on any thread."""
        restored = restored_case(stored, stage.part(0.0, 0.4))
        stage.report(0.4, "coverage")
        case = PlanningCase(who=who, start=restored.state)
        case.coverage()
        stage.report(0.6, "regions")
        case.assigned_regions()
        # Both are kept by what they are of; the panel asks for them.
        framing.body_bounds(restored.state)
        framing.pelvis_bounds(restored.state)
        make_surfaces(restored.state, stage.part(0.7, 0.95))
        # Known to have been read from nodes, no image is prepared for another one.
        self._scene.took_over(stored, restored.state)
        self._scene.prepare(restored.state)
        return _TakenOver(stored, case, restored.notes)
