"""A real plan's structures and dose through the panel's buttons, on the stand-in."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from dvh_table import SET, read_plan
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.scene.volume_nodes import write_image
from test_dicomrt.dose_builder import write_dose
from test_panel import standin_fixture, test_desktop_panel

standin = standin_fixture.standin
person = test_desktop_panel.person
pictures = test_desktop_panel.pictures


@pytest.fixture
def files(shared_data, tmp_path):
    """The plan's structure set, and its dose as the RTDOSE of the same patient."""
    folder = shared_data(SET)
    structures = next(folder.glob("*.dcm"))
    header = pydicom.dcmread(structures, stop_before_pixels=True)
    frame = header.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
    dose = read_plan(folder).dose
    path = write_dose(
        tmp_path / "RD.dcm",
        dose.array,
        dose.grid.spacing_mm,
        dose.grid.origin_lps,
        str(frame),
        patient_id=header.PatientID,
        PatientName=str(header.PatientName),
    )
    return structures, path, dose.grid


def _pet(person, grid):
    """A PET over the plan, with one focus in the middle of the bladder's floor."""
    coarse = VoxelGrid((46, 43, 68), (5.0, 5.0, 5.0), grid.origin_ras, grid.direction_ras)
    array = np.full(coarse.shape_kji, 0.5, np.float32)
    array[22:24, 17:19, 33:35] = 12.0
    node = person.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    write_image(Image(array, coarse, Quantity.SUVBW), node)
    person.ui.petSelector.setCurrentNode(node)
    person.session.run_events()


def test_an_rtdose_is_loaded_prescribed_and_read(person, pictures, files):
    structures, dose, grid = files
    ui, presenter = person.ui, person.presenter
    person.open_section("patient")
    _pet(person, grid)
    for button, path in ((ui.importRtStructButton, [str(structures)]), (ui.loadDoseButton, str(dose))):
        if button is ui.loadDoseButton:
            person.open_section("coverage")
            ui.doseGroupBox.collapsed = False
            person.session.run_events()
        person.session.answers.waiting.append(path)
        person.press(button)
        person.wait()
        assert presenter.error is None, person.message
    assert "RD.dcm" in person.message
    assert presenter.case.state.patient_check.compared == ("RTSTRUCT", "RTDOSE")
    row = person.column(ui.prescriptionTable, 0).index("PTV")
    ui.prescriptionTable.item(row, 1).setText("45")
    ui.prescriptionTable.item(row, 2).setText("25")
    # Results before the fractions were stated may arrive in between.
    assert person.session.wait_until(lambda: "25 fractions" in ui.constraintLabel.text, 60.0)
    assert "RD.dcm" in ui.doseLabel.text and not ui.dvhLabel.pixmap.isNull()
    from PSMAPlanningLib.panel.dose_section import drawn_curves

    drawn = {curve.name: curve.is_target for curve in drawn_curves(presenter.view)}
    organs = ("Bladder", "Rectum", "Femoral Head Lt", "Femoral Head RT")
    assert drawn == {"PTV": True, **dict.fromkeys(organs, False)}, "The patient's outline is no organ."
    (ptv,) = (each for each in presenter.view.plan.dose.volumes if each.name == "PTV")
    assert ptv.dose.mean_gy == pytest.approx(45.88, abs=0.05), "As Eclipse has it."
    checked = person.column(ui.constraintTable, 0)
    assert {"Rectum", "Bladder", "Femoral Head Lt", "Femoral Head RT"} == set(checked)
    assert {"pass", "fail"} == set(person.column(ui.constraintTable, 3))
    for section in ("patient", "lesions", "contours", "rtVolumes"):
        person.open_section(section, False)
    person.window.setFixedSize(test_desktop_panel.WIDTH, 1900)
    person.session.run_events(0.05)
    assert person.window.grab().save(str(pictures / "panel-dose.png"))
    assert list(test_desktop_panel.cut_off(person, ui.doseGroupBox)) == []
