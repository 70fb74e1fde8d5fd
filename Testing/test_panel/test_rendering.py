"""Views drawn one after the other once all nodes follow: seen on the stand-in's slice views."""

from __future__ import annotations

import pytest
from test_panel import standin_fixture

standin = standin_fixture.standin


@pytest.fixture
def paused(standin):
    import slicer

    slicer.util.selectModule("PSMAPlanning")
    from PSMAPlanningLib.panel.rendering import PausedRendering

    standin.run_events(0.05)
    return PausedRendering


@pytest.fixture
def views(paused):
    import slicer

    manager = slicer.app.layoutManager()
    return [manager.sliceWidget(name).sliceView() for name in manager.sliceViewNames()]


def _drawn(views):
    return [view._drawings for view in views]


def test_what_is_asked_for_meanwhile_is_drawn_once_and_one_view_a_turn(standin, paused, views):
    from PySide6.QtCore import QCoreApplication, QEventLoop

    before = _drawn(views)
    with paused():
        for view in (*views, *views):
            view.scheduleRender()
    assert _drawn(views) == before, "The panel's tables are painted first."
    longest = 0
    for _turn in range(3 * len(views)):
        former = sum(_drawn(views))
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
        longest = max(longest, sum(_drawn(views)) - former)
    assert _drawn(views) == [count + 1 for count in before]
    assert longest == 1
    assert [view._pauses for view in views] == [0] * len(views)


def test_of_two_pauses_the_last_one_draws(standin, paused, views):
    before = _drawn(views)
    outer = paused()
    outer.__enter__()
    with paused():
        views[0].scheduleRender()
    standin.run_events(0.05)
    assert _drawn(views) == before
    outer.__exit__(None, None, None)
    standin.run_events(0.05)
    assert _drawn(views) == [before[0] + 1, *before[1:]]


def test_a_view_deleted_meanwhile_keeps_no_other_from_drawing(standin, paused, views, monkeypatch):
    before = _drawn(views)
    with paused():
        views[1].scheduleRender()

    resume, gone = type(views[0]).resumeRender, views[0]

    def resume_unless_gone(view):
        if view is gone:
            raise ValueError("Trying to call 'resumeRender' on a destroyed qMRMLSliceView object")
        return resume(view)

    monkeypatch.setattr(type(gone), "resumeRender", resume_unless_gone)
    standin.run_events(0.05)
    assert views[1]._drawings == before[1] + 1
    assert views[2]._pauses == 0
