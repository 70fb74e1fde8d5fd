"""Rigid transforms: grids move, voxels stay; what is more than a rotation and a shift is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PSMAPlanningLib.errors import RegistrationError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.imaging.registration import RigidTransform
from scipy.spatial.transform import Rotation

GRID = VoxelGrid((4, 5, 6), (1.0, 2.0, 3.0), (10.0, -20.0, 30.0), ((-1, 0, 0), (0, 1, 0), (0, 0, 1)))


def rigid(degrees=(3.0, -5.0, 7.0), shift=(4.0, 5.0, -6.0)) -> RigidTransform:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = shift
    return RigidTransform(tuple(map(tuple, matrix)))


angles = st.tuples(*[st.floats(-180, 180)] * 3)
shifts = st.tuples(*[st.floats(-500, 500)] * 3)


@given(angles, shifts)
def test_a_moved_grid_has_every_voxel_where_the_transform_takes_it(degrees, shift):
    transform = rigid(degrees, shift)
    kji = np.array([(0, 0, 0), (3, 4, 5), (1.5, 0.2, 4.7)])
    expected = transform.points(GRID.ras_of(kji))
    assert np.allclose(transform.grid(GRID).ras_of(kji), expected, atol=1e-9)
    assert np.allclose(transform.inverse().points(expected), GRID.ras_of(kji), atol=1e-9)


@given(angles, shifts, angles, shifts)
def test_one_after_the_other(a, b, c, d):
    first, second = rigid(a, b), rigid(c, d)
    points = np.array([(1.0, 2.0, 3.0), (-100.0, 50.0, 900.0)])
    assert np.allclose(
        second.after(first).points(points), second.points(first.points(points)), rtol=0, atol=1e-8
    )


def test_image_and_mask_keep_their_voxels():
    array = np.arange(120, dtype=np.float32).reshape(4, 5, 6)
    image = Image(array, GRID, Quantity.SUVBW, "1.2.3")
    moved = rigid().image(image, "4.5.6")
    assert np.array_equal(moved.array, array)
    assert moved.quantity is Quantity.SUVBW
    assert moved.frame_of_reference_uid == "4.5.6"
    mask = Mask(array > 60, GRID)
    assert rigid().mask(mask).volume_ml == mask.volume_ml
    assert RigidTransform().mask(mask) is mask
    assert RigidTransform().grid(GRID) is GRID


def test_lps_and_ras_describe_the_same_movement():
    transform = rigid()
    point = np.array([11.0, 22.0, 33.0])
    lps = transform.lps_array @ [-11.0, -22.0, 33.0, 1.0]
    assert np.allclose(transform.points(point), lps[:3] * [-1, -1, 1])
    assert np.allclose(RigidTransform.from_lps(transform.lps_array).array, transform.array)


def test_angle_and_shift():
    assert rigid((0, 0, 7), (0, 0, 0)).angle_degrees == pytest.approx(7.0)
    assert rigid((180, 0, 0), (0, 0, 0)).angle_degrees == pytest.approx(180.0)
    assert RigidTransform().angle_degrees == 0.0
    assert rigid((0, 0, 0), (3, 4, 0)).shift_mm_at((99, 99, 99)) == pytest.approx(5.0)


def test_six_written_decimals_are_rigid_and_become_exact():
    rounded = np.round(rigid().array, 6)
    transform = RigidTransform(tuple(map(tuple, rounded)))
    rotation = transform.array[:3, :3]
    assert np.abs(rotation.T @ rotation - np.eye(3)).max() < 1e-12


def _changed(change):
    matrix = rigid().array
    change(matrix)
    return tuple(map(tuple, matrix))


def _scale(matrix):
    matrix[:3, :3] *= 1.01


def _shear(matrix):
    matrix[:3, 1] += 0.05 * matrix[:3, 0]
    matrix[:3, 1] /= np.linalg.norm(matrix[:3, 1])


def _mirror(matrix):
    matrix[:3, 0] *= -1


def _perspective(matrix):
    matrix[3, 0] = 0.01


def _not_a_number(matrix):
    matrix[0, 3] = np.nan


def _flat(matrix):
    matrix[:3, 2] = 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_scale, "scales the patient .by 1.0100"),
        (_shear, "shears"),
        (_mirror, "mirrors"),
        (_perspective, "last row"),
        (_not_a_number, "finite"),
        (_flat, "scales"),
    ],
)
def test_what_is_not_rigid_is_refused_with_its_reason(change, reason):
    with pytest.raises(RegistrationError, match=reason):
        RigidTransform(_changed(change))


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(RegistrationError, match="4 x 4"):
        RigidTransform(((1.0, 0.0), (0.0, 1.0)))
