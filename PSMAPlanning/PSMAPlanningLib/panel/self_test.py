"""The module's own test, which runs inside Slicer; PSMAPlanningTest is its name there."""

from __future__ import annotations

import typing
from pathlib import Path

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest


class SelfTest(ScriptedLoadableModuleTest):
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
        from ..imaging.image import Mask

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
        self._assert_same_tables(logic, before)
        slicer.mrmlScene.RemoveNode(panel.ui.petSelector.currentNode())
        panel.presenter.scheduler.run_waiting()
        self.assertEqual(logic.lesionTable(), [])
        slicer.mrmlScene.Clear()
        widget.exit()
        self.assertFalse(panel.observes_parameters)
        if was_entered:
            widget.enter()

    def _edit_and_undo(self, logic: typing.Any, lesion_id: str) -> None:
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

    def _assert_same_tables(self, logic: typing.Any, before: list[dict[str, typing.Any]]) -> None:
        """Words must be equal and numbers nearly: a scene file rounds positions by 1e-13 mm.

        Distances of single points do not turn on that; a mean over many may, by hundredths of a millimetre.
        """
        after = self._tables(logic)
        self.assertEqual(len(after), len(before))
        tolerances = {"distance_mm": 0.05, "margin_mm": 0.05, "fraction": 0.002}
        for row, former in zip(after, before, strict=True):
            for name, value in former.items():
                if isinstance(value, float):
                    self.assertAlmostEqual(row[name], value, delta=tolerances.get(name, 1e-6), msg=name)
                else:
                    self.assertEqual(row[name], value, name)

    @staticmethod
    def _tables(logic: typing.Any) -> list[dict[str, typing.Any]]:
        rows = [*logic.lesionTable(), *logic.coverageTable()]
        # A tuple of numbers, which a scene file writes with 16 digits.
        return [{name: value for name, value in row.items() if name != "interval_ml"} for row in rows]

    def _volume_ml(self, logic: typing.Any, lesion_id: str) -> float:
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
        from ..imaging.grid import VoxelGrid

        return VoxelGrid(self.SHAPE_KJI, self.SPACING_MM, self.ORIGIN_RAS, self.DIRECTION_RAS)

    def _ijk_to_ras(self, volume: typing.Any) -> typing.Any:
        import vtk

        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(matrix)
        return matrix
