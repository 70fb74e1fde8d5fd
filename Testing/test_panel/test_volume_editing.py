"""RT volumes drawn by hand: one command per drawing, with undo; never two editors at once."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.scene.segments import oriented_image
from test_panel.doubles import Panel, node_ids, observer_count
from test_panel.volume_cases import row, sample_state, with_lesion


@pytest.fixture
def full(headless):
    panel = Panel(headless)
    panel.fill(with_lesion(sample_state()))
    yield panel
    panel.close()
    assert node_ids(panel.scene) - panel.nodes_before == set()
    assert observer_count(panel.scene) <= panel.observers_before


def _paint(panel, mask):
    from slicer import vtkSegmentationConverter

    segmentation = panel.view.rt.edit_node.GetSegmentation()
    segment = segmentation.GetSegment(panel.view.rt.edited)
    name = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segment.AddRepresentation(name, oriented_image(mask, mask.grid))
    for _ in range(2):
        segmentation.InvokeEvent(segmentation.SourceRepresentationModified)


def _mask(panel, name):
    return next(v.mask for v in panel.state.volumes if v.name == name)


def _cut(mask):
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    return Mask(array, mask.grid)


def test_drawing_waits_for_a_selected_volume(full):
    assert full.view.blocked[Action.DRAW] is Reason.NO_VOLUME_SELECTED
    assert not full.presenter.begin_volume_edit()
    assert full.presenter.begin_volume_edit("CTVn")
    assert (full.view.rt.edited, full.view.rt.selected) == ("CTVn", "CTVn")
    assert full.view.rt.source_node is full.view.nodes["ct"]


def test_what_was_drawn_is_one_step_and_coverage_follows(full):
    lesion = full.view.lesions[0]
    assert lesion.color_key == "inside"
    full.presenter.begin_volume_edit("CTVn")
    full.presenter.use_volume("CTVsb", "ignored")
    before = _mask(full, "CTVn")
    points = full.state.lesions[0].contour.mask.points_ras()
    array = before.array.copy()
    kji = np.round(before.grid.kji_of(points)).astype(int)
    low, high = kji.min(axis=0) - 1, kji.max(axis=0) + 2
    array[tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(low, high, strict=True))] = False
    _paint(full, Mask(array, before.grid))
    assert full.view.undo_name == "edit CTVn"
    assert row(full, "CTVn").origin.endswith("edited by hand")
    assert full.view.lesions[0].color_key == "outside"
    full.presenter.undo()
    assert _mask(full, "CTVn") is before
    assert full.view.rt.edited == "CTVn" and full.view.lesions[0].color_key == "inside"
    full.presenter.finish_volume_edit()
    assert full.view.rt.edited is None and full.view.rt.edit_node is None


def test_lesion_and_volume_are_never_drawn_on_at_once(full):
    full.presenter.begin_volume_edit("CTVn")
    assert full.presenter.begin_edit("L01")
    assert full.view.rt.edited is None and full.view.edited == "L01"
    assert full.presenter.begin_volume_edit("CTVn")
    assert full.view.edited is None and full.view.rt.edited == "CTVn"
    full.presenter.finish_edit()
    assert full.view.rt.edited is None


def test_erasing_all_is_refused_and_taken_back(full):
    full.presenter.begin_volume_edit("CTVsb")
    before = _mask(full, "CTVsb")
    _paint(full, Mask(np.zeros((1, 1, 1), bool), before.grid.crop((slice(0, 1),) * 3)))
    assert full.view.message.notice is Notice.ERROR and "remove" in full.view.message.text
    assert _mask(full, "CTVsb") is before
    assert full.planning_scene.drawing.drawn() is None


def test_a_removed_volume_or_node_closes_the_editor(full):
    full.presenter.begin_volume_edit("CTVsb")
    full.presenter.remove_volume("CTVsb")
    assert full.view.rt.edited is None and full.planning_scene.drawing.node is None
    full.presenter.undo()
    full.presenter.begin_volume_edit("CTVsb")
    full.scene.RemoveNode(full.view.rt.edit_node)
    assert full.view.rt.edited is None
    assert full.presenter.begin_volume_edit("CTVn")


def test_work_that_starts_takes_the_drawing_over(full):
    full.presenter.begin_volume_edit("CTVn")
    _paint(full, _cut(_mask(full, "CTVn")))
    full.presenter.find_lesions()
    assert full.view.rt.edited is None
    assert not full.presenter.begin_volume_edit("CTVn")
    assert full.view.message.text == Reason.BUSY.value
    full.presenter.cancel()


def test_selecting_another_volume_ends_the_drawing(full):
    full.presenter.begin_volume_edit("CTVn")
    full.presenter.select_volume("CTVsb")
    assert full.view.rt.edited is None
