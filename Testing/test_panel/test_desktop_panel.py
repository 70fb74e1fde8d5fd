"""The panel opened on the stand-in and used as a person uses it: presses, clicks, tables, pictures."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

# Imported here, and not first by the panel, the library is the same one in all tests.
from PSMAPlanningLib.panel import lesion_actions, presenter
from test_panel import standin_fixture
from vtkmodules.util.numpy_support import vtk_to_numpy

standin = standin_fixture.standin
# How wide Slicer makes its module panel by itself (measured: 373 to 390); the margin of a cell.
WIDTH, MARGIN = 380, 3
LESION, STATE, COVERAGE, VOLUME = 0, 1, 3, 4
_computed = {}


class Person:
    """Presses only what can be seen and is enabled; opens the section it is in before."""

    def __init__(self, session):
        import slicer
        from PySide6.QtTest import QTest

        self.session, self.slicer, self.qt = session, slicer, sys.modules["qt"]
        self._mouse = QTest.mouseClick
        self.open_module()

    def open_module(self):
        self.slicer.util.selectModule("PSMAPlanning")
        self.follow()
        self.window = self.slicer.util.getModule("PSMAPlanning").widgetRepresentation()
        self.window.resize(WIDTH, 1000)
        self.window.show()
        self.session.run_events()

    def follow(self):
        """Look at the panel there is now; a reload makes another one."""
        self.panel = self.slicer.util.getModuleWidget("PSMAPlanning").panel
        self.ui, self.presenter = self.panel.ui, self.panel.presenter

    @property
    def scene(self):
        return self.slicer.mrmlScene

    @property
    def message(self):
        return self.ui.messageLabel.text

    def open_section(self, name, opened=True):
        section = getattr(self.ui, f"{name}CollapsibleButton")
        if section.collapsed == opened:
            self._mouse(section, self.qt.Qt.LeftButton, pos=self.qt.QPoint(50, 5))
        assert section.collapsed != opened
        self.session.run_events()

    def press(self, button):
        section = button.parent()
        while section is not None and not section.inherits("ctkCollapsibleButton"):
            section = section.parent()
        if section is not None:
            self.open_section(section.name.removesuffix("CollapsibleButton"))
        assert button.visible and button.enabled, button.name
        self._mouse(button, self.qt.Qt.LeftButton)
        self.see()

    def see(self):
        """Look at what comes of a press: scene and panel take a few turns of the event loop to follow."""
        self.session.run_events()
        assert self.session.wait_until(lambda: not self.presenter.is_changing), "It was never shown."
        # What is told at the end, and an editor that opens, have turns of their own.
        for _turn in range(10):
            self.session.run_events()

    def wait(self, seconds=30.0):
        assert self.session.wait_until(lambda: not self.presenter.view.is_busy, seconds), "It never ended."
        self.see()

    def wait_for_what_follows(self, seconds=30.0):
        """Regions and the patient's sentence are worked out beside the interface."""
        done = self.session.wait_until(lambda: self.presenter.view.plan.facts is not None, seconds)
        assert done, "They never came."

    def click_cell(self, table, row, column=0):
        table.scrollToItem(table.item(row, column))
        place = table.visualItemRect(table.item(row, column)).center()
        self._mouse(table.viewport(), self.qt.Qt.LeftButton, pos=place)
        self.see()

    def column(self, table, column):
        return [table.item(row, column).text() for row in range(table.rowCount)]

    def states(self):
        """What the lesion table says was decided, without the remarks below it."""
        return [text.partition("\n")[0] for text in self.column(self.ui.lesionTable, STATE)]

    def load_and_find(self):
        """The quick way to a case with lesions, for tests of what comes after; computed once."""
        session = self.panel.session
        with ExitStack() as patches:
            for (module, name), result in _computed.items():
                patches.enter_context(mock.patch.object(module, name, return_value=result))
            session.at_once(self.presenter.load_sample_case, "small")
            _computed.setdefault((presenter, "sample_case"), self.presenter.case.state)
            session.at_once(self.presenter.find_lesions)
            _computed.setdefault((lesion_actions, "find_lesions"), self.presenter.case.state)
        self.session.run_events()

    def draw(self):
        """Add the box around the lesion that is edited, as an effect of the segment editor does it."""
        slicer, editor = self.slicer, self.panel.contours.editor.widget
        logic = slicer.vtkSlicerSegmentEditorLogic()
        logic.SetMRMLScene(self.scene)
        logic.SetSegmentEditorNode(editor.mrmlSegmentEditorNode())
        logic.UpdateReferenceGeometryImage()
        logic.ResetModifierLabelmapToDefault()
        logic.UpdateSelectedSegmentLabelmap()
        drawn, box = logic.GetModifierLabelmap(), [0] * 6
        segment = logic.GetSelectedSegmentLabelmap()
        slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(segment, box)
        low = drawn.GetExtent()
        array = vtk_to_numpy(drawn.GetPointData().GetScalars()).reshape(drawn.GetDimensions()[::-1])
        array[tuple(slice(box[n] - 1 - low[n], box[n + 1] + 2 - low[n]) for n in (4, 2, 0))] = 1
        drawn.Modified()
        logic.ModifySegmentByLabelmap(
            editor.segmentationNode(),
            editor.currentSegmentID(),
            drawn,
            logic.ModificationModeAdd,
            False,
            True,
        )
        logic.SetSegmentEditorNode(None)
        # Two events of one stroke are taken as one, a moment later.
        self.session.run_events(0.3)


@pytest.fixture
def person(standin, monkeypatch):
    someone = Person(standin)
    # The button loads the full patient; the small one is the same in a tenth of the time.
    monkeypatch.setattr(type(someone.presenter).load_sample_case, "__defaults__", ("small", 1))
    return someone


@pytest.fixture
def pictures(tmp_path):
    folder = Path(os.environ.get("PSMA_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_opens_with_nothing_chosen_and_says_what_it_waits_for(person):
    ui = person.ui
    assert ui.petSelector.currentNode() is None
    assert "PET" in ui.patientStatusLabel.text
    assert not ui.findLesionsButton.enabled
    assert "PET" in ui.findLesionsButton.toolTip
    assert not ui.progressBar.visible and not ui.cancelButton.visible


def test_from_the_sample_case_to_decisions(person):
    ui = person.ui
    person.press(ui.sampleCaseButton)
    assert ui.cancelButton.visible and not ui.findLesionsButton.enabled
    person.wait()
    assert ui.petSelector.currentNode().IsA("vtkMRMLScalarVolumeNode")
    assert ui.rtVolumesTableView.segmentCount > 0

    person.press(ui.findLesionsButton)
    assert ui.progressBar.visible
    person.wait()
    assert not ui.progressBar.visible
    lesions = ui.lesionTable.rowCount
    assert lesions > 1 and str(lesions) in person.message
    assert set(person.states()) <= {"proposed", "undecided"}
    classes = {text.partition("\n")[0] for text in person.column(ui.lesionTable, COVERAGE)}
    assert classes <= {"inside", "partial", "outside"}
    assert ui.coverageTable.rowCount == lesions * (1 + ui.rtVolumesTableView.segmentCount)
    assert "Provisional" in ui.coverageStatusLabel.text

    assert not ui.acceptLesionButton.enabled, "No lesion is selected yet."
    person.click_cell(ui.lesionTable, 1)
    center = person.presenter.case.lesion("L2").region.peak_ras
    views = person.slicer.util.getNodesByClass("vtkMRMLSliceNode")
    for axis, name in enumerate(("Yellow", "Green", "Red")):
        view = next(view for view in views if view.GetLayoutName() == name)
        assert view.GetSliceToRAS().GetElement(axis, 3) == pytest.approx(center[axis], abs=0.01)
    person.press(ui.acceptLesionButton)
    assert person.states()[1] == "accepted"

    person.click_cell(ui.lesionTable, 0)
    person.press(ui.rejectLesionButton)
    assert person.states()[0] == "proposed", "A rejection needs a reason."
    assert "reason" in person.message.lower()
    ui.rejectionReasonLineEdit.text = "Ureter"
    person.press(ui.rejectLesionButton)
    assert person.states()[0] == "rejected"
    assert "Ureter" in ui.lesionTable.item(0, STATE).text()
    assert ui.rejectionReasonLineEdit.text == ""

    person.press(ui.undoButton)
    assert person.states()[0] == "proposed"
    person.press(ui.redoButton)
    assert person.states()[0] == "rejected"
    person.click_cell(ui.coverageTable, ui.coverageTable.rowCount - 1)
    assert person.presenter.view.selected == f"L{lesions}"


def test_drawing_is_one_step_that_undo_takes_back(person):
    ui = person.ui
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(ui.lesionTable, 0)
    volume = ui.lesionTable.item(0, VOLUME).text().split()[0]
    person.press(ui.editLesionButton)
    assert ui.editorFrame.visible and ui.editLesionButton.checked
    editor = person.panel.contours.editor.widget
    assert (editor.undoEnabled, editor.maximumNumberOfUndoStates) == (False, 0)
    assert editor.sourceVolumeNode() is ui.petSelector.currentNode()
    person.draw()
    drawn = ui.lesionTable.item(0, VOLUME).text().split()[0]
    assert float(drawn) > float(volume)
    person.press(ui.undoButton)
    assert ui.lesionTable.item(0, VOLUME).text().split()[0] == volume
    person.press(ui.redoButton)
    assert ui.lesionTable.item(0, VOLUME).text().split()[0] == drawn
    person.press(ui.editLesionButton)
    assert not ui.editorFrame.visible
    assert not editor.holdsShortcuts and not editor.holdsViews
    assert "hand" in ui.lesionTable.item(0, STATE).text()


def test_cancelled_work_leaves_the_case_as_it_was(person):
    ui = person.ui
    person.load_and_find()
    state = person.presenter.case.state
    person.press(ui.findLesionsButton)
    person.press(ui.cancelButton)
    assert not ui.cancelButton.visible and ui.findLesionsButton.enabled
    assert person.session.wait_until(lambda: not person.panel.clock.is_running, 20.0)
    assert person.presenter.case.state is state


def test_scene_closed_while_working(person):
    ui = person.ui
    person.load_and_find()
    person.press(ui.findLesionsButton)
    person.scene.Clear(0)
    assert person.session.wait_until(lambda: not person.panel.clock.is_running, 20.0)
    assert (ui.lesionTable.rowCount, ui.coverageTable.rowCount) == (0, 0)
    assert ui.petSelector.currentNode() is None
    assert ui.sampleCaseButton.enabled and not ui.findLesionsButton.enabled


def test_deleted_nodes_are_cleared_and_come_back_with_undo(person):
    ui = person.ui
    person.load_and_find()
    lesions = ui.lesionTable.rowCount
    person.scene.RemoveNode(ui.petSelector.currentNode())
    assert person.session.wait_until(lambda: ui.lesionTable.rowCount == 0, 5.0)
    assert ui.petSelector.currentNode() is None
    person.press(ui.undoButton)
    assert ui.lesionTable.rowCount == lesions
    assert ui.petSelector.currentNode() is not None


def test_a_deleted_pet_is_not_replaced_by_the_next_volume(person):
    """Slicer's selector goes on to the next node by itself; that would be choosing by guessing."""
    ui = person.ui
    person.load_and_find()
    pet = ui.petSelector.currentNode()
    person.scene.RemoveNode(ui.ctSelector.currentNode())
    person.session.run_events(0.3)
    other = person.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    other.CopyContent(pet)
    other.SetName("PET of another day")
    other.SetVoxelValueUnits(pet.GetVoxelValueUnits())
    person.scene.RemoveNode(pet)
    person.session.run_events(0.3)
    person.see()
    assert ui.petSelector.currentNode() is None
    assert ui.lesionTable.rowCount == 0


def test_the_module_s_own_test_passes(person):
    """What Reload and Test runs in Slicer; it presses less and asks the logic more."""
    sys.modules["PSMAPlanning"].PSMAPlanningTest().runTest()


def test_saved_scene_brings_the_case_back(person, tmp_path):
    ui = person.ui
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(ui.lesionTable, 2)
    person.press(ui.acceptLesionButton)
    person.wait_for_what_follows()
    table = [person.column(ui.lesionTable, column) for column in range(ui.lesionTable.columnCount)]
    ui.scenePathLineEdit.currentPath = str(tmp_path / "case.mrb")
    person.press(ui.saveSceneButton)
    assert "case.mrb" in person.message
    person.scene.Clear(0)
    assert ui.lesionTable.rowCount == 0
    assert person.scene.ReadFromMRB(str(tmp_path / "case.mrb"), False)
    assert person.session.wait_until(lambda: ui.lesionTable.rowCount > 0, 5.0)
    person.wait_for_what_follows()
    back = [person.column(ui.lesionTable, column) for column in range(ui.lesionTable.columnCount)]
    assert back == table


def test_reload_makes_a_new_panel_over_the_same_case(person):
    person.load_and_find()
    lesions, former = person.ui.lesionTable.rowCount, person.panel
    person.slicer.util.getModuleWidget("PSMAPlanning").onReload()
    person.follow()
    person.session.run_events()
    assert person.panel is not former
    assert type(person.panel) is not type(former), "The library is reloaded too."
    person.wait()
    assert person.ui.lesionTable.rowCount == lesions
    person.open_section("lesions")
    person.click_cell(person.ui.lesionTable, 0)
    person.press(person.ui.acceptLesionButton)
    assert person.states()[0] == "accepted"


def test_another_module_and_back(person):
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(person.ui.lesionTable, 0)
    person.press(person.ui.editLesionButton)
    person.slicer.util.selectModule("Data")
    assert not person.panel.observes_parameters
    assert person.presenter.view.edited is None
    person.slicer.util.selectModule("PSMAPlanning")
    assert person.panel.observes_parameters
    assert person.ui.lesionTable.rowCount > 0


def is_offered(button):
    """Whether it is seen when its section is open."""
    widget = button
    while widget is not None and not widget.inherits("ctkCollapsibleButton"):
        if widget.isHidden():
            return False
        widget = widget.parent()
    return True


def test_buttons_pressed_in_any_order_and_twice(person):
    """Whatever is enabled is pressed, again and again; nothing raises and the tables agree with the case."""
    ui = person.ui
    person.load_and_find()
    names = [name for name in vars(ui) if name.endswith("Button") and "Collapsible" not in name]
    # Every dialog is closed as with Escape.
    person.session.answers.take = lambda *_asked, **_more: ""
    choice = np.random.default_rng(4)
    for _turn in range(40):
        if ui.lesionTable.rowCount and ui.lesionTable.visible and choice.random() < 0.3:
            person.click_cell(ui.lesionTable, int(choice.integers(ui.lesionTable.rowCount)))
        button = getattr(ui, names[choice.integers(len(names))])
        if button.enabled and is_offered(button) and button is not ui.dicomButton:
            person.press(button)
    person.wait()
    case = person.presenter.case
    assert person.column(ui.lesionTable, LESION) == [lesion.id for lesion in case.state.lesions]


def census(scene):
    """What a panel could leave behind: nodes, observers, timers, threads, shortcuts, widgets."""
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QShortcut
    from PySide6.QtWidgets import QApplication
    from shiboken6 import isValid

    gc.collect()
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    found = Counter(node.GetClassName() for node in nodes)
    # VTK has no function that counts observers; the scene prints each of its own, nodes do not.
    found["observers of the scene"] = str(scene).count("vtkObserver (")
    found["observed nodes"] = sum(bool(node.HasObserver("ModifiedEvent")) for node in nodes)
    for kind in (QTimer, QShortcut):
        found[kind.__name__] = sum(isinstance(item, kind) and isValid(item) for item in gc.get_objects())
    found["widgets"] = len(QApplication.allWidgets())
    found["threads"] = threading.active_count()
    return found


def test_nothing_is_left_after_cleanup(standin, headless):
    import slicer

    slicer.mrmlScene.Clear(0)
    # What an earlier test's panel left to be deleted later is deleted now.
    standin.run_events(0.1)
    gc.collect()
    standin.run_events(0.1)
    before = census(headless.scene)
    person = Person(standin)
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(person.ui.lesionTable, 0)
    person.press(person.ui.editLesionButton)
    person.draw()
    person.press(person.ui.findLesionsButton)
    slicer.mrmlScene.Clear(0)
    slicer.util.selectModule("Data")
    standin.app.moduleManager().unload_all()
    assert standin.wait_until(lambda: census(headless.scene)["threads"] <= before["threads"], 20.0)
    standin.run_events()
    left = census(headless.scene)
    left.subtract(before)
    # The parameter node is a singleton; Slicer keeps those when a scene is closed.
    left.pop("vtkMRMLScriptedModuleNode")
    # No more than before, as waited for above; one that an earlier test cancelled may have ended meanwhile.
    left.pop("threads")
    assert {name: count for name, count in left.items() if count} == {}


def test_pictures_of_every_section_and_no_text_is_cut_off(person, pictures):
    person.load_and_find()
    person.open_section("lesions")
    person.click_cell(person.ui.lesionTable, 0)
    cut = []
    names = [name.removesuffix("CollapsibleButton") for name in vars(person.ui) if "Collapsible" in name]
    for opened in names:
        for name in names:
            person.open_section(name, name == opened)
        if opened == "contours":
            person.press(person.ui.editLesionButton)
        # The sentence is worked out beside the interface; its label grows in a turn after it came.
        person.session.wait_until(lambda: not list(cut_off(person, person.panel.root)), 10.0)
        assert person.window.grab().save(str(pictures / f"panel-{opened}.png"))
        cut += [(opened, *what) for what in cut_off(person, person.panel.root)]
    assert cut == []


def cut_off(person, root):
    """Texts that need more room than they have, with the needed and the given pixels."""
    qt = person.qt
    for widget in root.findChildren(qt.QWidget):
        if not widget.isVisible():
            continue
        if isinstance(widget, qt.QLabel) and widget.wordWrap:
            needed, given = widget.heightForWidth(widget.width), widget.height
        elif isinstance(widget, (qt.QLabel, qt.QAbstractButton)) and widget.text:
            needed, given = widget.minimumSizeHint().width(), widget.width
        elif isinstance(widget, qt.QComboBox):
            needed, given = widget.fontMetrics().horizontalAdvance(widget.currentText) + 20, widget.width
        elif isinstance(widget, qt.QTableWidget):
            yield from _cut_off_in_table(widget)
            continue
        else:
            continue
        if needed > given:
            yield widget.name, needed, given


def _cut_off_in_table(table):
    """Headings, and texts of cells that no tooltip says in full."""
    from PySide6.QtCore import QRect, Qt

    font, heading = table.fontMetrics(), table.horizontalHeader()
    wrapping = Qt.TextFlag.TextWordWrap if table.wordWrap else Qt.TextFlag.TextSingleLine
    for column in range(table.columnCount):
        items = [table.horizontalHeaderItem(column)]
        # Two columns of what and its value say what they are.
        headless = heading.isHidden()
        items += [table.item(row, column) for row in range(table.rowCount)]
        room = QRect(0, 0, table.columnWidth(column) - 2 * MARGIN, 1000)
        for item in items:
            is_heading = item is items[0]
            if is_heading and headless:
                continue
            flags = Qt.TextFlag(0) if is_heading else wrapping
            height = heading.height if is_heading else table.rowHeight(item.row())
            needed = font.boundingRect(room, flags, item.text())
            is_cut = needed.width() > room.width() or needed.height() > height
            if is_cut and (is_heading or item.text() not in item.toolTip()):
                yield f"{table.name}: {item.text()}", needed.width(), room.width()
    if heading.length() > table.viewport().width:
        yield table.name, heading.length(), table.viewport().width
