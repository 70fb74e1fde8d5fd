"""Work for what the views show, on a thread of its own beside the case's one piece of running work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import PlanningError
from ..progress import Progress
from .ports import Job, Worker
from .thread_worker import InlineWorker


class SideWork:
    """One thing at a time by name; a newer one replaces it, a dropped one is never heard of again.

    All methods are for the main thread. worker: at once unless told otherwise.
    """

    def __init__(self) -> None:
        self.worker: Worker = InlineWorker()
        self._tasks: dict[str, _Task] = {}

    def is_under_way(self, name: str) -> bool:
        return name in self._tasks

    def start(self, name: str, compute: Callable[[Progress], Any], deliver: Callable[[Any], None]) -> None:
        """Work something out; `deliver` is called on the main thread with the result, None when it failed."""
        self.drop(name)
        self._tasks[name] = task = _Task(self, name, deliver)
        job = self.worker.start(compute, task)
        # Work that ran at once has been delivered already.
        if self._tasks.get(name) is task:
            task.job = job

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is started meanwhile has ended when `start` returns."""
        former, self.worker = self.worker, InlineWorker()
        try:
            yield
        finally:
            self.worker = former

    def drop(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None and task.job is not None:
            task.job.cancel()

    def drop_all(self) -> None:
        for name in tuple(self._tasks):
            self.drop(name)

    def ended(self, task: _Task, result: Any) -> None:
        if self._tasks.get(task.name) is task:
            del self._tasks[task.name]
            task.deliver(result)


class _Task:
    """The listener of one piece of work."""

    def __init__(self, owner: SideWork, name: str, deliver: Callable[[Any], None]) -> None:
        self.job: Job | None = None
        self.name = name
        self.deliver = deliver
        self._owner = owner

    def progressed(self, fraction: float, doing: str) -> None:
        """Takes a second or two; nobody watches it."""

    def finished(self, result: Any) -> None:
        self._owner.ended(self, result)

    def failed(self, error: BaseException) -> None:
        self._owner.ended(self, None)
        if not isinstance(error, PlanningError):
            raise error
