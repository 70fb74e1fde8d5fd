"""The module as Slicer sees it; the work is done in PSMAPlanningLib."""

from __future__ import annotations

import sys
import typing
from pathlib import Path

import PSMAPlanningLib.panel.self_test
import slicer
from PSMAPlanningLib.panel.console_lesions import LesionSteps
from PSMAPlanningLib.panel.console_patient import PatientSteps
from PSMAPlanningLib.panel.console_plan import PlanSteps
from PSMAPlanningLib.panel.console_views import ViewSteps
from PSMAPlanningLib.panel.console_volumes import VolumeSteps
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleWidget,
)

if typing.TYPE_CHECKING:
    from PSMAPlanningLib.panel.widget import PanelParameters


class PSMAPlanning(ScriptedLoadableModule):
    """What the module selector and the help section show."""

    def __init__(self, parent: typing.Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("PSMA Planning")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Radiotherapy")]
        self.parent.dependencies = []
        self.parent.contributors = ["PSMAPlanning contributors (github.com/psmaplanning)"]
        self.parent.helpText = _("""
Which PSMA-avid lesions would the standard salvage radiotherapy volumes miss, and by how much?
<p>Research software. Not a medical device.</p>
<p>See the <a href="https://github.com/psmaplanning/SlicerPSMAPlanning">documentation</a>.</p>
""")
        self.parent.acknowledgementText = _("""
Published methods are cited in the documentation, beside the rule that uses them.
""")
        slicer.app.connect("startupCompleted()", self.registerSampleData)

    def registerSampleData(self) -> None:
        """Offer the digital patient in Slicer's Sample Data module."""
        import SampleData

        icons = Path(__file__).resolve().parent / "Resources" / "Icons"
        category = "PSMA Planning"
        # Slicer before 5.12 names a category by its first source.
        if hasattr(SampleData.SampleDataLogic, "registerCustomSampleDataCategory"):
            SampleData.SampleDataLogic.registerCustomSampleDataCategory(category, title=_("PSMA Planning"))
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=category,
            sampleName="PSMAPlanningSample",
            thumbnailFileName=str(icons / "PSMAPlanningSample.png"),
            # Nothing is downloaded, but Slicer wants text here.
            uris="psma-planning:sample-case",
            fileNames="PSMAPlanningSample",
            nodeNames="PSMAPlanningSample",
            customDownloader=self._load_sample_case,
        )

    @staticmethod
    def _load_sample_case(_source: typing.Any = None) -> list[typing.Any]:
        logic = slicer.util.getModuleLogic("PSMAPlanning")
        with slicer.util.tryWithErrorDisplay(_("The sample case could not be made."), waitCursor=True):
            return logic.loadSampleCase()


class PSMAPlanningWidget(ScriptedLoadableModuleWidget):
    """Hands Slicer's calls on to the panel."""

    def __init__(self, parent: typing.Any = None) -> None:
        self.logic = None
        self.panel = None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        """Called once, when the module is first opened."""
        ScriptedLoadableModuleWidget.setup(self)
        from PSMAPlanningLib.panel.widget import PlanningPanel

        self.logic = PSMAPlanningLogic()
        self.panel = PlanningPanel(self.resourcePath("UI/PSMAPlanning.ui"), self.logic)
        self.layout.addWidget(self.panel.root)
        # After a reload Slicer calls setup only, although the module is still the open one.
        if getattr(self.parent, "isEntered", False):
            self.panel.enter()

    def enter(self) -> None:
        """Called each time the module is opened."""
        self.panel.enter()

    def exit(self) -> None:
        """Called each time another module is opened instead."""
        self.panel.exit()

    def cleanup(self) -> None:
        """Called when the module is reloaded or the application closes."""
        if self.panel is not None:
            self.panel.cleanup()

    def onReload(self) -> None:
        """Reload the library too: Slicer by itself reloads this file only."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "PSMAPlanningLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class PSMAPlanningLogic(
    PatientSteps, LesionSteps, VolumeSteps, PlanSteps, ViewSteps, ScriptedLoadableModuleLogic
):
    """Every step of the panel for the Python console: slicer.util.getModuleLogic("PSMAPlanning").

    Panel and console work on the same case. A step that cannot be done raises an error that says why, and
    changes nothing.
    """

    def getParameterNode(self) -> PanelParameters:
        """What is chosen in the panel; stored in the scene."""
        from PSMAPlanningLib.panel.widget import PanelParameters

        return PanelParameters(ScriptedLoadableModuleLogic.getParameterNode(self))


class PSMAPlanningTest(PSMAPlanningLib.panel.self_test.SelfTest):
    """Runs inside Slicer: Reload and Test, or ctest in the build tree. Needs no network and no data."""
