"""The Lesions and Contours sections on the stand-in: sorting, keys, menu, candidates, threshold."""

from __future__ import annotations

import pytest
from test_panel import standin_fixture
from test_panel.test_desktop_panel import LESION, STATE, VOLUME, Person

standin = standin_fixture.standin
REGION, UPTAKE = 2, 5


@pytest.fixture
def person(standin):
    someone = Person(standin)
    someone.load_and_find()
    someone.open_section("lesions")
    return someone


def _order(person):
    return person.column(person.ui.lesionTable, LESION)


def _sort(person, column):
    header = person.ui.lesionTable.horizontalHeader()
    place = header.sectionViewportPosition(column) + 5
    person._mouse(header.viewport(), person.qt.Qt.LeftButton, pos=person.qt.QPoint(place, 5))
    person.see()


def _menu(person, row):
    """What the right button opens over a line, by its words."""
    table = person.ui.lesionTable
    person.click_cell(table, row)
    table.customContextMenuRequested.emit(table.visualItemRect(table.item(row, 0)).center())
    person.see()
    menu = next(each for each in reversed(table.findChildren(person.qt.QMenu)) if each.isVisible())
    return {action.text: action for action in menu.actions() if action.text}


def _key(person, key):
    """Press a key with whatever has the focus in Slicer's window."""
    from PySide6.QtGui import QKeySequence, QShortcut

    window = person.slicer.util.mainWindow()
    shortcuts = [each for each in window.findChildren(QShortcut) if each.key == QKeySequence(key)]
    assert len(shortcuts) == 1 and shortcuts[0].enabled, key
    shortcuts[0].activated.emit()
    person.see()


def test_the_table_is_sorted_by_any_column_and_the_selection_stays(person):
    table = person.ui.lesionTable
    ids = _order(person)
    person.click_cell(table, 2)
    _sort(person, UPTAKE)
    uptake = [float(text) for text in person.column(table, UPTAKE)]
    assert uptake == sorted(uptake)
    assert _order(person)[table.currentRow()] == ids[2]
    _sort(person, UPTAKE)
    assert person.column(table, UPTAKE) == [f"{value:.1f}" for value in reversed(uptake)]
    assert person.panel.lesions._table.selected_ids == [ids[2]]
    _sort(person, VOLUME)
    volumes = [float(text.partition("\n")[0]) for text in person.column(table, VOLUME)]
    assert volumes == sorted(volumes)
    _sort(person, LESION)
    assert _order(person) == ids


def test_a_decision_writes_only_its_own_line(person):
    table = person.ui.lesionTable
    before = [table.item(row, STATE) for row in range(table.rowCount)]
    person.click_cell(table, 1)
    person.press(person.ui.acceptLesionButton)
    same = [table.item(row, STATE) is before[row] for row in range(table.rowCount)]
    assert same == [row != 1 for row in range(table.rowCount)]
    assert "accepted" in table.item(1, STATE).toolTip()
    assert "UTC" in table.item(1, STATE).toolTip()


def test_keys_live_as_long_as_the_module_is_open(person):
    from PySide6.QtGui import QShortcut

    ids = _order(person)
    _key(person, "Ctrl+Shift+Down")
    _key(person, "Ctrl+Shift+Down")
    assert person.presenter.view.selected == ids[1]
    _key(person, "Ctrl+Shift+Up")
    assert person.presenter.view.selected == ids[0]
    _key(person, "Ctrl+Shift+Return")
    assert person.states()[0] == "accepted"
    _key(person, "Ctrl+Shift+Backspace")
    assert person.states()[0] == "accepted", "A rejection needs a reason."
    person.ui.rejectionReasonLineEdit.text = "ureter"
    _key(person, "Ctrl+Shift+Backspace")
    assert person.states()[0] == "rejected"
    _key(person, "Ctrl+Shift+Z")
    assert person.states()[0] == "accepted"
    _key(person, "Ctrl+Shift+Y")
    assert person.states()[0] == "rejected"
    window = person.slicer.util.mainWindow()
    person.slicer.util.selectModule("Data")
    person.see()
    assert window.findChildren(QShortcut) == []
    person.open_module()
    assert len(window.findChildren(QShortcut)) == 6


def test_the_context_menu_says_what_cannot_be_done_and_does_the_rest(person):
    menu = _menu(person, 0)
    assert not menu["Merge selected lesions"].isEnabled()
    assert "two lines" in menu["Merge selected lesions"].toolTip
    assert not menu["Delete"].isEnabled()
    assert "reject" in menu["Delete"].toolTip
    menu["Leave undecided"].trigger()
    person.see()
    assert person.states()[0] == "undecided"
    _menu(person, 0)["Accept"].trigger()
    person.see()
    assert person.states()[0] == "accepted"
    regions = _menu(person, 0)["Region"].menu()
    entries = {action.text: action for action in regions.actions() if action.text}
    assert not entries["As the anatomy tells"].isEnabled()
    sides = {action.text: action for action in entries["obturator"].menu().actions()}
    sides["left"].trigger()
    person.see()
    assert person.column(person.ui.lesionTable, REGION)[0] == "obturator*\nleft"
    assert person.presenter.view.undo_name == "state region of lesion L1"


def test_a_lesion_goes_by_the_contour_that_is_clicked(person):
    ui = person.ui
    person.click_cell(ui.lesionTable, 0)
    person.open_section("contours")
    table = ui.candidatesTable
    names = person.column(table, 0)
    assert names[0] == "Consensus" and "percent max" in names
    row = names.index("percent max")
    person.click_cell(table, row)
    person.wait()
    assert "percent max" in ui.lesionContourLabel.text
    assert table.currentRow() == row
    shown = ui.lesionTable.item(0, VOLUME).text().partition("\n")[0]
    assert float(shown) == pytest.approx(float(table.item(row, 2).text()), abs=0.006)
    person.press(ui.undoButton)
    assert "consensus" in ui.lesionContourLabel.text


def test_dragging_the_threshold_is_one_step_on_release(person):
    ui = person.ui
    person.click_cell(ui.lesionTable, 0)
    person.open_section("contours")
    slider, before = ui.lesionThresholdSliderWidget, person.presenter.case.state
    for suv in (3.0, 4.0, 5.0):
        slider.drag(suv)
        assert "mL" in ui.lesionContourLabel.text
    assert person.presenter.case.state is before
    slider.let_go()
    person.wait()
    assert person.presenter.view.undo_name.startswith("threshold lesion L1 at SUV 5")
    assert "threshold of its own" in ui.lesionContourLabel.text


def test_drawing_can_be_kept_to_the_pet_above_the_threshold(person):
    ui = person.ui
    person.click_cell(ui.lesionTable, 0)
    person.open_section("contours")
    assert not ui.maskRangeCheckBox.visible
    person.press(ui.editLesionButton)
    node = person.panel.contours.editor.widget.mrmlSegmentEditorNode()
    assert not node.GetSourceVolumeIntensityMask()
    person.press(ui.maskRangeCheckBox)
    assert node.GetSourceVolumeIntensityMask()
    low, high = node.GetSourceVolumeIntensityMaskRange()
    assert low == pytest.approx(ui.lesionThresholdSliderWidget.value, abs=0.01)
    assert high >= person.presenter.case.state.lesions[0].region.suv_max
    person.press(ui.maskRangeCheckBox)
    assert not node.GetSourceVolumeIntensityMask()
    person.press(ui.editLesionButton)
