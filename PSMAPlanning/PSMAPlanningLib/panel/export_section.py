"""The Export section in Qt: the scene, and everything else that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from .presenter import Presenter
from .view_state import ViewState


class ExportSection:
    """Wires what is written to the presenter."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        ui.saveSceneButton.connect("clicked()", self._save)
        self._disable_what_is_not_connected()

    def disconnect(self) -> None:
        """Nothing outlives the widgets here."""

    def show(self, view: ViewState) -> None:
        """What can be done is shown with the other actions."""

    def _save(self) -> None:
        self._presenter.save(Path(self._ui.scenePathLineEdit.currentPath))

    def _disable_what_is_not_connected(self) -> None:
        notice = _(
            "Not connected to the panel yet. On files, the whole chain runs with "
            'slicer.util.getModuleLogic("PSMAPlanning").runFromFiles(pet, ct, volumes) '
            "in the Python console, or with the command psma-planning run."
        )
        for widget in (self._ui.outputFolderPathLineEdit, self._ui.exportButton):
            widget.enabled = False
            widget.toolTip = f"{widget.toolTip}\n\n{notice}"
        self._ui.exportStatusLabel.text = _("Report and pictures are written by psma-planning run.")
