"""What a change of the case writes into the scene, a little in each turn of the event loop.

All at once it took up to 0.4 s in desktop Slicer, in which no press and no movement of the mouse was heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from ..errors import PlanningError

_TURN_S = 0.02
"""How long steps go on in one turn; the last one began before that and may take a few times as long."""
Steps = Generator[None, None, None]


class SceneSteps:
    """At most one row of steps at a time; while there is one, the scene shows no state of the case.

    next_turn: calls a function in the next turn of the event loop, or says False where there is none; then
        everything is done at once. pause: makes what keeps views from drawing until all steps are done.
    on_end: called after the last step of a row that took more than one turn, with what one of them raised.
    """

    def __init__(
        self,
        next_turn: Callable[[Callable[[], None]], bool],
        pause: Callable[[], AbstractContextManager[Any]],
        on_end: Callable[[PlanningError | None], None],
    ) -> None:
        self._next_turn, self._pause, self._on_end = next_turn, pause, on_end
        self._steps: Steps | None = None
        self._paused = ExitStack()
        self._is_running = False

    @property
    def are_pending(self) -> bool:
        """Whether steps are still to be done, or one is just being done."""
        return self._steps is not None

    def start(self, steps: Steps) -> None:
        """Begin with steps, after those that are still to be done; raises what one of this turn raises."""
        if self._is_running:
            # A step that changed the case itself: what it wants shown is shown before it goes on.
            for _step in steps:
                pass
            return
        self.finish()
        self._steps = steps
        self._paused.enter_context(self._pause())
        self._run(_TURN_S)

    def finish(self) -> PlanningError | None:
        """Do now what is still to be done, and whoever looks at the scene next sees all of it.

        Returns what a step raised, which is too late for whoever made the change.
        """
        if self._steps is None or self._is_running:
            return None
        try:
            self._run(None)
        except PlanningError as error:
            return error
        return None

    def drop(self) -> None:
        """Leave the rest undone; the scene is to be written anew by whoever shows something next."""
        steps, self._steps = self._steps, None
        if steps is not None and not self._is_running:
            steps.close()
        self._paused.close()

    def _turn(self) -> None:
        # The steps of an earlier turn may have been finished or dropped meanwhile.
        if self._steps is None or self._is_running:
            return
        error = None
        # What is told at the end is drawn before the views are.
        paused = self._paused.pop_all()
        try:
            self._run(_TURN_S)
        except PlanningError as raised:
            error = raised
        finally:
            self._paused.push(paused)
            if self._steps is None and not self._next_turn(lambda: self._told(error)):
                self._told(error)

    def _told(self, error: PlanningError | None) -> None:
        try:
            self._on_end(error)
        finally:
            if self._steps is None:
                self._paused.close()

    def _run(self, seconds: float | None) -> None:
        """Do steps until the time is over, None: to the end; an error ends them all."""
        steps, end = self._steps, time.perf_counter() + (seconds or 0.0)
        is_to_be_continued = False
        self._is_running = True
        try:
            for _step in steps:
                if seconds is not None and time.perf_counter() >= end and self._next_turn(self._turn):
                    is_to_be_continued = True
                    return
        finally:
            self._is_running = False
            if not is_to_be_continued:
                self.drop()
