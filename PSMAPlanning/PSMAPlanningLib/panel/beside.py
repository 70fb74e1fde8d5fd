"""What follows from the case and takes too long for the interface, worked out beside it.

The patient's result takes 0.4 s on a full patient after every decision, because the uncertainty of the
registration is tried out anew; the table of the lesions follows at once, the sentence a moment later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..case import PlanningCase
from ..errors import PlanningError
from ..records import CaseState
from .ports import Job, Worker

Result = TypeVar("Result")


@dataclass(frozen=True)
class Followed(Generic[Result]):
    """What is known about one state. problem: one sentence that says why there is no result."""

    result: Result | None = None
    problem: str = ""
    is_computing: bool = False


class Beside(Generic[Result]):
    """Keeps the result of the case's newest state, on a thread of its own; all methods are for the main one.

    worker: None works nothing out, as in the Python console, where whoever wants a result asks the case.
    compute: called on the thread. on_change: called on the main thread when the newest state's result came.
    """

    def __init__(
        self, compute: Callable[[PlanningCase, CaseState], Result], on_change: Callable[[], None]
    ) -> None:
        self.worker: Worker | None = None
        self._compute = compute
        self._on_change = on_change
        self._wanted: tuple[PlanningCase, CaseState] | None = None
        self._found: tuple[CaseState, Followed[Result]] | None = None
        self._task: _Task | None = None

    def follow(self, case: PlanningCase) -> None:
        """Have the result of the case's state worked out, unless it is known or under way."""
        self._wanted = (case, case.state)
        state = case.state
        is_known = self._found is not None and self._found[0] is state
        # One thread at a time: a state that was passed over meanwhile is never worked out.
        if self.worker is None or self._task is not None or is_known:
            return
        self._task = task = _Task(self, state)
        job = self.worker.start(lambda _progress: self._compute(case, state), task)
        if self._task is task:
            task.job = job

    def of(self, state: CaseState) -> Followed[Result]:
        """What is known about a state."""
        if self._found is not None and self._found[0] is state:
            return self._found[1]
        return Followed(is_computing=self.worker is not None)

    def drop(self) -> None:
        """Forget everything; nothing of what is under way arrives any more."""
        task, self._task, self._wanted, self._found = self._task, None, None, None
        if task is not None and task.job is not None:
            task.job.cancel()

    def ended(self, task: _Task, followed: Followed[Result]) -> None:
        if task is not self._task:
            return
        self._task = None
        self._found = (task.state, followed)
        if self._wanted is not None and self._wanted[1] is not task.state:
            self.follow(self._wanted[0])
        else:
            self._on_change()


class _Task:
    """The listener of one job."""

    def __init__(self, owner: Beside, state: CaseState) -> None:
        self.job: Job | None = None
        self.state = state
        self._owner = owner

    def progressed(self, _fraction: float, _doing: str) -> None:
        """Nobody watches it; it takes less than a second."""

    def finished(self, result: Any) -> None:
        self._owner.ended(self, Followed(result))

    def failed(self, error: BaseException) -> None:
        if not isinstance(error, PlanningError):
            self._owner.ended(self, Followed(problem=repr(error)))
            raise error
        self._owner.ended(self, Followed(problem=str(error)))
