"""The panel in Qt: opens the .ui file, binds the selectors to the scene, says what each step waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.util import VTKObservationMixin


@parameterNodeWrapper
class PanelParameters:
    """What the user chose in the panel; stored in the scene, found by reference.

    pet, ct: images of the PET/CT study.
    planningCt: the CT the plan is made on, when it is not the CT of the study.
    rtVolumes: the segmentation that holds the radiotherapy volumes.
    """

    pet: slicer.vtkMRMLScalarVolumeNode
    ct: slicer.vtkMRMLScalarVolumeNode
    planningCt: slicer.vtkMRMLScalarVolumeNode
    rtVolumes: slicer.vtkMRMLSegmentationNode


class PlanningPanel(VTKObservationMixin):
    """The panel's widgets and their life; nothing is computed here.

    root: the widget to be put into the module's layout. ui: its children by name.
    """

    def __init__(self, ui_file: str, logic: Any) -> None:
        super().__init__()
        self._logic = logic
        self._parameters: PanelParameters | None = None
        self._gui_tag: int | None = None
        self.is_entered = False
        self.root = slicer.util.loadUI(ui_file)
        self.ui = slicer.util.childWidgetVariables(self.root)
        # The .ui file passes the scene on to every MRML widget.
        self.root.setMRMLScene(slicer.mrmlScene)
        self._sections = {
            "patient": self.ui.patientCollapsibleButton,
            "lesions": self.ui.lesionsCollapsibleButton,
            "contours": self.ui.contoursCollapsibleButton,
            "rtVolumes": self.ui.rtVolumesCollapsibleButton,
            "coverage": self.ui.coverageCollapsibleButton,
            "export": self.ui.exportCollapsibleButton,
        }
        self._remember_open_sections()
        self._disable_what_is_not_connected()
        self.ui.dicomButton.connect("clicked()", self._open_dicom_module)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._on_scene_start_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_end_close)
        self._show_status()

    # Life

    @property
    def observes_parameters(self) -> bool:
        """Whether the panel follows a parameter node now; it must not while another module is open."""
        return self._parameters is not None

    def enter(self) -> None:
        """Follow the scene's parameter node; called each time the module is opened."""
        self.is_entered = True
        self._follow(self._logic.getParameterNode())

    def exit(self) -> None:
        """Stop following; called each time another module is opened instead."""
        self.is_entered = False
        self._follow(None)

    def cleanup(self) -> None:
        """Undo every observation; called when the module is reloaded or Slicer closes."""
        self.exit()
        self.removeObservers()

    def _on_scene_start_close(self, _caller: Any, _event: str) -> None:
        self._follow(None)

    def _on_scene_end_close(self, _caller: Any, _event: str) -> None:
        if self.is_entered:
            self._follow(self._logic.getParameterNode())

    def _follow(self, parameters: PanelParameters | None) -> None:
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._gui_tag = None
            self.removeObserver(
                self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._show_status
            )
        self._parameters = parameters
        if self._parameters is not None:
            self._gui_tag = self._parameters.connectGui(self.ui)
            # The node, not its wrapper: each wrapper is another object, and the mixin keeps what it observed.
            self.addObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._show_status)
        self._show_status()

    # What each step waits for

    def _show_status(self, _caller: Any = None, _event: str | None = None) -> None:
        parameters = self._parameters
        pet = parameters.pet if parameters is not None else None
        volumes = parameters.rtVolumes if parameters is not None else None
        ui = self.ui
        ui.patientStatusLabel.text = _pet_status(pet)
        ui.rtVolumesStatusLabel.text = _volumes_status(volumes)
        ui.lesionsStatusLabel.text = (
            _("Waits for a PET: choose one under Patient.")
            if pet is None
            else _("Finding lesions is not connected to the panel yet; see the tooltip of the button.")
        )
        ui.contoursStatusLabel.text = _("Waits for lesions.")
        ui.coverageStatusLabel.text = (
            _("Waits for lesions and for RT volumes.") if volumes is None else _("Waits for lesions.")
        )
        ui.exportStatusLabel.text = _("Waits for a coverage table.")

    def _disable_what_is_not_connected(self) -> None:
        ui = self.ui
        not_connected = (
            ui.sampleCaseButton,
            ui.detectionThresholdSliderWidget,
            ui.minimumVolumeSpinBox,
            ui.findLesionsButton,
            ui.lesionTable,
            ui.acceptLesionButton,
            ui.rejectLesionButton,
            ui.undoButton,
            ui.redoButton,
            ui.fixedSuvRuleCheckBox,
            ui.percentMaxRuleCheckBox,
            ui.backgroundPercentRuleCheckBox,
            ui.consensusMethodComboBox,
            ui.contourButton,
            ui.importRtStructButton,
            ui.coverageTable,
            ui.outputFolderPathLineEdit,
            ui.exportButton,
        )
        notice = _(
            "Not connected to the panel yet. On files, the whole chain runs with "
            'slicer.util.getModuleLogic("PSMAPlanning").runFromFiles(pet, ct, volumes) '
            "in the Python console, or with the command psma-planning run."
        )
        for widget in not_connected:
            widget.enabled = False
            # An empty line keeps what the input will do apart from why it cannot be used.
            widget.toolTip = f"{widget.toolTip}\n\n{notice}"

    # Sections

    def _remember_open_sections(self) -> None:
        for name, section in self._sections.items():
            key = f"PSMAPlanning/SectionCollapsed/{name}"
            section.collapsed = slicer.util.settingsValue(key, section.collapsed, slicer.util.toBool)
            section.connect("contentsCollapsed(bool)", _settings_writer(key))

    def _open_dicom_module(self) -> None:
        slicer.util.selectModule("DICOM")


def _settings_writer(key: str) -> Callable[[bool], None]:
    def write(value: bool) -> None:
        qt.QSettings().setValue(key, value)

    return write


def _pet_status(pet: Any) -> str:
    """What is known about the chosen PET; its units are shown, never assumed."""
    if pet is None:
        return _("Waits for a PET: load a DICOM study or a file, then choose it above.")
    units = pet.GetVoxelValueUnits()
    if units is None or not units.GetCodeMeaning():
        return _("The units of {name} are not stated in the scene; it is not taken for SUV.").format(
            name=pet.GetName()
        )
    return _("{name} is in {units}.").format(name=pet.GetName(), units=units.GetCodeMeaning())


def _volumes_status(volumes: Any) -> str:
    if volumes is None:
        return _("Waits for RT volumes: load a segmentation or an RTSTRUCT, then choose it above.")
    count = volumes.GetSegmentation().GetNumberOfSegments()
    return _("{name}: {count} structures.").format(name=volumes.GetName(), count=count)
