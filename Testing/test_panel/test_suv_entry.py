"""A PET that is not in SUV: the form, what is typed into it, and the conversion in place."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.read import read_pet
from PSMAPlanningLib.panel.suv_entry import UNITS_CODE
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.scene.owned_nodes import PET
from PSMAPlanningLib.scene.pet_conversion import can_become_suv, conversion_of
from PSMAPlanningLib.scene.volume_nodes import quantity_of
from test_imaging.dicom_builder import pet_datasets, write_series
from test_panel.doubles import Panel
from test_scene.cases import small_state

PHILIPS = (0x7053, "Philips PET Private Group")
VALUES = {
    "weight_kg": "80",
    "dose_bq": "200",
    "decay_correction": "START",
    "injection_time": "10:00:00",
    "reference_time": "11:00:00",
    "half_life_s": "6584.04",
}
FACTOR = 80_000 / 200e6 * 2 ** (3600 / 6584.04)


@pytest.fixture
def panel(headless):
    panel = Panel(headless)
    yield panel
    panel.close()


def _activity_node(panel, quantity=Quantity.ACTIVITY):
    pet = small_state().pet
    return panel.volume_node(Image(pet.array / np.float32(FACTOR), pet.grid, quantity), "PET in Bq/ml")


def _row(panel, name):
    return next(row for row in panel.view.suv_form.rows if row.name == name)


def _fill(panel, **values):
    for name, text in (values or VALUES).items():
        assert panel.presenter.enter_suv(name, text)


def test_a_volume_in_becquerel_opens_the_form_and_changes_nothing(panel):
    node = _activity_node(panel)
    before = panel.state
    assert panel.presenter.choose_pet(node)
    assert panel.state is before
    assert panel.view.message.notice is Notice.SUV_ASKED
    assert (_row(panel, "units").text, _row(panel, "units").source) == ("Bq/ml", UNITS_CODE)
    assert set(panel.view.suv_form.needed) == {
        "weight_kg",
        "dose_bq",
        "injection_time",
        "half_life_s",
        "decay_correction",
        "reference_time",
    }
    assert panel.view.blocked[Action.CONVERT] is Reason.SUV_INCOMPLETE
    assert not panel.presenter.convert_pet()
    assert quantity_of(node) is Quantity.ACTIVITY


def test_a_volume_without_units_is_asked_for_them(panel):
    panel.presenter.choose_pet(_activity_node(panel, Quantity.UNKNOWN))
    assert _row(panel, "units").state == "needed"
    panel.presenter.enter_suv("units", "SUVbw")
    assert panel.view.suv_form.can_convert
    assert panel.view.suv_form.factor == 1.0


def test_converted_in_place_with_its_record_and_never_twice(panel):
    node = _activity_node(panel)
    panel.presenter.choose_pet(node)
    _fill(panel)
    form = panel.view.suv_form
    assert form.can_convert and form.factor == pytest.approx(FACTOR, rel=1e-9)
    assert panel.presenter.convert_pet()
    assert panel.view.suv_form is None
    assert quantity_of(node) is Quantity.SUVBW and not can_become_suv(node)
    np.testing.assert_allclose(panel.state.pet.array, small_state().pet.array, rtol=1e-5)
    assert panel.view.nodes["pet"] is node
    suv = panel.state.suv
    assert suv.dose_bq == 200e6 and suv.sources["dose_bq"] == "entered by the user"
    assert suv.sources["units"] == UNITS_CODE
    assert len(suv.factors) == panel.state.pet.grid.shape_kji[0]
    keys = {row.key: row for row in panel.view.audit}
    assert keys["weight_kg"].value == 80.0 and "dose_bq" in keys["entered"].value

    assert panel.view.undo_name == "convert PET to SUV"
    panel.presenter.undo()
    assert panel.state.pet is None
    assert panel.presenter.choose_pet(node), "It is in SUV now and taken at once."
    assert panel.view.suv_form is None
    assert panel.state.suv == suv == conversion_of(node)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [("dose_bq", "two hundred", "no number"), ("weight_kg", "9000", "Body weight"), ("sex", "x", "M or F")],
)
def test_what_cannot_be_is_said_beside_the_row(panel, name, text, words):
    panel.presenter.choose_pet(_activity_node(panel))
    _fill(panel)
    panel.presenter.enter_suv(name, text)
    form = panel.view.suv_form
    assert not form.can_convert
    if name != "sex":
        row = _row(panel, name)
        assert (row.text, row.state) == (text, "wrong")
        assert words in row.problem and "--" not in row.problem
    panel.presenter.enter_suv(name, VALUES.get(name, ""))
    assert panel.view.suv_form.can_convert


def test_comma_and_megabecquerel(panel):
    panel.presenter.choose_pet(_activity_node(panel))
    _fill(panel, **{**VALUES, "dose_bq": "199,5"})
    assert _row(panel, "dose_bq").unit == "MBq"
    assert _row(panel, "dose_bq").text == "199.5"
    panel.presenter.convert_pet()
    assert panel.state.suv.dose_bq == 199.5e6


def test_dismissed_or_another_volume_chosen(panel):
    node = _activity_node(panel)
    panel.presenter.choose_pet(node)
    assert panel.presenter.dismiss_suv_form()
    assert panel.view.suv_form is None
    assert not panel.presenter.enter_suv("weight_kg", "80")
    panel.presenter.choose_pet(node)
    suv = panel.volume_node(small_state().pet, "PET in SUV")
    assert panel.presenter.choose_pet(suv)
    assert panel.view.suv_form is None and panel.view.nodes["pet"] is suv


def test_a_volume_deleted_while_the_form_is_open(panel):
    node = _activity_node(panel)
    panel.presenter.choose_pet(node)
    _fill(panel)
    panel.scene.RemoveNode(node)
    assert not panel.presenter.convert_pet()
    assert panel.view.suv_form is None
    assert "not in the scene" in panel.view.message.text


def test_a_dose_is_still_refused_as_pet(panel):
    node = panel.volume_node(Image(small_state().pet.array, small_state().pet.grid, Quantity.DOSE), "Dose")
    assert not panel.presenter.choose_pet(node)
    assert panel.view.suv_form is None and "Gy" in panel.view.message.text


@pytest.mark.parametrize("order", [1, -1])
def test_factors_that_differ_go_to_the_slices_they_belong_to(panel, monkeypatch, tmp_path, order):
    """Philips counts: a factor per slice; Slicer may load the series from either end."""
    import slicer

    files, factors, grid = _counts_series(tmp_path)
    array = np.ones(grid.shape_kji, dtype=np.float32)
    node = panel.volume_node(Image(array, grid, Quantity.UNKNOWN), "PET in counts")
    if order == -1:
        _turn_over(node)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(files))
    database = SimpleNamespace(fileForInstance=files.get, instanceValue=lambda uid, tag: "1.2.3")
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    panel.presenter.choose_pet(node)
    assert panel.view.suv_form.factor is None
    assert panel.presenter.convert_pet(), panel.view.message.text
    np.testing.assert_allclose(panel.state.pet.array[:, 0, 0], factors[::order], rtol=1e-6)
    assert panel.scene.GetNodeByID(node.GetID()) is panel.planning_scene.node(PET)


def _counts_series(folder):
    """Philips counts: files by UID, their factors from below, and the grid that they lie on."""
    series = pet_datasets(Units="CNTS", private=[(*PHILIPS, 0x00, "DS", "1")])
    factors = [0.001, 0.002, 0.004]
    for dataset, factor in zip(series, factors, strict=True):
        dataset.private_block(*PHILIPS)[0x00].value = str(factor)
    write_series(series, folder)
    paths = {str(pydicom.dcmread(path).SOPInstanceUID): str(path) for path in folder.iterdir()}
    return paths, factors, read_pet(folder).image.grid


def _turn_over(node):
    """The same voxels in the same places, counted from the other end of K."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    last = node.GetImageData().GetDimensions()[2] - 1
    for axis in range(3):
        step = matrix.GetElement(axis, 2)
        matrix.SetElement(axis, 3, matrix.GetElement(axis, 3) + last * step)
        matrix.SetElement(axis, 2, -step)
    node.SetIJKToRASMatrix(matrix)
