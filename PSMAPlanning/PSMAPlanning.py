"""The module as Slicer sees it; the work is done in PSMAPlanningLib."""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Sequence
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

if typing.TYPE_CHECKING:
    from PSMAPlanningLib.case import PlanningCase
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


class PSMAPlanningLogic(ScriptedLoadableModuleLogic):
    """Every step of the panel for the Python console: slicer.util.getModuleLogic("PSMAPlanning")."""

    def getParameterNode(self) -> PanelParameters:
        """What is chosen in the panel; stored in the scene."""
        from PSMAPlanningLib.panel.widget import PanelParameters

        return PanelParameters(ScriptedLoadableModuleLogic.getParameterNode(self))

    def runFromFiles(
        self,
        pet: str,
        ct: str | None = None,
        volumes: Sequence[str] = (),
        out: str | None = None,
        units: str | None = None,
    ) -> PlanningCase:
        """The whole chain on files or DICOM folders, without touching the scene.

        out: folder that is made for report.json; scene and pictures are written by `psma-planning run`.
        units: "SUVbw" or "Bq/ml", needed when the PET file states none (.nrrd, .nii, .mha).
        """
        from PSMAPlanningLib.case_document import case_document
        from PSMAPlanningLib.chain import CaseFiles, run_chain
        from PSMAPlanningLib.output import staged_folder
        from PSMAPlanningLib.settings import Settings
        from PSMAPlanningLib.version import VERSION

        files = CaseFiles(
            pet=Path(pet),
            ct=Path(ct) if ct else None,
            volumes=tuple(Path(volume) for volume in volumes),
            units=units,
        )
        case = run_chain(files, Settings(), f"PSMAPlanning {VERSION}")
        if out is not None:
            with staged_folder(Path(out), overwrite=False) as work:
                report = json.dumps(case_document(case), indent=2, allow_nan=False)
                (work / "report.json").write_text(report + "\n", encoding="utf-8")
        return case


class PSMAPlanningTest(ScriptedLoadableModuleTest):
    """Runs inside Slicer: Reload and Test, or ctest in the build tree. Needs no network and no data."""

    SHAPE_KJI = (12, 14, 16)
    SPACING_MM = (4.0, 4.0, 3.0)
    ORIGIN_RAS = (-30.0, 20.0, -15.0)
    # Turned by 90 degrees about S: I runs to anterior, J to the left of the image.
    DIRECTION_RAS = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """All tests one after the other, for the Reload and Test button."""
        for test in (
            self.test_library_is_the_one_beside_this_file,
            self.test_grid_puts_voxels_where_slicer_does,
            self.test_mask_survives_segmentation,
            self.test_panel_follows_the_scene,
        ):
            self.setUp()
            self.delayDisplay(test.__name__)
            test()
        self.delayDisplay(_("Test passed"))

    def test_library_is_the_one_beside_this_file(self) -> None:
        """An installed wheel of another version must not shadow the module's own library."""
        import PSMAPlanningLib

        library = Path(PSMAPlanningLib.__file__).resolve().parent
        self.assertEqual(library.parent, Path(slicer.util.modulePath("PSMAPlanning")).resolve().parent)
        self.assertRegex(PSMAPlanningLib.__version__, r"^\d+\.\d+\.\d+$")

    def test_grid_puts_voxels_where_slicer_does(self) -> None:
        """VoxelGrid and the volume node agree on the place of the hottest voxel."""
        pet, hot_kji = self._synthetic_pet()
        expected = pet.GetOrigin()
        grid = self._grid()
        self.assertEqual(tuple(round(x, 6) for x in grid.origin_ras), tuple(round(x, 6) for x in expected))
        k, j, i = hot_kji
        matrix = slicer.util.arrayFromVTKMatrix(self._ijk_to_ras(pet))
        by_slicer = (matrix @ [i, j, k, 1.0])[:3]
        for ours, slicers in zip(grid.ras_of(hot_kji), by_slicer, strict=True):
            self.assertAlmostEqual(ours, slicers, places=6)

    def test_mask_survives_segmentation(self) -> None:
        """A mask of the PET comes back from a segment voxel by voxel, with the volume Slicer reports."""
        from PSMAPlanningLib.imaging.image import Mask

        pet, _hot = self._synthetic_pet()
        mask = Mask(slicer.util.arrayFromVolume(pet) >= 3.0, self._grid())
        self.assertEqual(mask.voxels, 27)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Lesions")
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(pet)
        segment = segmentation.GetSegmentation().AddEmptySegment("L1", "L1")
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            mask.array.astype("uint8"), segmentation, segment, pet
        )
        back = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, pet) > 0
        self.assertTrue((back == mask.array).all())
        self.assertAlmostEqual(mask.volume_ml, 27 * 4.0 * 4.0 * 3.0 / 1000.0)

    def test_panel_follows_the_scene(self) -> None:
        """A chosen PET is remembered in the scene, and forgotten with it; no observer is left behind."""
        pet, _hot = self._synthetic_pet()
        widget = slicer.modules.psmaplanning.widgetRepresentation().self()
        panel = widget.panel
        was_entered = panel.is_entered
        widget.enter()
        self.assertIsNone(panel.ui.petSelector.currentNode(), "Nothing is chosen by guessing.")
        waiting = panel.ui.patientStatusLabel.text
        panel.ui.petSelector.setCurrentNode(pet)
        self.assertEqual(widget.logic.getParameterNode().pet, pet)
        self.assertNotEqual(panel.ui.patientStatusLabel.text, waiting)
        self.assertFalse(panel.ui.findLesionsButton.enabled, "A step that is not connected is disabled.")
        slicer.mrmlScene.Clear()
        self.assertIsNone(panel.ui.petSelector.currentNode())
        self.assertEqual(panel.ui.patientStatusLabel.text, waiting)
        widget.exit()
        self.assertFalse(panel.observes_parameters)
        if was_entered:
            widget.enter()

    def _synthetic_pet(self) -> tuple[typing.Any, tuple[int, int, int]]:
        """A PET of SUV 1 with a 3 x 3 x 3 lesion of SUV 5 to 9, and the indices K, J, I of its peak."""
        import numpy as np

        array = np.ones(self.SHAPE_KJI, dtype=np.float32)
        array[5:8, 6:9, 9:12] = 5.0
        array[6, 7, 10] = 9.0
        pet = slicer.util.addVolumeFromArray(array, ijkToRAS=self._grid().ijk_to_ras_matrix, name="PET")
        return pet, (6, 7, 10)

    def _grid(self) -> typing.Any:
        from PSMAPlanningLib.imaging.grid import VoxelGrid

        return VoxelGrid(self.SHAPE_KJI, self.SPACING_MM, self.ORIGIN_RAS, self.DIRECTION_RAS)

    def _ijk_to_ras(self, volume: typing.Any) -> typing.Any:
        import vtk

        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(matrix)
        return matrix
