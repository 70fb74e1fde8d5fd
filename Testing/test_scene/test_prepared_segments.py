"""Segments made ahead of time are the ones that would be made when they are shown."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.scene.contour_parts import contour_parts
from PSMAPlanningLib.scene.owned_nodes import CONTOURS, LESIONS
from PSMAPlanningLib.scene.prepared_segments import prepare_segments, take_image
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.segments import common_grid, read_segment, segment_ids
from test_scene.cases import coverage_of, small_state


def masks_of(scene, state):
    projection = SceneProjection(scene)
    projection.update(None, state, coverage_of(state))
    try:
        found = {}
        for role in (LESIONS, CONTOURS):
            node = projection.nodes.get(role)
            assert node.GetScene() is scene and node.GetDisplayNode() is not None
            found |= {(role, name): read_segment(node, name) for name in segment_ids(node)}
        return found
    finally:
        projection.remove()


def test_prepared_or_not_the_scene_shows_the_same(headless):
    state = small_state()
    plain = masks_of(headless.scene, state)
    prepare_segments(state, Stage(no_progress))
    prepared = masks_of(headless.scene, state)
    assert set(prepared) == set(plain) and len(plain) == 3 + len(contour_parts(state.lesions))
    for name, mask in plain.items():
        assert np.array_equal(mask.array, prepared[name].array), name
        assert mask.grid.same_as(prepared[name].grid)


def test_an_image_is_given_out_once(headless):
    state = small_state()
    mask = state.lesions[0].contour.mask
    lattice = common_grid([lesion.contour.mask for lesion in state.lesions], state.pet.grid)
    assert take_image(mask, lattice) is None
    prepare_segments(state, Stage(no_progress))
    image = take_image(mask, lattice)
    assert image is not None and take_image(mask, lattice) is None


def test_new_segmentations_are_in_the_subject_hierarchy_and_contours_stay_hidden(headless):
    state = small_state()
    projection = SceneProjection(headless.scene)
    projection.update(None, state, coverage_of(state))
    try:
        from slicer import vtkMRMLSubjectHierarchyNode

        hierarchy = vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(headless.scene)
        for role in (LESIONS, CONTOURS):
            node = projection.nodes.get(role)
            assert hierarchy.GetItemByDataNode(node)
            assert projection.nodes.is_ours(node)
        assert projection.nodes.get(LESIONS).GetDisplayNode().GetVisibility()
        assert not projection.nodes.get(CONTOURS).GetDisplayNode().GetVisibility()
    finally:
        projection.remove()


@pytest.mark.parametrize("with_volumes", [True, False])
def test_a_case_without_lesions_prepares_its_volumes_only(with_volumes):
    from dataclasses import replace

    state = replace(small_state(with_volumes=with_volumes), lesions=())
    told = []
    prepare_segments(state, Stage(lambda fraction, doing: told.append(doing)))
    assert len(told) == len(state.volumes)
