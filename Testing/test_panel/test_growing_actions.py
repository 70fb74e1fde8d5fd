"""Growing by clicks through the presenter: the mode, what a click means, and the threshold by mouse."""

from functools import cache

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_case.lesion_cases import state_of
from test_panel.doubles import Panel, node_ids, observer_count
from test_panel.test_presenter import _paint

GRID = centred_grid(60, (4, 4, 3))
NEAR, BESIDE, FAR, FAINT = (8.0, 0.0, 0.0), (-14.0, 0.0, 0.0), (0.0, 45.0, 30.0), (0.0, -40.0, -30.0)
PET = blurred_spheres(GRID, [(NEAR, 14, 12), (BESIDE, 14, 9), (FAR, 12, 14), (FAINT, 14, 3)])


@cache
def _found():
    return state_of(Settings(detection=DetectionSettings(split_saddle_fraction=0.7)), PET)


@pytest.fixture
def panel(headless):
    panel = Panel(headless, worker=InlineWorker())
    panel.fill(_found())
    yield panel
    panel.close()


def _id_at(panel, point):
    lesions = panel.state.lesions
    return next(x.id for x in lesions if np.linalg.norm(np.subtract(x.region.peak_ras, point)) < 9)


def _ids(panel):
    return [row.id for row in panel.view.lesions]


def _without(panel, point):
    """Take the lesion at a point out of the list, as if nobody had made one of its region yet."""
    gone = _id_at(panel, point)
    lesions = tuple(each for each in panel.state.lesions if each.id != gone)
    panel.presenter._perform("without", lesions=lesions)
    return gone


# The mode


def test_the_mode_is_shown_and_leaves_nothing_behind(panel):
    observers, nodes = observer_count(panel.scene), node_ids(panel.scene)
    assert not panel.view.contours.is_growing
    assert panel.presenter.begin_growing() and panel.presenter.begin_growing()
    assert panel.view.contours.is_growing
    assert observer_count(panel.scene) > observers
    assert panel.presenter.end_growing() and panel.presenter.end_growing()
    assert not panel.view.contours.is_growing
    assert observer_count(panel.scene) == observers
    assert node_ids(panel.scene) == nodes


def test_without_a_pet_there_is_nothing_to_grow_on(headless):
    panel = Panel(headless)
    assert panel.view.blocked[Action.GROW_BY_CLICK] is Reason.NO_PET
    for press in (
        lambda: panel.presenter.begin_growing(),
        lambda: panel.presenter.grow_at(NEAR),
        lambda: panel.presenter.grow_lesion(NEAR),
    ):
        assert press() is False
    assert not panel.view.contours.is_growing
    assert panel.presenter.end_growing() and panel.presenter.release_lesion_threshold()
    panel.close()


@pytest.mark.parametrize(
    "other", ["landmark", "markups", "effect", "late effect", "PET gone", "new case", "close"]
)
def test_whatever_else_is_clicked_next_ends_the_mode(panel, other):
    scene, presenter = panel.scene, panel.presenter
    early = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode") if other == "effect" else None
    observers = observer_count(scene)
    presenter.begin_growing()
    if other == "landmark":
        presenter.place_landmark("anastomosis")
    elif other == "markups":
        interaction = scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
        interaction.SetCurrentInteractionMode(interaction.Place)
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    elif other == "effect":
        early.SetActiveEffectName("Paint")
    elif other == "late effect":
        early = scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        assert panel.view.contours.is_growing
        early.SetActiveEffectName("Paint")
    elif other == "PET gone":
        presenter.choose_pet(None)
    elif other == "new case":
        scene.Clear(0)
    else:
        presenter.close()
    assert not panel.view.contours.is_growing
    if early is not None:
        scene.RemoveNode(early)
    presenter.end_place()
    if other in ("effect", "markups"):
        assert observer_count(scene) == observers


def test_its_beginning_ends_what_else_followed_the_mouse(panel):
    presenter = panel.presenter
    editor = panel.scene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor.SetActiveEffectName("Paint")
    presenter.place_landmark("anastomosis")
    assert panel.view.rt.placing == "anastomosis"
    presenter.begin_growing()
    assert panel.view.contours.is_growing
    assert panel.view.rt.placing is None
    assert not editor.GetActiveEffectName()
    interaction = panel.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    panel.scene.RemoveNode(editor)


# A click


def test_a_click_selects_the_lesion_that_is_there(panel):
    before = panel.state
    assert panel.presenter.grow_at(BESIDE)
    assert panel.view.selected == _id_at(panel, BESIDE)
    assert panel.state is before


def test_a_click_on_a_focus_contours_a_new_lesion_and_selects_it(panel):
    _without(panel, FAR)
    former = _ids(panel)
    assert panel.presenter.grow_at(FAR)
    (added,) = set(_ids(panel)) - set(former)
    assert panel.view.selected == added == _id_at(panel, FAR)
    assert panel.view.undo_name == "add lesion"
    row = next(row for row in panel.view.lesions if row.id == added)
    assert row.is_added_by_hand and row.contour_source == "consensus"
    panel.presenter.undo()
    assert _ids(panel) == former


def test_a_click_can_be_cancelled_while_its_work_runs(headless):
    panel = Panel(headless)
    panel.fill(_found())
    _without(panel, FAR)
    before = panel.state
    panel.presenter.begin_growing()
    assert panel.presenter.grow_at(FAR)
    assert panel.view.is_busy
    assert panel.presenter.grow_at(BESIDE) is False, "One click at a time."
    assert panel.view.message.text == Reason.BUSY.value
    assert panel.presenter.cancel()
    panel.worker.jobs.pop().run()
    assert panel.state is before and panel.view.contours.is_growing
    panel.close()


def test_a_click_that_misses_is_explained_and_changes_nothing(panel):
    before = panel.state
    for point, word in ((FAINT, "below the detection threshold"), ((0.0, 0.0, 1e4), "outside the PET")):
        assert panel.presenter.grow_at(point) is False
        assert panel.view.message.notice is Notice.ERROR and word in panel.view.message.text
    assert panel.state is before
    assert panel.presenter.grow_lesion(FAR) is False
    assert "Select the lesion" in panel.view.message.text


def test_while_editing_a_click_grows_the_contour_as_one_named_step(panel):
    presenter = panel.presenter
    _without(panel, BESIDE)
    lesion_id = _id_at(panel, NEAR)
    presenter.begin_edit(lesion_id)
    node, before, former = panel.view.edit_node, panel.state, presenter.case.lesion(lesion_id)
    assert presenter.grow_at(BESIDE)
    assert panel.view.undo_name == f"grow lesion {lesion_id}"
    assert panel.view.edited == lesion_id and panel.view.edit_node is node
    mask = presenter.case.lesion(lesion_id).contour.mask
    assert mask.volume_ml > 1.5 * former.contour.mask.volume_ml
    assert panel.planning_scene.drawn() is None, "What is shown for editing is what the case has."
    presenter.undo()
    assert panel.state is before
    assert presenter.grow_at(former.region.peak_ras) is False
    assert "holds all" in panel.view.message.text


def test_what_was_drawn_a_moment_before_the_click_is_a_step_of_its_own(panel):
    presenter = panel.presenter
    panel.scheduler.soon = lambda _name, _function: None
    _without(panel, BESIDE)
    lesion_id = _id_at(panel, NEAR)
    presenter.begin_edit(lesion_id)
    mask = presenter.case.lesion(lesion_id).contour.mask
    array = mask.array.copy()
    array[:, :, ::2] = False
    _paint(panel, Mask(array, mask.grid))
    assert presenter.grow_at(BESIDE)
    presenter.undo()
    assert panel.view.undo_name == f"edit lesion {lesion_id}"


def test_growing_beyond_the_editors_reach_keeps_all_of_it_in_the_editor(panel):
    presenter = panel.presenter
    presenter.begin_edit(_id_at(panel, FAR))
    wide = presenter.case.lesion(_id_at(panel, NEAR)).contour.mask
    presenter.case.edit_contour(_id_at(panel, FAR), wide)
    assert panel.view.edit_node is not None
    assert panel.planning_scene.drawn() is None
    shown = panel.planning_scene._edit._lattice
    corners = shown.kji_of(wide.cropped().grid.corners_ras())
    assert (corners.min(axis=0) > -1).all()
    assert (corners.max(axis=0) < np.array(shown.shape_kji)).all()


# The threshold by mouse


def test_dragging_in_a_view_moves_the_threshold_and_letting_go_is_one_step(panel):
    presenter = panel.presenter
    presenter.select_lesion(_id_at(panel, NEAR))
    before, nodes = panel.state, node_ids(panel.scene)
    contours = panel.view.contours
    span = contours.highest_suv - contours.lowest_suv
    seen = []
    for moved in (0.1, 0.2, 0.1, -0.05):
        assert presenter.drag_lesion_threshold(moved)
        preview = panel.view.threshold_preview
        seen.append(preview.threshold_suv)
        assert preview.threshold_suv == pytest.approx(contours.threshold_suv + moved * span, abs=0.005)
    assert seen[0] == seen[2] and panel.state is before
    assert presenter.release_lesion_threshold()
    assert panel.view.undo_name == f"threshold lesion {panel.view.selected} at SUV {seen[-1]:g}"
    assert panel.view.contours.threshold_suv == pytest.approx(seen[-1])
    assert node_ids(panel.scene) == nodes
    presenter.undo()
    assert panel.state is before


@pytest.mark.parametrize("moved", [10.0, -10.0, float("nan"), float("inf")])
def test_a_drag_ends_at_the_lesions_own_uptake(panel, moved):
    presenter = panel.presenter
    presenter.select_lesion(_id_at(panel, NEAR))
    suv_max = presenter.case.lesion(panel.view.selected).region.suv_max
    assert presenter.drag_lesion_threshold(moved)
    assert 0 < panel.view.threshold_preview.threshold_suv <= suv_max
    assert panel.view.threshold_preview.volume_ml > 0
    assert presenter.release_lesion_threshold()


def test_a_drag_that_is_cancelled_or_blocked_leaves_the_case_as_it_was(panel):
    presenter = panel.presenter
    before, nodes = panel.state, node_ids(panel.scene)
    assert presenter.drag_lesion_threshold(0.1) is False
    assert panel.view.message.text == Reason.NO_SELECTION.value
    presenter.select_lesion(_id_at(panel, NEAR))
    presenter.drag_lesion_threshold(0.1)
    assert presenter.end_lesion_preview()
    assert presenter.release_lesion_threshold()
    presenter.begin_growing()
    presenter.drag_lesion_threshold(0.1)
    assert presenter.end_growing()
    assert panel.view.threshold_preview is None
    assert panel.state is before and node_ids(panel.scene) == nodes


def test_letting_go_while_work_runs_changes_nothing(headless):
    panel = Panel(headless)
    panel.fill(_found())
    panel.presenter.select_lesion(_id_at(panel, NEAR))
    before, nodes = panel.state, node_ids(panel.scene)
    panel.presenter.drag_lesion_threshold(0.1)
    panel.presenter.contour_again()
    assert panel.presenter.release_lesion_threshold() is False
    assert panel.view.threshold_preview is None
    assert panel.state is before and node_ids(panel.scene) == nodes
    panel.close()


def test_the_outline_stays_until_the_contour_is_there_and_goes_when_cancelled(headless):
    panel = Panel(headless)
    panel.fill(_found())
    presenter = panel.presenter
    presenter.select_lesion(_id_at(panel, NEAR))
    nodes = node_ids(panel.scene)
    for end in ("finish", "cancel"):
        presenter.drag_lesion_threshold(0.1)
        before = panel.state
        assert presenter.release_lesion_threshold() and panel.view.is_busy
        assert presenter.end_lesion_preview() and presenter.release_lesion_threshold()
        assert panel.view.threshold_preview is not None
        if end == "finish":
            panel.worker.jobs.pop().run()
        else:
            presenter.cancel()
        assert panel.view.threshold_preview is None and node_ids(panel.scene) == nodes
        assert (panel.state is before) == (end == "cancel")
    panel.close()


def test_steps_of_a_drag_are_told_to_who_follows_them_alone(panel):
    presenter, told = panel.presenter, []
    presenter.select_lesion(_id_at(panel, NEAR))
    presenter.grow_at((0.0, 0.0, 1e4))
    stop = presenter.observe_previews(lambda contours, preview: told.append((contours, preview)))
    heard = len(panel.heard)
    presenter.drag_lesion_threshold(0.1)
    assert len(panel.heard) == heard + 1 and not panel.view.message.is_error
    presenter.drag_lesion_threshold(0.2)
    presenter.preview_lesion_threshold(4.0)
    assert len(panel.heard) == heard + 1 and len(told) == 2
    assert told[-1] == (panel.view.contours, panel.view.threshold_preview)
    presenter.drag_lesion_threshold(0.1)
    stop()
    assert presenter.release_lesion_threshold()
    assert len(panel.heard) > heard + 1 and len(told) == 3
