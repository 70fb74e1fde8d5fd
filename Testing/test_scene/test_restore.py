"""A case out of a scene: exactly as it was, or a sentence for what is not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.delineation.avid_regions import RegionClass
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.records import Change, LesionState, Registration
from PSMAPlanningLib.scene.owned_nodes import CT, LESIONS, PET, VOLUMES
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.restore import CASE_PARAMETER, restore_case
from PSMAPlanningLib.scene.segments import SegmentContent, write_segment
from PSMAPlanningLib.settings import DetectionSettings, Settings
from test_scene.cases import DIRECTIONS, coverage_of, small_state


def _decided(state):
    """The state with decisions, settings and texts that must survive."""
    first, second, third = state.lesions
    change = Change("rejected", "Müller & Søn", "2026-01-02T03:04:05+00:00", 'ureter "left" <5 mm>')
    return replace(
        state,
        settings=Settings(detection=DetectionSettings(threshold_suv=4.0)),
        registration=Registration("user_transform", 1.5, 3.0),
        anatomy={"urinary_bladder": state.volumes[1].mask},
        warnings=("One thing\nand another.",),
        lesions=(
            first.with_state(LesionState.ACCEPTED, change),
            second.with_state(LesionState.REJECTED, change),
            replace(third, region=third.region.classified(RegionClass.LESION, "beyond:rectum")),
        ),
    )


def _shown(headless, state):
    projection = SceneProjection(headless.scene)
    projection.update(None, state, coverage_of(state))
    return projection


def _same_mask(a: Mask, b: Mask) -> bool:
    return a.grid == b.grid and np.array_equal(a.array, b.array)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_comes_back(headless, direction):
    state = _decided(small_state(DIRECTIONS[direction]))
    restored = restore_case(_shown(headless, state).nodes)
    assert restored.notes == ()
    got = restored.state
    assert (got.settings, got.registration, got.warnings) == (
        state.settings,
        state.registration,
        state.warnings,
    )
    assert np.array_equal(got.pet.array, state.pet.array)
    assert np.array_equal(got.ct.array, state.ct.array)
    assert _same_mask(got.anatomy["urinary_bladder"], state.anatomy["urinary_bladder"])
    for one, other in zip(got.lesions, state.lesions, strict=True):
        assert (one.id, one.state, one.history) == (other.id, other.state, other.history)
        assert _same_mask(one.contour.mask, other.contour.mask)
        assert (one.contour.source, one.contour.inputs) == (other.contour.source, other.contour.inputs)
        assert one.region.box == other.region.box
        assert _same_mask(one.region.mask, other.region.mask)
        assert (one.region.peak_ras, one.region.reason) == (other.region.peak_ras, other.region.reason)
        for mine, theirs in zip(one.candidates, other.candidates, strict=True):
            assert (mine.rule, dict(mine.parameters)) == (theirs.rule, dict(theirs.parameters))
            assert _same_mask(mine.mask, theirs.mask)
    for one, other in zip(got.volumes, state.volumes, strict=True):
        assert (one.name, one.kind, one.origin, one.source_file) == (
            other.name,
            other.kind,
            other.origin,
            other.source_file,
        )
        assert one.mask.volume_ml == pytest.approx(other.mask.volume_ml)


def test_a_scene_without_a_case_holds_none(headless):
    assert restore_case(SceneProjection(headless.scene).nodes) is None


def test_a_missing_pet_takes_its_lesions_along_and_says_so(headless):
    projection = _shown(headless, small_state())
    headless.scene.RemoveNode(projection.nodes.get(PET))
    restored = restore_case(projection.nodes)
    assert restored.state.pet is None
    assert restored.state.lesions == ()
    assert any("3 lesions were not restored" in note for note in restored.notes)


def test_a_pet_whose_file_is_gone_is_said(headless):
    """Slicer then makes a node without voxels."""
    projection = _shown(headless, small_state())
    projection.nodes.get(PET).SetAndObserveImageData(None)
    restored = restore_case(projection.nodes)
    assert restored.state.pet is None
    assert any("no voxels" in note for note in restored.notes)


def test_a_missing_ct_or_volume_is_said_and_the_rest_comes(headless):
    projection = _shown(headless, small_state())
    projection.nodes.get(CT).SetAndObserveImageData(None)
    projection.nodes.get(VOLUMES).GetSegmentation().RemoveSegment("Bladder")
    restored = restore_case(projection.nodes)
    assert len(restored.state.lesions) == 3
    assert [v.name for v in restored.state.volumes] == ["CTVp"]
    assert len(restored.notes) == 2


def test_missing_lesion_segments_are_drawn_anew(headless):
    projection = _shown(headless, small_state())
    headless.scene.RemoveNode(projection.nodes.get(LESIONS))
    restored = restore_case(projection.nodes)
    assert len(restored.state.lesions) == 3
    assert len(restored.notes) == 3


def test_a_segment_changed_by_others_is_said(headless):
    state = small_state()
    projection = _shown(headless, state)
    mask = state.lesions[0].contour.mask
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    content = SegmentContent("L01", Mask(array, mask.grid), (1.0, 0.0, 0.0), "", {}, mask.grid)
    write_segment(projection.nodes.get(LESIONS), "L01", content)
    restored = restore_case(projection.nodes)
    assert any("L01 was changed outside" in note for note in restored.notes)
    assert _same_mask(restored.state.lesions[0].contour.mask, mask)


def test_a_volume_changed_by_others_is_taken_and_said(headless):
    state = small_state()
    projection = _shown(headless, state)
    mask = state.volumes[0].mask
    array = mask.array.copy()
    array[: array.shape[0] // 2] = False
    half = Mask(array, mask.grid)
    write_segment(
        projection.nodes.get(VOLUMES),
        "CTVp",
        SegmentContent("CTVp", half, (0.0, 0.0, 1.0), "", {}, mask.grid),
    )
    restored = restore_case(projection.nodes)
    assert restored.state.volumes[0].mask.volume_ml == pytest.approx(half.volume_ml)
    assert any("CTVp had" in note for note in restored.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("[]", "no version"),
        ('{"schema_version": 99}', "newer"),
        ('{"schema_version": 1}', "damaged"),
    ],
)
def test_a_damaged_or_newer_case_is_refused(headless, text, said):
    projection = _shown(headless, small_state())
    projection.nodes.parameters().SetParameter(CASE_PARAMETER, text)
    with pytest.raises(SceneError, match=said):
        restore_case(projection.nodes)


def test_damaged_voxels_are_refused(headless):
    projection = _shown(headless, small_state())
    parameters = projection.nodes.parameters()
    document = json.loads(parameters.GetParameter(CASE_PARAMETER))
    document["lesions"][0]["contour"]["mask"]["bits"] = "AAAA"
    parameters.SetParameter(CASE_PARAMETER, json.dumps(document))
    with pytest.raises(SceneError, match="damaged"):
        restore_case(projection.nodes)


def test_damaged_settings_are_said_and_the_rest_comes(headless):
    projection = _shown(headless, small_state())
    projection.nodes.parameters().SetParameter("settings", "{}")
    restored = restore_case(projection.nodes)
    assert restored.state.settings == Settings()
    assert any("defaults" in note for note in restored.notes)
