"""The views' buttons on the stand-in: the layout comes when asked for and goes, the projection turns."""

import gc

import pytest
from PSMAPlanningLib.scene.layout_description import LAYOUT_ID
from PSMAPlanningLib.scene.owned_nodes import CONTEXT, MISSED_PART, RULER
from test_panel import standin_fixture
from test_panel.test_desktop_panel import Person

standin = standin_fixture.standin


@pytest.fixture
def person(standin):
    someone = Person(standin)
    someone.load_and_find()
    return someone


def arrangement(person):
    return person.slicer.app.layoutManager().layoutLogic().GetLayoutNode().GetViewArrangement()


def composites(person):
    node_class = "vtkMRMLSliceCompositeNode"
    nodes = [
        person.scene.GetNthNodeByClass(n, node_class)
        for n in range(person.scene.GetNumberOfNodesByClass(node_class))
    ]
    return [(node.GetCompositing(), node.GetLinkedControl()) for node in nodes]


def crosshair(person):
    node = person.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return node.GetCrosshairMode(), node.GetCrosshairBehavior()


def test_the_layout_is_set_only_when_asked_for_and_given_back(person):
    former, linked, crossed = arrangement(person), composites(person), crosshair(person)
    assert former != LAYOUT_ID
    person.press(person.ui.planningLayoutButton)
    assert arrangement(person) == LAYOUT_ID and person.ui.planningLayoutButton.checked
    assert all(is_linked for _, is_linked in composites(person))
    assert crosshair(person) != crossed
    node = person.slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    assert not node.GetSaveWithScene()
    person.press(person.ui.planningLayoutButton)
    assert arrangement(person) == former and node.GetSaveWithScene()
    assert composites(person) == linked and crosshair(person) == crossed
    # Once more, and left by opening another module.
    person.press(person.ui.planningLayoutButton)
    assert len(person.slicer.app.layoutManager()._factories) == 1
    person.slicer.util.selectModule("Data")
    assert arrangement(person) == former and crosshair(person) == crossed
    assert not any(is_linked for _, is_linked in composites(person))


def test_a_layout_chosen_by_hand_meanwhile_stays(person):
    person.press(person.ui.planningLayoutButton)
    node = person.slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    node.SetViewArrangement(4)
    person.slicer.util.selectModule("Data")
    assert arrangement(person) == 4 and node.GetSaveWithScene()


def test_the_projection_turns_shows_lesions_and_jumps(person):
    person.press(person.ui.planningLayoutButton)
    view = person.panel.views.layout.mip
    assert person.session.wait_until(lambda: person.presenter.view.views.mip is not None, 30)
    view.widget.resize(300, 400)
    view.widget.show()
    person.session.run_events()
    assert not view.picture.pixmap.isNull() and not view.is_rotating
    view.rotate_button.click()
    assert view.is_rotating
    assert person.session.wait_until(lambda: view.angle > 1, 10)
    view.rotate_button.click()
    assert not view.is_rotating
    view.turn_to(0)
    lesion = person.presenter.case.state.lesions[0]
    mip = person.presenter.view.views.mip
    x, y = mip.position_of(lesion.region.peak_ras, 0)
    width, height = mip.size
    size = view.picture.size
    scale = min(size.width() / width, size.height() / height)
    left, top = (size.width() - width * scale) / 2, (size.height() - height * scale) / 2
    view.pressed(round(left + x * scale))
    view.released(round(left + x * scale), round(top + y * scale))
    red = person.scene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert red.GetSliceToRAS().GetElement(2, 3) == pytest.approx(lesion.region.peak_ras[2], abs=4)
    # Dragged, it turns instead.
    view.pressed(100)
    view.moved(160)
    view.released(160, 100)
    assert view.angle == 31
    view.rotate_button.click()
    person.slicer.util.selectModule("Data")
    assert not view.is_rotating


def test_window_colors_and_bones_follow_their_widgets(person):
    pet = person.presenter.view.nodes["pet"]
    person.ui.petWindowComboBox.setCurrentIndex(0)
    assert pet.GetDisplayNode().GetWindowLevelMax() == 5
    person.ui.petColorsComboBox.setCurrentIndex(1)
    assert "Inverted" in pet.GetDisplayNode().GetColorNode().GetName()
    assert {compositing for compositing, _ in composites(person)} == {0}
    person.ui.contextCheckBox.click()
    nodes = person.panel.session.scene
    assert person.session.wait_until(lambda: nodes.node(CONTEXT) is not None, 30)
    person.ui.contextCheckBox.click()
    assert nodes.node(CONTEXT) is None
    person.ui.intersectionsCheckBox.click()
    node_class = "vtkMRMLSliceDisplayNode"
    displays = [
        person.scene.GetNthNodeByClass(n, node_class)
        for n in range(person.scene.GetNumberOfNodesByClass(node_class))
    ]
    assert displays and all(display.GetIntersectingSlicesVisibility() for display in displays)
    person.slicer.util.selectModule("Data")
    assert not any(display.GetIntersectingSlicesVisibility() for display in displays)


def test_the_views_go_where_their_buttons_say(person):
    red = person.scene.GetNodeByID("vtkMRMLSliceNodeRed")
    assert not person.ui.lookAtLesionButton.enabled
    assert "Waits for a lesion" in person.ui.lookAtLesionButton.toolTip
    person.press(person.ui.lookAtBodyButton)
    body = red.GetFieldOfView()[0]
    person.press(person.ui.lookAtPelvisButton)
    pelvis = red.GetFieldOfView()[0]
    lesion = person.presenter.case.state.lesions[0]
    person.presenter.select_lesion(lesion.id)
    assert person.ui.lookAtLesionButton.enabled
    person.press(person.ui.lookAtLesionButton)
    assert red.GetFieldOfView()[0] < pelvis <= body
    camera = person.scene.GetFirstNodeByClass("vtkMRMLCameraNode")
    assert camera.GetFocalPoint() == pytest.approx(lesion.contour.mask.centroid_ras(), abs=3)


def test_nothing_is_left_behind(person):
    person.press(person.ui.planningLayoutButton)
    person.presenter.select_lesion(person.presenter.case.state.lesions[0].id)
    scene = person.panel.session.scene
    assert scene.node(RULER) is not None or scene.node(MISSED_PART) is None
    person.presenter.select_lesion(None)
    assert scene.node(RULER) is None and scene.node(MISSED_PART) is None
    factory = person.slicer.app.layoutManager()._factories[0]
    person.slicer.util.getModule("PSMAPlanning").widgetRepresentation()
    person.panel.cleanup()
    gc.collect()
    assert arrangement(person) != LAYOUT_ID and factory.widget() is None
    assert person.panel.views.layout.mip is None
