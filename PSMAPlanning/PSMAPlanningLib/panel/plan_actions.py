"""What the Coverage and Export sections do: everything that is written."""

from __future__ import annotations

from pathlib import Path

from .presenter_core import PresenterCore
from .view_state import Action, Message, Notice


class PlanActions(PresenterCore):
    """Actions on what the volumes miss, and on what is written of it."""

    def save(self, path: Path) -> bool:
        """Write the whole scene as .mrb, in which the case comes back."""

        def save() -> None:
            self._editing.finish(self.case)
            self._scene.save(path)
            self._message = Message(Notice.SAVED, path.name)

        return self._do(Action.SAVE, save)
