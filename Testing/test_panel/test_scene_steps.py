"""A change that is shown over several turns of the event loop: whole for everybody, at whatever moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.panel import scene_steps
from PSMAPlanningLib.panel.scene_steps import SceneSteps
from PSMAPlanningLib.panel.view_state import Notice
from PSMAPlanningLib.scene.owned_nodes import CONTOURS, LESIONS
from PSMAPlanningLib.scene.segments import segment_ids
from test_panel.doubles import Panel, TurnScheduler


class Pause:
    """How many pauses are open."""

    def __init__(self):
        self.open = 0

    def __enter__(self):
        self.open += 1

    def __exit__(self, *_error):
        self.open -= 1


@pytest.fixture(autouse=True)
def _every_step_a_turn(monkeypatch):
    monkeypatch.setattr(scene_steps, "_TURN_S", 0.0)


@pytest.fixture
def turning(headless):
    """A presenter over a filled scene; each step then waits for a turn of the event loop."""
    panel = Panel(headless)
    panel.fill()
    panel.pause = Pause()
    panel.presenter.pause_rendering = lambda: panel.pause
    panel.scheduler = panel.presenter.scheduler = TurnScheduler()
    yield panel
    panel.close()


def _lesions_shown(panel):
    node = panel.planning_scene.node(LESIONS)
    return () if node is None else segment_ids(node)


def _turn_until_shown(panel):
    turns = 0
    while panel.presenter.is_changing:
        panel.scheduler.turn()
        turns += 1
    panel.scheduler.turn()
    return turns


def test_a_change_takes_several_turns_and_is_told_when_it_is_there(turning):
    told = len(turning.heard)
    assert turning.presenter.undo()
    assert turning.presenter.is_changing and len(turning.heard) == told
    assert turning.pause.open == 1, "No view draws a half scene."
    assert _turn_until_shown(turning) > 3
    assert turning.pause.open == 0
    assert len(turning.heard) == told + 1
    assert turning.heard[-1].lesions == () and _lesions_shown(turning) == ()


@pytest.mark.parametrize("turns", [0, 1, 4])
def test_whoever_asks_for_the_view_sees_all_of_it_in_the_scene(turning, turns):
    turning.presenter.undo()
    for _turn in range(turns):
        turning.scheduler.turn()
    view = turning.view
    assert view.lesions == () and _lesions_shown(turning) == ()
    assert not turning.presenter.is_changing and turning.pause.open == 0
    assert turning.heard[-1].lesions == ()
    told = len(turning.heard)
    turning.scheduler.turn()
    turning.scheduler.turn()
    assert len(turning.heard) == told, "What was finished is not told again."


@pytest.mark.parametrize("turns", range(0, 12, 2))
def test_undone_and_redone_while_it_is_being_shown(turning, turns):
    turning.presenter.undo()
    for _turn in range(turns):
        turning.scheduler.turn()
    turning.presenter.redo()
    _turn_until_shown(turning)
    assert _lesions_shown(turning) == tuple(lesion.id for lesion in turning.state.lesions) != ()
    assert turning.planning_scene.node(CONTOURS) is not None
    assert turning.view.undo_name == "fill" and turning.pause.open == 0


@pytest.mark.parametrize("turns", range(0, 12, 2))
def test_a_node_deleted_meanwhile_is_gone_from_the_case_as_well(turning, turns):
    turning.presenter.undo()
    turning.presenter.redo()
    for _turn in range(turns):
        turning.scheduler.turn()
    node = turning.planning_scene.node(LESIONS)
    if node is not None:
        turning.scene.RemoveNode(node)
        turning.scheduler.run()
    _turn_until_shown(turning)
    assert _lesions_shown(turning) == tuple(lesion.id for lesion in turning.state.lesions)
    assert (node is None) == bool(turning.state.lesions)
    assert turning.pause.open == 0


@pytest.mark.parametrize("turns", range(0, 12, 3))
def test_a_scene_closed_meanwhile_leaves_nothing_to_be_done(turning, turns):
    turning.presenter.undo()
    turning.presenter.redo()
    for _turn in range(turns):
        turning.scheduler.turn()
    turning.scene.Clear(0)
    assert not turning.presenter.is_changing and turning.pause.open == 0
    turning.scheduler.turn()
    assert turning.state.lesions == () and turning.planning_scene.node(LESIONS) is None
    turning.fill()
    assert _lesions_shown(turning) == tuple(lesion.id for lesion in turning.state.lesions)


@pytest.mark.parametrize("turns", [0, 2, 5])
def test_closed_meanwhile_the_scene_keeps_the_whole_case(turning, turns):
    turning.presenter.undo()
    turning.presenter.redo()
    for _turn in range(turns):
        turning.scheduler.turn()
    ids = tuple(lesion.id for lesion in turning.state.lesions)
    turning.presenter.close()
    assert _lesions_shown(turning) == ids and turning.pause.open == 0
    assert turning.scheduler.turns == [] and not turning.presenter.is_changing


def test_saved_by_slicer_itself_meanwhile_the_file_has_the_whole_case(turning):
    turning.presenter.undo()
    turning.presenter.redo()
    turning.scene.InvokeEvent(turning.scene.StartSaveEvent)
    assert not turning.presenter.is_changing
    assert _lesions_shown(turning) == tuple(lesion.id for lesion in turning.state.lesions)


def test_a_change_from_the_console_is_shown_when_it_returns(turning):
    turning.presenter.case.undo()
    assert not turning.presenter.is_changing and _lesions_shown(turning) == ()
    assert turning.heard[-1].lesions == ()


def test_what_fails_in_a_later_turn_is_said_and_written_anew_with_the_next_change(turning, monkeypatch):
    steps = turning.planning_scene.show_steps

    def failing(*arguments):
        yield from list(steps(*arguments))[:3]
        raise SceneError("MRML refused this node.")

    monkeypatch.setattr(turning.planning_scene, "show_steps", failing)
    turning.presenter.undo()
    _turn_until_shown(turning)
    assert turning.heard[-1].message.notice is Notice.ERROR
    assert "refused" in turning.heard[-1].message.text and turning.pause.open == 0
    monkeypatch.undo()
    turning.presenter.redo()
    turning.presenter.finish_showing()
    assert _lesions_shown(turning) == tuple(row.id for row in turning.view.lesions) != ()


def test_a_mistake_of_ours_is_raised_and_lets_the_views_draw():
    pause, scheduler = Pause(), TurnScheduler()

    def mistaken():
        yield
        raise ZeroDivisionError

    steps = SceneSteps(scheduler.next_turn, lambda: pause, lambda error: None)
    steps.start(mistaken())
    assert pause.open == 1
    with pytest.raises(ZeroDivisionError):
        scheduler.turn()
    scheduler.turn()
    assert pause.open == 0 and not steps.are_pending


def test_dropped_steps_are_left_and_what_they_hold_is_let_go():
    pause, scheduler, done = Pause(), TurnScheduler(), []

    def steps_of():
        try:
            done.append(1)
            yield
            done.append(2)
        finally:
            done.append("end")

    steps = SceneSteps(scheduler.next_turn, lambda: pause, lambda error: done.append("told"))
    steps.start(steps_of())
    steps.drop()
    scheduler.turn()
    assert done == [1, "end"] and pause.open == 0


def test_without_an_event_loop_all_is_done_at_once():
    done = []

    def steps_of():
        done.append(1)
        yield
        done.append(2)

    steps = SceneSteps(lambda function: False, Pause, lambda error: done.append("told"))
    steps.start(steps_of())
    assert done == [1, 2] and not steps.are_pending


def test_changes_of_all_lesions_are_told_to_the_segmentations_followers_once(turning):
    node = turning.planning_scene.node(LESIONS)
    heard = []
    tag = node.AddObserver("AnyEvent", lambda _caller, event: heard.append(event))
    try:
        changed = tuple(
            replace(lesion, contour=replace(lesion.contour, mask=lesion.contour.mask.cropped(1)))
            for lesion in turning.state.lesions
        )
        turning.presenter.case.perform("change all", replace(turning.state, lesions=changed))
    finally:
        node.RemoveObserver(tag)
    # ModifiedEvent of tags and of voxels, and each kind of change to segments; not each of every segment.
    assert 0 < len(heard) == len(set(heard)), heard
