"""The left button in slice views: clicks and drags of the panel's, everything else Slicer's own."""

import numpy as np
import pytest
from PSMAPlanningLib.scene.slice_mouse import CLICK_PIXELS, SliceMouse, SliceView
from test_panel.doubles import observer_count
from vtk import vtkGenericRenderWindowInteractor

HEIGHT = 200


class Heard:
    def __init__(self):
        self.all = []

    def pressed(self):
        pass

    def clicked(self, point_ras):
        self.all.append(("clicked", tuple(np.round(point_ras, 6))))

    def dragged(self, moved):
        self.all.append(("dragged", moved))

    def released(self):
        self.all.append(("released",))

    def cancelled(self):
        self.all.append(("cancelled",))

    def escaped(self):
        self.all.append(("escaped",))


class View:
    """A slice view of 400 times 200 pixels; `own` is what its own handling hears."""

    def __init__(self, scene):
        self.interactor = vtkGenericRenderWindowInteractor()
        self.node = scene.AddNewNodeByClass("vtkMRMLSliceNode")
        self.node.SetLayoutName(f"View {self.node.GetID()}")
        self.node.SetDimensions(400, HEIGHT, 1)
        self.node.SetFieldOfView(200.0, 100.0, 1.0)
        self.node.UpdateMatrices()
        self.own = []
        self.interactor.AddObserver("AnyEvent", self._on_any, 0.0)

    def _on_any(self, _caller, event):
        if event != "ModifiedEvent":
            self.own.append(event)

    def event(self, name, at=None, **keys):
        if at is not None:
            self.interactor.SetEventPosition(*at)
        for key in ("Shift", "Control", "Alt"):
            getattr(self.interactor, f"Set{key}Key")(int(keys.get(key.lower(), False)))
        self.interactor.SetKeySym(keys.get("sym", ""))
        self.interactor.InvokeEvent(name)

    def press(self, at, **keys):
        self.event("LeftButtonPressEvent", at, **keys)

    def move(self, at):
        self.event("MouseMoveEvent", at)

    def release(self, at=None):
        self.event("LeftButtonReleaseEvent", at)

    @property
    def observers(self):
        return str(self.interactor).count("vtkObserver (")


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def views(headless):
    made = [View(headless.scene) for _ in range(2)]
    yield made
    for view in made:
        headless.scene.RemoveNode(view.node)


@pytest.fixture
def mouse(heard, views):
    mouse = SliceMouse(heard)
    mouse.follow([SliceView(view.interactor, view.node) for view in views])
    yield mouse
    mouse.leave()


def test_a_press_that_hardly_moves_is_a_click_where_it_was_pressed(mouse, heard, views):
    view = views[0]
    view.press((100, 50))
    view.move((100 + int(CLICK_PIXELS), 50))
    view.release()
    to_ras = view.node.GetXYToRAS()
    expected = to_ras.MultiplyPoint((100.0, 50.0, 0.0, 1.0))[:3]
    assert heard.all == [("clicked", tuple(np.round(expected, 6)))]
    assert view.own == [], "The view itself must not see what was the panel's."


def test_a_drag_tells_fractions_of_the_view_up_and_down(mouse, heard, views):
    view = views[0]
    view.press((100, 50))
    view.move((100, 50 + 4))
    view.move((100, 50 + HEIGHT // 2))
    view.move((100, 50 - 20))
    view.move((100, 50))
    view.release()
    moved = [each[1] for each in heard.all[:-1]]
    assert moved == pytest.approx([4 / HEIGHT, 0.5, -0.1, 0.0])
    assert heard.all[-1] == ("released",)


@pytest.mark.parametrize("way", ["right", "key"])
def test_right_button_and_escape_take_a_drag_back(mouse, heard, views, way):
    view = views[0]
    view.press((100, 50))
    view.move((100, 90))
    if way == "right":
        view.event("RightButtonPressEvent")
        view.event("RightButtonReleaseEvent")
    else:
        view.event("KeyPressEvent", sym="Escape")
    view.move((100, 120))
    view.release()
    assert [each[0] for each in heard.all] == ["dragged", "cancelled"]
    assert view.own == ["MouseMoveEvent"], "Without a button the mouse is the view's."
    heard.all.clear()
    view.press((10, 10))
    view.release()
    assert [each[0] for each in heard.all] == ["clicked"]


def test_everything_else_of_the_mouse_stays_the_views_own(mouse, heard, views):
    view = views[0]
    sent = [
        "MouseWheelForwardEvent",
        "MouseWheelBackwardEvent",
        "RightButtonPressEvent",
        "MouseMoveEvent",
        "RightButtonReleaseEvent",
        "MiddleButtonPressEvent",
        "MiddleButtonReleaseEvent",
        "EnterEvent",
        "LeaveEvent",
    ]
    for name in sent:
        view.event(name, (20, 20))
    view.press((20, 20), shift=True)
    view.event("MouseMoveEvent", (90, 90), shift=True)
    view.release()
    view.event("KeyPressEvent", sym="a")
    own = [*sent, "LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent", "KeyPressEvent"]
    assert view.own == own
    assert heard.all == []


def test_the_second_of_a_double_click_is_nobodys(mouse, heard, views):
    view = views[0]
    view.press((20, 20))
    view.release()
    view.event("LeftButtonDoubleClickEvent")
    view.release()
    assert [each[0] for each in heard.all] == ["clicked"]
    assert view.own == []


def test_escape_without_a_press_ends_the_mode_and_other_views_do_not_interfere(mouse, heard, views):
    first, second = views
    first.press((20, 20))
    second.move((20, 150))
    assert second.own == ["MouseMoveEvent"]
    first.release()
    second.event("KeyPressEvent", sym="Escape")
    assert [each[0] for each in heard.all] == ["clicked", "escaped"]


def test_no_observer_stays_behind(heard, views, headless):
    before, in_scene = [view.observers for view in views], observer_count(headless.scene)
    mouse = SliceMouse(heard)
    for _ in range(3):
        mouse.follow([SliceView(view.interactor, view.node) for view in views])
    assert [view.observers for view in views] != before
    views[0].press((20, 20))
    mouse.leave()
    mouse.leave()
    assert [view.observers for view in views] == before
    assert observer_count(headless.scene) == in_scene
    views[0].move((20, 90))
    views[0].release()
    assert heard.all == []
    assert views[0].own == ["MouseMoveEvent", "LeftButtonReleaseEvent"]
