"""The one piece of long work that may be under way, and what becomes of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..records import CaseState
from .ports import Job, Work, Worker
from .view_state import Progress


@dataclass(frozen=True)
class Outcome:
    """How work ended. started_from: the state of the case then; exactly one of result and error is set."""

    name: str
    started_from: CaseState
    result: CaseState | None = None
    error: BaseException | None = None


class RunningWork:
    """Starts, watches and drops work; a dropped one is never heard of again.

    on_progress, on_end: called on the main thread.
    """

    def __init__(
        self, worker: Worker, on_progress: Callable[[], None], on_end: Callable[[Outcome], None]
    ) -> None:
        self.worker = worker
        self.progress: Progress | None = None
        self._on_progress = on_progress
        self._on_end = on_end
        self._task: _Task | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    def start(self, name: str, work: Work, started_from: CaseState) -> None:
        self.drop()
        self.progress = Progress(0.0, "")
        self._task = task = _Task(self, name, started_from)
        # Work that runs at once has ended when `start` returns, and its job is of no use any more.
        try:
            task.job = self.worker.start(work, task)
        finally:
            if task.job is None:
                self.drop()

    def drop(self) -> None:
        """Stop the work; nothing of it arrives any more, even if it takes a while to notice."""
        task, self._task, self.progress = self._task, None, None
        if task is not None and task.job is not None:
            task.job.cancel()

    def progressed(self, task: _Task, fraction: float, doing: str) -> None:
        if task is self._task:
            self.progress = Progress(fraction, doing)
            self._on_progress()

    def ended(self, task: _Task, outcome: Outcome) -> None:
        if task is self._task:
            self._task = self.progress = None
            self._on_end(outcome)


class _Task:
    """The listener of one job; knows which one it was, so that a late message reaches nobody."""

    def __init__(self, owner: RunningWork, name: str, started_from: CaseState) -> None:
        self.job: Job | None = None
        self._owner = owner
        self._name = name
        self._started_from = started_from

    def progressed(self, fraction: float, doing: str) -> None:
        self._owner.progressed(self, fraction, doing)

    def finished(self, result: CaseState) -> None:
        self._owner.ended(self, Outcome(self._name, self._started_from, result=result))

    def failed(self, error: BaseException) -> None:
        self._owner.ended(self, Outcome(self._name, self._started_from, error=error))
