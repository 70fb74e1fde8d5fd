"""The clocks the panel needs from Qt: one that lets worker threads run, one that calls soon."""

from __future__ import annotations

from collections.abc import Callable

import qt

_TICK_MS = 1
_SOON_MS = 10
"""As soon as both events of one Apply of the editor are there; a stroke should be in the table at once."""


class QtClock:
    """Ticks whenever Qt has nothing else to do; see thread_worker for why a thread needs it."""

    def __init__(self, parent: qt.QObject) -> None:
        self._timer = qt.QTimer(parent)
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self._on_timeout)
        self._tick: Callable[[], None] | None = None

    def start(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._tick = None

    @property
    def is_running(self) -> bool:
        return bool(self._timer.active)

    def _on_timeout(self) -> None:
        if self._tick is not None:
            self._tick()


class QtScheduler:
    """Calls functions a moment later, each name once: one Apply of the editor fires its event twice."""

    def __init__(self, parent: qt.QObject) -> None:
        self._timer = qt.QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.connect("timeout()", self.run_waiting)
        self._waiting: dict[str, Callable[[], None]] = {}
        self._turn = qt.QTimer(parent)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._turn.connect("timeout()", self._on_turn)
        self._next: list[Callable[[], None]] = []

    def next_turn(self, function: Callable[[], None]) -> bool:
        """Call a function when the events that wait now have been handled; a scheduler at work can."""
        self._next.append(function)
        self._turn.start()
        return True

    def soon(self, name: str, function: Callable[[], None]) -> None:
        self._waiting[name] = function
        self._timer.start()

    def cancel_all(self) -> None:
        self._waiting.clear()
        self._timer.stop()
        self._next.clear()
        self._turn.stop()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _on_turn(self) -> None:
        functions, self._next = self._next, []
        for function in functions:
            function()

    def run_waiting(self) -> None:
        """Call now what waits."""
        self._timer.stop()
        waiting, self._waiting = self._waiting, {}
        for function in waiting.values():
            function()
