"""What other guidelines and other decisions would miss, asked for by a press."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..case import PlanningCase
from ..case_what_if import EXTENSIONS, case_what_if
from ..coverage.what_if import Question, WhatIfColumn, questions
from ..progress import Progress, Stage
from ..records import CaseState
from ..rtvolumes.guideline_files import GUIDELINES, load_guideline
from .presenter_core import PresenterCore
from .running_work import Outcome
from .view_state import Action, Message, Notice, Reason

WHAT_IF = "compare guidelines"
SWITCHES = tuple(switch for _preset, switch in EXTENSIONS)
"""mesorectum, top at L4/5 and para-aortic, by their names in the guidelines."""


class WhatIfActions(PresenterCore):
    """The table of presets and decisions; it changes nothing in the case."""

    def __init__(self, *arguments: Any) -> None:
        self._what_if: tuple[CaseState, tuple[WhatIfColumn, ...]] | None = None
        super().__init__(*arguments)

    def compare_guidelines(self, switches: Sequence[str] = SWITCHES) -> bool:
        """Start making the table: every preset, those extensions whose switch is named, the decisions."""
        asked = _asked(switches)

        def compute(state: CaseState, progress: Progress) -> tuple[WhatIfColumn, ...]:
            # A case of its own: the thread must not meet the one that is being decided on.
            return case_what_if(PlanningCase(start=state), asked, Stage(progress))

        return self._do(Action.WHAT_IF, lambda: self._start(WHAT_IF, compute))

    def begin_again(self, start: CaseState | PlanningCase | None = None) -> None:
        self._what_if = None
        super().begin_again(start)

    def _blocked(self) -> dict[Action, Reason]:
        blocked = super()._blocked()
        if Action.WHAT_IF not in blocked and not self.case.state.lesions:
            blocked[Action.WHAT_IF] = Reason.NO_LESIONS
        return blocked

    def _take_outcome(self, outcome: Outcome) -> None:
        if outcome.name != WHAT_IF or outcome.error is not None:
            super()._take_outcome(outcome)
            return
        self._what_if = (outcome.started_from, outcome.result)
        self._message = Message(Notice.COMPARED, count=len(outcome.result))

    @property
    def _current_what_if(self) -> tuple[WhatIfColumn, ...] | None:
        """The table if it is of the case as it is now."""
        known = self._what_if
        return known[1] if known is not None and known[0] is self.case.state else None

    def _what_if_view(self) -> dict[str, Any]:
        if self._what_if is None:
            return {}
        return {"what_if": self._what_if[1], "what_if_is_old": self._what_if[0] is not self.case.state}


def _asked(switches: Sequence[str]) -> tuple[Question, ...]:
    kinds = {name: load_guideline(name).kind for name in GUIDELINES}
    return questions(kinds, tuple(pair for pair in EXTENSIONS if pair[1] in switches))
