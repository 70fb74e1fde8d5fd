"""Registration on bone: a known movement of a real pelvis is found, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from PSMAPlanningLib.errors import CancelledError, RegistrationError
from PSMAPlanningLib.imaging.bone_surface import bone_surface, residual
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.imaging.image_file import sitk_image
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.phantom.parameters import RigidOffset
from PSMAPlanningLib.imaging.read import read_ct
from PSMAPlanningLib.imaging.registration import RigidTransform
from PSMAPlanningLib.imaging.registration_bone import register_bone
from PSMAPlanningLib.progress import Stage
from test_imaging.test_registration import rigid


def about(centre: np.ndarray, degrees, shift) -> RigidTransform:
    turn = rigid(degrees, (0.0, 0.0, 0.0))
    return rigid(degrees, centre - turn.points(centre) + np.array(shift))


def resampled(ct: Image, transform: RigidTransform, grid: VoxelGrid) -> Image:
    """The CT carried over by `transform`, on voxels of its own, as another scan would have it."""
    back = transform.inverse().lps_array
    itk = sitk.AffineTransform(3)
    itk.SetMatrix(back[:3, :3].ravel().tolist())
    itk.SetTranslation(back[:3, 3].tolist())
    reference = sitk_image(np.zeros(grid.shape_kji, np.float32), grid)
    moved = sitk.Resample(sitk_image(ct.array, ct.grid), reference, itk, sitk.sitkLinear, -1000.0)
    return Image(sitk.GetArrayFromImage(moved), grid, ct.quantity)


def errors_mm(found: RigidTransform, true: RigidTransform, grid: VoxelGrid) -> np.ndarray:
    corners = grid.corners_ras()
    return np.linalg.norm(found.points(corners) - true.points(corners), axis=1)


@pytest.fixture(scope="module")
def small_phantom():
    offset = RigidOffset(shift_ras_mm=(9.0, -12.0, 15.0), rotation_degrees=(3.0, -2.0, 4.0))
    return make_phantom(PhantomParameters(seed=1, variant="small", planning_offset=offset))


@pytest.mark.parametrize(
    ("degrees", "shift"),
    [((6, 5, -7), (-25, 15, -30)), pytest.param((3, -2, 4), (12, -8, 15), marks=pytest.mark.slow)],
)
def test_a_real_pelvis_is_found_again(shared_data, degrees, shift):
    ct = read_ct(shared_data("pelvis_ct_totalsegmentator") / "ct.nii.gz")
    true = about(ct.grid.corners_ras().mean(axis=0), degrees, shift)
    origin = tuple(np.array(ct.grid.origin_ras) + np.array((1.3, -0.7, 0.9)))
    grid = VoxelGrid(ct.grid.shape_kji, ct.grid.spacing_mm, origin, ct.grid.direction_ras)
    found = register_bone(resampled(ct, true, grid), ct)
    assert errors_mm(found.planning_from_pet, true, ct.grid).max() < 1.0
    # The CT has voxels of 3 mm and was resampled: a third of a voxel is what surfaces can agree to.
    assert 0.0 < found.residual_mm < 1.0


def test_a_planning_ct_of_the_pelvis_alone_is_found_in_the_body_and_twice_the_same(small_phantom):
    planning = small_phantom.planning_ct
    height, rows, columns = planning.grid.shape_kji
    box = (slice(10, height // 2), slice(0, rows), slice(0, columns))
    cut = Image(planning.array[box], planning.grid.crop(box), planning.quantity)
    true = RigidTransform(tuple(map(tuple, small_phantom.planning_from_ct)))
    found = register_bone(cut, small_phantom.ct)
    assert errors_mm(found.planning_from_pet.inverse(), true.inverse(), cut.grid).max() < 1.0
    assert register_bone(cut, small_phantom.ct) == found


def test_the_residual_is_the_distance_of_the_surfaces(small_phantom):
    """A shift by 2 mm moves surfaces by 2 mm times the cosine to their normals: between a third and all."""
    surface = bone_surface(small_phantom.ct)
    assert residual(surface, surface, RigidTransform()).mean_mm < 1e-9
    moved = residual(surface, surface, rigid((0, 0, 0), (2, 0, 0)))
    assert 0.6 < moved.mean_mm < 2.0
    far = residual(surface, surface, rigid((0, 0, 0), (0, 0, 5000)))
    assert not far.is_plausible


def test_it_can_be_cancelled(small_phantom):
    seen = []

    def stop_while_registering(_fraction, doing):
        seen.append(doing)
        return doing != "registering bone"

    with pytest.raises(CancelledError):
        register_bone(small_phantom.planning_ct, small_phantom.ct, Stage(stop_while_registering))
    assert seen.count("registering bone") == 1


def test_a_ct_without_bone_is_refused(small_phantom):
    grid = small_phantom.ct.grid
    water = Image(np.zeros(grid.shape_kji, np.float32), grid, Quantity.HOUNSFIELD)
    with pytest.raises(RegistrationError, match="no bone"):
        register_bone(water, small_phantom.ct)
    with pytest.raises(RegistrationError, match="no bone"):
        register_bone(small_phantom.ct, water)


def test_bones_that_are_others_are_refused(small_phantom, shared_data):
    """Two patients: the pelvis finds a place, but the surfaces do not meet."""
    other = read_ct(shared_data("pelvis_ct_totalsegmentator") / "ct.nii.gz")
    with pytest.raises(RegistrationError, match="did not come together"):
        register_bone(other, small_phantom.ct)
