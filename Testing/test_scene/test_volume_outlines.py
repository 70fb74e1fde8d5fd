"""Outlines of the volumes in 3D: where a ball's edge must be, and that they come and go with the volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.appearance import outline_color, volume_colors
from PSMAPlanningLib.scene.owned_nodes import VOLUMES
from PSMAPlanningLib.scene.planning_scene import PlanningScene
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.volume_outlines import (
    OUTLINES_ATTRIBUTE,
    outline_lines,
    outline_surface,
    ribbons,
)
from vtk.util.numpy_support import vtk_to_numpy

from .cases import DIRECTIONS, ball, coverage_of, small_state

CENTER_RAS = np.array([12.0, -40.0, 80.0])
RADIUS_MM = 25.0
TOWARD = np.array([0.6, -0.8, 0.0])


def ball_mask(direction, spacing_mm=(1.0, 1.0, 3.0)):
    corner = CENTER_RAS - np.array(direction) @ (np.array(spacing_mm) * (35, 35, 12))
    grid = VoxelGrid((25, 71, 71), spacing_mm, tuple(corner), tuple(map(tuple, direction)))
    return ball(grid, CENTER_RAS, RADIUS_MM)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_ball_has_one_ring_as_its_outline(direction):
    lines = outline_lines(outline_surface(ball_mask(DIRECTIONS[direction])), toward=TOWARD)
    away = lines - CENTER_RAS
    seen = away - (away @ TOWARD)[..., None] * TOWARD
    # As seen it is a circle of the radius, all around; how deep a tangent touches a ball is hard to tell.
    assert np.abs(np.linalg.norm(seen, axis=-1) - RADIUS_MM).max() < 1.0
    assert np.abs(away @ TOWARD).max() < 3.0
    length = np.linalg.norm(seen[:, 1] - seen[:, 0], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * RADIUS_MM, rel=0.05)


def test_seen_from_near_the_ring_lies_before_the_middle():
    eye = CENTER_RAS - 50.0 * TOWARD
    lines = outline_lines(outline_surface(ball_mask(np.eye(3))), eye_ras=eye)
    depth = (lines.reshape(-1, 3) - CENTER_RAS) @ TOWARD
    # A tangent from the distance d touches a ball at r * r / d before its middle.
    assert np.median(depth) == pytest.approx(-RADIUS_MM * RADIUS_MM / 50.0, abs=1.0)


def test_a_thin_sheet_is_not_lost_and_nothing_has_no_lines():
    grid = VoxelGrid((12, 40, 40), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), tuple(map(tuple, np.eye(3))))
    array = np.zeros(grid.shape_kji, dtype=bool)
    assert len(outline_lines(outline_surface(Mask(array, grid)), toward=TOWARD)) == 0
    array[3:9, 18:20, 5:35] = True
    lines = outline_lines(outline_surface(Mask(array, grid)), toward=np.array([0.0, -1.0, 0.0]))
    assert np.ptp(lines[..., 0]) == pytest.approx(30.0, abs=4.0)


def test_ribbons_are_as_wide_as_asked_for_and_face_the_viewer():
    lines = np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, 10.0]]])
    points, corners, normals = ribbons(lines, np.array([0.0, -1.0, 0.0]), 0.5)
    assert np.ptp(points, axis=0) == pytest.approx([0.5, 0.0, 10.0])
    assert corners.shape == (2, 3) and set(corners.ravel()) == {0, 1, 2, 3}
    assert normals == pytest.approx(np.tile([0.0, 1.0, 0.0], (4, 1)))


def outlines_in(scene):
    count = scene.GetNumberOfNodesByClass("vtkMRMLModelNode")
    nodes = [scene.GetNthNodeByClass(n, "vtkMRMLModelNode") for n in range(count)]
    return [node for node in nodes if node.GetAttribute(OUTLINES_ATTRIBUTE)]


def lines_of(node):
    node.GetPolyDataConnection().GetProducer().Update()
    return node.GetPolyData()


def test_the_lines_go_with_the_volumes_and_with_what_is_shown_of_them(headless):
    state = small_state()
    projection = SceneProjection(headless.scene)
    projection.update(None, state, coverage_of(state))
    (node,) = outlines_in(headless.scene)
    found = lines_of(node)
    of_all = found.GetNumberOfLines()
    assert of_all > 50
    expected = {
        tuple(round(255 * part) for part in outline_color(color))
        for color in volume_colors(state.volumes).values()
    }
    assert {tuple(row) for row in vtk_to_numpy(found.GetPointData().GetScalars())} == expected
    display = projection.nodes.get(VOLUMES).GetDisplayNode()
    display.SetSegmentVisibility(state.volumes[0].name, False)
    assert 0 < lines_of(node).GetNumberOfLines() < of_all
    display.SetVisibility3D(False)
    assert lines_of(node).GetNumberOfLines() == 0 and not node.GetDisplayNode().GetVisibility()
    without = replace(state, volumes=())
    projection.update(state, without, coverage_of(without))
    assert outlines_in(headless.scene) == []
    projection.update(without, state, coverage_of(state))
    assert len(outlines_in(headless.scene)) == 1
    projection.remove()
    assert outlines_in(headless.scene) == []


def test_no_scene_file_keeps_them_and_closing_takes_them_away(headless):
    state = small_state()
    planning = PlanningScene(headless.scene)
    planning.show(None, state, coverage_of(state))
    planning.show(None, state, coverage_of(state))
    (node,) = outlines_in(headless.scene)
    assert not node.GetSaveWithScene() and not node.GetDisplayNode().GetSaveWithScene()
    display_id = node.GetDisplayNode().GetID()
    planning.close()
    assert outlines_in(headless.scene) == [] and headless.scene.GetNodeByID(display_id) is None
