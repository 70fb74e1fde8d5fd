"""Volumes from files: what each was taken for, what its contours fill, and what was left out and why."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phantoms import blurred_spheres, centred_grid
from PSMAPlanningLib.case import PlanningCase
from PSMAPlanningLib.case_frames import CaseFrames
from PSMAPlanningLib.coverage.prescribed_dose import PrescribedDose
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi, StructureSet
from PSMAPlanningLib.errors import GridError, InputError, PrescriptionError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.label_file import NamedMask
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.lesion_finding import find_lesions
from PSMAPlanningLib.progress import Stage, no_progress
from PSMAPlanningLib.volume_files import VolumeFile
from PSMAPlanningLib.volume_import import import_volumes, with_prescriptions

GRID = VoxelGrid((12, 40, 50), (2.0, 2.0, 3.0), (-49.0, -39.0, -16.5))
PET = Image(np.ones(GRID.shape_kji, np.float32), GRID, Quantity.SUVBW)
STAGE = Stage(no_progress)


def block(low_x, high_x, heights=(-4.5, -1.5, 1.5, 4.5), half_y=10.0):
    """Contours of a block from low_x to high_x, 12 mm high for four heights."""
    corners = [(low_x, -half_y), (high_x, -half_y), (high_x, half_y), (low_x, half_y)]
    return tuple(np.array([(x, y, z) for x, y in corners]) for z in heights)


def structure_file(*rois, uid=None):
    return VolumeFile(Path("RS.dcm"), structure_set=StructureSet(uid, None, rois))


def imported(*files, frames=None, **options):
    frames = frames or CaseFrames(PET)
    return import_volumes(files, frames, frames.moved(frames.pet), None, STAGE, **options)


def test_names_are_matched_and_the_uncertain_ones_said():
    found = imported(
        structure_file(
            Roi(1, "CTV LN", contours=block(-20, 0)),
            Roi(2, "Blase", contours=block(5, 20)),
            Roi(3, "CTV1", contours=block(-20, 20)),
            Roi(4, "Body outline", kind="EXTERNAL", contours=block(-30, 30)),
        )
    )
    shown = [(v.name, v.kind, v.tg263, v.role, v.matched_by, v.asks) for v in found.volumes]
    assert shown[:3] == [
        ("CTV LN", "CTV", "CTVn", "nodes", "alias", False),
        ("Blase", "ORGAN", "Bladder", "bladder", "alias", False),
        ("CTV1", "CTV", "CTV1", None, "exact", True),
    ]
    (said,) = [warning for warning in found.warnings if "--names" in warning]
    assert "CTV1" in said and "CTV LN" not in said


def test_the_users_names_go_before_all():
    file = structure_file(Roi(1, "CTV1", contours=block(-20, 20)))
    labels = VolumeFile(Path("l.nrrd"), labels=(NamedMask("xyz", Mask(GRID_BLOCK, GRID), 1),))
    found = imported(file, labels, names={"CTV1": "CTVsb_6600", "xyz": "Rectum"})
    assert [(v.tg263, v.role, v.matched_by, v.asks) for v in found.volumes] == [
        ("CTVsb_6600", "bed", "user", False),
        ("Rectum", "rectum", "user", False),
    ]
    assert not [warning for warning in found.warnings if "--names" in warning]
    with pytest.raises(InputError, match="'CTV2'"):
        imported(file, names={"CTV2": "CTVsb"})


GRID_BLOCK = np.zeros(GRID.shape_kji, bool)
GRID_BLOCK[4:8, 15:25, 20:30] = True


def test_contours_keep_what_they_fill_and_voxels_do_not():
    # Ends 0.5 mm past a voxel's edge: by centres 20 mm wide, by contours 20.5.
    contours = block(-10.0, 10.5)
    found = imported(
        structure_file(Roi(1, "CTVn", contours=contours)),
        VolumeFile(Path("l.nrrd"), labels=(NamedMask("PTVn", Mask(GRID_BLOCK, GRID), 1),)),
    )
    drawn, painted = found.volumes
    assert drawn.mask.volume_ml == pytest.approx(20 * 20 * 12 / 1000)
    assert drawn.occupancy.volume_ml == pytest.approx(20.5 * 20 * 12 / 1000, rel=1e-5)
    assert drawn.filled is drawn.occupancy
    assert drawn.occupancy.grid.voxel_count < GRID.voxel_count / 4
    assert painted.occupancy is None and painted.filled is painted.mask


def test_each_structure_left_out_says_why():
    bent = np.array([[-5.0, -5, 0], [5, -5, 0], [5, 5, 9], [-5, 5, 0]])
    found = imported(
        structure_file(
            Roi(1, "CTVn", contours=block(-20, 0)),
            Roi(2, "Nothing"),
            Roi(3, "Points", dropped_contours=2),
            Roi(4, "Bent", contours=(bent,)),
            Roi(5, "Far", contours=block(500, 520)),
            Roi(6, "CTVn", contours=block(0, 20)),
        )
    )
    assert [volume.name for volume in found.volumes] == ["CTVn", "CTVn_2"]
    said = "\n".join(found.warnings)
    for sentence in (
        "RS.dcm: Nothing is empty and was left out.",
        "Points has points but no closed contour and was left out.",
        "Bent was left out: ",
        "Far was left out: ",
        "a name that another structure has too",
    ):
        assert sentence in said
    with pytest.raises(GridError, match="no structure has a voxel"):
        imported(structure_file(Roi(1, "Far", contours=block(500, 520))))


def test_contours_move_with_their_frame():
    shift = RigidTransform(((1, 0, 0, 30.0), (0, 1, 0, -5.0), (0, 0, 1, 7.0), (0, 0, 0, 1)))
    pet = replace(PET, frame_of_reference_uid="1.2")
    frames = CaseFrames(pet, planning_from_pet=shift)
    (moved,) = imported(
        structure_file(Roi(1, "CTVn", contours=block(-20, 0)), uid="1.2"), frames=frames
    ).volumes
    assert moved.mask.centroid_ras() == pytest.approx((20, -5, 7))
    shares = moved.occupancy
    centre = np.average(
        shares.grid.ras_of(np.argwhere(shares.fraction > 0)), 0, shares.fraction[shares.fraction > 0]
    )
    assert centre == pytest.approx((20, -5, 7), abs=1e-4)


def test_coverage_is_measured_on_the_contours():
    """A surface half a voxel off in voxels and exact in contours: the fraction follows the contours."""
    grid = centred_grid(40, (4.0, 4.0, 4.0))
    pet = blurred_spheres(grid, [((6, 0, 0), 12, 12)])
    case = PlanningCase(who="test")
    heights = tuple(np.arange(-38.0, 39.0, 4.0))
    volumes = [
        imported(
            structure_file(Roi(1, "CTVn", contours=block(-36.0, edge, heights, 36.0))), frames=CaseFrames(pet)
        )
        for edge in (4.5, 6.0, 7.5)
    ]
    fractions = []
    for found in volumes:
        state = replace(case.state, pet=pet, volumes=found.volumes)
        case.perform("find", find_lesions(state, case.change("found"), STAGE))
        ((by_volume),) = case.coverage().values()
        fractions.append(by_volume["CTVn"].fraction)
    masks = {found.volumes[0].mask.voxels for found in volumes}
    assert len(masks) == 1
    assert fractions[0] < fractions[1] - 0.02 < fractions[2] - 0.04


def test_prescriptions_stay_with_their_volumes():
    volumes = imported(
        structure_file(Roi(1, "PTVn_5600x35", contours=block(-20, 0)), Roi(2, "PTVsb", contours=block(0, 20)))
    ).volumes
    nodes, bed = with_prescriptions(volumes, [PrescribedDose("PTVsb", 70.0, 35)])
    assert (nodes.prescription.dose_gy, nodes.prescription.fractions) == (56.0, 35)
    assert bed.prescription.eqd2_gy(1.5) == pytest.approx(70.0)
    with pytest.raises(PrescriptionError, match="PTVx"):
        with_prescriptions(volumes, [PrescribedDose("PTVx", 70.0, 35)])
