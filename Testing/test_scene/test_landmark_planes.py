"""Landmarks as nodes of a real scene: shown, dragged along their level, placed by a click, gone again."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.rtvolumes.landmarks import Landmark, Landmarks, LandmarkSource
from PSMAPlanningLib.scene.landmark_markups import NODE_NAMES, POINTS, plane_of
from PSMAPlanningLib.scene.landmark_planes import LANDMARK_ATTRIBUTE, LandmarkNodes

NORMAL = (0.1, 0.0, 1.0)


class Heard:
    def __init__(self, nodes):
        self.said, self._nodes = [], nodes
        nodes.listener = self

    def landmark_moved(self, name, point_ras):
        self.said.append((name, point_ras))

    def landmark_placed(self, name, point_ras):
        self.said.append((name, point_ras))
        self._nodes.end_place()

    def placing_ended(self):
        self.said.append("ended")


@pytest.fixture
def nodes(headless):
    before = _count(headless.scene)
    nodes = LandmarkNodes(headless.scene)
    yield nodes
    nodes.remove()
    assert _count(headless.scene) == before


def _count(scene):
    markups = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return sum("Markups" in node.GetClassName() for node in markups)


def _marks():
    return Landmarks(
        {
            "L5_S1": Landmark("L5_S1", LandmarkSource.AUTOMATIC, (1, 2, 3), NORMAL, 0.8),
            "anastomosis": Landmark("anastomosis", LandmarkSource.USER, (4, 5, 6), (0, 0, 1), 1.0),
        }
    )


@pytest.fixture
def shown(nodes):
    nodes.is_shown = True
    nodes.show(_marks())
    return nodes


def test_nothing_is_there_until_it_is_wanted(nodes):
    nodes.show(_marks())
    assert nodes.node("L5_S1") is None
    nodes.is_shown = True
    nodes.show(_marks())
    plane, point = nodes.node("L5_S1"), nodes.node("anastomosis")
    assert plane.GetIsPlaneValid() and plane.GetName() == "L5/S1"
    assert np.allclose(plane.GetOriginWorld(), (1, 2, 3))
    assert np.allclose(plane.GetNormalWorld(), np.array(NORMAL) / np.linalg.norm(NORMAL))
    assert np.allclose(point.GetNthControlPointPositionWorld(0), (4, 5, 6))
    assert [n.GetAttribute(LANDMARK_ATTRIBUTE) for n in (plane, point)] == ["L5_S1", "anastomosis"]
    assert not plane.GetSaveWithScene()


def test_hidden_ones_stay_as_they_are_and_new_ones_do_not_come(shown):
    plane = shown.node("L5_S1")
    shown.is_shown = False
    shown.show(_marks())
    assert not plane.GetDisplayNode().GetVisibility()
    moved = _marks().with_moved("L5_S1", (1, 2, 9)).with_moved("symphysis_top", (0, 0, -50))
    shown.show(moved)
    assert shown.node("L5_S1") is plane and np.allclose(plane.GetOriginWorld(), (1, 2, 9))
    assert shown.node("symphysis_top") is None
    shown.is_shown = True
    shown.show(moved)
    assert plane.GetDisplayNode().GetVisibility()
    assert shown.node("symphysis_top").GetDisplayNode().GetVisibility()


def test_one_node_after_the_other(nodes):
    nodes.is_shown = True
    steps = nodes.show_steps(_marks())
    next(steps)
    there = [name for name in NODE_NAMES if nodes.node(name) is not None]
    assert len(there) == 1
    nodes.show(_marks())
    assert [name for name in NODE_NAMES if nodes.node(name) is not None] == ["L5_S1", "anastomosis"]
    first = nodes.node(there[0])
    assert list(steps) == [None], "What was left undone is there already."
    assert nodes.node(there[0]) is first


def test_showing_tells_nobody(shown):
    heard = Heard(shown)
    shown.show(_marks().with_moved("L5_S1", (1, 2, 9)))
    assert heard.said == []
    assert np.allclose(shown.node("L5_S1").GetOriginWorld(), (1, 2, 9))


def test_a_drag_is_told_once_and_along_the_level_only(shown):
    heard = Heard(shown)
    plane = shown.node("L5_S1")
    plane.InvokeEvent(plane.PointStartInteractionEvent)
    for s in (5, 8, 13):
        plane.SetOriginWorld(20, -7, s)
    assert heard.said == []
    plane.InvokeEvent(plane.PointEndInteractionEvent)
    ((name, point),) = heard.said
    step = np.array(point) - (1, 2, 3)
    assert name == "L5_S1" and np.allclose(np.cross(step, NORMAL), 0)
    along = np.array(NORMAL) / np.linalg.norm(NORMAL)
    assert step @ along == pytest.approx((np.array((20, -7, 13)) - (1, 2, 3)) @ along)


def test_a_drag_sideways_moves_nothing(shown):
    heard = Heard(shown)
    plane = shown.node("L5_S1")
    plane.InvokeEvent(plane.PointStartInteractionEvent)
    plane.SetOriginWorld(1, 50, 3)
    plane.InvokeEvent(plane.PointEndInteractionEvent)
    assert heard.said == []
    assert np.allclose(plane.GetOriginWorld(), (1, 2, 3))


def test_points_go_where_they_are_put(shown):
    heard = Heard(shown)
    shown.node("anastomosis").SetNthControlPointPositionWorld(0, 7, 8, 9)
    assert heard.said == [("anastomosis", (7.0, 8.0, 9.0))]


def test_deleted_nodes_come_back_and_erased_points_too(shown, headless):
    heard = Heard(shown)
    headless.scene.RemoveNode(shown.node("L5_S1"))
    shown.node("anastomosis").RemoveAllControlPoints()
    shown.show(_marks())
    assert shown.node("L5_S1") is not None
    assert shown.node("anastomosis").GetNumberOfControlPoints() == 1
    assert heard.said == []


def test_a_click_places_and_a_changed_mind_does_not(shown, headless):
    heard = Heard(shown)
    scene = headless.scene
    interaction = scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    selection = scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    before = _count(scene)
    shown.begin_place("penile_bulb_top")
    assert shown.placing == "penile_bulb_top"
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    scene.GetNodeByID(selection.GetActivePlaceNodeID()).AddControlPointWorld(1, 1, 1)
    assert heard.said == [("penile_bulb_top", (1.0, 1.0, 1.0))]
    assert shown.placing is None and _count(scene) == before
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    shown.begin_place("anastomosis")
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    assert heard.said[1:] == ["ended"]
    shown.end_place()
    assert _count(scene) == before


def test_a_closed_scene_is_forgotten(shown, headless):
    shown.begin_place("anastomosis")
    shown.forget()
    headless.scene.Clear(0)
    assert shown.placing is None and shown.node("L5_S1") is None
    shown.show(_marks())
    assert shown.node("L5_S1") is None, "nothing is shown until it is wanted again"


def test_every_landmark_has_a_name_to_show():
    assert set(NODE_NAMES) == set(Landmarks().placed)
    assert set(POINTS) <= set(NODE_NAMES)


@pytest.mark.parametrize(
    ("upper", "lower"),
    [("aortic_bifurcation", "L4_L5"), ("L5_S1", "S1_top"), ("symphysis_top", "femoral_head_top")],
)
def test_names_of_levels_close_to_each_other_lie_on_different_sides(headless, upper, lower):
    mark = Landmark(upper, LandmarkSource.AUTOMATIC, (1, 2, 3), NORMAL, 0.8)
    sides = {
        name: plane_of(name, mark)[1].GetTextProperty().GetJustificationAsString() for name in (upper, lower)
    }
    assert set(sides.values()) == {"Left", "Right"}
