"""What every step of the Python console goes through; the steps are in the console_ files beside this one."""

from __future__ import annotations

import typing

import slicer

if typing.TYPE_CHECKING:
    from ..case import PlanningCase
    from .session import PlanningSession


class ConsoleSteps:
    """The case of the scene, and one step of it at a time, done before the call returns.

    A step that cannot be done raises an error that says why, and changes nothing.
    """

    @property
    def session(self) -> PlanningSession:
        """The planning case of the scene with everything around it, shared with the panel."""
        from .session import session_of

        session = session_of(slicer.mrmlScene)
        # A case that is being taken over from a loaded scene is there when a step asks for it.
        session.presenter.finish_restoring()
        return session

    @property
    def case(self) -> PlanningCase:
        """The planning case itself; change it through the steps below."""
        return self.session.case

    def undo(self) -> None:
        """Take the last change of the case back, whoever made it."""
        self._do(self.session.presenter.undo)

    def redo(self) -> None:
        self._do(self.session.presenter.redo)

    def _do(self, action: typing.Any, *arguments: typing.Any) -> None:
        self.session.at_once(action, *arguments)
