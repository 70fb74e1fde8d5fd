"""The one planning case of a scene, shared by the panel and the Python console."""

from __future__ import annotations

import getpass
from typing import Any

from ..case import PlanningCase
from ..scene.planning_scene import PlanningScene
from .ports import Worker
from .presenter import Presenter
from .thread_worker import InlineScheduler, InlineWorker

_sessions: dict[int, PlanningSession] = {}


class PlanningSession:
    """Case, presenter and scene access, together from the first use to `close`."""

    def __init__(self, scene: Any) -> None:
        self.scene = PlanningScene(scene)
        self.presenter = Presenter(PlanningCase(who=_who()), self.scene, InlineWorker(), InlineScheduler())

    @property
    def case(self) -> PlanningCase:
        return self.presenter.case

    def at_once(self, action: Any, *arguments: Any) -> None:
        """Do one of the presenter's actions and wait for its end; raises what it was refused for."""
        work = self.presenter.work
        worker: Worker = work.worker
        work.worker = InlineWorker()
        try:
            done = action(*arguments)
            # Whoever waits for an action goes on with what it put into the scene.
            self.presenter.finish_showing()
        finally:
            work.worker = worker
        if not done or self.presenter.error is not None:
            raise self.presenter.error

    def close(self) -> None:
        """Take every observer back and forget the case; the scene keeps it."""
        self.presenter.close()
        for key in [key for key, session in _sessions.items() if session is self]:
            del _sessions[key]


def session_of(scene: Any) -> PlanningSession:
    """The session of a scene, opened when there is none yet."""
    if id(scene) not in _sessions:
        _sessions[id(scene)] = PlanningSession(scene)
    return _sessions[id(scene)]


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have no name.
        return "unknown"
