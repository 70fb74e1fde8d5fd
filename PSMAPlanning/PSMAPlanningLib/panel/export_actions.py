"""What the Export section does beside saving the scene: report, pictures, structure set."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ..case import PlanningCase
from ..progress import Progress, Stage
from ..records import CaseState
from ..scene.scene_pictures import ScenePictures
from .export_request import ExportRequest
from .export_work import Exported, ExportWork
from .main_thread import MainThread
from .presenter_core import PresenterCore
from .running_work import Outcome
from .view_state import Action, Message, Notice, Reason

EXPORT = "export"


class ExportActions(PresenterCore):
    """Actions that write the case; they change nothing in it."""

    def __init__(self, *arguments: Any) -> None:
        self._main_thread = MainThread()
        self._exported: Exported | None = None
        super().__init__(*arguments)

    def export_results(self, parent: Path, **what: Any) -> bool:
        """Start writing results into a new folder inside `parent`; it appears when everything is in it.

        what: see ExportRequest.
        """

        def start() -> None:
            request = ExportRequest(parent, **what)
            work = ExportWork(
                request,
                request.destination(datetime.now()),
                self._current_what_if,
                ScenePictures(self._scene.scene),
                self._main_thread,
            )

            def compute(state: CaseState, progress: Progress) -> Exported:
                return work.write(state, Stage(progress))

            self._start(EXPORT, compute)

        return self._do(Action.EXPORT, start)

    def begin_again(self, start: CaseState | PlanningCase | None = None) -> None:
        self._exported = None
        super().begin_again(start)

    def _blocked(self) -> dict[Action, Reason]:
        blocked = super()._blocked()
        if Action.EXPORT not in blocked and self.case.state.pet is None:
            blocked[Action.EXPORT] = Reason.NO_PET
        return blocked

    def _take_outcome(self, outcome: Outcome) -> None:
        if outcome.name != EXPORT or outcome.error is not None:
            super()._take_outcome(outcome)
            return
        self._exported = outcome.result
        self._message = Message(Notice.EXPORTED, outcome.result.folder.name, len(outcome.result.files))

    def _export_view(self) -> dict[str, Any]:
        if self._exported is None:
            return {}
        return {
            "written_in": str(self._exported.folder),
            "written": self._exported.files,
            "export_notes": self._exported.notes,
        }
