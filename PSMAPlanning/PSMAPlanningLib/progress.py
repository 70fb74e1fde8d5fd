"""How long work reports where it is, and hears that it is to stop."""

from __future__ import annotations

from collections.abc import Callable

from .errors import CancelledError

Progress = Callable[[float, str], bool | None]
"""Called with the fraction done (0 to 1) and what is being done; False asks the work to stop."""


def no_progress(_fraction: float, _doing: str) -> None:
    """For callers that do not watch."""


class Stage:
    """Part of a longer piece of work, from one fraction of the whole to another."""

    def __init__(self, progress: Progress, start: float = 0.0, stop: float = 1.0) -> None:
        self._progress = progress
        self._start = start
        self._stop = stop

    def part(self, start: float, stop: float) -> Stage:
        """A stage inside this one; start and stop are fractions of this stage."""
        span = self._stop - self._start
        return Stage(self._progress, self._start + start * span, self._start + stop * span)

    def report(self, fraction: float, doing: str) -> None:
        """Say where the work is; raises CancelledError when it is to stop."""
        if self._progress(self._start + fraction * (self._stop - self._start), doing) is False:
            raise CancelledError("Cancelled; nothing was changed.")
