"""The case's own nodes in the scene: brought from one state to the next at once, or step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from .projection import SceneProjection

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..records import CaseState

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]


class CaseInScene:
    """The part of `PlanningScene` that shows the case."""

    _projection: SceneProjection
    _edit: Any
    _is_ours: int

    def prepare(self, after: CaseState) -> None:
        """Make ahead of time what showing a state needs; may be called on another thread."""
        self._projection.prepare(after)

    def show(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> None:
        """Bring the nodes from one state of the case to the next; None writes everything."""
        for _step in self.show_steps(before, after, coverage):
            pass

    def show_steps(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> Iterator[None]:
        """What `show` does, in steps; others may change the scene in between, and what they delete is told.

        Whoever stops half-way shows everything anew later.
        """
        steps = self._projection.steps(before, after, coverage)
        is_going_on = True
        try:
            while is_going_on:
                known = self._references_time()
                self._is_ours += 1
                try:
                    is_going_on = next(steps, _END) is not _END
                    if not is_going_on and self._edit is not None:
                        self._hide_edited_lesion(True)
                finally:
                    self._is_ours -= 1
                    if self._references_time() != known:
                        self._remember_ids()
                yield
        finally:
            # What was begun is told to its followers, also when it goes no further.
            with self._ours():
                steps.close()

    def show_contours_of(self, lesion_id: str | None) -> None:
        """Show the candidates of one lesion, and the band where they disagree, in the slices."""
        self._projection.show_contours_of(lesion_id)

    def _references_time(self) -> int:
        """When it last changed which nodes are the case's."""
        parameters = self._projection.nodes.existing_parameters()
        return 0 if parameters is None else parameters.GetMTime()

    def _remember_ids(self) -> None:
        raise NotImplementedError

    def _ours(self) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _hide_edited_lesion(self, hidden: bool) -> None:
        raise NotImplementedError


_END = object()
