"""The Patient and Contours sections used as a person uses them, on the stand-in."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.scene.volume_nodes import quantity_of, vtk_matrix, write_image
from test_imaging.dicom_builder import ct_datasets, pet_datasets, write_series
from test_panel import standin_fixture, test_desktop_panel
from test_scene.cases import small_state

standin = standin_fixture.standin
person = test_desktop_panel.person
pictures = test_desktop_panel.pictures
VALUES = {
    "weight_kg": "80",
    "dose_bq": "200",
    "injection_time": "10:00:00",
    "half_life_s": "6584",
    "decay_correction": "START",
    "reference_time": "11:00:00",
}


def _volume(person, image, name):
    node = person.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    write_image(image, node)
    person.session.run_events()
    return node


def _type(person, editor, text):
    """Into a line, or into the line or list of a combo box, and on with Tab."""
    from PySide6.QtTest import QTest

    if editor.inherits("QComboBox") and not editor.editable:
        editor.setCurrentIndex(editor.findText(text))
        editor.activated.emit(editor.currentIndex)
    else:
        line = editor.lineEdit() if editor.inherits("QComboBox") else editor
        line.setFocus()
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(line, person.qt.Qt.Key_Tab)
        if not line.hasFocus() and line.text == text:
            line.editingFinished.emit()
    person.session.run_events()


def _picture(person, pictures, name):
    # Slicer's scroll area gives just this width; a window of its own grows where wrapped texts need height.
    person.window.setFixedSize(test_desktop_panel.WIDTH, 1500)
    person.session.run_events(0.05)
    assert person.window.grab().save(str(pictures / f"panel-{name}.png"))
    return list(test_desktop_panel.cut_off(person, person.panel.root))


def test_a_pet_in_becquerel_is_converted_by_filling_in_the_form(person, pictures):
    ui = person.ui
    pet = small_state().pet
    node = _volume(person, Image(pet.array * 1000, pet.grid, Quantity.ACTIVITY), "PET WB in Bq/ml")
    ui.petSelector.setCurrentNode(node)
    person.session.run_events()
    assert ui.suvFormFrame.visible and ui.petSelector.currentNode() is None
    assert not ui.convertButton.enabled and "needed" in ui.convertButton.toolTip
    form = person.panel.patient.suv_form
    assert form.editor("units").currentText == "Bq/ml"
    assert _picture(person, pictures, "suv-form") == []
    _type(person, form.editor("weight_kg"), "eighty")
    assert "Body weight" in ui.suvFormLabel.text
    for name, text in VALUES.items():
        _type(person, form.editor(name), text)
    assert "Still needed" not in ui.suvFormLabel.text, ui.suvFormLabel.text
    assert _picture(person, pictures, "suv-form-filled") == []
    person.press(ui.convertButton)
    assert not ui.suvFormFrame.visible
    assert ui.petSelector.currentNode() is node and quantity_of(node) is Quantity.SUVBW
    ui.auditGroupBox.collapsed = False
    person.session.run_events()
    values = dict(zip(person.column(ui.auditTable, 0), person.column(ui.auditTable, 1), strict=True))
    assert "attenuation" in values["Warning"] or "time of the scan" in values["Warning"]
    assert values["Activity"] == "200 MBq"
    assert values["Body weight"] == "80 kg"
    assert "Body weight" in values["Entered by hand"]
    assert _picture(person, pictures, "audit") == []


def test_the_form_can_be_put_away(person):
    pet = small_state().pet
    node = _volume(person, Image(pet.array, pet.grid, Quantity.UNKNOWN), "PET of unknown units")
    person.ui.petSelector.setCurrentNode(node)
    person.session.run_events()
    person.press(person.ui.dismissSuvButton)
    assert not person.ui.suvFormFrame.visible
    assert quantity_of(node) is Quantity.UNKNOWN


def _study(folder, **changes):
    stored = np.full((4, 5, 6), 100, dtype=np.uint16)
    write_series(pet_datasets(stored, **changes), folder / "pet")
    write_series(
        ct_datasets(stored + 1000, PatientID="OTHER" if "other" in folder.name else "SYNTHETIC"),
        folder / "ct",
    )
    return folder


def test_a_study_folder_is_loaded_and_what_it_lacks_is_asked_for(person, tmp_path):
    ui = person.ui
    folder = _study(tmp_path / "study", PatientWeight=None)
    person.session.answers.waiting.append(str(folder))
    person.press(ui.loadFolderButton)
    person.wait()
    assert ui.suvFormFrame.visible, person.message
    _type(person, person.panel.patient.suv_form.editor("weight_kg"), "75")
    person.press(ui.convertButton)
    person.wait()
    assert ui.petSelector.currentNode() is not None, person.message
    assert ui.ctSelector.currentNode() is not None
    suv = person.presenter.case.state.suv
    assert suv.weight_kg == 75.0 and suv.sources["weight_kg"] == "entered by the user"


def test_files_of_two_patients_wait_for_a_confirmation_that_is_recorded(person, pictures, tmp_path):
    ui = person.ui
    person.session.answers.waiting.append(str(_study(tmp_path / "other")))
    person.press(ui.loadFolderButton)
    person.wait()
    assert ui.mismatchFrame.visible and "patient ID" in ui.mismatchLabel.text
    assert "OTHER" not in ui.mismatchLabel.text + person.message, "No identity is shown."
    assert ui.petSelector.currentNode() is None
    assert _picture(person, pictures, "mismatch") == []
    person.press(ui.confirmPatientButton)
    person.wait()
    assert not ui.mismatchFrame.visible
    confirmed = person.presenter.case.state.patient_check.confirmed
    assert confirmed.who == person.presenter.case.who
    assert any("confirmed to be one patient" in text for text in person.column(ui.auditTable, 1))


def test_the_planning_ct_and_a_transform_move_the_pet_and_undo_moves_it_back(person, pictures):
    ui = person.ui
    person.load_and_find()
    pet = ui.petSelector.currentNode()
    ct = person.presenter.case.state.ct
    planning = _volume(person, Image(ct.array.copy(), ct.grid, Quantity.HOUNSFIELD), "Planning CT")
    ui.planningCtSelector.setCurrentNode(planning)
    person.wait()
    assert ui.planningCtSelector.currentNode() is planning, person.message
    assert ui.lesionTable.rowCount > 0, "Nothing moved, so the lesions stay."
    transform = person.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "PET to plan")
    matrix = np.eye(4)
    matrix[0, 3] = 12.0
    transform.SetMatrixTransformToParent(vtk_matrix(matrix))
    ui.registrationGroupBox.collapsed = False
    origin = person.presenter.case.state.pet.grid.origin_ras[0]
    ui.transformSelector.setCurrentNode(transform)
    person.wait()
    assert person.presenter.case.state.pet.grid.origin_ras[0] == pytest.approx(origin + 12.0)
    assert ui.transformSelector.currentNode() is transform
    assert ui.overallUncertaintySpinBox.text == "not stated"
    ui.overallUncertaintySpinBox.value = 3.0
    ui.overallUncertaintySpinBox.editingFinished.emit()
    assert person.presenter.case.state.registration.uncertainty_mm == 3.0
    assert _picture(person, pictures, "registration") == []
    person.press(ui.undoButton)
    assert ui.overallUncertaintySpinBox.text == "not stated"
    person.press(ui.undoButton)
    assert ui.petSelector.currentNode() is pet and ui.transformSelector.currentNode() is None


def test_clinical_facts_are_kept(person, pictures):
    ui = person.ui
    person.open_section("patient")
    ui.clinicalGroupBox.collapsed = False
    person.session.run_events()
    assert not ui.adtSinceLineEdit.enabled
    ui.psaSpinBox.value = 0.45
    ui.psaSpinBox.editingFinished.emit()
    ui.adtComboBox.setCurrentIndex(1)
    ui.adtComboBox.activated.emit(1)
    _type(person, ui.adtSinceLineEdit, "2025-03")
    facts = person.presenter.case.state.clinical
    assert (facts.psa_ng_ml, facts.adt, facts.adt_since, facts.margins) == (0.45, True, "2025-03", None)
    assert ui.adtSinceLineEdit.visible
    assert _picture(person, pictures, "clinical") == []


def test_rules_are_chosen_and_lesions_contoured_again(person, pictures):
    ui = person.ui
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(ui.lesionTable, 0)
    person.press(ui.acceptLesionButton)
    person.open_section("contours")
    rules = {rule.name: n for n, rule in enumerate(person.presenter.view.rules)}
    for name in ("recovery", "fixed_suv"):
        ui.rulesListWidget.item(rules[name]).setCheckState(person.qt.Qt.Unchecked)
    assert "percent_max" in [r.name for r in person.presenter.view.rules if r.is_chosen]
    ui.consensusMethodComboBox.setCurrentIndex(6)
    ui.consensusMethodComboBox.activated.emit(6)
    assert ui.consensusMethodComboBox.currentText == "Union"
    person.press(ui.contourButton)
    person.wait(60.0)
    lesion = person.presenter.case.lesion("L1")
    assert lesion.state.value == "accepted", person.message
    assert {candidate.rule for candidate in lesion.candidates} == {"percent_max", "background_percent"}
    assert lesion.contour.method == "union"
    assert _picture(person, pictures, "contours-rules") == []
    person.open_section("coverage")
    assert _picture(person, pictures, "coverage-table") == []


def test_dragging_the_threshold_shows_what_it_would_find_and_is_one_step(person, pictures):
    ui = person.ui
    person.load_and_find()
    slider = ui.detectionThresholdSliderWidget
    composites = person.slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    before = [composite.GetLabelVolumeID() for composite in composites]
    undo = person.presenter.view.undo_name
    for threshold in (4.0, 6.0):
        slider.drag(threshold)
        assert person.session.wait_until(lambda: ui.previewLabel.visible, 10.0)
        assert f"{threshold:.1f}" in ui.previewLabel.text
    node = person.scene.GetNodeByID(composites[0].GetLabelVolumeID())
    pet = person.presenter.case.state.pet
    np.testing.assert_array_equal(person.slicer.util.arrayFromVolume(node) > 0, pet.array >= 6.0)
    assert person.presenter.view.undo_name == undo, "Nothing is changed while it is dragged."
    assert _picture(person, pictures, "preview") == []
    slider.let_go()
    person.session.run_events()
    assert not ui.previewLabel.visible
    assert [composite.GetLabelVolumeID() for composite in composites] == before
    assert person.presenter.case.state.settings.detection.threshold_suv == 6.0
    person.press(ui.undoButton)
    assert person.presenter.view.undo_name == undo and slider.value == 3.0


def test_the_console_converts_registers_and_contours_in_a_line_each(person):
    logic = person.slicer.util.getModuleLogic("PSMAPlanning")
    pet = small_state().pet
    node = _volume(person, Image(pet.array * 1000, pet.grid, Quantity.ACTIVITY), "PET in Bq/ml")
    with pytest.raises(ValueError, match="weight_kg, dose_mbq"):
        logic.setInputs(node)
    values = {name.replace("dose_bq", "dose_mbq"): text for name, text in VALUES.items()}
    with pytest.raises(ValueError, match="no number"):
        logic.convertPet(node, **{**values, "dose_mbq": "much"})
    assert set(values) <= set(logic.suvForm())
    logic.convertPet(node, **values)
    assert logic.case.state.suv.dose_bq == 200e6
    logic.setClinicalFacts(psa_ng_ml=0.3, margins="R1")
    logic.setUncertainty(3.0, bedMm=5.0)
    assert logic.case.state.registration.bed_uncertainty_mm == 5.0
    logic.setRules(["percent_max", "background_percent"], consensus="union")
    assert [rule.name for rule in logic.case.state.settings.contours.rules] == [
        "percent_max",
        "background_percent",
    ]


def test_bones_bring_the_pet_onto_a_planning_ct_that_lies_elsewhere(person):
    """The digital patient's own CT, 15 mm to the left: the registration has a closed answer."""
    ui = person.ui
    person.load_and_find()
    state = person.presenter.case.state
    grid = state.ct.grid
    there = VoxelGrid(
        grid.shape_kji, grid.spacing_mm, tuple(np.add(grid.origin_ras, (-15.0, 0.0, 0.0))), grid.direction_ras
    )
    planning = _volume(person, Image(state.ct.array.copy(), there, Quantity.HOUNSFIELD), "Planning CT")
    ui.planningCtSelector.setCurrentNode(planning)
    person.wait()
    assert "apart" in ui.registrationStatusLabel.text or any(
        "bone" in w for w in person.presenter.view.warnings
    )
    ui.registrationGroupBox.collapsed = False
    person.session.run_events()
    person.press(ui.registerBoneButton)
    person.wait(60.0)
    moved = person.presenter.case.state
    assert moved.registration.source == "bone_registration", person.message
    np.testing.assert_allclose(
        moved.pet.grid.origin_ras, np.add(state.pet.grid.origin_ras, (-15.0, 0.0, 0.0)), atol=1.0
    )
    assert "mm apart" in ui.registrationStatusLabel.text
    person.press(ui.undoButton)
    assert person.presenter.case.state.pet is state.pet
