"""Steps that long work needs done on the main thread, where Slicer's scene and its views live."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import PlanningError, SceneError
from ..progress import Stage

_LOOK_S = 0.02
Result = TypeVar("Result")


class MainThread:
    """A queue from one worker thread to the main thread, one step per turn of the event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Step] = []

    def call(self, function: Callable[[], Result], stage: Stage, fraction: float, doing: str) -> Result:
        """Have a step done and wait for it; at once when this is the main thread.

        Raises what the step raised, or CancelledError as soon as the work is to stop.
        """
        stage.report(fraction, doing)
        if threading.current_thread() is threading.main_thread():
            return function()
        step = _Step(function)
        self._waiting.append(step)
        try:
            while not step.is_done.wait(_LOOK_S):
                # Each report makes the main thread look at the queue; it raises when the work is to stop.
                stage.report(fraction, doing)
        finally:
            step.is_wanted = step.is_done.is_set()
        if step.error is not None:
            raise step.error
        if not step.has_ended_well:
            raise SceneError("A step in the scene failed unexpectedly; see Slicer's log.")
        return step.result

    def run_next(self) -> None:
        """Do the next step that is still wanted; for the main thread."""
        while self._waiting:
            step = self._waiting.pop(0)
            if step.is_wanted:
                step.run()
                return


class _Step:
    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.is_done = threading.Event()
        self.is_wanted = True
        self.has_ended_well = False
        self.result: Any = None
        self.error: PlanningError | OSError | None = None

    def run(self) -> None:
        try:
            self.result = self._function()
            self.has_ended_well = True
        except (PlanningError, OSError) as error:
            # It belongs to the thread that asked, which raises it again; a mistake of ours stays here.
            self.error = error
        finally:
            self.is_done.set()
