"""The Export section in Qt: the scene, and everything else that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..case_export import CANDIDATES, LESIONS, VOLUMES
from .presenter import Presenter
from .translation import tr as _
from .view_state import Action, ViewState
from .words import in_panel_words, reason_text

_SAID_NOTES = 3


class ExportSection:
    """Wires what is written to the presenter."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._parts = {
            LESIONS: ui.exportLesionsCheckBox,
            VOLUMES: ui.exportVolumesCheckBox,
            CANDIDATES: ui.exportContoursCheckBox,
        }
        ui.saveSceneButton.connect("clicked()", self._save)
        ui.exportButton.connect("clicked()", self._export)
        ui.exportRtStructCheckBox.connect("toggled(bool)", self._show_structures)
        self._show_structures(ui.exportRtStructCheckBox.checked)

    def disconnect(self) -> None:
        self._ui.saveSceneButton.disconnect("clicked()", self._save)
        self._ui.exportButton.disconnect("clicked()", self._export)
        self._ui.exportRtStructCheckBox.disconnect("toggled(bool)", self._show_structures)

    def show(self, view: ViewState) -> None:
        self._ui.exportStatusLabel.text = export_text(view)

    def _save(self) -> None:
        self._presenter.save(Path(self._ui.scenePathLineEdit.currentPath))

    def _show_structures(self, wanted: bool) -> None:
        self._ui.rtStructGroupBox.setVisible(wanted)

    def _export(self) -> None:
        ui = self._ui
        parts = [part for part, box in self._parts.items() if box.checked]
        planning_ct = ui.planningFolderPathLineEdit.currentPath
        self._presenter.export_results(
            Path(ui.outputFolderPathLineEdit.currentPath),
            planning_ct=Path(planning_ct) if planning_ct else None,
            pictures=ui.exportPicturesCheckBox.checked,
            scene=ui.exportSceneCheckBox.checked,
            structures=frozenset(parts) if ui.exportRtStructCheckBox.checked else frozenset(),
            include_undecided=ui.exportUndecidedCheckBox.checked,
        )


def export_text(view: ViewState) -> str:
    """Under the button: what was written, and what must be known about it."""
    plan = view.plan
    if not plan.written:
        reason = view.blocked.get(Action.EXPORT)
        return reason_text(reason) if reason is not None and not view.is_busy else ""
    said = [
        _("Written into {folder}: {files}.").format(folder=plan.written_in, files=", ".join(plan.written))
    ]
    said += [in_panel_words(note) for note in plan.export_notes[:_SAID_NOTES]]
    if len(plan.export_notes) > _SAID_NOTES:
        said.append(
            _("{count} more notes are in the report.").format(count=len(plan.export_notes) - _SAID_NOTES)
        )
    return "\n".join(said)
