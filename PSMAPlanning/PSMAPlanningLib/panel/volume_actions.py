"""What the RT volumes section does; the actions are in the volume_ files beside this one."""

from __future__ import annotations

from .view_state import Action
from .volume_landmarks import VolumeLandmarks


class VolumeActions(VolumeLandmarks):
    """Importing, naming, growing, generating and drawing radiotherapy volumes."""

    def begin_volume_edit(self, name: str | None = None) -> bool:
        """Open the selected volume, or the one named, for drawing."""

        def begin() -> None:
            volume = self._require(name or self._form.selected)
            if self._drawing.name == volume.name:
                return
            self._editing.finish(self.case)
            self._drawing.begin(self.case, volume.name)

        return self._do_named(Action.DRAW, begin, name)

    def finish_volume_edit(self) -> bool:
        """Take over what was drawn and close the editor; nothing happens when nothing is being drawn on."""
        return self._do(None, lambda: self._drawing.finish(self.case))
