"""Work on a thread of its own, watched by a clock that lets the thread run. It knows no Qt.

An idle Qt event loop holds Python's global lock, so in Slicer a thread stands still unless the main
thread lets go of the lock now and then: that is what each tick does (measured in Slicer 5.13).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from ..errors import PlanningError
from .ports import JobListener, Work

YIELD_S = 0.01


class Clock(Protocol):
    """Calls `tick` about every 10 ms on the main thread, until stopped."""

    def start(self, tick: Callable[[], None]) -> None: ...
    def stop(self) -> None: ...


class ThreadWorker:
    """Runs work on threads; the clock runs only while there is any, cancelled ones included."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: list[ThreadJob] = []

    def start(self, work: Work, listener: JobListener) -> ThreadJob:
        job = ThreadJob(work, listener)
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._clock.start(self.tick)
        return job

    @property
    def threads(self) -> int:
        """How many threads have not ended yet."""
        return len(self._jobs)

    def tick(self) -> None:
        """Let the threads run for a moment, then pass on what they have to say."""
        time.sleep(YIELD_S)
        ended = [job for job in self._jobs if job.has_ended]
        self._jobs = [job for job in self._jobs if job not in ended]
        if not self._jobs:
            self._clock.stop()
        for job in (*self._jobs, *ended):
            job.deliver()

    def close(self) -> None:
        """Cancel everything and stop the clock; a thread that has not noticed yet ends by itself."""
        for job in self._jobs:
            job.cancel()
        self._jobs = []
        self._clock.stop()


class ThreadJob:
    """One piece of work on its thread. All methods are for the main thread."""

    def __init__(self, work: Work, listener: JobListener) -> None:
        self._listener: JobListener | None = listener
        self._stop = threading.Event()
        self._latest: tuple[float, str] | None = None
        executor = ThreadPoolExecutor(1, thread_name_prefix="PSMAPlanning")
        self._future: Future = executor.submit(work, self._report)
        executor.shutdown(wait=False)

    @property
    def has_ended(self) -> bool:
        return self._future.done()

    def cancel(self) -> None:
        """Ask the thread to stop; nothing is delivered any more."""
        self._stop.set()
        self._listener = None

    def deliver(self) -> None:
        """Tell the listener the latest progress, and the end when it has come."""
        if self._listener is None:
            return
        latest, self._latest = self._latest, None
        if not self.has_ended:
            if latest is not None:
                self._listener.progressed(*latest)
            return
        listener, self._listener = self._listener, None
        error = self._future.exception()
        if error is not None:
            listener.failed(error)
        else:
            listener.finished(self._future.result())

    def _report(self, fraction: float, doing: str) -> bool:
        """Called on the thread."""
        self._latest = (fraction, doing)
        return not self._stop.is_set()


class InlineWorker:
    """Runs work at once, for the Python console and for tests; the interface waits."""

    def start(self, work: Work, listener: JobListener) -> InlineJob:
        try:
            result = work(lambda _fraction, _doing: True)
        except PlanningError as error:
            listener.failed(error)
        else:
            listener.finished(result)
        return InlineJob()


class InlineJob:
    """Work that has ended already."""

    def cancel(self) -> None:
        """Nothing to stop."""


class InlineScheduler:
    """Calls at once what is to be called soon; for scenes without an event loop."""

    def soon(self, _name: str, function: Callable[[], None]) -> None:
        function()

    def next_turn(self, _function: Callable[[], None]) -> bool:
        return False

    def cancel_all(self) -> None:
        """Nothing waits."""
