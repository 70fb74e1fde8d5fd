"""The stand-in itself: it behaves like PythonQt where the panel relies on it, and leaves nothing behind."""

from __future__ import annotations

import sys

import pytest
from test_panel import standin_fixture

standin = standin_fixture.standin


@pytest.fixture
def qt(standin):
    return sys.modules["qt"]


def test_properties_are_attributes_and_setters_stay(qt):
    button = qt.QPushButton("Find")
    button.enabled = False
    button.setToolTip("why")
    assert (button.text, button.enabled, button.isEnabled(), button.toolTip) == ("Find", False, False, "why")


@pytest.mark.parametrize("name", ["txet", "click"])
def test_what_pythonqt_refuses_is_refused(qt, name):
    with pytest.raises(AttributeError):
        setattr(qt.QPushButton(), name, "Find")


def test_connects_by_signature_with_the_arguments_that_the_slot_takes(qt):
    got = []
    button = qt.QPushButton()
    button.checkable = True
    button.connect("clicked()", lambda: got.append("nothing"))
    button.connect("clicked(bool)", got.append)
    button.connect("clicked(bool)", lambda: got.append("fewer"))
    button.click()
    assert got == ["nothing", True, "fewer"]
    with pytest.raises(AttributeError, match="clicked\\(int\\)"):
        button.connect("clicked(int)", print)


def test_disconnects_by_signature(qt):
    got = []

    def slot():
        got.append(1)

    button = qt.QPushButton()
    button.connect("clicked()", slot)
    assert button.disconnect("clicked()", slot)
    button.click()
    assert got == []


def test_an_unexpected_dialog_is_an_error_and_an_expected_one_answers(standin, qt):
    with pytest.raises(AssertionError, match="Why"):
        qt.QInputDialog.getText(None, "Reject", "Why?")
    standin.answers.waiting.append("Ureter")
    assert qt.QInputDialog.getText(None, "Reject", "Why?") == "Ureter"


def test_an_error_in_a_slot_is_kept(standin, qt):
    def fail():
        raise ValueError("lost otherwise")

    button = qt.QPushButton()
    button.connect("clicked()", fail)
    button.click()
    assert [str(error) for error in standin.errors] == ["lost otherwise"]
    standin.errors.clear()


def test_node_selector_follows_the_real_scene(standin):
    slicer = sys.modules["slicer"]
    chosen = []
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.showChildNodeTypes = False
    selector.noneEnabled = True
    selector.connect("currentNodeChanged(vtkMRMLNode*)", chosen.append)
    selector.setMRMLScene(slicer.mrmlScene)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert selector.nodeCount() == 1
    assert selector.currentNode() is None
    selector.setCurrentNode(volume)
    slicer.mrmlScene.RemoveNode(volume)
    assert chosen == [None, volume, None]
    observers = str(slicer.mrmlScene).count("vtkObserver")
    selector.delete()
    assert str(slicer.mrmlScene).count("vtkObserver") < observers


def test_collapsed_section_hides_its_children_and_remembers_which_were_hidden(qt):
    ctk = sys.modules["ctk"]
    section = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(section)
    shown, hidden = qt.QLabel("shown"), qt.QLabel("hidden")
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.visible = False
    section.show()
    section.collapsed = True
    assert not shown.visible
    section.collapsed = False
    assert (shown.visible, hidden.visible) == (True, False)


def test_nothing_of_it_stays(headless, tmp_path):
    import slicer
    from desktop_standin import desktop_standin, standin_problem

    if problem := standin_problem():
        pytest.skip(problem)
    from PySide6.QtWidgets import QPushButton

    modules, attributes = dict(sys.modules), dict(vars(slicer))
    with desktop_standin(headless, tmp_path) as session:
        assert session.app is slicer.app
        assert QPushButton("Find").text == "Find"
    left = {n for n in set(sys.modules) - set(modules) if not n.startswith(("PySide6", "desktop_standin"))}
    assert left == set()
    assert vars(slicer) == attributes
    assert QPushButton("Find").text() == "Find"
