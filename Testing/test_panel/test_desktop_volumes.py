"""The RT volumes section used as a person uses it, on the stand-in."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PSMAPlanningLib.imaging.segmentation_file import Segment, write_segmentation
from PSMAPlanningLib.rtvolumes.landmarks import Landmarks
from test_panel import standin_fixture, test_desktop_panel

standin = standin_fixture.standin
person = test_desktop_panel.person
pictures = test_desktop_panel.pictures
_HEIGHT = 2400
"""Slicer's scroll area gives a section the height it needs; less would cut its texts."""


@pytest.fixture
def loaded(person):
    person.session.run_events()
    person.panel.session.at_once(person.presenter.load_sample_case, "small")
    person.open_section("rtVolumes")
    return person


def _picture(person, pictures, name):
    person.window.setFixedSize(test_desktop_panel.WIDTH, _HEIGHT)
    person.session.run_events(0.05)
    assert person.window.grab().save(str(pictures / f"panel-{name}.png"))
    return list(test_desktop_panel.cut_off(person, person.panel.root))


def _choose(person, combo, text):
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex)
    person.session.run_events()


def _rows(person):
    return {row.name: row for row in person.presenter.view.rt.rows}


def _segmentation(person, path, names):
    grid = person.presenter.case.state.ct.grid.crop((slice(40, 60), slice(40, 80), slice(60, 120)))
    array = np.zeros(grid.shape_kji, bool)
    array[4:14, 8:30, 10:50] = True
    write_segmentation([Segment(name, array) for name in names], grid, path)
    return path


def test_what_an_empty_section_waits_for(person, pictures):
    person.open_section("rtVolumes")
    ui = person.ui
    assert "Waits for volumes" in ui.rtVolumesStatusLabel.text
    for button, why in (
        (ui.importRtStructButton, "PET"),
        (ui.makePtvButton, "generate volumes first"),
        (ui.makeBoostsButton, "Accept lesions"),
        (ui.generateNodesButton, "organ masks"),
        (ui.generateBedButton, "organ masks"),
        (ui.totalSegmentatorButton, "Extensions Manager"),
    ):
        assert not button.enabled and why in button.toolTip, button.name
    assert not ui.mappingGroupBox.visible and not ui.rtVolumesTableView.visible
    assert _picture(person, pictures, "volumes-empty") == []


def test_files_are_imported_and_the_mapping_is_changed_in_the_table(loaded, pictures, tmp_path):
    ui = loaded.ui
    path = _segmentation(loaded, tmp_path / "plan.seg.nrrd", ["CTV_Fossa", "CTV 45", "mystery"])
    loaded.session.answers.waiting.append([str(path)])
    loaded.press(ui.importRtStructButton)
    loaded.wait()
    assert {"CTV_Fossa", "CTV 45", "mystery"} <= set(_rows(loaded)), loaded.message
    ui.mappingGroupBox.collapsed = False
    loaded.session.run_events()
    assert ui.confirmNamesButton.visible and "mystery" in ui.mappingLabel.text
    assert ui.rtVolumesTableView.segmentCount == len(_rows(loaded))
    assert _picture(loaded, pictures, "volumes-mapping") == []
    use, name = loaded.panel.volumes.mapping.lists_of("mystery")
    assert use.currentIndex == -1
    _choose(loaded, use, "organ")
    assert _rows(loaded)["mystery"].use == "organ" and not _rows(loaded)["mystery"].asks
    name.lineEdit().setText("Bladder")
    name.lineEdit().editingFinished.emit()
    loaded.session.run_events()
    assert _rows(loaded)["mystery"].tg263 == "Bladder"
    name.lineEdit().setText("Bladder, urinary, whole")
    name.lineEdit().editingFinished.emit()
    loaded.session.run_events()
    assert "16" in loaded.message and name.currentText == "Bladder"
    loaded.press(ui.undoButton)
    loaded.press(ui.undoButton)
    assert _rows(loaded)["mystery"].asks


def test_a_ptv_from_six_fields_and_from_a_file(loaded, pictures, tmp_path):
    ui = loaded.ui
    _choose(loaded, ui.volumeComboBox, "CTVsb")
    ui.marginGroupBox.collapsed = False
    loaded.session.run_events()
    assert not ui.makePtvButton.enabled and "six values" in ui.marginLabel.text
    assert ui.rightMarginSpinBox.text == "not given"
    boxes = (
        ui.rightMarginSpinBox,
        ui.leftMarginSpinBox,
        ui.anteriorMarginSpinBox,
        ui.posteriorMarginSpinBox,
        ui.superiorMarginSpinBox,
    )
    for box in boxes:
        box.setValue(5.0)
    assert not ui.makePtvButton.enabled
    ui.inferiorMarginSpinBox.setValue(7.0)
    loaded.session.run_events()
    assert ui.makePtvButton.enabled and "CTVsb" in ui.makePtvButton.text
    rectum = next(n for n in range(ui.cropListWidget.count) if ui.cropListWidget.item(n).text() == "rectum")
    ui.cropListWidget.item(rectum).setCheckState(loaded.qt.Qt.Checked)
    ui.cropMarginSpinBox.setValue(3.0)
    loaded.session.run_events()
    assert loaded.presenter.view.rt.crop_by == ("rectum",)
    assert _picture(loaded, pictures, "volumes-margin") == []
    loaded.press(ui.makePtvButton)
    loaded.wait()
    assert "PTVsb_2" in _rows(loaded), loaded.message
    assert "rectum + 3 mm" in _rows(loaded)["PTVsb_2"].origin
    assert ui.notesGroupBox.visible and "PTV of CTVsb" in ui.notesGroupBox.toolTip
    six = dict.fromkeys(
        ("left_mm", "right_mm", "anterior_mm", "posterior_mm", "superior_mm", "inferior_mm"), 6.0
    )
    path = tmp_path / "margins.json"
    path.write_text(json.dumps({"institution": "Here", "margins_mm": {"bed": six}}))
    loaded.session.answers.waiting.append(str(path))
    loaded.press(ui.marginFileButton)
    assert ui.inferiorMarginSpinBox.value == 6.0 and "Here" in ui.marginLabel.text


def test_a_nodal_ctv_is_generated_and_follows_its_plane(loaded, pictures):
    ui = loaded.ui
    ui.generateGroupBox.collapsed = False
    loaded.session.run_events()
    loaded.press(ui.findLandmarksButton)
    loaded.wait()
    assert ui.showLandmarksCheckBox.checked
    plane = loaded.panel.session.scene.landmarks.node("L5_S1")
    assert plane is not None
    assert "unverified" in ui.nodesGuidelineComboBox.currentText
    assert "obturator strip width" in ui.nodesGuidelineTextLabel.text
    loaded.press(ui.generateNodesButton)
    loaded.wait(120)
    made = next(row for row in _rows(loaded).values() if row.is_generated)
    assert "proposal" in ui.proposalsLabel.text
    assert "Published: 9 series, 86 to 502 mL." in ui.proposalsLabel.text
    assert "RTOG 2009 rules, mean of 7 patients: mean 287 mL" in ui.proposalsLabel.toolTip
    right, anterior, superior = plane.GetOriginWorld()
    plane.InvokeEvent(plane.PointStartInteractionEvent)
    plane.SetOriginWorld(right, anterior, superior + 12)
    plane.InvokeEvent(plane.PointEndInteractionEvent)
    assert loaded.session.wait_until(lambda: "L5/S1" in ui.undoButton.text, 60), loaded.message
    assert _rows(loaded)[made.name].volume_ml > made.volume_ml
    assert _picture(loaded, pictures, "volumes-generate") == []
    loaded.press(ui.undoButton)
    assert _rows(loaded)[made.name].volume_ml == made.volume_ml
    ui.showLandmarksCheckBox.click()
    # Hidden planes stay in the scene: making them anew is slow.
    display = loaded.panel.session.scene.landmarks.node("L5_S1").GetDisplayNode()
    assert loaded.session.wait_until(lambda: not display.GetVisibility())


def test_the_bed_group_places_points_by_clicks(loaded, pictures):
    ui, case = loaded.ui, loaded.presenter.case
    marks = {n: m for n, m in case.state.landmarks.placed.items() if n != "seminal_vesicle_bed_top"}
    case.perform("take the landmark away", replace(case.state, landmarks=Landmarks(marks)))
    ui.bedGroupBox.collapsed = False
    loaded.session.run_events()
    assert not ui.generateBedButton.enabled and "four landmarks" in ui.bedLabel.text
    loaded.press(ui.vesiclePlaceButton)
    assert ui.vesiclePlaceButton.text == "Stop" and ui.vesicleStateLabel.text == "click in a slice"
    selection = loaded.scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    top = loaded.presenter.case.state.landmarks["symphysis_top"].point_ras
    loaded.scene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(
        top[0], top[1], top[2] + 35
    )
    assert loaded.session.wait_until(lambda: loaded.presenter.view.rt.placing is None)
    assert ui.vesicleStateLabel.text.startswith("placed")
    assert ui.generateBedButton.enabled, ui.bedLabel.text
    assert _picture(loaded, pictures, "volumes-bed") == []


def test_a_volume_is_drawn_in_an_editor_of_its_own(loaded):
    ui = loaded.ui
    _choose(loaded, ui.volumeComboBox, "CTVn")
    loaded.press(ui.drawVolumeButton)
    editor = loaded.panel.volumes.editor
    assert ui.volumeEditorFrame.visible and editor.widget.currentSegmentID() == "CTVn"
    assert editor.widget.sourceVolumeNode() is loaded.presenter.view.nodes["ct"]
    assert not editor.widget.undoEnabled and "Drawing on CTVn" in ui.rtVolumesStatusLabel.text
    loaded.press(ui.drawVolumeButton)
    assert not ui.volumeEditorFrame.visible and loaded.presenter.view.rt.edit_node is None


def test_total_segmentator_is_run_when_it_is_there(loaded, monkeypatch):
    import slicer

    asked = []

    class Logic:
        def setupPythonRequirements(self):
            asked.append("setup")

        def process(self, ct, segmentation, fast, task):
            asked.append((ct, fast, task))
            segmentation.GetSegmentation().AddEmptySegment("aorta", "aorta")

    monkeypatch.setattr(slicer.modules, "totalsegmentator", SimpleNamespace(), raising=False)
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda _name: Logic())
    loaded.presenter.select_volume(None)
    loaded.session.run_events()
    ui = loaded.ui
    ui.generateGroupBox.collapsed = False
    loaded.session.run_events()
    assert ui.totalSegmentatorButton.enabled
    loaded.press(ui.totalSegmentatorButton)
    loaded.wait()
    assert asked == ["setup", (loaded.presenter.view.nodes["ct"], False, "total")]
    assert "no structure" in loaded.message.lower() or "voxel" in loaded.message


def test_prescriptions_are_typed_and_bring_their_eqd2(loaded, pictures):
    ui = loaded.ui
    ui.prescriptionGroupBox.collapsed = False
    loaded.session.run_events()
    table = ui.volumePrescriptionTable
    names = loaded.column(table, 0)
    assert set(names) == {"CTVn", "CTVsb", "PTVn", "PTVsb"}
    row = names.index("PTVsb")
    assert loaded.column(table, 3)[row] == "–"

    def shown(*columns):
        return [loaded.column(table, n)[row] for n in columns]

    def comes(texts, *columns):
        """The table is filled when the scene has followed, a moment after what was typed."""
        return loaded.session.wait_until(lambda: shown(*columns) == texts)

    table.item(row, 1).setText("62,5")
    table.item(row, 2).setText("25")
    assert comes(["62.5", "25", "71.4", "68.8"], 1, 2, 3, 4), shown(1, 2, 3, 4)
    assert _picture(loaded, pictures, "volumes-prescriptions") == []
    ui.lateAlphaBetaSpinBox.setValue(2.0)
    assert comes([f"{62.5 * 4.5 / 4.0:.1f}"], 4)
    assert "α/β 2" in table.horizontalHeaderItem(4).text()
    for wrong, said in (("much", "no dose"), ("900", "no dose")):
        table.item(row, 1).setText(wrong)
        assert comes(["62.5"], 1) and said in loaded.message
    table.item(row, 2).setText("25.5")
    assert comes(["25"], 2) and "whole number" in loaded.message
    table.item(row, 1).setText("")
    assert comes(["", "–"], 1, 3)
    loaded.press(ui.undoButton)
    assert comes(["62.5"], 1)


def test_leaving_the_module_ends_drawing_and_leaves_no_editor(loaded):
    ui = loaded.ui
    _choose(loaded, ui.volumeComboBox, "CTVn")
    loaded.press(ui.drawVolumeButton)
    loaded.slicer.util.selectModule("Data")
    loaded.session.run_events()
    assert loaded.presenter.view.rt.edited is None
    assert not loaded.panel.volumes.editor.widget.holdsViews


def test_the_console_does_every_step_in_a_line(loaded, tmp_path):
    logic = loaded.slicer.util.getModuleLogic("PSMAPlanning")
    path = _segmentation(loaded, tmp_path / "plan.seg.nrrd", ["CTV 45"])
    assert "CTV 45" in logic.importVolumes(str(path))
    logic.useVolume("CTV 45", "ctv_nodes", "CTVn_4500")
    named = next(row for row in logic.volumeTable() if row["name"] == "CTV 45")
    assert (named["use"], named["tg263"], named["asks"]) == ("ctv_nodes", "CTVn_4500", False)
    made = logic.makePtv("CTVsb", [5, 5, 5, 4, 7, 7], ["rectum"], 2.0)
    assert made == "PTVsb_2" and "cropped" in logic.volumeNotes()[0]
    logic.removeVolume(made)
    with pytest.raises(Exception, match="PTVsb_2"):
        logic.useVolume(made, "organ")
    with pytest.raises(Exception, match="accepted"):
        logic.makeBoosts(0, 3)
    assert logic.findLandmarks()["L5_S1"] is not None
    logic.showLandmarks(False)
    logic.prescribe("PTVsb", 70, 35)
    logic.stateAlphaBeta(1.5, 4.0)
    stated = next(row for row in logic.prescriptionTable() if row["volume"] == "PTVsb")
    assert stated["eqd2_gy"] == {1.5: pytest.approx(70.0), 4.0: pytest.approx(70.0)}
    node = logic.editVolume("CTVsb")
    assert node.GetSegmentation().GetNumberOfSegments() == 1
    logic.finishVolumeEdit()
    assert loaded.presenter.view.rt.edited is None
