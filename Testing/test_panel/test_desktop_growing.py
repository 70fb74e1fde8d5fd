"""Growing by clicks on the stand-in: buttons, cursor, keys, and events of the mouse on the slice views."""

from __future__ import annotations

import numpy as np
import pytest
from test_panel import standin_fixture
from test_panel.test_desktop_panel import Person
from vtk import vtkMatrix4x4

standin = standin_fixture.standin


class Mouse:
    """What a mouse does in one of the slice views."""

    def __init__(self, person, name="Red"):
        self._person = person
        widget = person.slicer.app.layoutManager().sliceWidget(name)
        self.view, self.node = widget.sliceView(), widget.mrmlSliceNode()
        self._interactor = self.view.interactor()

    @property
    def observers(self):
        return str(self._interactor).count("vtkObserver (")

    def at(self, point_ras):
        """The pixel of a point, after the slice went there."""
        self.node.JumpSliceByOffsetting(*point_ras)
        to_xy = vtkMatrix4x4()
        vtkMatrix4x4.Invert(self.node.GetXYToRAS(), to_xy)
        x, y = to_xy.MultiplyPoint((*point_ras, 1.0))[:2]
        return round(x), round(y)

    def event(self, name, at=None, key=""):
        if at is not None:
            self._interactor.SetEventPosition(*at)
        self._interactor.SetKeySym(key)
        self._interactor.InvokeEvent(name)
        self._person.see()

    def click(self, at):
        self.event("LeftButtonPressEvent", at)
        self.event("LeftButtonReleaseEvent", at)


@pytest.fixture
def person(standin):
    someone = Person(standin)
    someone.load_and_find()
    someone.open_section("lesions")
    return someone


@pytest.fixture
def mouse(person):
    return Mouse(person)


def _cross(person):
    return person.qt.Qt.CrossCursor


def _escape_keys(person):
    from PySide6.QtGui import QKeySequence, QShortcut

    shortcuts = person.slicer.util.mainWindow().findChildren(QShortcut)
    return [each for each in shortcuts if each.key == QKeySequence("Esc")]


def test_the_button_shows_the_mode_and_gives_everything_back(person, mouse):
    ui, observers = person.ui, mouse.observers
    cursor = mouse.view.cursor.shape()
    person.press(ui.growButton)
    assert ui.growButton.checked and person.presenter.view.contours.is_growing
    assert "Click a focus" in ui.growHintLabel.text and ui.growHintLabel.visible
    assert mouse.view.cursor.shape() == mouse.view._default_cursor.shape() == _cross(person)
    held = mouse.observers
    assert held > observers
    person.slicer.app.layoutManager().layoutChanged.emit(3)
    assert mouse.observers == held and mouse.view.cursor.shape() == _cross(person)
    person.press(ui.growButton)
    assert not ui.growButton.checked and not ui.growHintLabel.visible
    assert mouse.view.cursor.shape() == mouse.view._default_cursor.shape() == cursor
    assert mouse.observers == observers and _escape_keys(person) == []


def test_every_end_of_the_mode_leaves_no_observer(person, mouse):
    observers = mouse.observers
    ends = {
        "key": lambda: _escape_keys(person)[0].activated.emit(),
        "view": lambda: mouse.event("KeyPressEvent", key="Escape"),
        "placing": lambda: person.presenter.place_landmark("anastomosis"),
        "module": lambda: person.slicer.util.selectModule("Data"),
        "reload": lambda: person.slicer.util.reloadScriptedModule("PSMAPlanning"),
        "scene": lambda: person.scene.Clear(0),
    }
    for name, end in ends.items():
        person.open_module()
        person.wait()
        person.press(person.ui.growButton)
        assert mouse.observers > observers and len(_escape_keys(person)) == 1
        end()
        person.session.run_events(0.1)
        person.follow()
        assert not person.presenter.view.contours.is_growing, name
        assert mouse.observers == observers and _escape_keys(person) == [], name
        if name == "placing":
            assert person.presenter.view.rt.placing == "anastomosis"
            person.presenter.end_place()


def test_clicks_select_and_a_drag_sets_the_threshold(person, mouse):
    ui, presenter = person.ui, person.presenter
    person.open_section("contours")
    person.press(ui.growButton)
    lesion = presenter.case.state.lesions[1]
    at = mouse.at(lesion.region.peak_ras)
    mouse.click(at)
    assert presenter.view.selected == lesion.id
    at = mouse.at(lesion.region.peak_ras)
    before = presenter.view.contours.threshold_suv
    mouse.event("LeftButtonPressEvent", at)
    for step in (10, 20, 30):
        drawn = mouse.view._drawings
        mouse.event("MouseMoveEvent", (at[0], at[1] + step))
        assert mouse.view._drawings > drawn, "Nothing else makes a view draw an image that changed."
        assert "mL" in ui.lesionContourLabel.text
        shown = presenter.view.threshold_preview.threshold_suv
        assert shown > before
        assert ui.lesionThresholdSliderWidget.value == pytest.approx(shown, abs=0.06)
    mouse.event("LeftButtonReleaseEvent", (at[0], at[1] + 30))
    person.wait()
    assert presenter.view.threshold_preview is None
    assert presenter.view.undo_name == f"threshold lesion {lesion.id} at SUV {shown:g}"
    mouse.event("LeftButtonPressEvent", at)
    mouse.event("MouseMoveEvent", (at[0], at[1] - 15))
    state = presenter.case.state
    mouse.event("RightButtonPressEvent")
    mouse.event("RightButtonReleaseEvent")
    assert presenter.view.threshold_preview is None
    mouse.event("LeftButtonReleaseEvent")
    assert presenter.case.state is state
    person.press(ui.growButton)


def test_a_new_lesion_is_grown_beside_the_interface(person, mouse):
    presenter = person.presenter
    lesion = presenter.case.state.lesions[0]
    presenter._perform("without", lesions=presenter.case.state.lesions[1:])
    other = presenter.case.state.lesions[0]
    assert person.panel._logic.growLesion(other.region.peak_ras) == other.id, "The console's step."
    rows = person.ui.lesionTable.rowCount
    person.press(person.ui.growButton)
    at, could_cancel = mouse.at(lesion.region.peak_ras), []
    stop = presenter.observe(lambda _view: could_cancel.append(person.ui.cancelButton.visible))
    mouse.click(at)
    person.wait()
    stop()
    assert any(could_cancel), "It runs on the worker."
    assert person.ui.lesionTable.rowCount == rows + 1
    added = presenter.case.lesion(presenter.view.selected)
    assert np.allclose(added.region.peak_ras, lesion.region.peak_ras)
    mouse.click((1, 1))
    person.wait()
    assert person.ui.messageLabel.visible and "click" in person.message.lower()
    person.press(person.ui.growButton)


def test_while_editing_the_contour_grows_by_its_own_button(person, mouse):
    ui, presenter = person.ui, person.presenter
    person.click_cell(ui.lesionTable, 0)
    person.open_section("contours")
    assert not ui.growContourButton.visible
    presenter.choose_contour("percent_max")
    person.wait()
    person.press(ui.editLesionButton)
    person.press(ui.growContourButton)
    assert ui.growButton.checked and "grows from there" in ui.growContourHintLabel.text
    lesion = presenter.case.lesion(presenter.view.edited)
    points = lesion.region.mask.points_ras()
    far = points[np.linalg.norm(points - np.array(lesion.region.peak_ras), axis=1).argmax()]
    mouse.click(mouse.at(tuple(far)))
    person.wait()
    assert presenter.view.undo_name == f"grow lesion {lesion.id}"
    assert presenter.view.edited == lesion.id
    assert presenter.case.lesion(lesion.id).contour.mask.volume_ml > lesion.contour.mask.volume_ml
    person.press(ui.editLesionButton)
    assert presenter.view.contours.is_growing and not ui.growContourButton.visible
    person.press(ui.growButton)
