"""Which frame a file belongs to: by its frame of reference, its voxels, the user's word; else refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PSMAPlanningLib.case_frames import PET_FRAME, PLANNING_FRAME, CaseFrames, frame_of_labels, on_lattice
from PSMAPlanningLib.case_registration import RegistrationRequest
from PSMAPlanningLib.errors import FrameOfReferenceError, InputError, RegistrationError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.records import Registration

PET_UID, PLANNING_UID, OTHER_UID = "1.1", "1.2", "1.3"
SHIFT = RigidTransform(((1, 0, 0, 50.0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))


def image(spacing=4.0, origin=(0.0, 0.0, 0.0), uid=None):
    grid = VoxelGrid((4, 5, 6), (spacing, spacing, 3.0), origin)
    return Image(np.zeros((4, 5, 6), np.float32), grid, Quantity.HOUNSFIELD, uid)


PET = image(uid=PET_UID)
CT = image(2.0, (1.0, 1.0, 0.0), PET_UID)
PLANNING_CT = image(1.0, (50.5, 0.3, 0.1), PLANNING_UID)
ALONE = CaseFrames(PET, CT)
REGISTERED = CaseFrames(PET, CT, PLANNING_CT, SHIFT)


def test_the_world_is_the_planning_cts_where_there_is_one():
    assert (ALONE.world, REGISTERED.world) == (PET_FRAME, PLANNING_FRAME)
    assert ALONE.moved(PET) is PET
    moved = REGISTERED.moved(PET)
    assert moved.grid.origin_ras == pytest.approx((50.0, 0.0, 0.0))
    assert moved.frame_of_reference_uid == PLANNING_UID
    assert moved.array is not None


@pytest.mark.parametrize(
    ("frames", "uid", "expected"),
    [
        (ALONE, PET_UID, PET_FRAME),
        (ALONE, None, None),
        (REGISTERED, PET_UID, PET_FRAME),
        (REGISTERED, PLANNING_UID, PLANNING_FRAME),
        (CaseFrames(PET, planning_from_pet=SHIFT), OTHER_UID, PLANNING_FRAME),
        (CaseFrames(PET, planning_ct=replace(PLANNING_CT, frame_of_reference_uid=None)), OTHER_UID, None),
        (CaseFrames(replace(PET, frame_of_reference_uid=None)), OTHER_UID, None),
    ],
)
def test_the_frame_by_its_uid(frames, uid, expected):
    assert frames.frame_of(uid, "a.dcm") == expected


@pytest.mark.parametrize("frames", [ALONE, REGISTERED])
def test_a_third_frame_is_not_compared(frames):
    with pytest.raises(FrameOfReferenceError, match=r"a\.dcm has another frame"):
        frames.frame_of(OTHER_UID, "a.dcm")


def test_planning_ct_in_another_frame_needs_a_registration():
    with pytest.raises(FrameOfReferenceError, match="--transform"):
        CaseFrames(PET, planning_ct=PLANNING_CT).require_registered()
    REGISTERED.require_registered()
    same = CaseFrames(PET, planning_ct=replace(PLANNING_CT, frame_of_reference_uid=PET_UID))
    same.require_registered()
    assert (same.relation, REGISTERED.relation) == ("same", "different")
    assert CaseFrames(PET).relation == "not_stated"


def test_a_label_map_is_placed_by_the_voxels_it_shares():
    part = CT.grid.crop((slice(1, 3), slice(0, 2), slice(2, 4)))
    assert on_lattice(part, CT.grid)
    assert not on_lattice(part, PLANNING_CT.grid)
    assert frame_of_labels(REGISTERED, [part], None, "a.nrrd", "--anatomy-frame") == PET_FRAME
    assert frame_of_labels(REGISTERED, [PLANNING_CT.grid], None, "a", "--x") == PLANNING_FRAME


def test_what_nothing_tells_is_asked_for():
    other = VoxelGrid((3, 3, 3), (1.7, 1.7, 1.7))
    with pytest.raises(InputError, match="--anatomy-frame pet or --anatomy-frame planning"):
        frame_of_labels(REGISTERED, [other], None, "organs.nrrd", "--anatomy-frame")
    assert frame_of_labels(REGISTERED, [other], PLANNING_FRAME, "a", "--x") == PLANNING_FRAME
    # Where nothing moves, both frames are one place.
    assert frame_of_labels(ALONE, [other], None, "a", "--x") == PET_FRAME


def test_masks_of_the_pet_move_and_those_of_the_plan_stay():
    mask = Mask(np.ones((4, 5, 6), bool), CT.grid)
    assert REGISTERED.into_world(mask, PET_FRAME).grid.origin_ras == pytest.approx((51.0, 1.0, 0.0))
    assert REGISTERED.into_world(mask, PLANNING_FRAME) is mask
    assert ALONE.into_world(mask, PET_FRAME) is mask


def test_contours_become_voxels_of_the_ct_they_were_drawn_on():
    assert REGISTERED.contour_grid(PLANNING_FRAME) is PLANNING_CT.grid
    assert REGISTERED.contour_grid(PET_FRAME) is CT.grid
    assert ALONE.contour_grid(PET_FRAME) is CT.grid
    assert CaseFrames(PET).contour_grid(PET_FRAME) is PET.grid
    without_planning_ct = CaseFrames(PET, CT, planning_from_pet=SHIFT)
    assert without_planning_ct.contour_grid(PLANNING_FRAME).origin_ras == pytest.approx((51.0, 1.0, 0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"bone": True, "transform": "t.tfm"},
        {"direction": "pet-to-planning"},
        {"uncertainty_mm": -1.0},
        {"uncertainty_bed_mm": 101.0},
        {"uncertainty_nodes_mm": float("nan")},
    ],
)
def test_requests_that_contradict_themselves(wrong):
    with pytest.raises(RegistrationError):
        RegistrationRequest(**wrong)


def test_uncertainty_for_bed_and_nodes():
    assert Registration().bed_uncertainty_mm is None
    assert Registration().nodes_uncertainty_mm is None
    both = Registration(uncertainty_mm=2.0, uncertainty_bed_mm=5.0)
    assert (both.bed_uncertainty_mm, both.nodes_uncertainty_mm) == (5.0, 2.0)
    zero = Registration(uncertainty_mm=3.0, uncertainty_nodes_mm=0.0)
    assert zero.nodes_uncertainty_mm == 0.0
    bed_alone = Registration(uncertainty_bed_mm=5.0)
    assert bed_alone.nodes_uncertainty_mm is None
