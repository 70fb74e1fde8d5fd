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
        self._require_suv()
        self._do(presenter.choose_ct, ct)
        self._do(presenter.choose_volumes, volumes)

    def suvForm(self) -> dict[str, str]:
        """What the SUV of the PET being asked for needs, by name: the text so far, empty when missing."""
        form = self.session.presenter.view.suv_form
        rows = () if form is None else form.rows
        return {row.name.replace("dose_bq", "dose_mbq"): row.text for row in rows}

    def convertPet(self, node: typing.Any, **values: typing.Any) -> None:
        """Convert a volume node to SUVbw in place with values by name (see suvForm) and take it as the PET.

        convertPet(node, weight_kg=80, dose_mbq=200, half_life_s=6584, tracer="PSMA-11")
        """
        presenter = self.session.presenter
        self._do(presenter.choose_pet, node)
        for name, value in values.items():
            self._do(presenter.enter_suv, name.replace("dose_mbq", "dose_bq"), str(value))
        if not presenter.view.suv_form.can_convert:
            self._require_suv()
        self._do(presenter.convert_pet)

    def loadFolder(self, folder: str) -> None:
        """Read PET, CT and structure sets of a DICOM folder; raises when the header does not tell the SUV."""
        self._do(self.session.presenter.load_folder, Path(folder))
        self._require_suv()

    def confirmSamePatient(self) -> None:
        """Say that the files of the folder belong to one patient although their headers differ."""
        self._do(self.session.presenter.confirm_same_patient)

    def setPlanningCt(self, node: typing.Any, transform: typing.Any = None) -> None:
        """Take a volume node as planning CT, and a linear transform node that moves the PET onto it."""
        presenter = self.session.presenter
        if transform is not None:
            self._do(presenter.choose_transform, transform)
        self._do(presenter.choose_planning_ct, node)

    def registerOnBone(self) -> float | None:
        """Move the PET onto the planning CT by the bones; returns the distance that remains, in mm."""
        self._do(self.session.presenter.register_on_bone)
        return self.case.state.registration.residual_mm

    def setUncertainty(
        self, overallMm: float | None, bedMm: float | None = None, nodesMm: float | None = None
    ) -> None:
        """State how uncertain the registration is, in mm; None is not stated, which is not zero."""
        self._do(self.session.presenter.state_uncertainty, overallMm, bedMm, nodesMm)

    def setClinicalFacts(self, **facts: typing.Any) -> None:
        """psa_ng_ml, adt, adt_since, margins, pt3b, prior_radiotherapy and details; None is not known."""
        presenter = self.session.presenter
        self._do(lambda: presenter.state_facts(**facts))

    def setRules(self, names: Sequence[str], consensus: str | None = None) -> None:
        """Choose the delineation rules by name and how their contours are fused, for contourAgain."""
        presenter = self.session.presenter
        for name in names:
            self._do(presenter.choose_rule, name, True)
        for rule in presenter.view.rules:
            if rule.is_chosen and rule.name not in names:
                self._do(presenter.choose_rule, rule.name, False)
        if consensus is not None:
            self._do(presenter.choose_consensus, consensus)

    def contourAgain(self) -> None:
        """Contour the lesions by the rules chosen; decisions and contours drawn by hand stay."""
        self._do(self.session.presenter.contour_again)

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
                "suv_peak": row.suv_peak,
                "interval_ml": row.interval_ml,
                "flags": row.flags,
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
                "is_covered": cell.is_covered,
                "margin_mm": cell.margin_mm,
                "direction": cell.direction,
                "distance_mm": cell.distance_mm,
            }
            for row, cell in self.session.presenter.view.coverage_rows
        ]

    def saveScene(self, path: str) -> None:
        """Write everything that is loaded, the case included, as .mrb."""
        self._do(self.session.presenter.save, Path(path))

    def _require_suv(self) -> None:
        form = self.session.presenter.view.suv_form
        if form is not None:
            wrong = [row.problem for row in form.rows if row.problem]
            missing = ", ".join(name.replace("dose_bq", "dose_mbq") for name in form.needed)
            why = " ".join(wrong) or form.problem or f"missing: {missing or 'nothing; call convertPet'}."
            raise ValueError(f"The PET is not in SUV yet; {why}")

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
            self.test_pet_in_becquerel_becomes_suv_once,
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

    def test_pet_in_becquerel_becomes_suv_once(self) -> None:
        """The form of the panel opens for a volume in Bq/ml; converted, the volume is in SUV by its units."""
        ui = slicer.modules.psmaplanning.widgetRepresentation().self().panel.ui
        logic = slicer.util.getModuleLogic("PSMAPlanning")
        pet, hot_kji = self._synthetic_pet()
        units = slicer.vtkCodedEntry()
        units.SetValueSchemeMeaning("Bq/ml", "UCUM", "Becquerels per milliliter")
        pet.SetVoxelValueUnits(units)
        with self.assertRaises(ValueError):
            logic.setInputs(pet)
        self.assertFalse(ui.suvFormFrame.isHidden())
        self.assertIn("dose_mbq", logic.suvForm())
        # Corrected to the injection, no decay is left: the factor is 80 kg / 160 MBq, in g per Bq.
        logic.convertPet(pet, weight_kg=80, dose_mbq=160, decay_correction="ADMIN", half_life_s=6584)
        self.assertTrue(ui.suvFormFrame.isHidden())
        self.assertAlmostEqual(float(slicer.util.arrayFromVolume(pet)[hot_kji]), 9.0 * 5e-4, places=9)
        self.assertEqual(pet.GetVoxelValueUnits().GetCodeValue(), "{SUVbw}g/ml")
        logic.undo()
        logic.setInputs(pet)
        self.assertAlmostEqual(logic.case.state.suv.factor, 5e-4, msg="Taken as it is, with its record.")
        slicer.mrmlScene.Clear()

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
        self._assert_same_tables(logic, before)
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
        # Half of it, because Slicer brings the array to the PET's voxels, which alone may add to the volume.
        lesion_kji = (array > 0).nonzero()
        array[int(lesion_kji[0].mean()) + 1 :, :, :] = 0
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, lesion_id)
        logic.finishEdit()
        edited_ml = self._volume_ml(logic, lesion_id)
        self.assertLess(edited_ml, volume_ml)
        logic.undo()
        self.assertAlmostEqual(self._volume_ml(logic, lesion_id), volume_ml)
        logic.redo()
        self.assertAlmostEqual(self._volume_ml(logic, lesion_id), edited_ml)

    def _assert_same_tables(self, logic: PSMAPlanningLogic, before: list[dict[str, typing.Any]]) -> None:
        """Words must be equal and numbers nearly: a scene file rounds positions by 1e-13 mm.

        That turns ties of the surface between two coarse slices over, which moves it by a part of a voxel.
        """
        after = self._tables(logic)
        self.assertEqual(len(after), len(before))
        tolerances = {"distance_mm": 0.5, "margin_mm": 0.5, "fraction": 0.01}
        for row, former in zip(after, before, strict=True):
            for name, value in former.items():
                if isinstance(value, float):
                    self.assertAlmostEqual(row[name], value, delta=tolerances.get(name, 1e-6), msg=name)
                else:
                    self.assertEqual(row[name], value, name)

    @staticmethod
    def _tables(logic: PSMAPlanningLogic) -> list[dict[str, typing.Any]]:
        rows = [*logic.lesionTable(), *logic.coverageTable()]
        # A tuple of numbers, which a scene file writes with 16 digits.
        return [{name: value for name, value in row.items() if name != "interval_ml"} for row in rows]

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
