"""Taking what comes to a case later, unless it is another patient's; then somebody has to confirm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .presenter_core import PresenterCore
from .study_folder import PatientNotConfirmedError
from .view_state import Message, Notice


class OnePatient(PresenterCore):
    """What the actions that read files or nodes have in common."""

    def __init__(self, *arguments: Any) -> None:
        self._confirm_again: Callable[[str], None] | None = None
        super().__init__(*arguments)

    def _unless_another_patient(self, take: Callable[..., None]) -> None:
        """Take something, or start to; once somebody has confirmed that the patient is the same, again.

        take: called without arguments, or with who confirmed; may raise PatientNotConfirmedError at once, or
        from its work.
        """
        self._mismatch, self._confirm_again = None, take
        try:
            take()
        except PatientNotConfirmedError as error:
            self._ask_whose(error)

    def _ask_whose(self, error: PatientNotConfirmedError) -> None:
        self._mismatch = self.error = error
        self._message = Message(Notice.MISMATCH)
