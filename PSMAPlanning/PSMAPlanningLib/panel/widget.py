"""The panel in Qt: opens the .ui file, passes presses on to the presenter, shows its view state."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import slicer
import vtk
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.util import VTKObservationMixin

from . import words
from .contours_section import ContoursSection
from .coverage_section import CoverageSection
from .export_section import ExportSection
from .lesions_section import LesionsSection
from .patient_section import PatientSection
from .rendering import PausedRendering
from .sections import remember_open_sections
from .session import session_of
from .thread_worker import InlineScheduler, InlineWorker, ThreadWorker
from .translation import tr as _
from .view_state import ViewState
from .views_section import ViewsSection
from .volumes_section import VolumesSection
from .widget_names import PARAMETERS, WIDGETS
from .worker import QtClock, QtScheduler


@parameterNodeWrapper
class PanelParameters:
    """What the user chose in the panel; stored in the scene, found by reference.

    pet, ct: images of the PET/CT study.
    planningCt: the CT the plan is made on, when it is not the CT of the study.
    petToPlanning: the transform that moves the PET onto the planning CT.
    rtVolumes: the segmentation that holds the radiotherapy volumes.
    """

    pet: slicer.vtkMRMLScalarVolumeNode
    ct: slicer.vtkMRMLScalarVolumeNode
    planningCt: slicer.vtkMRMLScalarVolumeNode
    petToPlanning: slicer.vtkMRMLLinearTransformNode
    rtVolumes: slicer.vtkMRMLSegmentationNode


class PlanningPanel(VTKObservationMixin):
    """The panel's widgets and their life; nothing is computed or decided here.

    root: the widget to be put into the module's layout. ui: its children by name.
    """

    def __init__(self, ui_file: str, logic: Any) -> None:
        super().__init__()
        self._logic = logic
        self._parameters: PanelParameters | None = None
        self._gui_tag: int | None = None
        self._is_rendering = False
        self.is_entered = False
        self.root = slicer.util.loadUI(ui_file)
        self.ui = slicer.util.childWidgetVariables(self.root)
        # The .ui file passes the scene on to every MRML widget.
        self.root.setMRMLScene(slicer.mrmlScene)
        self.clock = QtClock(self.root)
        self.worker = ThreadWorker(self.clock)
        self.scheduler = QtScheduler(self.root)
        self.session = session_of(slicer.mrmlScene)
        self.presenter = self.session.presenter
        self.presenter.work.worker = self.worker
        self.presenter.beside.worker = self.worker
        self.presenter.scheduler = self.scheduler
        self.presenter.pause_rendering = PausedRendering
        self.views = ViewsSection(self.ui, self.presenter)
        self.patient = PatientSection(self.ui, self.presenter)
        self.lesions = LesionsSection(self.ui, self.presenter)
        self.contours = ContoursSection(self.ui, self.presenter)
        self.volumes = VolumesSection(self.ui, self.presenter)
        self.coverage = CoverageSection(self.ui, self.presenter)
        self.export = ExportSection(self.ui, self.presenter)
        self._sections = (
            self.patient,
            self.lesions,
            self.contours,
            self.volumes,
            self.coverage,
            self.export,
            self.views,
        )
        self._reasons: dict[str, Any] = {}
        self._tooltips = {name: widget.toolTip for name, widget in self._widgets_of_actions().items()}
        remember_open_sections(
            patient=self.ui.patientCollapsibleButton,
            lesions=self.ui.lesionsCollapsibleButton,
            contours=self.ui.contoursCollapsibleButton,
            rtVolumes=self.ui.rtVolumesCollapsibleButton,
            coverage=self.ui.coverageCollapsibleButton,
            export=self.ui.exportCollapsibleButton,
        )
        self._connect()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._on_scene_start_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._on_scene_end_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self._on_scene_end_close)
        self._stop_rendering = self.presenter.observe(self._render)
        self._render(self.presenter.view)
        self.presenter.restore_if_due()

    # Life

    @property
    def observes_parameters(self) -> bool:
        """Whether the panel follows a parameter node now; it must not while another module is open."""
        return self._parameters is not None

    def enter(self) -> None:
        """Follow the scene's parameter node; called each time the module is opened."""
        self.is_entered = True
        self.views.enter()
        self.lesions.enter()
        self._follow(self._logic.getParameterNode())
        self._render(self.presenter.view)

    def exit(self) -> None:
        """Stop drawing and following; called each time another module is opened instead."""
        self.is_entered = False
        self.presenter.finish_edit()
        self.presenter.end_preview()
        self.lesions.exit()
        self.views.exit()
        self._follow(None)

    def cleanup(self) -> None:
        """Undo every observation; called when the module is reloaded or Slicer closes."""
        self.exit()
        self._stop_rendering()
        self.session.close()
        self.presenter.work.worker = InlineWorker()
        self.presenter.beside.worker = None
        self.presenter.scheduler = InlineScheduler()
        self.presenter.pause_rendering = nullcontext
        self.worker.close()
        self.scheduler.cancel_all()
        for section in self._sections:
            section.disconnect()
        self.removeObservers()
        # Slicer only hides the panel that a reload replaces; its selectors would go on following the scene.
        self.root.setMRMLScene(None)
        self.root.deleteLater()

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
                self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._on_parameters
            )
        self._parameters = parameters
        if self._parameters is not None:
            self._gui_tag = self._parameters.connectGui(self.ui)
            self._show_choice(self.presenter.view)
            # The node, not its wrapper: each wrapper is another object, and the mixin keeps what it observed.
            self.addObserver(
                self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._on_parameters
            )

    # Presses

    def _connect(self) -> None:
        presenter = self.presenter
        self.ui.dicomButton.connect("clicked()", lambda: slicer.util.selectModule("DICOM"))
        self.ui.sampleCaseButton.connect("clicked()", lambda: presenter.load_sample_case())
        self.ui.loadFolderButton.connect("clicked()", lambda: self.patient.choose_folder())
        self.ui.confirmPatientButton.connect("clicked()", lambda: presenter.confirm_same_patient())
        self.ui.convertButton.connect("clicked()", lambda: presenter.convert_pet())
        self.ui.dismissSuvButton.connect("clicked()", lambda: presenter.dismiss_suv_form())
        self.ui.registerBoneButton.connect("clicked()", lambda: presenter.register_on_bone())
        self.ui.cancelButton.connect("clicked()", lambda: presenter.cancel())
        self.ui.undoButton.connect("clicked()", lambda: presenter.undo())
        self.ui.redoButton.connect("clicked()", lambda: presenter.redo())

    def _on_parameters(self, _caller: Any = None, _event: str | None = None) -> None:
        """Somebody chose another node, in the panel or in the Python console."""
        if self._is_rendering or self._parameters is None:
            return
        if self.presenter.is_changing:
            self.scheduler.soon("show again", self._show_again)
            return
        nodes, parameters = self.presenter.view.nodes, self._parameters
        choose = {
            "pet": self.presenter.choose_pet,
            "ct": self.presenter.choose_ct,
            "planningCt": self.presenter.choose_planning_ct,
            "petToPlanning": self.presenter.choose_transform,
            "rtVolumes": self.presenter.choose_volumes,
        }
        chosen = {name: getattr(parameters, name) for name in choose}
        for name, node in chosen.items():
            if node is not nodes[PARAMETERS[name]]:
                choose[name](node)

    def _show_again(self) -> None:
        """Set the selectors back, when what is under way has been shown."""
        if self.presenter.is_changing:
            self.scheduler.soon("show again", self._show_again)
        else:
            self._render(self.presenter.view)

    # What is shown

    def _render(self, view: ViewState) -> None:
        self._is_rendering = True
        try:
            self._show_choice(view)
            self._show_actions(view)
            self._show_texts(view)
            for section in self._sections:
                section.show(view)
        finally:
            self._is_rendering = False

    def _show_choice(self, view: ViewState) -> None:
        """The selectors show what the case goes by; a refused choice goes back."""
        if self._parameters is None:
            return
        for name, node in PARAMETERS.items():
            if getattr(self._parameters, name) is not view.nodes[node]:
                setattr(self._parameters, name, view.nodes[node])

    def _widgets_of_actions(self) -> dict[str, Any]:
        return {name: getattr(self.ui, name) for names in WIDGETS.values() for name in names}

    def _show_actions(self, view: ViewState) -> None:
        ui = self.ui
        for action, names in WIDGETS.items():
            reason = view.blocked.get(action)
            for name in names:
                # Slicer takes 0.1 ms for each property, and there are many.
                if self._reasons.get(name, view) is reason:
                    continue
                self._reasons[name] = reason
                widget = getattr(ui, name)
                widget.enabled = reason is None
                # An empty line keeps what the input does apart from why it cannot be used.
                why = f"\n\n{words.reason_text(reason)}" if reason else ""
                widget.toolTip = self._tooltips[name] + why
        ui.undoButton.text = words.history_text(_("Undo"), view.undo_name)
        ui.redoButton.text = words.history_text(_("Redo"), view.redo_name)
        ui.progressBar.setVisible(view.is_busy)
        ui.cancelButton.setVisible(view.is_busy)
        if view.progress is not None:
            ui.progressBar.value = round(100 * view.progress.fraction)
            ui.progressBar.setFormat(f"{view.progress.doing} (%p %)")

    def _show_texts(self, view: ViewState) -> None:
        ui = self.ui
        ui.messageLabel.text = words.message_text(view.message)
        ui.messageLabel.setVisible(bool(ui.messageLabel.text))
        ui.messageLabel.styleSheet = "color: #B22222; font-weight: bold" if view.message.is_error else ""
        ui.patientStatusLabel.text = words.pet_text(view)
