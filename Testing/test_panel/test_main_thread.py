"""Steps that a worker thread has done on the main thread."""

from __future__ import annotations

import threading
import time

import pytest
from PSMAPlanningLib.errors import CancelledError, PlanningError, SceneError
from PSMAPlanningLib.panel.main_thread import MainThread
from PSMAPlanningLib.progress import Stage


class Asking(threading.Thread):
    """Asks for one step on a thread of its own, and keeps what came of it."""

    def __init__(self, main, step):
        super().__init__()
        self.main, self.step = main, step
        self.goes_on = True
        self.result = self.error = None
        self.start()

    def run(self):
        try:
            self.result = self.main.call(self.step, Stage(lambda *_: self.goes_on), 0.5, "picture")
        except PlanningError as error:
            self.error = error

    def end(self, main=None):
        deadline = time.monotonic() + 10
        while self.is_alive() and time.monotonic() < deadline:
            if main is not None:
                main.run_next()
            time.sleep(0.005)
        self.join(1)
        assert not self.is_alive()


@pytest.fixture
def main():
    return MainThread()


def test_the_step_runs_on_the_main_thread_and_its_result_comes_back(main):
    asking = Asking(main, threading.current_thread)
    asking.end(main)
    assert asking.result is threading.main_thread()


def test_what_the_step_raises_is_raised_where_it_was_asked_for(main):
    def fail():
        raise SceneError("There is no PET.")

    asking = Asking(main, fail)
    asking.end(main)
    assert isinstance(asking.error, SceneError)


def test_a_mistake_of_ours_is_not_hidden_and_ends_the_waiting(main):
    asking = Asking(main, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asking.end(main)
    asking.end(main)
    assert isinstance(asking.error, SceneError)


def test_cancelled_while_waiting_the_step_is_never_done(main):
    done = []
    asking = Asking(main, lambda: done.append(1))
    asking.goes_on = False
    asking.end()
    assert isinstance(asking.error, CancelledError)
    main.run_next()
    assert done == []


def test_on_the_main_thread_it_is_done_at_once(main):
    assert main.call(lambda: 7, Stage(lambda *_: True), 0.0, "picture") == 7


def test_nothing_waits_nothing_happens(main):
    main.run_next()
