"""What the views show beside the case: ruler, missed part, bones, window, places, projections."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.panel.view_actions import ViewActions
from PSMAPlanningLib.records import IGNORED, headline_volumes
from PSMAPlanningLib.scene.layout_description import LAYOUT_ID, register_layout
from PSMAPlanningLib.scene.owned_nodes import CONTEXT, MISSED_PART, RULER
from PSMAPlanningLib.scene.surfaces import enclosed_volume_ml
from test_panel.doubles import Panel, StepWorker, node_ids

PARTIAL, OUTSIDE, INSIDE = "L02", "L03", "L01"


@pytest.fixture
def full(headless):
    panel = Panel(headless)
    panel.fill()
    yield panel
    panel.close()
    assert node_ids(panel.scene) == panel.nodes_before


def ruler(panel):
    return panel.planning_scene.node(RULER)


def missed(panel):
    return panel.planning_scene.node(MISSED_PART)


@pytest.mark.parametrize("lesion_id", [PARTIAL, OUTSIDE])
def test_ruler_is_as_long_as_the_table_says(full, lesion_id):
    full.presenter.select_lesion(lesion_id)
    node = ruler(full)
    row = next(row for row in full.view.lesions if row.id == lesion_id)
    margin = next(cell.margin_mm for cell in row.coverage if cell.volume == "CTVp")
    start, end = ([0.0] * 3, [0.0] * 3)
    node.GetNthControlPointPositionWorld(0, start)
    node.GetNthControlPointPositionWorld(1, end)
    assert np.linalg.norm(np.subtract(start, end)) == pytest.approx(margin, abs=1e-3)
    assert node.GetLocked() and node.GetName().endswith(f"{margin:.1f} mm")
    # It begins at the lesion's edge.
    center = full.presenter.case.lesion(lesion_id).contour.mask.centroid_ras()
    assert 4 < np.linalg.norm(np.subtract(start, center)) < 12


def test_missed_part_is_what_the_table_says_is_missed(full):
    full.presenter.select_lesion(PARTIAL)
    lesion = full.presenter.case.lesion(PARTIAL)
    fraction = full.presenter.case.coverage()[PARTIAL]["CTVp"].fraction
    expected_ml = (1 - fraction) * lesion.contour.mask.volume_ml
    assert 0.1 < fraction < 0.9
    assert enclosed_volume_ml(missed(full).GetPolyData()) == pytest.approx(expected_ml, rel=0.02)


def test_only_partial_lesions_have_a_missed_part_and_covered_ones_no_ruler(full):
    full.presenter.select_lesion(PARTIAL)
    assert missed(full) is not None and ruler(full) is not None
    full.presenter.select_lesion(OUTSIDE)
    assert missed(full) is None and ruler(full) is not None
    full.presenter.select_lesion(INSIDE)
    assert missed(full) is None and ruler(full) is None


def test_they_follow_decisions_undo_and_the_selection(full):
    full.presenter.select_lesion(PARTIAL)
    full.presenter.reject("ureter")
    assert ruler(full) is None and missed(full) is None
    full.presenter.undo()
    assert ruler(full) is not None and missed(full) is not None
    full.presenter.case.perform("delete", _without_volumes(full.state))
    assert ruler(full) is None and missed(full) is None
    full.presenter.undo()
    assert ruler(full) is not None
    full.presenter.select_lesion(None)
    assert ruler(full) is None and missed(full) is None


def _without_volumes(state):
    from dataclasses import replace

    return replace(state, volumes=())


def test_a_missed_part_that_comes_too_late_is_not_shown(full):
    full.presenter.side.worker = worker = StepWorker()
    full.presenter.select_lesion(PARTIAL)
    assert missed(full) is None and ruler(full) is not None
    full.presenter.select_lesion(INSIDE)
    assert worker.jobs[0].is_cancelled
    worker.jobs[0].run()
    assert missed(full) is None
    full.presenter.select_lesion(PARTIAL)
    worker.jobs[-1].run()
    assert missed(full) is not None


def test_selecting_again_makes_no_second_node(full):
    full.presenter.select_lesion(PARTIAL)
    nodes = node_ids(full.scene)
    full.presenter.select_lesion(OUTSIDE)
    full.presenter.select_lesion(PARTIAL)
    assert len(node_ids(full.scene)) == len(nodes)


def test_closing_the_scene_takes_everything_along(full):
    full.presenter.select_lesion(PARTIAL)
    full.presenter.show_context(True)
    full.scene.Clear(False)
    assert ruler(full) is None and missed(full) is None
    assert not full.view.views.has_context and full.view.views.targets == frozenset()


def test_bones_are_worked_out_beside_and_kept(full):
    full.presenter.side.worker = worker = StepWorker()
    assert full.presenter.show_context(True)
    assert full.view.views.context_is_coming and not full.view.views.has_context
    worker.jobs[-1].run()
    assert full.view.views.has_context and not full.view.views.context_is_coming
    assert full.presenter.show_context(False)
    assert full.planning_scene.node(CONTEXT) is None
    assert full.presenter.show_context(True)
    assert len(worker.jobs) == 1 and full.view.views.has_context


def test_nothing_to_show_is_refused_with_a_reason(headless):
    panel = Panel(headless)
    try:
        for press in (
            lambda: panel.presenter.show_context(True),
            lambda: panel.presenter.show_pet_window(5.0),
            lambda: panel.presenter.look_at("pelvis"),
            lambda: panel.presenter.look_at("L99"),
        ):
            assert press() is False
            assert panel.view.message.is_error and panel.view.message.text.endswith(".")
        assert panel.presenter.look_at("body") is False
    finally:
        panel.close()


def test_window_and_colors_of_the_pet(full):
    assert full.presenter.show_pet_window(5.0, True)
    display = full.view.nodes["pet"].GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 5.0)
    assert full.presenter.show_pet_window(is_inverted=False)
    assert display.GetWindowLevelMax() == 5.0
    assert "Heat" in display.GetColorNode().GetName()
    assert full.presenter.show_pet_window(0.0) is False
    assert full.view.views.look.highest_suv == 5.0


def test_projections_are_worked_out_only_when_wanted(full):
    full.presenter.side.worker = worker = StepWorker()
    assert full.view.views.mip is None and not worker.jobs
    full.presenter.want_mip(True)
    worker.jobs[-1].run()
    mip = full.view.views.mip
    assert mip is not None and [o.name for o in full.view.views.outlines] == ["L01", "L02", "L03"]
    assert full.view.views.outlines is full.view.views.outlines
    full.presenter.select_lesion(OUTSIDE)
    assert [o.is_selected for o in full.view.views.outlines] == [False, False, True]
    full.presenter.undo()
    assert full.view.views.mip is None


def test_the_layout_is_registered_once(headless):
    import slicer

    node = slicer.vtkMRMLLayoutNode()
    headless.scene.AddNode(node)
    register_layout(node)
    text = node.GetLayoutDescription(LAYOUT_ID)
    register_layout(node)
    assert node.GetLayoutDescription(LAYOUT_ID) == text
    assert all(name in text for name in ("Axial", "Sagittal", "Coronal", "vtkMRMLViewNode"))


def test_every_view_action_is_an_action_of_the_presenter(full):
    assert isinstance(full.presenter, ViewActions)
    assert [volume.name for volume in headline_volumes(full.state.volumes)] == ["CTVp"]


def test_views_are_kept_from_drawing_while_one_press_changes_several_nodes(full):
    changes = []
    is_paused = []

    @contextmanager
    def paused():
        is_paused.append(True)
        try:
            yield
        finally:
            is_paused.pop()

    def watch(kind):
        for n in range(full.scene.GetNumberOfNodesByClass(kind)):
            node = full.scene.GetNthNodeByClass(n, kind)
            tag = node.AddObserver("ModifiedEvent", lambda *_: changes.append((kind, bool(is_paused))))
            observed.append((node, tag))

    full.presenter.pause_rendering = paused
    full.presenter.select_lesion(PARTIAL)
    observed = []
    for kind in ("vtkMRMLSegmentationDisplayNode", "vtkMRMLMarkupsLineNode", "vtkMRMLModelNode"):
        watch(kind)
    full.presenter.select_lesion(OUTSIDE)
    full.presenter.look_at("lesion")
    full.presenter.reject("ureter")
    for node, tag in observed:
        node.RemoveObserver(tag)
    assert {kind for kind, _ in changes} >= {"vtkMRMLSegmentationDisplayNode", "vtkMRMLMarkupsLineNode"}
    assert all(paused for _, paused in changes)


def test_a_volume_that_is_ignored_has_no_line_in_the_coverage_table(full):
    state = full.presenter.case.state
    ignored = [
        replace(volume, kind=None, role=IGNORED) if volume.name == "Bladder" else volume
        for volume in state.volumes
    ]
    assert len(ignored) > 1
    full.presenter.case.perform("ignore", replace(state, volumes=tuple(ignored)))
    listed = {cell.volume for _, cell in full.view.coverage_rows}
    assert listed == {volume.name for volume in ignored if volume.role != IGNORED}
