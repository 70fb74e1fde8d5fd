"""PET, CT and planning CT brought together from the panel: what moves, what stays, what undo brings back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.panel.thread_worker import InlineWorker
from PSMAPlanningLib.panel.view_state import Action, Notice, Reason
from PSMAPlanningLib.rtvolumes.landmarks import Landmarks
from PSMAPlanningLib.scene.owned_nodes import PET
from PSMAPlanningLib.scene.volume_nodes import vtk_matrix
from test_panel.doubles import Panel
from test_scene.cases import small_state

SHIFT_MM = (12.0, -7.0, 4.0)


@pytest.fixture
def panel(headless):
    panel = Panel(headless, worker=InlineWorker())
    yield panel
    panel.close()


@pytest.fixture
def loaded(panel):
    """PET and CT chosen from nodes, with lesions and volumes as if found."""
    state = small_state()
    panel.pet = panel.volume_node(state.pet, "PET")
    panel.ct = panel.volume_node(state.ct, "CT")
    panel.presenter.choose_pet(panel.pet)
    panel.presenter.choose_ct(panel.ct)
    here = panel.state
    panel.fill(replace(here, lesions=state.lesions, regions=state.regions, volumes=state.volumes))
    return panel


def _transform(panel, matrix=None):
    node = panel.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "PET to plan")
    if matrix is None:
        matrix = np.eye(4)
        matrix[:3, 3] = SHIFT_MM
    node.SetMatrixTransformToParent(vtk_matrix(matrix))
    return node


def test_a_transform_moves_pet_and_ct_as_one_step_and_leaves_the_volumes(loaded):
    before, volumes = loaded.state, loaded.state.volumes
    transform = _transform(loaded)
    assert loaded.presenter.choose_transform(transform), loaded.view.message
    after = loaded.state
    for image, former in ((after.pet, before.pet), (after.ct, before.ct)):
        np.testing.assert_allclose(np.subtract(image.grid.origin_ras, former.grid.origin_ras), SHIFT_MM)
        assert np.shares_memory(image.array, former.array), "Nothing is resampled."
    assert after.volumes is volumes
    assert after.lesions == () and after.registration.source == "user_transform"
    assert after.registration.transform_file == "PET to plan"
    assert loaded.view.nodes["transform"] is transform
    assert loaded.view.nodes["pet"] is not loaded.pet, "The node that was chosen stays where it was."
    loaded.presenter.undo()
    assert loaded.state is before
    assert loaded.planning_scene.node(PET) is loaded.pet
    loaded.presenter.redo()
    assert loaded.presenter.choose_transform(None)
    assert loaded.state.pet is before.pet, "Moved back it is the same image, not a copy."
    assert loaded.planning_scene.node(PET) is loaded.pet


def test_proposed_volumes_and_landmarks_do_not_stay_where_the_organs_were(loaded):
    state = loaded.state
    proposed = replace(state.volumes[0], name="CTVn_x", origin="generated")
    loaded.fill(replace(state, volumes=(*state.volumes, proposed), landmarks=Landmarks()))
    assert loaded.presenter.choose_transform(_transform(loaded))
    assert loaded.state.landmarks is None
    assert loaded.state.volumes == state.volumes


def test_a_second_transform_replaces_the_first(loaded):
    origin = np.array(loaded.state.pet.grid.origin_ras)
    loaded.presenter.choose_transform(_transform(loaded))
    loaded.presenter.choose_transform(_transform(loaded))
    np.testing.assert_allclose(np.array(loaded.state.pet.grid.origin_ras) - origin, SHIFT_MM)


@pytest.mark.parametrize("scale", [1.02, -1.0])
def test_a_transform_that_is_not_rigid_is_refused(loaded, scale):
    before = loaded.state
    assert not loaded.presenter.choose_transform(_transform(loaded, np.diag([scale, 1.0, 1.0, 1.0])))
    assert loaded.state is before and loaded.view.message.notice is Notice.ERROR
    assert loaded.view.nodes["transform"] is None


def test_a_planning_ct_that_lies_as_the_pet_keeps_the_lesions(loaded):
    ct = loaded.state.ct
    node = loaded.volume_node(Image(ct.array.copy(), ct.grid, Quantity.HOUNSFIELD), "Planning CT")
    assert loaded.presenter.choose_planning_ct(node)
    assert loaded.view.nodes["planning_ct"] is node and loaded.view.nodes["pet"] is loaded.pet
    assert len(loaded.state.lesions) == 3
    assert any("frame of reference is not stated" in warning for warning in loaded.state.warnings)
    loaded.presenter.choose_planning_ct(None)
    assert loaded.state.planning_ct is None and loaded.state.warnings == ()


def test_known_to_differ_it_waits_for_a_transform(loaded, monkeypatch):
    state = loaded.state
    loaded.fill(replace(state, pet=replace(state.pet, frame_of_reference_uid="1.2")))
    read = loaded.planning_scene.read_ct
    monkeypatch.setattr(
        loaded.planning_scene, "read_ct", lambda node: replace(read(node), frame_of_reference_uid="3.4")
    )
    node = loaded.volume_node(state.ct, "Planning CT")
    assert loaded.presenter.choose_planning_ct(node)
    assert loaded.view.message.notice is Notice.WAITS_FOR_TRANSFORM
    assert loaded.view.nodes["planning_ct"] is node and loaded.state.planning_ct is None
    assert loaded.view.can(Action.REGISTER_BONE)
    assert loaded.presenter.choose_transform(_transform(loaded)), loaded.view.message
    assert loaded.state.planning_ct is not None and loaded.state.registration.world == "planning"
    assert loaded.presenter.choose_ct(None)


def test_the_ct_of_another_frame_is_sent_to_planning_ct(loaded, monkeypatch):
    state = loaded.state
    loaded.fill(replace(state, pet=replace(state.pet, frame_of_reference_uid="1.2")))
    read = loaded.planning_scene.read_ct
    monkeypatch.setattr(
        loaded.planning_scene, "read_ct", lambda node: replace(read(node), frame_of_reference_uid="3.4")
    )
    assert not loaded.presenter.choose_ct(loaded.volume_node(state.ct, "Other CT"))
    assert "planning CT" in loaded.view.message.text


def test_a_ct_chosen_later_is_carried_along_and_another_pet_starts_anew(loaded):
    loaded.presenter.choose_ct(None)
    loaded.presenter.choose_transform(_transform(loaded))
    loaded.presenter.choose_ct(loaded.ct)
    np.testing.assert_allclose(loaded.state.ct.grid.origin_ras, loaded.state.pet.grid.origin_ras)
    loaded.presenter.choose_pet(loaded.volume_node(small_state().pet, "PET of another day"))
    assert loaded.state.registration.planning_from_pet is None
    np.testing.assert_allclose(loaded.state.ct.grid.origin_ras, loaded.state.pet.grid.origin_ras)


def test_bone_registration_needs_both_cts(loaded):
    assert loaded.view.blocked[Action.REGISTER_BONE] is Reason.NO_TWO_CTS
    assert not loaded.presenter.register_on_bone()


def test_uncertainty_not_stated_is_not_zero(loaded):
    assert loaded.state.registration.uncertainty_mm is None
    assert loaded.presenter.state_uncertainty(0.0)
    assert loaded.state.registration.uncertainty_mm == 0.0
    assert not loaded.presenter.state_uncertainty(1000.0)
    assert loaded.state.registration.uncertainty_mm == 0.0
    loaded.presenter.undo()
    assert loaded.state.registration.uncertainty_mm is None


def test_facts_that_contradict_each_other_are_refused(loaded):
    assert loaded.presenter.state_facts(psa_ng_ml=0.4)
    assert not loaded.presenter.state_facts(adt=False, adt_since="2025")
    assert loaded.state.clinical.psa_ng_ml == 0.4 and loaded.state.clinical.adt is None


def test_cancelled_or_deleted_while_it_waits_no_planning_ct_is_shown(headless):
    panel = Panel(headless)
    state = small_state()
    panel.presenter.choose_pet(panel.volume_node(state.pet, "PET"))
    node = panel.volume_node(state.ct, "Planning CT")
    panel.presenter.choose_planning_ct(node)
    assert panel.view.is_busy and panel.view.nodes["planning_ct"] is node
    panel.presenter.cancel()
    assert panel.view.nodes["planning_ct"] is None
    panel.presenter.choose_planning_ct(node)
    panel.scene.RemoveNode(node)
    assert panel.view.nodes["planning_ct"] is None
    panel.presenter.cancel()
    panel.close()
