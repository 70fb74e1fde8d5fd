"""What the Coverage and Export sections do; the steps of each are in a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..coverage.regions import RegionAssignment
from .beside import Beside
from .dose_actions import DoseActions
from .export_actions import ExportActions
from .plan_view import PlanFacts, PlanView, plan_facts
from .view_state import Action, Message, Notice
from .what_if_actions import WhatIfActions


class PlanActions(WhatIfActions, DoseActions, ExportActions):
    """Actions on what the volumes miss, and on what is written of it.

    beside: works the patient's result out after every change; without a worker it does nothing.
    """

    def __init__(self, *arguments: Any) -> None:
        self.beside: Beside[PlanFacts] = Beside(plan_facts, self._emit)
        super().__init__(*arguments)

    def save(self, path: Path) -> bool:
        """Write the whole scene as .mrb, in which the case comes back."""

        def save() -> None:
            self._editing.finish(self.case)
            self._scene.save(path)
            self._message = Message(Notice.SAVED, path.name)

        return self._do(Action.SAVE, save)

    def drop_all(self) -> None:
        super().drop_all()
        self.beside.drop()

    def _emit(self) -> None:
        # Running work that needs the scene waits for its turn; each of its reports leads here.
        self._main_thread.run_next()
        self.beside.follow(self.case)
        super()._emit()

    def _regions(self) -> Mapping[str, RegionAssignment]:
        return super()._regions() if self.beside.worker is None else self.case.known_regions()

    def _plan_view(self) -> PlanView:
        followed = self.beside.of(self.case.state)
        view = PlanView(followed.result, followed.problem, followed.is_computing)
        return replace(view, **self._what_if_view(), **self._dose_view(), **self._export_view())
