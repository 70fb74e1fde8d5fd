"""Coverage and Export on the stand-in: what a planner reads and presses there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Image, Quantity
from test_panel import standin_fixture
from test_panel.test_desktop_panel import Person

standin = standin_fixture.standin
LESION, COVERED = 0, 1


@pytest.fixture
def person(standin, monkeypatch):
    someone = Person(standin)
    monkeypatch.setattr(type(someone.presenter).load_sample_case, "__defaults__", ("small", 1))
    someone.load_and_find()
    someone.open_section("coverage")
    assert someone.session.wait_until(lambda: someone.presenter.view.plan.patient is not None, 60.0)
    someone.session.run_events()
    return someone


def test_sentence_and_table_follow_the_decisions(person):
    ui, presenter = person.ui, person.presenter
    assert ui.patientSentenceLabel.text.startswith("PROVISIONAL")
    assert "not stated" in ui.patientSentenceLabel.text
    provisional = ui.patientSentenceLabel.styleSheet
    for row in presenter.view.lesions:
        presenter.accept(row.id)
    assert person.session.wait_until(lambda: presenter.view.plan.patient is not None, 60.0)
    person.session.run_events()
    assert "PROVISIONAL" not in ui.patientSentenceLabel.text
    assert ui.patientSentenceLabel.styleSheet != provisional
    what = [ui.patientResultTable.item(row, 0).text() for row in range(ui.patientResultTable.rowCount)]
    assert {"Lesions", "Impact, Calais", "Impact, Wu", "Registration", "Stage group"} <= set(what)

    table, combo = person.ui.coverageTable, person.ui.coverageShownComboBox
    lesions = len(person.presenter.view.lesions)
    all_lines = table.rowCount
    combo.setCurrentIndex(2)
    assert table.rowCount == lesions
    combo.setCurrentIndex(1)
    assert "covered" not in person.column(table, COVERED)[0].splitlines()[0]
    combo.setCurrentIndex(0)
    assert table.rowCount == all_lines
    person.click_cell(table, 1)
    assert table.item(0, LESION).text().startswith(person.presenter.view.selected)


def test_a_dose_is_prescribed_and_read_and_results_are_written(person, tmp_path):
    ui, presenter = person.ui, person.presenter
    assert not ui.loadComparisonButton.enabled
    pet = presenter.case.state.pet
    node = person.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Plan dose")
    from PSMAPlanningLib.scene.volume_nodes import write_image

    write_image(Image(np.full(pet.grid.shape_kji, 70.0, np.float32), pet.grid, Quantity.DOSE), node)
    ui.doseGroupBox.collapsed = False
    ui.doseSelector.setCurrentNode(node)
    assert person.session.wait_until(lambda: presenter.view.plan.dose is not None, 60.0)
    person.session.run_events()
    assert ui.loadComparisonButton.enabled and "Plan dose" in ui.doseLabel.text
    assert "no prescription" in person.column(ui.lesionDoseTable, 1)
    names = person.column(ui.prescriptionTable, 0)
    for row in range(len(names)):
        ui.prescriptionTable.item(row, 1).setText("70")
        ui.prescriptionTable.item(row, 2).setText("35")
        assert presenter.case.state.prescriptions[-1].volume == names[row]
    assert person.session.wait_until(lambda: presenter.view.plan.dose is not None, 60.0)
    person.session.run_events()
    assert any(text.startswith("in-field") for text in person.column(ui.lesionDoseTable, 1))
    assert not ui.dvhLabel.pixmap.isNull()
    assert "35 fractions" in ui.constraintLabel.text
    person.press(ui.clearDoseButton)
    assert not ui.lesionDoseTable.visible and ui.doseSelector.currentNode() is None

    results = tmp_path / "results"
    results.mkdir()
    person.press(ui.exportButton)
    assert "folder" in person.message
    ui.outputFolderPathLineEdit.currentPath = str(results)
    ui.exportPicturesCheckBox.checked = False
    person.press(ui.exportButton)
    person.wait(60.0)
    person.session.run_events()
    (folder,) = results.iterdir()
    assert "report.html" in ui.exportStatusLabel.text and folder.name in person.message
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert document["patient"]["sentence"].startswith("PROVISIONAL")
    assert not ui.rtStructGroupBox.visible
    ui.exportRtStructCheckBox.checked = True
    assert ui.rtStructGroupBox.visible
    person.press(ui.exportButton)
    assert "planning CT" in person.message and len(list(results.iterdir())) == 1
