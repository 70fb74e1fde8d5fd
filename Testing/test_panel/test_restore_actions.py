"""A loaded scene's case is taken over beside the interface: what is possible meanwhile, and what drops it."""

from __future__ import annotations

import pytest
from PSMAPlanningLib.panel.restore_actions import RESTORE
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.records import LesionState
from PSMAPlanningLib.scene.owned_nodes import CT, LESIONS, PET
from PSMAPlanningLib.scene.restore import CASE_PARAMETER
from PSMAPlanningLib.scene.save import load_scene
from test_panel.doubles import Panel


@pytest.fixture
def panel(headless):
    panel = Panel(headless)
    yield panel
    panel.close()


@pytest.fixture
def saved(panel, tmp_path):
    """An empty scene, and beside it the file of one with a decided case."""
    panel.fill()
    panel.presenter.accept("L01")
    panel.path = tmp_path / "case.mrb"
    assert panel.presenter.save(panel.path)
    panel.scene.Clear(0)
    return panel


def _load(panel):
    load_scene(panel.scene, panel.path)
    return panel.worker.jobs[-1]


def test_meanwhile_nothing_can_be_done_and_it_is_said_why(saved):
    job = _load(saved)
    assert saved.view.is_busy and saved.view.lesions == ()
    for action in (Action.FIND, Action.EXPORT, Action.UNDO, Action.LOAD_SAMPLE):
        assert saved.view.blocked[action] is Reason.BUSY
    assert not saved.presenter.find_lesions()
    saved.heard.clear()
    job.run()
    steps = [view.progress.doing for view in saved.heard if view.progress is not None]
    assert "taking over the case" in steps
    assert len(saved.view.lesions) == 3 and not saved.view.is_busy
    assert saved.presenter.case.lesion("L01").state is LesionState.ACCEPTED
    assert saved.view.message.notice is Notice.RESTORED


def test_what_was_read_from_nodes_is_shown_by_them(saved):
    job = _load(saved)
    ids = {role: saved.planning_scene.node(role).GetID() for role in (PET, CT, LESIONS)}
    job.run()
    assert {role: saved.planning_scene.node(role).GetID() for role in ids} == ids


def test_cancelled_the_case_stays_in_the_scene(saved):
    job = _load(saved)
    assert saved.presenter.cancel()
    job.run()
    assert saved.view.lesions == () and not saved.view.is_busy
    assert saved.planning_scene.node(LESIONS) is not None
    assert saved.presenter.restore()
    saved.worker.jobs[-1].run()
    assert len(saved.view.lesions) == 3


def test_closing_the_scene_drops_it(saved):
    job = _load(saved)
    saved.scene.Clear(0)
    assert job.is_cancelled and not saved.view.is_busy
    job.run()
    assert saved.view.lesions == () and saved.planning_scene.node(PET) is None
    saved.presenter.finish_restoring()
    assert saved.view.lesions == ()


def test_another_scene_takes_its_place(saved, tmp_path):
    _load(saved).run()
    saved.presenter.reject("ureter", "L02")
    other = tmp_path / "other.mrb"
    assert saved.presenter.save(other)
    former = _load(saved)
    load_scene(saved.scene, other)
    assert former.is_cancelled
    former.run()
    assert saved.view.lesions == ()
    saved.worker.jobs[-1].run()
    assert saved.presenter.case.lesion("L02").state is LesionState.REJECTED


def test_a_node_that_is_deleted_meanwhile_is_missing_in_the_case(saved):
    job = _load(saved)
    saved.scene.RemoveNode(saved.planning_scene.node(CT))
    job.run()
    assert saved.view.is_busy, "What is left is looked at again."
    saved.worker.jobs[-1].run()
    assert saved.state.ct is None and saved.state.pet is not None
    assert len(saved.view.lesions) == 3


def test_the_console_does_not_wait(saved):
    job = _load(saved)
    saved.presenter.finish_restoring()
    assert job.is_cancelled and len(saved.view.lesions) == 3
    jobs, case = len(saved.worker.jobs), saved.presenter.case
    job.run()
    saved.presenter.finish_restoring()
    saved.presenter.restore_if_due()
    assert (len(saved.worker.jobs), saved.presenter.case) == (jobs, case), "Once is enough."


def test_a_damaged_case_is_said_and_the_former_one_stays(saved):
    _load(saved).run()
    case = saved.presenter.case
    parameters = saved.planning_scene.stored() and saved.scene.GetSingletonNode(
        "PSMAPlanning", "vtkMRMLScriptedModuleNode"
    )
    parameters.SetParameter(CASE_PARAMETER, "{not json")
    saved.presenter.restore()
    saved.worker.jobs[-1].run()
    assert saved.view.message.notice is Notice.ERROR and "damaged" in saved.view.message.text
    assert saved.presenter.case is case


def test_coverage_is_there_when_the_case_is_shown(saved, monkeypatch):
    """It takes a second on a full patient, which the main thread must not be asked for."""
    job = _load(saved)
    taken = job.work(lambda _fraction, _doing: True)
    asked = []
    cache = taken.case._coverage
    monkeypatch.setattr(type(cache), "solid", lambda *_given: asked.append(1))
    assert taken.case.coverage() and taken.case.assigned_regions() is not None
    assert not asked
    assert RESTORE == "take over the case"
