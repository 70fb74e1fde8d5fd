"""Revising the list of lesions and their contours through the presenter: named steps, or refused."""

from functools import cache

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.scene.owned_nodes import LESIONS
from PSMAPlanningLib.scene.segments import segment_ids
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_case.lesion_cases import state_of
from test_panel.doubles import Panel, node_ids

GRID = centred_grid(60, (4, 4, 3))
FAINT = (0.0, -40.0, -30.0)
PET = blurred_spheres(
    GRID, [((8, 0, 0), 14, 12), ((-8, 0, 0), 14, 15), ((0, 45, 30), 12, 14), (FAINT, 14, 3)]
)


@cache
def _found(saddle_fraction=0.7):
    return state_of(Settings(detection=DetectionSettings(split_saddle_fraction=saddle_fraction)), PET)


@pytest.fixture
def panel(headless):
    panel = Panel(headless, worker=InlineWorker())
    panel.fill(_found())
    yield panel
    panel.close()


def _ids(panel):
    return [row.id for row in panel.view.lesions]


def _near(panel):
    """The two lesions that lie beside each other."""
    lesions = panel.state.lesions
    return [each.id for each in lesions if abs(each.region.peak_ras[1]) < 20]


def _segments(panel):
    return set(segment_ids(panel.planning_scene.node(LESIONS)))


# The list


def test_merge_and_split_are_steps_that_scene_and_table_follow(panel):
    ids, presenter = _near(panel), panel.presenter
    assert len(ids) == 2
    presenter.select_lesion(ids[1])
    assert presenter.merge_lesions(list(reversed(ids)))
    assert panel.view.undo_name == f"merge lesions {', '.join(ids)}"
    assert panel.view.message.notice is Notice.REVISED
    assert ids[1] not in _ids(panel)
    assert _segments(panel) == set(_ids(panel))
    assert panel.view.selected is None
    assert presenter.split_lesion(ids[0])
    assert len(_ids(panel)) == 3
    assert _segments(panel) == set(_ids(panel))
    presenter.undo()
    presenter.undo()
    assert ids[1] in _ids(panel)
    assert _segments(panel) == set(_ids(panel))


def test_what_cannot_be_merged_or_split_is_said_and_changes_nothing(panel):
    before, presenter = panel.state, panel.presenter
    for press, word in (
        (lambda: presenter.merge_lesions(_ids(panel)), "mm from the others"),
        (lambda: presenter.merge_lesions([]), "two lesions or more"),
        (lambda: presenter.split_lesion("L99"), "L99"),
        (lambda: presenter.delete_lesion("L1"), "reject it"),
        (lambda: presenter.state_region("nowhere", lesion_id="L1"), "nowhere"),
        (lambda: presenter.choose_contour("nothing", "L1"), "no contour by"),
        (lambda: presenter.set_lesion_threshold(1e6, "L1"), "1000"),
        (lambda: presenter.place_reference("moon", (0, 0, 0)), "moon"),
        (lambda: presenter.add_lesion((0.0, 0.0, 9999.0)), "outside the PET"),
    ):
        press()
        assert panel.view.message.is_error, word
        assert word in panel.view.message.text
        assert panel.state is before


def test_a_lesion_is_added_at_the_crosshair_and_deleted_again(panel):
    from slicer import vtkMRMLCrosshairNode

    crosshair = panel.scene.GetSingletonNode("default", "vtkMRMLCrosshairNode")
    assert isinstance(crosshair, vtkMRMLCrosshairNode)
    crosshair.SetCrosshairRAS(*FAINT)
    before = _ids(panel)
    assert panel.presenter.add_lesion()
    added = (set(_ids(panel)) - set(before)).pop()
    assert panel.view.selected == added
    row = next(row for row in panel.view.lesions if row.id == added)
    assert row.is_added_by_hand
    assert panel.presenter.find_lesions()
    assert added in _ids(panel), "Finding again must not lose what a person added."
    assert panel.presenter.delete_lesion(added)
    assert _ids(panel) == before
    assert panel.view.undo_name == f"delete lesion {added}"


def test_regions_are_stated_and_cleared(panel):
    presenter = panel.presenter
    presenter.select_lesion("L1")
    assert presenter.state_region("obturator", "left")
    row = panel.view.lesions[0]
    assert (row.region, row.region_side, row.is_region_stated) == ("obturator", "left", True)
    assert row.record[-1].who == "tester"
    assert presenter.find_lesions()
    assert panel.view.lesions[0].region == "obturator"
    assert presenter.clear_region()
    assert panel.view.lesions[0].region is None, "Without organ masks nobody can tell."


def test_next_and_previous_go_around_in_the_order_of_the_table(panel):
    presenter, order = panel.presenter, list(reversed(_ids(panel)))
    seen = []
    for _ in range(len(order) + 1):
        assert presenter.select_neighbor(1, order)
        seen.append(panel.view.selected)
    assert seen == [*order, order[0]]
    assert presenter.select_neighbor(-1, order)
    assert panel.view.selected == order[-1]


def test_reviewed_only_when_nothing_is_proposed_or_undecided(panel):
    for lesion_id in _ids(panel):
        assert not panel.view.is_reviewed
        panel.presenter.accept(lesion_id)
    assert panel.view.is_reviewed
    panel.presenter.select_lesion("L1")
    assert panel.presenter.leave_undecided()
    assert not panel.view.is_reviewed
    assert panel.view.undo_name == "leave lesion L1 undecided"


def test_what_needs_a_lesion_waits_for_one(headless):
    panel = Panel(headless)
    assert panel.view.blocked[Action.ADD_LESION] is Reason.NO_PET
    assert panel.view.blocked[Action.SPLIT] is Reason.NO_LESIONS
    panel.fill()
    assert panel.view.blocked[Action.SET_LESION_THRESHOLD] is Reason.NO_SELECTION
    nodes = node_ids(panel.scene)
    for press in ("split_lesion", "delete_lesion", "leave_undecided", "clear_region"):
        assert getattr(panel.presenter, press)() is False
    assert node_ids(panel.scene) == nodes
    panel.close()


# Contours


def test_the_candidates_of_the_selected_lesion_can_be_chosen(panel):
    presenter = panel.presenter
    assert panel.view.contours.candidates == ()
    presenter.select_lesion("L1")
    contours = panel.view.contours
    assert contours is panel.view.contours
    assert [row.name for row in contours.candidates if row.is_chosen] == ["consensus"]
    by_name = {row.name: row for row in contours.candidates}
    wanted = by_name["percent_max"]
    assert wanted.threshold_suv == pytest.approx(0.41 * panel.state.lesions[0].region.suv_max, rel=0.02)
    assert presenter.choose_contour("percent_max")
    chosen = [row.name for row in panel.view.contours.candidates if row.is_chosen]
    assert chosen == ["percent_max"]
    assert panel.view.lesions[0].volume_ml == pytest.approx(wanted.volume_ml)
    assert panel.view.contours.threshold_suv == pytest.approx(wanted.threshold_suv)
    presenter.undo()
    assert [row.name for row in panel.view.contours.candidates if row.is_chosen] == ["consensus"]


def test_a_threshold_that_is_dragged_is_outlined_and_taken_on_release(panel):
    presenter = panel.presenter
    presenter.select_lesion("L1")
    before, nodes = panel.state, node_ids(panel.scene)
    volumes = []
    for threshold_suv in (3.0, 4.0, 6.0):
        assert presenter.preview_lesion_threshold(threshold_suv)
        volumes.append(panel.view.threshold_preview.volume_ml)
    assert volumes == sorted(volumes, reverse=True)
    assert panel.state is before
    assert len(node_ids(panel.scene)) > len(nodes)
    assert presenter.set_lesion_threshold(4.0)
    assert panel.view.threshold_preview is None
    assert node_ids(panel.scene) == nodes
    assert panel.view.lesions[0].volume_ml == pytest.approx(volumes[1])
    assert panel.view.undo_name == "threshold lesion L1 at SUV 4"
    assert panel.view.contours.source == "threshold"
    assert (panel.view.lesions[0].contour_source, panel.view.lesions[0].threshold_suv) == ("threshold", 4.0)


def test_another_lesion_takes_the_preview_with_it(panel):
    presenter, nodes = panel.presenter, node_ids(panel.scene)
    presenter.select_lesion("L1")
    presenter.preview_lesion_threshold(4.0)
    presenter.select_lesion("L2")
    assert panel.view.threshold_preview is None
    assert node_ids(panel.scene) == nodes


# The table


def test_rows_of_lesions_that_did_not_change_are_the_same_objects(panel):
    before = panel.view.lesions
    panel.presenter.accept("L2")
    after = panel.view.lesions
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, False, *[True] * (len(after) - 2)]


def test_the_missing_margin_is_that_of_the_nearest_target(headless):
    panel = Panel(headless)
    panel.fill()
    coverage = panel.presenter.case.coverage()
    for row in panel.view.lesions:
        margin = coverage[row.id]["CTVp"].margin_to_100_mm
        assert (row.missing_mm, row.missing_volume) == (margin, "CTVp"), "The bladder is no target."
        assert bool(margin) is (row.color_key != "inside")
    assert np.isfinite([row.missing_mm for row in panel.view.lesions]).all()
    panel.close()
