"""Work on a thread: progress and end arrive on the main thread, cancel is quick, nothing is left running."""

from __future__ import annotations

import threading
import time

import pytest
from PSMAPlanningLib.errors import CancelledError, CaseError
from PSMAPlanningLib.panel.running_work import RunningWork
from PSMAPlanningLib.panel.thread_worker import InlineScheduler, InlineWorker, ThreadWorker
from PSMAPlanningLib.progress import Stage
from PSMAPlanningLib.records import CaseState


class HandClock:
    """A clock that the test ticks."""

    def __init__(self):
        self.tick = None
        self.starts = 0

    def start(self, tick):
        self.tick = tick
        self.starts += 1

    def stop(self):
        self.tick = None

    def run(self, until, seconds=5.0):
        end = time.perf_counter() + seconds
        while not until() and time.perf_counter() < end:
            if self.tick is not None:
                self.tick()
        assert until()


class Listener:
    def __init__(self):
        self.progress, self.results, self.errors, self.threads = [], [], [], set()

    def progressed(self, fraction, doing):
        self.threads.add(threading.current_thread())
        self.progress.append((fraction, doing))

    def finished(self, result):
        self.threads.add(threading.current_thread())
        self.results.append(result)

    def failed(self, error):
        self.errors.append(error)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def worker(clock):
    worker = ThreadWorker(clock)
    yield worker
    worker.close()


def _steps(count, seconds=0.01):
    def work(progress):
        for n in range(count):
            Stage(progress).report(n / count, "step")
            time.sleep(seconds)
        return CaseState()

    return work


def test_progress_and_result_arrive_on_the_main_thread(worker, clock):
    listener = Listener()
    worker.start(_steps(20), listener)
    clock.run(lambda: listener.results)
    assert listener.threads == {threading.main_thread()}
    assert 1 <= len(listener.progress) <= 20
    assert clock.tick is None
    assert worker.threads == 0


@pytest.mark.parametrize("error", [CaseError("no"), ZeroDivisionError("1/0")])
def test_an_error_arrives_once(worker, clock, error):
    listener = Listener()

    def work(_progress):
        raise error

    worker.start(work, listener)
    clock.run(lambda: listener.errors)
    assert listener.errors == [error]
    assert listener.results == []


def test_cancel_stops_the_thread_and_nothing_is_delivered(worker, clock):
    listener = Listener()
    seen = []

    def work(progress):
        try:
            return _steps(1000)(progress)
        except CancelledError as error:
            seen.append(error)
            raise

    job = worker.start(work, listener)
    clock.run(lambda: listener.progress)
    started = time.perf_counter()
    job.cancel()
    clock.run(lambda: worker.threads == 0)
    assert time.perf_counter() - started < 0.5
    assert seen
    assert (listener.results, listener.errors) == ([], [])
    assert clock.tick is None


def test_the_clock_runs_until_the_last_thread_ended(worker, clock):
    first, second = Listener(), Listener()
    job = worker.start(_steps(1000), first)
    job.cancel()
    worker.start(_steps(3), second)
    assert clock.starts == 1
    clock.run(lambda: worker.threads == 0)
    assert second.results
    assert not first.results


def test_close_stops_everything(worker, clock):
    listener = Listener()
    worker.start(_steps(5), listener)
    worker.close()
    assert clock.tick is None
    assert worker.threads == 0
    time.sleep(0.1)
    assert (listener.results, listener.errors) == ([], [])


def test_inline_work_is_done_when_start_returns():
    ends = []
    running = RunningWork(InlineWorker(), lambda: None, ends.append)
    state = CaseState()
    running.start("find", _steps(2, 0.0), state)
    assert not running.is_busy
    assert ends[0].started_from is state
    assert ends[0].result is not None


def test_a_mistake_in_inline_work_leaves_nothing_running():
    running = RunningWork(InlineWorker(), lambda: None, lambda outcome: None)

    def work(_progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        running.start("find", work, CaseState())
    assert not running.is_busy


def test_the_inline_scheduler_calls_at_once():
    called = []
    scheduler = InlineScheduler()
    scheduler.soon("a", lambda: called.append(1))
    scheduler.cancel_all()
    assert called == [1]
