"""What follows from the case, worked out beside the interface: one at a time, never for a state gone by."""

from __future__ import annotations

import pytest
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.errors import PrescriptionError
from PSMAPlanningLib.panel.beside import Beside
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from test_panel.doubles import StepWorker
from test_scene.cases import small_state


class Told:
    def __init__(self, compute=lambda _case, state: state):
        self.count = 0
        self.beside = Beside(compute, self.on_change)
        self.beside.worker = StepWorker()
        self.case = PlanningCase(who="tester", start=small_state())

    def on_change(self):
        self.count += 1

    def follow(self):
        self.beside.follow(self.case)

    @property
    def jobs(self):
        return self.beside.worker.jobs

    @property
    def now(self):
        return self.beside.of(self.case.state)


@pytest.fixture
def told():
    return Told()


def test_a_result_comes_once_and_is_told_once(told):
    told.follow()
    assert told.now.is_computing and told.now.result is None
    told.jobs[0].run()
    told.follow()
    assert (told.now.result, told.count, len(told.jobs)) == (told.case.state, 1, 1)
    assert not told.now.is_computing


def test_states_passed_over_are_never_worked_out(told):
    told.follow()
    for _ in range(3):
        told.case.accept("L01")
        told.follow()
    assert len(told.jobs) == 1, "One thread at a time."
    told.jobs[0].run()
    assert told.count == 0 and told.now.is_computing, "The result was of a state that is gone."
    assert len(told.jobs) == 2
    told.jobs[1].run()
    assert told.now.result is told.case.state and told.count == 1


def test_dropped_work_is_never_heard_of(told):
    told.follow()
    told.beside.drop()
    assert told.jobs[0].is_cancelled
    told.jobs[0].run()
    told.jobs[0].listener.finished(told.case.state)
    assert told.count == 0 and told.now.result is None
    told.follow()
    told.jobs[1].run()
    assert told.now.result is told.case.state


def test_a_problem_is_said_and_not_tried_again():
    def fail(_case, _state):
        raise PrescriptionError("There is no volume PTVx.")

    told = Told(fail)
    told.follow()
    told.jobs[0].run()
    told.follow()
    assert told.now.problem == "There is no volume PTVx." and len(told.jobs) == 1


def test_a_mistake_of_ours_is_raised_and_ends_the_waiting():
    told = Told()
    told.follow()
    with pytest.raises(ZeroDivisionError):
        told.jobs[0].listener.failed(ZeroDivisionError("division by zero"))
    assert "division" in told.now.problem


def test_without_a_worker_nothing_is_worked_out(told):
    told.beside.worker = None
    told.follow()
    assert not told.now.is_computing and told.now.result is None


def test_work_at_once_is_told_before_it_returns(told):
    told.beside.worker = InlineWorker()
    told.follow()
    assert told.now.result is told.case.state and told.count == 1
