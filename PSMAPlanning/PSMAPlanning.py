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
    from PSMAPlanningLib.panel.session import PlanningSession
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


class PSMAPlanningLogic(ScriptedLoadableModuleLogic):
    """Every step of the panel for the Python console: slicer.util.getModuleLogic("PSMAPlanning").

    Panel and console work on the same case. A step that cannot be done raises an error that says why, and
    changes nothing.
    """

    def getParameterNode(self) -> PanelParameters:
        """What is chosen in the panel; stored in the scene."""
        from PSMAPlanningLib.panel.widget import PanelParameters

        return PanelParameters(ScriptedLoadableModuleLogic.getParameterNode(self))

    @property
    def session(self) -> PlanningSession:
        """The planning case of the scene with everything around it, shared with the panel."""
        from PSMAPlanningLib.panel.session import session_of

        return session_of(slicer.mrmlScene)

    @property
    def case(self) -> PlanningCase:
        """The planning case itself; change it through the steps below."""
        return self.session.case

    def loadSampleCase(self, variant: str = "full", seed: int = 1) -> list[typing.Any]:
        """Make the digital patient; variant "small" is coarser and quicker. Returns the PET and CT nodes."""
        self._do(self.session.presenter.load_sample_case, variant, seed)
        nodes = self.session.presenter.view.nodes
        return [nodes["pet"], nodes["ct"]]

    def setInputs(self, pet: typing.Any, ct: typing.Any = None, volumes: typing.Any = None) -> None:
        """Take volume nodes as PET (SUVbw) and CT, and a segmentation node as RT volumes."""
        presenter = self.session.presenter
        self._do(presenter.choose_pet, pet)
        self._do(presenter.choose_ct, ct)
        self._do(presenter.choose_volumes, volumes)

    def setDetection(self, thresholdSuv: float | None = None, minimumVolumeMl: float | None = None) -> None:
        """Change what counts as avid, in SUV and mL, for the next findLesions."""
        self._do(self.session.presenter.set_detection, thresholdSuv, minimumVolumeMl)

    def findLesions(self) -> list[str]:
        """Find and contour the lesions; returns their ids, hottest first."""
        self._do(self.session.presenter.find_lesions)
        return [row.id for row in self.session.presenter.view.lesions]

    def selectLesion(self, lesionId: str) -> None:
        """Select a lesion and bring the views to it."""
        self._do(self.session.presenter.select_lesion, lesionId)

    def acceptLesion(self, lesionId: str) -> None:
        self._do(self.session.presenter.accept, lesionId)

    def rejectLesion(self, lesionId: str, reason: str) -> None:
        """Reject a lesion for a reason that stays with it."""
        self._do(self.session.presenter.reject, reason, lesionId)

    def editLesion(self, lesionId: str) -> typing.Any:
        """Open a lesion's contour for drawing; returns the segmentation node to draw on."""
        self._do(self.session.presenter.begin_edit, lesionId)
        return self.session.presenter.view.edit_node

    def finishEdit(self) -> None:
        """Take over what was drawn and close the editor."""
        self._do(self.session.presenter.finish_edit)

    def undo(self) -> None:
        """Take the last change of the case back, whoever made it."""
        self._do(self.session.presenter.undo)

    def redo(self) -> None:
        self._do(self.session.presenter.redo)

    def lesionTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per lesion: id, state, volume_ml, suv_max, best coverage class, rejection reason."""
        return [
            {
                "id": row.id,
                "state": row.state,
                "volume_ml": row.volume_ml,
                "suv_max": row.suv_max,
                "class": row.color_key,
                "rejection_reason": row.rejection_reason,
            }
            for row in self.session.presenter.view.lesions
        ]

    def coverageTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per lesion and volume: class, fraction (0 to 1), distance_mm (negative inside)."""
        return [
            {
                "id": row.id,
                "volume": cell.volume,
                "class": cell.coverage_class,
                "fraction": cell.fraction,
                "distance_mm": cell.distance_mm,
            }
            for row, cell in self.session.presenter.view.coverage_rows
        ]

    def saveScene(self, path: str) -> None:
        """Write everything that is loaded, the case included, as .mrb."""
        self._do(self.session.presenter.save, Path(path))

    def _do(self, action: typing.Any, *arguments: typing.Any) -> None:
        self.session.at_once(action, *arguments)

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
            self.test_workflow_in_the_panel,
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

    def test_workflow_in_the_panel(self) -> None:
        """The sample case from loading to a saved and reopened scene, and everything undone and redone."""
        widget = slicer.modules.psmaplanning.widgetRepresentation().self()
        logic, panel = widget.logic, widget.panel
        was_entered = panel.is_entered
        widget.enter()
        self.assertIsNone(panel.ui.petSelector.currentNode(), "Nothing is chosen by guessing.")
        self.assertFalse(panel.ui.findLesionsButton.enabled)
        with self.assertRaises(Exception) as refused:
            logic.findLesions()
        self.assertIn("no_pet", str(refused.exception))
        pet, _ct = logic.loadSampleCase("small")
        self.assertEqual(panel.ui.petSelector.currentNode(), pet)
        ids = logic.findLesions()
        self.assertGreater(len(ids), 5)
        self.assertEqual(panel.ui.lesionTable.rowCount, len(ids))
        self.assertEqual({row["class"] for row in logic.coverageTable()}, {"inside", "partial", "outside"})
        logic.acceptLesion(ids[0])
        logic.rejectLesion(ids[1], "ureter")
        self.assertEqual(panel.ui.undoButton.text, f"Undo: reject lesion {ids[1]}")
        self._edit_and_undo(logic, ids[2])
        before = self._tables(logic)
        path = Path(slicer.app.temporaryPath) / "PSMAPlanningTest.mrb"
        logic.saveScene(str(path))
        slicer.mrmlScene.Clear()
        self.assertEqual(logic.lesionTable(), [])
        self.assertIsNone(panel.ui.petSelector.currentNode())
        slicer.util.loadScene(str(path))
        path.unlink()
        logic.session.presenter.restore()
        self.assertEqual(self._tables(logic), before)
        slicer.mrmlScene.RemoveNode(panel.ui.petSelector.currentNode())
        panel.presenter.scheduler.run_waiting()
        self.assertEqual(logic.lesionTable(), [])
        slicer.mrmlScene.Clear()
        widget.exit()
        self.assertFalse(panel.observes_parameters)
        if was_entered:
            widget.enter()

    def _edit_and_undo(self, logic: PSMAPlanningLogic, lesion_id: str) -> None:
        """A stroke of the editor becomes one command, which undo and redo take back and do again."""
        volume_ml = self._volume_ml(logic, lesion_id)
        node = logic.editLesion(lesion_id)
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, lesion_id)
        lesion_kji = (array > 0).nonzero()
        array[lesion_kji[0].max(), :, :] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, lesion_id)
        logic.finishEdit()
        edited_ml = self._volume_ml(logic, lesion_id)
        self.assertLess(edited_ml, volume_ml)
        logic.undo()
        self.assertAlmostEqual(self._volume_ml(logic, lesion_id), volume_ml)
        logic.redo()
        self.assertAlmostEqual(self._volume_ml(logic, lesion_id), edited_ml)

    @staticmethod
    def _tables(logic: PSMAPlanningLogic) -> list[list[typing.Any]]:
        """Both tables, without the digits that a cropped volume changes (1e-14 mm)."""
        rows = [*logic.lesionTable(), *logic.coverageTable()]
        return [[round(v, 6) if isinstance(v, float) else v for v in row.values()] for row in rows]

    def _volume_ml(self, logic: PSMAPlanningLogic, lesion_id: str) -> float:
        return next(row["volume_ml"] for row in logic.lesionTable() if row["id"] == lesion_id)

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
