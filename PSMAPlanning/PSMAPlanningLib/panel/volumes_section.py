"""The RT volumes section in Qt: its groups, and what stands above and below them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer

from . import volume_words as words
from .editor import ContourEditor
from .presenter import Presenter
from .translation import tr as _
from .view_state import ViewState
from .volumes_generate_group import GenerateGroup
from .volumes_mapping_group import MappingGroup
from .volumes_margin_group import MarginGroup
from .volumes_prescription_group import PrescriptionGroup

_FOLDER_SETTING = "PSMAPlanning/VolumesFolder"
_EDITOR_TAG = "PSMAPlanningVolumeEditor"


class VolumesSection:
    """Wires the RT volumes to the presenter, and shows them."""

    def __init__(self, ui: Any, presenter: Presenter) -> None:
        self._ui, self._presenter = ui, presenter
        self._is_showing = False
        self._shown: tuple[Any, ...] = (None,) * 5
        self._blocked: Any = None
        self._names: tuple[str, ...] | None = None
        self.mapping = MappingGroup(ui, presenter)
        self.margins = MarginGroup(ui, presenter)
        self.generation = GenerateGroup(ui, presenter)
        self.prescriptions = PrescriptionGroup(ui, presenter)
        # Of use to whoever segments lesion by lesion; volumes are not ticked off.
        ui.rtVolumesTableView.statusColumnVisible = False
        self.editor = ContourEditor(ui.volumeEditorFrame, _EDITOR_TAG)
        ui.importRtStructButton.connect("clicked()", self.choose_files)
        ui.importFolderButton.connect("clicked()", self.choose_folder)
        ui.volumeComboBox.connect("activated(int)", self._on_selected)
        ui.drawVolumeButton.connect("clicked(bool)", self._draw)
        ui.removeVolumeButton.connect("clicked()", lambda: presenter.remove_volume())
        self._groups = {
            "mapping": ui.mappingGroupBox,
            "margin": ui.marginGroupBox,
            "boost": ui.boostGroupBox,
            "nodes": ui.generateGroupBox,
            "bed": ui.bedGroupBox,
            "prescriptions": ui.prescriptionGroupBox,
            "notes": ui.notesGroupBox,
        }
        for name, group in self._groups.items():
            _remember_open(f"PSMAPlanning/VolumesCollapsed/{name}", group)

    def disconnect(self) -> None:
        """Let go of what would outlive the widgets."""
        self.mapping.disconnect()
        self.margins.disconnect()
        self.prescriptions.disconnect()
        self.editor.cleanup()

    def choose_files(self) -> None:
        """Ask for files of volumes and import them."""
        filters = _(
            "RTSTRUCT, DICOM SEG, label maps (*.dcm *.seg.nrrd *.nrrd *.nii *.nii.gz *.mha);;All files (*)"
        )
        title = _("Files with radiotherapy volumes")
        found = qt.QFileDialog.getOpenFileNames(
            self._ui.rtVolumesCollapsibleButton, title, self._folder(), filters
        )
        self._import([Path(str(path)) for path in found or ()])

    def choose_folder(self) -> None:
        """Ask for a folder that holds an RTSTRUCT or DICOM SEG, and import it."""
        title = _("Folder with an RTSTRUCT or DICOM SEG")
        folder = qt.QFileDialog.getExistingDirectory(
            self._ui.rtVolumesCollapsibleButton, title, self._folder()
        )
        self._import([Path(str(folder))] if folder else [])

    def show(self, view: ViewState) -> None:
        # Every action brings another message; progress of running work brings none and changes nothing here.
        state = (view.rt, view.message, view.is_busy, view.nodes["ct"], view.nodes["planning_ct"])
        if all(a is b for a, b in zip(state, self._shown, strict=True)) and view.blocked == self._blocked:
            return
        self._shown, self._blocked = state, view.blocked
        self._is_showing = True
        try:
            ui, rt = self._ui, view.rt
            ui.rtVolumesStatusLabel.text = words.status_text(view)
            # Without volumes there is nothing to name, draw or list.
            for widget in (
                ui.rtVolumesTableView,
                ui.volumeComboBox,
                ui.drawVolumeButton,
                ui.removeVolumeButton,
            ):
                widget.setVisible(bool(rt.rows))
            if ui.rtVolumesTableView.segmentationNode() is not rt.node:
                ui.rtVolumesTableView.setSegmentationNode(rt.node)
            self._show_choice(view)
            ui.drawVolumeButton.checked = rt.edited is not None
            self.editor.show(rt.edit_node, rt.edited, rt.source_node)
            self.mapping.show(view)
            self.margins.show(view)
            self.generation.show(view)
            self.prescriptions.show(view)
            ui.proposalsLabel.text = words.proposals_text(rt.generated)
            ui.proposalsLabel.toolTip = words.proposals_tooltip(rt.generated)
            ui.proposalsLabel.setVisible(bool(rt.generated))
            self._show_notes(rt.notes)
        finally:
            self._is_showing = False

    def _show_choice(self, view: ViewState) -> None:
        combo, rt = self._ui.volumeComboBox, view.rt
        names = tuple(row.name for row in rt.rows)
        if names != self._names:
            self._names = names
            combo.clear()
            combo.addItem(_("Select a volume"))
            for name in names:
                combo.addItem(name)
        combo.setCurrentIndex(names.index(rt.selected) + 1 if rt.selected in names else 0)

    def _show_notes(self, notes: tuple[str, ...]) -> None:
        box, widget = self._ui.notesGroupBox, self._ui.notesListWidget
        box.setVisible(len(notes) > 1)
        if not notes:
            return
        # A title with the step's name would make the panel as wide as the longest of them.
        box.title = _("Details of the last step ({count})").format(count=len(notes) - 1)
        box.toolTip = _("What was said by '{step}'.").format(step=notes[0])
        said = [words.in_words(note) for note in notes[1:]]
        if [widget.item(n).text() for n in range(widget.count)] == said:
            return
        widget.clear()
        for note in said:
            widget.addItem(note)
            widget.item(widget.count - 1).setToolTip(note)

    def _on_selected(self, index: int) -> None:
        if not self._is_showing and self._names is not None:
            self._presenter.select_volume(self._names[index - 1] if index > 0 else None)

    def _draw(self, wanted: bool) -> None:
        if wanted:
            self._presenter.begin_volume_edit()
        else:
            self._presenter.finish_volume_edit()

    def _import(self, paths: list[Path]) -> None:
        if paths:
            folder = paths[0] if paths[0].is_dir() else paths[0].parent
            qt.QSettings().setValue(_FOLDER_SETTING, str(folder))
            self._presenter.import_volumes(paths)

    @staticmethod
    def _folder() -> str:
        return slicer.util.settingsValue(_FOLDER_SETTING, "")


def _remember_open(key: str, group: Any) -> None:
    """Open and close a group as it was left the last time."""
    group.collapsed = slicer.util.settingsValue(key, group.collapsed, slicer.util.toBool)
    group.connect("toggled(bool)", lambda is_open: qt.QSettings().setValue(key, not is_open))
