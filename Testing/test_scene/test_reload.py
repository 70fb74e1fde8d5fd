"""A case saved and opened again: its dose, what a user stated of lesions, and the volumes it generated."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from nodal_cases import phantom_of
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_document import case_document
from PSMAPlanningLib.coverage.prescribed_dose import PrescribedDose
from PSMAPlanningLib.coverage.regions import Region, RegionSource
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.lesion_again import contoured_again, with_revisions
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.records import CaseState
from PSMAPlanningLib.scene.owned_nodes import COMPARISON_DOSE, DOSE, OwnedNodes
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.restore import CASE_PARAMETER, restore_case
from PSMAPlanningLib.scene.save import load_scene, save_scene
from PSMAPlanningLib.volume_generation import GENERATED, volume_generator
from test_delineation.body_models import BLADDER, KIDNEYS, body_pet
from test_scene.cases import oblique_direction, small_state

FRAME = "1.2.826.0.1.3680043.8.498.7"


def shown(headless, case):
    projection = SceneProjection(headless.scene)
    projection.update(None, case.state, case.coverage())
    return projection


def reloaded(headless, case, tmp_path):
    """The case after it was written to a file, the scene emptied, and the file read."""
    shown(headless, case)
    save_scene(headless.scene, tmp_path / "case.mrb")
    headless.scene.Clear(0)
    load_scene(headless.scene, tmp_path / "case.mrb")
    restored = restore_case(OwnedNodes(headless.scene))
    assert restored.notes == ()
    return PlanningCase(start=restored.state)


def with_doses(state):
    """Doses on a grid of their own, a gradient and a flat one."""
    low = state.pet.grid.corners_ras().min(axis=0)
    high = state.pet.grid.corners_ras().max(axis=0)
    shape = tuple(int(n) for n in np.ceil((high - low) / 5.0)[::-1] + 1)
    grid = VoxelGrid(shape, (5.0, 5.0, 5.0), tuple(low))
    gradient = (20.0 + 50.0 * np.arange(shape[2]) / shape[2]).astype(np.float32) * np.ones(shape, np.float32)
    return replace(
        state,
        dose=Image(gradient, grid, Quantity.DOSE, FRAME),
        comparison_dose=Image(gradient * np.float32(0.9), grid, Quantity.DOSE),
        prescriptions=(PrescribedDose("CTVp", 66.0, 33),),
    )


@pytest.mark.parametrize("direction", [np.eye(3), oblique_direction()])
def test_doses_come_back_with_every_number_that_rests_on_them(headless, tmp_path, direction):
    case = PlanningCase(start=with_doses(small_state(direction)))
    before = case_document(case)
    again = reloaded(headless, case, tmp_path)
    for name in ("dose", "comparison_dose"):
        here, there = getattr(again.state, name), getattr(case.state, name)
        assert np.array_equal(here.array, there.array)
        assert here.array.dtype == np.float32
        assert here.grid.same_as(there.grid)
        assert (here.quantity, here.frame_of_reference_uid) == (Quantity.DOSE, there.frame_of_reference_uid)
    after = case_document(again)
    assert after["dose"]["prescriptions"] == before["dose"]["prescriptions"]
    for one, other in zip(before["dose"]["dvh"], after["dose"]["dvh"], strict=True):
        assert (one["name"], one["volume_ml"]) == (other["name"], pytest.approx(other["volume_ml"], abs=1e-3))
    for one, other in zip(before["lesions"], after["lesions"], strict=True):
        assert one["dose"]["field"] == other["dose"]["field"]
        assert one["dose"]["d98_gy"] == pytest.approx(other["dose"]["d98_gy"], abs=1e-5)


def test_a_dose_that_goes_takes_its_node_along(headless):
    state = with_doses(small_state())
    case = PlanningCase(start=state)
    projection = shown(headless, case)
    node = projection.nodes.get(DOSE)
    projection.update(state, replace(state, settings=state.settings), case.coverage())
    assert projection.nodes.get(DOSE) is node
    after = replace(state, comparison_dose=None)
    projection.update(state, after, case.coverage())
    assert projection.nodes.get(COMPARISON_DOSE) is None
    assert projection.nodes.get(DOSE) is node
    projection.remove()
    assert headless.scene.GetNodeByID(node.GetID()) is None


def test_what_is_not_there_is_said(headless):
    projection = shown(headless, PlanningCase(start=with_doses(small_state())))
    headless.scene.RemoveNode(projection.nodes.get(DOSE))
    restored = restore_case(projection.nodes)
    assert restored.state.dose is None
    assert restored.state.comparison_dose is not None
    assert restored.notes == ("The dose was not restored, its voxels are not in the scene; load it again.",)
    # A scene from before doses were stored says only that there was one.
    parameters = projection.nodes.parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    damaged = {**document, "dose": 3}
    del document["dose"], document["comparison_dose"]
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    restored = restore_case(projection.nodes)
    assert (restored.state.dose, restored.state.comparison_dose) == (None, None)
    assert restored.notes == ("The dose was not restored, this scene does not hold it; load it again.",)
    parameters.SetParameter(CASE_PARAMETER, json.dumps(damaged))
    with pytest.raises(SceneError, match="damaged"):
        restore_case(projection.nodes)


def test_a_volume_in_other_units_is_no_dose(headless):
    projection = shown(headless, PlanningCase(start=with_doses(small_state())))
    node = projection.nodes.get(DOSE)
    node.SetVoxelValueUnits(None)
    restored = restore_case(projection.nodes)
    assert restored.state.dose is None
    assert len(restored.notes) == 1
    assert "gray" in restored.notes[0]


def test_a_stated_region_outlives_reload_search_and_new_contours(headless, tmp_path):
    pet = body_pet((*KIDNEYS, BLADDER, ((-40.0, 20.0, 250.0), 12, 15.0), ((40.0, 30.0, 230.0), 9, 9.0)))
    case = PlanningCase(who="reader")
    state = replace(case.state, pet=pet)
    case.perform("find lesions", find_lesions(state, case.change("found"), Stage(no_progress)))
    stated = case.state.lesions[0].id
    case.state_region(stated, "mesorectal", "left")
    case.accept(stated)
    case = reloaded(headless, case, tmp_path)

    def is_kept(lesion):
        region = case.assigned_regions()[lesion.id]
        return (region.region, region.side, region.source) == (Region.MESORECTAL, "left", RegionSource.USER)

    assert is_kept(case.lesion(stated))
    for again in (with_revisions, contoured_again):
        change = case.change("found again")
        found = find_lesions(case.state, change, Stage(no_progress))
        case.perform("again", again(case.state, found, change))
        assert is_kept(case.lesion(stated)), again.__name__
    case = reloaded(headless, case, tmp_path)
    assert is_kept(case.lesion(stated))
    others = [region for id_, region in case.assigned_regions().items() if id_ != stated]
    assert all(region.source is RegionSource.AUTOMATIC for region in others)


def test_generated_volumes_come_back_with_steps_numbers_and_their_mark(headless, tmp_path):
    phantom = phantom_of(1)
    state = CaseState(pet=phantom.pet, ct=phantom.ct, anatomy=phantom_of(1, structures=True))
    generator = volume_generator(state)
    (nodes,) = generator.make_volumes("rtog2009_nodes")
    case = PlanningCase(start=replace(state, volumes=(nodes,), landmarks=generator.landmarks))
    before = case_document(case)
    again = reloaded(headless, case, tmp_path)
    (volume,) = again.state.volumes
    assert (volume.origin, volume.status, volume.kind, volume.role) == (GENERATED, "proposal", "CTV", "nodes")
    assert volume.generated == nodes.generated
    assert volume.generated.steps
    assert volume.unverified == nodes.unverified != ()
    assert volume.mask.voxels == nodes.mask.voxels
    assert volume.mask.centroid_ras() == pytest.approx(nodes.mask.centroid_ras(), abs=1e-6)
    for one, other in zip(*(each.state.landmarks.placed.values() for each in (case, again)), strict=True):
        assert (one.name, one.source, one.point_ras, one.reason) == (
            other.name,
            other.source,
            other.point_ras,
            other.reason,
        )
        # A normal is made one millimetre long again when it is read.
        assert one.normal_ras == pytest.approx(other.normal_ras, abs=1e-12)
    after = case_document(again)
    for name in ("verified", "unverified", "guideline", "steps", "findings", "plausible_ml", "published"):
        assert after["volumes"][0][name] == before["volumes"][0][name], name
    # Numbers that nobody read in their source keep it out of the count, then as now.
    assert again.patient().not_counted == {nodes.name: nodes.unverified}
    # And the same volume comes out again of the anatomy and landmarks that were saved.
    (made,) = volume_generator(again.state).make_volumes("rtog2009_nodes")
    assert made.mask.voxels == nodes.mask.voxels
