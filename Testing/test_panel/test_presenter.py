"""The presenter over a real scene: what can be done, what each action does, what is refused and why."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import numpy as np
import pytest
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.errors import CaseError
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.records import LesionState
from PSMAPlanningLib.scene.owned_nodes import CONTOURS, CT, LESIONS, PET, VOLUMES
from PSMAPlanningLib.scene.segments import oriented_image, segment_ids, segment_tag
from test_panel.doubles import Panel, node_ids, observer_count
from test_scene.cases import small_state


@pytest.fixture
def panel(headless):
    panel = Panel(headless)
    yield panel
    panel.close()


@pytest.fixture
def full(panel):
    panel.fill()
    return panel


def _paint(panel, mask: Mask) -> None:
    """Draw on the edit node as the segment editor does: other voxels, and its event twice."""
    from slicer import vtkSegmentationConverter

    segmentation = panel.view.edit_node.GetSegmentation()
    segment = segmentation.GetSegment(panel.view.edited)
    name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, oriented_image(mask, mask.grid))
    for _ in range(2):
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)


def _halved(mask: Mask) -> Mask:
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    return Mask(array, mask.grid)


# What can be done


def test_an_empty_panel_says_what_each_action_waits_for(panel):
    blocked = panel.view.blocked
    assert blocked[Action.FIND] is Reason.NO_PET
    assert blocked[Action.ACCEPT] is Reason.NO_LESIONS
    assert blocked[Action.UNDO] is Reason.NOTHING_TO_UNDO
    assert blocked[Action.SAVE] is Reason.NO_CASE
    assert panel.view.can(Action.LOAD_SAMPLE)
    assert set(panel.view.nodes.values()) == {None}


@pytest.mark.parametrize(
    "press",
    [
        lambda p: p.find_lesions(),
        lambda p: p.cancel(),
        lambda p: p.accept(),
        lambda p: p.reject("ureter"),
        lambda p: p.select_lesion("L1"),
        lambda p: p.begin_edit(),
        lambda p: p.undo(),
        lambda p: p.redo(),
        lambda p: p.save(Path("x.mrb")),
    ],
)
def test_a_press_that_cannot_be_done_changes_nothing_and_says_why(panel, press):
    before, nodes = panel.state, node_ids(panel.scene)
    assert press(panel.presenter) is False
    assert press(panel.presenter) is False
    assert panel.state is before
    assert node_ids(panel.scene) == nodes
    assert panel.view.message.notice is Notice.REFUSED
    assert Reason(panel.view.message.text)


def test_decisions_wait_for_a_selection(full):
    assert full.view.blocked[Action.ACCEPT] is Reason.NO_SELECTION
    full.presenter.select_lesion("L02")
    assert full.view.can(Action.ACCEPT)
    assert full.view.selected == "L02"


def test_an_unknown_lesion_is_refused_in_words(full):
    assert not full.presenter.select_lesion("L99")
    assert not full.presenter.accept("L99")
    assert full.view.message.notice is Notice.ERROR
    assert "L99" in full.view.message.text


# Rows


def test_rows_say_what_the_case_says(full):
    row = {r.id: r for r in full.view.lesions}["L02"]
    coverage = full.presenter.case.coverage()["L02"]["CTVp"]
    lesion = full.presenter.case.lesion("L02")
    assert (row.state, row.color_key) == ("proposed", "partial")
    assert row.volume_ml == pytest.approx(lesion.contour.mask.volume_ml)
    assert row.suv_max == lesion.region.suv_max
    cell = row.coverage[0]
    assert (cell.volume, cell.coverage_class) == ("CTVp", "partial")
    assert cell.fraction == coverage.fraction
    assert cell.distance_mm == coverage.centroid_distance_mm
    assert len(full.view.coverage_rows) == 6


def test_rows_are_made_once_per_state(full):
    assert full.view.lesions is full.view.lesions


def test_without_volumes_nothing_is_compared(panel):
    panel.fill(small_state(with_volumes=False))
    assert {row.color_key for row in panel.view.lesions} == {"not compared"}
    assert panel.view.coverage_rows == ()


# Decisions and history


def test_reject_needs_a_reason_and_keeps_it(full):
    full.presenter.select_lesion("L01")
    assert not full.presenter.reject("  ")
    assert "reason" in full.view.message.text
    assert full.presenter.reject("ureter")
    row = full.view.lesions[0]
    assert (row.state, row.rejection_reason, row.color_key) == ("rejected", "ureter", "rejected")
    assert full.view.undo_name == "reject lesion L01"


def test_undo_and_redo_bring_scene_and_rows_along(full):
    full.presenter.accept("L01")
    full.presenter.reject("ureter", "L02")
    node = full.planning_scene.node(LESIONS)
    tag = "PSMAPlanning.State"

    def tags():
        return [segment_tag(node.GetSegmentation().GetSegment(i), tag) for i in segment_ids(node)]

    assert tags() == ["accepted", "rejected", "proposed"]
    full.presenter.undo()
    full.presenter.undo()
    assert tags() == ["proposed"] * 3
    assert full.view.redo_name == "accept lesion L01"
    full.presenter.redo()
    full.presenter.redo()
    assert tags() == ["accepted", "rejected", "proposed"]


def test_undo_of_the_lesions_clears_the_selection(full):
    full.presenter.select_lesion("L01")
    full.presenter.undo()
    assert full.view.selected is None
    assert full.planning_scene.node(LESIONS) is None


def test_detection_is_one_step_and_checked(full):
    assert full.presenter.set_detection(4.0)
    assert full.view.detection_threshold_suv == 4.0
    assert full.presenter.set_detection(4.0)
    assert full.view.undo_name == "change detection"
    full.presenter.undo()
    assert full.view.detection_threshold_suv == 3.0
    assert not full.presenter.set_detection(-1.0)
    assert "threshold_suv" in full.view.message.text
    assert full.view.detection_threshold_suv == 3.0


# Patient


def test_a_pet_in_suv_is_taken_and_stands_for_itself(panel):
    node = panel.volume_node(small_state().pet, "My PET")
    assert panel.presenter.choose_pet(node)
    assert panel.view.nodes["pet"] is node
    assert panel.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    panel.presenter.undo()
    assert panel.view.nodes["pet"] is None
    assert panel.scene.IsNodePresent(node)
    panel.presenter.redo()
    assert panel.view.nodes["pet"] is node


def test_choosing_the_same_node_again_is_no_step(panel):
    node = panel.volume_node(small_state().pet, "PET")
    panel.presenter.choose_pet(node)
    state = panel.state
    assert panel.presenter.choose_pet(node)
    assert panel.state is state
    assert panel.presenter.choose_ct(None)
    assert panel.presenter.choose_volumes(None)
    assert panel.state is state


@pytest.mark.parametrize("quantity", [Quantity.HOUNSFIELD, Quantity.DOSE])
def test_a_pet_in_other_units_is_refused_and_the_former_stays(panel, quantity):
    pet = small_state().pet
    good = panel.volume_node(pet, "PET")
    panel.presenter.choose_pet(good)
    other = panel.volume_node(Image(pet.array, pet.grid, quantity), "Other")
    assert not panel.presenter.choose_pet(other)
    assert "Other" in panel.view.message.text
    assert panel.view.nodes["pet"] is good


def test_another_pet_drops_the_lesions_until_undo(full):
    node = full.volume_node(small_state().pet, "New PET")
    full.presenter.choose_pet(node)
    assert full.view.lesions == ()
    full.presenter.undo()
    assert len(full.view.lesions) == 3


def test_a_cleared_ct_is_let_go(panel):
    node = panel.volume_node(small_state().ct, "My CT")
    panel.presenter.choose_ct(node)
    assert panel.view.nodes["ct"] is node
    panel.presenter.choose_ct(None)
    assert panel.view.nodes["ct"] is None
    assert panel.scene.IsNodePresent(node)


def test_volumes_come_from_any_segmentation(full):
    source = full.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    source.GetSegmentation().DeepCopy(full.planning_scene.node(VOLUMES).GetSegmentation())
    assert full.presenter.choose_volumes(source)
    assert [v.name for v in full.state.volumes] == ["CTVp", "Bladder"]
    assert [v.kind for v in full.state.volumes] == ["CTV", "ORGAN"]
    assert full.view.nodes["volumes"] is source
    full.presenter.undo()
    assert full.view.nodes["volumes"] is full.planning_scene.node(VOLUMES)


# Work


def test_find_runs_beside_and_is_applied_as_one_step(panel):
    panel.presenter.choose_pet(panel.volume_node(small_state().pet, "PET"))
    assert panel.presenter.find_lesions()
    assert panel.view.is_busy
    assert panel.view.blocked[Action.FIND] is Reason.BUSY
    assert panel.view.lesions == ()
    panel.worker.jobs[-1].run()
    assert not panel.view.is_busy
    assert len(panel.view.lesions) == 3
    assert (panel.view.message.notice, panel.view.message.count) == (Notice.FOUND, 3)
    assert panel.view.undo_name == "find lesions"
    fractions = [view.progress.fraction for view in panel.heard if view.progress]
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(fractions))
    assert fractions[-1] > 0.9


def test_every_press_while_busy_is_refused_but_cancel_and_select(full):
    full.presenter.select_lesion("L01")
    full.presenter.find_lesions()
    before = full.state
    presses = (
        full.presenter.find_lesions,
        full.presenter.load_sample_case,
        full.presenter.accept,
        lambda: full.presenter.reject("x"),
        full.presenter.undo,
        full.presenter.begin_edit,
        lambda: full.presenter.choose_pet(None),
        lambda: full.presenter.set_detection(5.0),
        lambda: full.presenter.save(Path("x.mrb")),
    )
    for press in presses:
        assert press() is False
        assert full.view.message.text == Reason.BUSY.value
    assert full.presenter.select_lesion("L02")
    assert full.state is before
    assert full.presenter.cancel()
    assert full.worker.jobs[-1].is_cancelled
    assert full.view.message.notice is Notice.CANCELLED
    full.worker.jobs[-1].run()
    assert full.state is before
    assert full.presenter.cancel() is False


def test_a_result_is_dropped_when_the_case_changed_meanwhile(full):
    full.presenter.find_lesions()
    full.presenter.case.accept("L01")
    before = full.state
    full.worker.jobs[-1].run()
    assert full.state is before
    assert full.view.message.notice is Notice.OUTDATED


def test_a_mistake_in_the_work_is_said_and_logged(full, caplog):
    full.presenter.find_lesions()
    before = full.state
    with caplog.at_level(logging.ERROR, "PSMAPlanning"):
        full.worker.jobs[-1].listener.failed(ZeroDivisionError("division by zero"))
    assert full.state is before
    assert "division by zero" in full.view.message.text
    assert "find lesions failed" in caplog.text
    assert not full.view.is_busy


def test_finding_twice_says_each_warning_once(headless):
    panel = Panel(headless, worker=InlineWorker())
    panel.fill()
    panel.presenter.set_detection(900.0)
    panel.presenter.find_lesions()
    panel.presenter.find_lesions()
    assert panel.view.lesions == ()
    assert sum("No lesion found" in warning for warning in panel.view.warnings) == 1
    panel.close()


# Editing


def test_one_drawing_is_one_step_named_after_the_lesion(full):
    full.presenter.begin_edit("L02")
    before = full.presenter.case.lesion("L02").contour.mask
    _paint(full, _halved(before))
    assert full.view.undo_name == "edit lesion L02"
    row = full.view.lesions[1]
    assert row.is_hand_edited
    assert row.volume_ml < before.volume_ml
    full.presenter.undo()
    assert full.view.undo_name == "fill"
    assert full.view.lesions[1].volume_ml == pytest.approx(before.volume_ml)


def test_undo_shows_the_former_contour_in_the_editor(full):
    full.presenter.begin_edit("L02")
    before = full.presenter.case.lesion("L02").contour.mask
    _paint(full, _halved(before))
    full.presenter.undo()
    assert full.planning_scene.drawn() is None
    # The next stroke is compared with what undo put there.
    _paint(full, before)
    assert full.view.undo_name == "fill"
    full.presenter.redo()
    assert full.view.lesions[1].is_hand_edited


def test_an_erased_lesion_is_put_back(full):
    full.presenter.begin_edit("L02")
    mask = full.presenter.case.lesion("L02").contour.mask
    _paint(full, Mask(np.zeros_like(mask.array), mask.grid))
    assert "empty" in full.view.message.text
    assert full.presenter.case.lesion("L02").contour.mask is mask
    _paint(full, mask)
    assert full.view.undo_name == "fill"


def test_the_edit_node_goes_when_editing_ends(full):
    # A lesion that is selected shows its missing margin, with new nodes each time; that is not the editor's.
    full.presenter.select_lesion("L02")
    nodes = _classes(full)
    full.presenter.begin_edit("L01")
    assert full.presenter.begin_edit("L01")
    full.presenter.begin_edit("L02")
    assert full.view.edited == "L02"
    assert full.presenter.finish_edit()
    assert full.presenter.finish_edit()
    assert _classes(full) == nodes


def _classes(panel):
    return sorted(node_id.rstrip("0123456789") for node_id in node_ids(panel.scene))


def test_selecting_another_lesion_ends_the_edit(full):
    full.presenter.begin_edit("L01")
    full.presenter.select_lesion("L02")
    assert full.view.edited is None
    assert full.view.edit_node is None


def test_undoing_the_lesion_away_ends_the_edit(full):
    full.presenter.begin_edit("L01")
    full.presenter.undo()
    assert full.view.edited is None


def test_a_deleted_edit_node_ends_the_edit(full):
    full.presenter.begin_edit("L01")
    full.scene.RemoveNode(full.view.edit_node)
    assert full.view.edited is None
    assert full.view.message.notice is Notice.NODES_REMOVED
    assert full.presenter.begin_edit("L01")


def test_work_cannot_start_over_an_unfinished_drawing(full):
    full.presenter.begin_edit("L02")
    full.presenter.find_lesions()
    assert full.view.edited is None


# Scene


@pytest.mark.parametrize(
    ("role", "left"),
    [(PET, (0, True, 2)), (CT, (3, False, 2)), (VOLUMES, (3, True, 0)), (LESIONS, (0, True, 2))],
)
def test_a_deleted_node_is_cleared_said_and_brought_back_by_undo(full, role, left):
    full.scene.RemoveNode(full.planning_scene.node(role))
    assert full.view.message.notice is Notice.NODES_REMOVED
    assert role in full.view.message.text
    state = full.state
    assert (len(state.lesions), state.ct is not None, len(state.volumes)) == left
    full.presenter.undo()
    assert full.planning_scene.node(role) is not None
    assert len(full.view.lesions) == 3


def test_a_deleted_table_is_written_again_at_once(full):
    full.scene.RemoveNode(full.planning_scene.node("LesionTable"))
    assert full.planning_scene.node("LesionTable").GetNumberOfRows() == 3
    assert full.view.undo_name == "fill"


def test_a_node_deleted_while_working_outdates_the_result(full):
    full.presenter.find_lesions()
    full.scene.RemoveNode(full.planning_scene.node(PET))
    full.worker.jobs[-1].run()
    assert full.view.message.notice is Notice.OUTDATED
    assert full.view.lesions == ()


def test_closing_the_scene_begins_a_new_case(full):
    full.presenter.begin_edit("L01")
    full.presenter.finish_edit()
    full.presenter.find_lesions()
    full.scene.Clear(0)
    assert full.worker.jobs[-1].is_cancelled
    assert full.view.lesions == ()
    assert full.view.undo_name is None
    assert not full.view.is_busy
    full.fill()
    assert len(full.view.lesions) == 3


def test_saved_closed_and_loaded_the_case_is_the_same(full, tmp_path):
    from PSMAPlanningLib.scene.save import load_scene

    full.presenter.accept("L01")
    full.presenter.reject("ureter", "L02")
    full.presenter.begin_edit("L03")
    _paint(full, _halved(full.presenter.case.lesion("L03").contour.mask))
    rows = full.view.lesions
    assert full.presenter.save(tmp_path / "case.mrb")
    assert full.view.message.notice is Notice.SAVED
    full.scene.Clear(0)
    load_scene(full.scene, tmp_path / "case.mrb")
    assert full.view.blocked[Action.ACCEPT] is Reason.BUSY
    full.worker.jobs[-1].run()
    assert full.view.message.notice is Notice.RESTORED
    assert full.view.message.text == ""
    assert _comparable(full.view.lesions) == _comparable(rows)
    assert full.view.undo_name is None
    assert full.state.lesions[1].history[-1].reason == "ureter"
    assert full.presenter.case.lesion("L01").state is LesionState.ACCEPTED


def test_saving_where_nothing_can_be_written_is_said(full, tmp_path):
    assert not full.presenter.save(tmp_path / "case.nrrd")
    assert ".mrb" in full.view.message.text
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert not full.presenter.save(tmp_path / "file" / "case.mrb")
    assert full.view.message.notice is Notice.ERROR


def test_a_scene_error_leaves_the_case_and_the_next_change_mends_the_scene(full, monkeypatch):
    from PSMAPlanningLib.errors import SceneError
    from PSMAPlanningLib.scene.projection import SceneProjection

    def fail(*_arguments):
        raise SceneError("MRML refused.")

    with monkeypatch.context() as patch:
        patch.setattr(SceneProjection, "steps", fail)
        assert not full.presenter.accept("L01")
    assert full.view.message.text == "MRML refused."
    full.presenter.accept("L02")
    node = full.planning_scene.node(LESIONS)
    tags = [
        segment_tag(node.GetSegmentation().GetSegment(i), "PSMAPlanning.State") for i in segment_ids(node)
    ]
    assert tags == ["accepted", "accepted", "proposed"]


def test_another_presenter_takes_the_case_over_from_the_scene(full):
    """As after a reload of the module: everything comes back but the history."""
    full.presenter.reject("ureter", "L02")
    rows = full.view.lesions
    full.presenter.close()
    again = Panel.__new__(Panel)
    Panel.__init__(again, _App(full.scene))
    again.worker.jobs[-1].run()
    assert _comparable(again.view.lesions) == _comparable(rows)
    assert isinstance(again.presenter.case, PlanningCase)
    again.close()


def test_nothing_is_left_after_close(headless):
    nodes, observers = node_ids(headless.scene), observer_count(headless.scene)
    panel = Panel(headless)
    panel.fill()
    panel.presenter.begin_edit("L01")
    _paint(panel, _halved(panel.presenter.case.lesion("L01").contour.mask))
    panel.presenter.find_lesions()
    panel.close()
    panel.worker.jobs[-1].run()
    assert node_ids(headless.scene) == nodes
    assert observer_count(headless.scene) == observers
    heard = len(panel.heard)
    panel.presenter.case.perform("later", small_state())
    assert len(panel.heard) == heard


def test_a_refusal_is_kept_for_the_console(panel):
    panel.presenter.undo()
    assert isinstance(panel.presenter.error, CaseError)
    panel.presenter.select_lesion(None)
    assert panel.presenter.error is None


class _App:
    def __init__(self, scene):
        self.scene = scene


def _comparable(rows):
    return [_rounded(row) for row in rows]


def _rounded(row):
    """The row without the digits that a cropped volume changes."""
    cells = [(c.volume, c.kind, c.coverage_class, c.fraction, round(c.distance_mm, 6)) for c in row.coverage]
    decided = (row.state, row.color_key, row.is_hand_edited, row.rejection_reason)
    return row.id, *decided, round(row.volume_ml, 9), row.suv_max, cells


def test_a_change_made_on_the_case_itself_is_shown(full):
    """From the console: case.accept(...) reaches the listeners as a press of the button does."""
    seen = []
    stop = full.presenter.observe(seen.append)
    full.presenter.case.accept("L01")
    stop()
    assert seen[-1].undo_name.startswith("accept lesion")
    assert not full.presenter.is_changing


def test_selecting_a_lesion_shows_its_candidates_and_no_others(panel):
    panel.fill()
    panel.presenter.select_lesion("L01")
    node = panel.planning_scene.node(CONTOURS)
    display = node.GetDisplayNode()
    shown = [i for i in segment_ids(node) if display.GetSegmentVisibility(i)]
    assert display.GetVisibility() and shown
    assert all(i.startswith("L01 ") for i in shown)
    panel.presenter.select_lesion(None)
    assert not display.GetVisibility()
