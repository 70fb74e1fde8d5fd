"""Where a dose must lie to be the dose of a case's plan."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.case_dose import DoseInputs, require_planning_frame
from PSMAPlanningLib.case_frames import CaseFrames
from PSMAPlanningLib.dicomrt.dose_reader import RtDose
from PSMAPlanningLib.errors import FrameOfReferenceError, GridError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.registration import RigidTransform

PET_UID, PLANNING_UID, OTHER_UID = "1.1", "1.2", "1.3"


def image(uid, quantity=Quantity.HOUNSFIELD, origin=(0.0, 0.0, 0.0)):
    grid = VoxelGrid((4, 5, 6), (4.0, 4.0, 4.0), origin)
    return Image(np.ones(grid.shape_kji, np.float32), grid, quantity, uid)


def doses(uid, **place):
    return DoseInputs(RtDose(image(uid, Quantity.DOSE, **place), "PLAN"))


def frames(planning_uid=PLANNING_UID, registered=True):
    pet = image(PET_UID, Quantity.SUVBW)
    return CaseFrames(pet, None, image(planning_uid), RigidTransform() if registered else None)


def test_the_frame_of_the_planning_ct_is_right():
    assert require_planning_frame(doses(PLANNING_UID), frames()) == ()


def test_the_frame_of_the_pet_is_the_plans_only_without_a_planning_ct():
    alone = CaseFrames(image(PET_UID, Quantity.SUVBW))
    assert require_planning_frame(doses(PET_UID), alone) == ()
    # One frame of reference for PET and planning CT: nothing to tell apart.
    assert require_planning_frame(doses(PET_UID), frames(PET_UID)) == ()
    with pytest.raises(FrameOfReferenceError, match="PET's frame of reference"):
        require_planning_frame(doses(PET_UID), frames())


def test_another_frame_is_refused():
    with pytest.raises(FrameOfReferenceError, match="another frame of reference"):
        require_planning_frame(doses(OTHER_UID), frames())


def test_images_that_state_no_frame_are_warned_about():
    unstated = CaseFrames(image(None, Quantity.SUVBW))
    (warning,) = require_planning_frame(doses(PLANNING_UID), unstated)
    assert "is not stated" in warning


def test_a_second_dose_is_held_to_the_same():
    both = DoseInputs(doses(PLANNING_UID).dose, doses(OTHER_UID).dose)
    with pytest.raises(FrameOfReferenceError, match="RTDOSE 2"):
        require_planning_frame(both, frames())


def test_a_dose_elsewhere_is_refused():
    with pytest.raises(GridError, match="does not overlap"):
        require_planning_frame(doses(PLANNING_UID, origin=(500.0, 0.0, 0.0)), frames())
