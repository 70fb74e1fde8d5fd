from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.lesion_consensus import fuse_candidates
from PSMAPlanningLib.records import Change, Contour, LesionState
from PSMAPlanningLib.scene.appearance import COVERAGE_COLORS, REJECTED
from PSMAPlanningLib.scene.owned_nodes import (
    CONTEXT,
    CONTOURS,
    COVERAGE_TABLE,
    CT,
    LESION_TABLE,
    LESIONS,
    PET,
    VOLUMES,
    OwnedNodes,
)
from PSMAPlanningLib.scene.projection import SETTINGS_PARAMETER, SceneProjection
from PSMAPlanningLib.scene.segments import read_segment, segment_ids, segment_tag
from PSMAPlanningLib.scene.volume_nodes import read_image
from PSMAPlanningLib.settings import ConsensusSettings, Settings
from scipy import ndimage

from .cases import CLASSES, DIRECTIONS, coverage_of, small_state

NOW = "2026-01-02T03:04:05+00:00"


def projected(slicer, state):
    projection = SceneProjection(slicer.scene)
    projection.update(None, state, coverage_of(state))
    return projection


def segment(projection, role, segment_id):
    return projection.nodes.get(role).GetSegmentation().GetSegment(segment_id)


def tag(projection, role, segment_id, name):
    return segment_tag(segment(projection, role, segment_id), f"PSMAPlanning.{name}")


def node_ids(scene):
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


def rejected(state, lesion_id, reason):
    lesions = tuple(
        lesion.with_state(LesionState.REJECTED, Change("rejected", "me", NOW, reason))
        if lesion.id == lesion_id
        else lesion
        for lesion in state.lesions
    )
    return replace(state, lesions=lesions)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_arrives_where_it_is(headless, direction):
    state = small_state(DIRECTIONS[direction])
    projection = projected(headless, state)
    pet = read_image(projection.nodes.get(PET))
    np.testing.assert_array_equal(pet.array, state.pet.array)
    assert pet.grid.same_as(state.pet.grid)
    for lesion in state.lesions:
        mask = read_segment(projection.nodes.get(LESIONS), lesion.id)
        assert mask.volume_ml == pytest.approx(lesion.contour.mask.volume_ml)
        np.testing.assert_allclose(mask.centroid_ras(), lesion.contour.mask.centroid_ras(), atol=1e-6)
    for volume in state.volumes:
        assert read_segment(projection.nodes.get(VOLUMES), volume.name).voxels == volume.mask.voxels


def test_surfaces_lie_around_their_masks(headless):
    state = small_state(DIRECTIONS["left_handed"])
    projection = projected(headless, state)
    for lesion in state.lesions:
        surface = segment(projection, LESIONS, lesion.id).GetRepresentation("Closed surface")
        low, high = np.array(surface.GetBounds()).reshape(3, 2).T
        points = lesion.contour.mask.points_ras()
        np.testing.assert_allclose((low + high) / 2, (points.min(0) + points.max(0)) / 2, atol=0.5)


def test_lesions_are_colored_by_coverage(headless):
    projection = projected(headless, small_state())
    for lesion_id, coverage_class in CLASSES.items():
        assert segment(projection, LESIONS, lesion_id).GetColor() == pytest.approx(
            COVERAGE_COLORS[coverage_class]
        )


def test_tags_tell_what_was_decided_and_why(headless):
    state = rejected(small_state(), "L02", "ureter")
    projection = projected(headless, state)
    assert tag(projection, LESIONS, "L02", "Id") == "L02"
    assert tag(projection, LESIONS, "L02", "State") == "rejected"
    assert tag(projection, LESIONS, "L02", "RejectionReason") == "ureter"
    assert tag(projection, LESIONS, "L02", "HandEdited") == "0"
    assert tag(projection, LESIONS, "L02", "Source") == "consensus"
    assert tag(projection, LESIONS, "L01", "State") == "proposed"
    assert tag(projection, CONTOURS, "L01 fixed_suv", "ThresholdSUV") == "3"
    assert segment(projection, LESIONS, "L02").GetColor() == pytest.approx(COVERAGE_COLORS[REJECTED])


def test_taking_a_rejection_back_takes_everything_back(headless):
    before = small_state()
    after = rejected(before, "L02", "ureter")
    projection = projected(headless, before)
    projection.update(before, after, coverage_of(after))
    projection.update(after, before, coverage_of(before))
    assert tag(projection, LESIONS, "L02", "State") == "proposed"
    assert tag(projection, LESIONS, "L02", "RejectionReason") == ""
    assert projection.nodes.get(LESIONS).GetDisplayNode().GetSegmentOpacity3D("L02") == 1.0


def test_only_what_changed_is_written(headless):
    before = small_state()
    projection = projected(headless, before)
    first = before.lesions[0]
    edited = first.with_contour(
        Contour(first.candidates[0].mask, source="hand"), Change("hand-edited", "me", NOW)
    )
    after = replace(before, lesions=(edited, *before.lesions[1:]))
    images = {
        n.id: segment(projection, LESIONS, n.id).GetRepresentation("Binary labelmap") for n in after.lesions
    }
    pet_data = projection.nodes.get(PET).GetImageData()
    projection.update(before, after, coverage_of(after))
    now = {
        n.id: segment(projection, LESIONS, n.id).GetRepresentation("Binary labelmap") for n in after.lesions
    }
    assert {name for name in images if images[name] is not now[name]} == {"L01"}
    assert projection.nodes.get(PET).GetImageData() is pet_data
    assert tag(projection, LESIONS, "L01", "HandEdited") == "1"
    assert read_segment(projection.nodes.get(LESIONS), "L01").voxels == edited.contour.mask.voxels


def test_lesions_and_volumes_that_are_gone_go(headless):
    before = small_state()
    projection = projected(headless, before)
    after = replace(before, lesions=before.lesions[1:], volumes=before.volumes[:1])
    projection.update(before, after, coverage_of(after))
    assert segment_ids(projection.nodes.get(LESIONS)) == ("L02", "L03")
    assert segment_ids(projection.nodes.get(VOLUMES)) == ("CTVp",)
    assert all(name.startswith(("L02", "L03")) for name in segment_ids(projection.nodes.get(CONTOURS)))
    empty = replace(after, lesions=(), volumes=())
    projection.update(after, empty, {})
    assert projection.nodes.get(LESIONS) is None
    assert projection.nodes.get(VOLUMES) is None
    assert projection.nodes.get(LESION_TABLE).GetNumberOfRows() == 0


def test_a_segment_somebody_deleted_comes_back(headless):
    state = small_state()
    projection = projected(headless, state)
    projection.nodes.get(LESIONS).GetSegmentation().RemoveSegment("L02")
    projection.update(state, state, coverage_of(state))
    assert set(segment_ids(projection.nodes.get(LESIONS))) == set(CLASSES)


def test_nodes_are_found_after_renaming(headless):
    state = small_state()
    projection = projected(headless, state)
    projection.nodes.get(LESIONS).SetName("Mine")
    SceneProjection(headless.scene).update(state, state, coverage_of(state))
    assert headless.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3


def test_contours_are_hidden_at_first(headless):
    node = projected(headless, small_state()).nodes.get(CONTOURS)
    assert not node.GetDisplayNode().GetVisibility()
    assert "L01 percent_max" in segment_ids(node)


def test_tables_have_a_row_for_each_and_typed_columns(headless):
    import vtk

    state = small_state()
    projection = projected(headless, state)
    lesions = projection.nodes.get(LESION_TABLE).GetTable()
    assert lesions.GetNumberOfRows() == 3
    assert isinstance(lesions.GetColumnByName("Volume"), vtk.vtkDoubleArray)
    assert isinstance(lesions.GetColumnByName("State"), vtk.vtkStringArray)
    assert lesions.GetValueByName(0, "Volume").ToDouble() == pytest.approx(
        state.lesions[0].contour.mask.volume_ml
    )
    coverage = projection.nodes.get(COVERAGE_TABLE).GetTable()
    assert coverage.GetNumberOfRows() == 6
    assert coverage.GetValueByName(2, "Class").ToString() == "partial"
    assert coverage.GetValueByName(2, "Covered").ToDouble() == pytest.approx(50)


def test_settings_can_be_read_back_from_the_scene(headless):
    state = small_state()
    projection = projected(headless, state)
    text = projection.nodes.parameters().GetParameter(SETTINGS_PARAMETER)
    assert Settings.from_json(text) == state.settings


def test_nodes_are_in_one_folder_of_the_subject_hierarchy(headless):
    from slicer import vtkMRMLSubjectHierarchyNode

    projection = projected(headless, small_state())
    hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(headless.scene)
    roles = (PET, CT, LESIONS, CONTOURS, VOLUMES, LESION_TABLE, COVERAGE_TABLE)
    items = [hierarchy.GetItemByDataNode(projection.nodes.get(role)) for role in roles]
    assert all(items)
    assert len({hierarchy.GetItemParent(item) for item in items}) == 1


def test_removing_leaves_nothing_behind_and_touches_nothing_else(headless):
    foreign = headless.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    from slicer import vtkMRMLSubjectHierarchyNode

    vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(headless.scene)
    before = node_ids(headless.scene)
    projected(headless, small_state()).remove()
    assert node_ids(headless.scene) == before
    assert headless.scene.IsNodePresent(foreign)


def test_bones_come_with_a_ct_and_go_with_it(headless):
    state = small_state()
    projection = projected(headless, state)
    projection.show_context()
    low, high = np.array(projection.nodes.get(CONTEXT).GetPolyData().GetBounds()).reshape(3, 2).T
    corners = state.ct.grid.corners_ras()
    assert np.all(low >= corners.min(axis=0) - 3)
    assert np.all(high <= corners.max(axis=0) + 3)
    without = replace(state, ct=None)
    projection.update(state, without, coverage_of(without))
    assert projection.nodes.get(CONTEXT) is None


def test_two_cases_one_after_the_other(headless):
    first, second = small_state(), small_state(DIRECTIONS["oblique"], with_ct=False)
    projection = projected(headless, first)
    projection.update(first, second, coverage_of(second))
    assert OwnedNodes(headless.scene).get(CT) is None
    assert OwnedNodes(headless.scene).get(CONTEXT) is None
    assert read_image(projection.nodes.get(PET)).grid.same_as(second.pet.grid)


def test_contours_of_one_lesion_show_with_the_band_where_they_disagree(headless):
    """Two runs of one rule are two segments; the band is filled, the candidates are outlines."""
    state = small_state()
    first, *others = state.lesions
    grown = ndimage.binary_dilation(first.candidates[0].mask.array)
    again = replace(
        first.candidates[0],
        mask=Mask(grown, first.candidates[0].mask.grid),
        parameters={"suv": 2.0},
    )
    candidates = (*first.candidates, again)
    consensus = fuse_candidates(candidates, ConsensusSettings("union"), state.pet)
    lesion = replace(first, candidates=candidates, consensus=consensus)
    projection = projected(headless, replace(state, lesions=(lesion, *others)))
    node = projection.nodes.get(CONTOURS)
    names = [i for i in segment_ids(node) if i.startswith(f"{lesion.id} ")]
    assert len(names) == len(candidates) + 1
    band = f"{lesion.id} disputed"
    display = node.GetDisplayNode()
    assert display.GetSegmentVisibility2DFill(band) and not display.GetSegmentVisibility2DOutline(band)
    assert not display.GetVisibility()
    projection.show_contours_of(lesion.id)
    assert display.GetVisibility() and display.GetSegmentVisibility(band)
    assert not display.GetSegmentVisibility(next(i for i in segment_ids(node) if i not in names))
    projection.show_contours_of(None)
    assert not display.GetVisibility()
