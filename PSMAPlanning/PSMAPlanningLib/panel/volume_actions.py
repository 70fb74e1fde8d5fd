"""What the RT volumes section does: taking radiotherapy volumes from a segmentation."""

from __future__ import annotations

from typing import Any

from .presenter_core import PresenterCore
from .view_state import Action


class VolumeActions(PresenterCore):
    """Actions on the radiotherapy volumes."""

    def choose_volumes(self, node: Any | None) -> bool:
        """Take the segments of a segmentation node as RT volumes."""
        if node is self._scene.volumes_source(self.case.state):
            return True
        return self._do(Action.CHOOSE, lambda: self._choose_volumes(node))

    def _choose_volumes(self, node: Any | None) -> None:
        volumes, warnings = (), ()
        if node is not None:
            volumes, warnings = self._scene.read_volumes(node, self.case.state.pet)
        known = self.case.state.warnings
        self._perform("choose RT volumes", volumes=volumes, warnings=tuple(dict.fromkeys(known + warnings)))
