from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.image import Image, Quantity
from PSMAPlanningLib.scene.volume_nodes import read_image, show_pet, write_image

from .cases import DIRECTIONS, pet_grid


def volume_node(scene):
    return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")


def an_image(direction, dtype=np.float32, quantity=Quantity.SUVBW):
    grid = pet_grid(DIRECTIONS[direction])
    array = np.arange(grid.voxel_count).reshape(grid.shape_kji) % 101
    return Image(array.astype(dtype), grid, quantity)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_voxels_geometry_and_units_come_back(headless, direction):
    node, image = volume_node(headless.scene), an_image(direction)
    write_image(image, node)
    back = read_image(node)
    np.testing.assert_array_equal(back.array, image.array)
    assert back.grid.same_as(image.grid, tolerance_mm=1e-6)
    assert back.quantity is Quantity.SUVBW


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, np.int64, bool])
def test_every_kind_of_number_is_taken(headless, dtype):
    node, image = volume_node(headless.scene), an_image("straight", dtype)
    write_image(image, node)
    np.testing.assert_array_equal(read_image(node).array, image.array)


def test_a_voxel_lies_where_slicer_thinks_it_lies(headless):
    node, image = volume_node(headless.scene), an_image("left_handed")
    write_image(image, node)
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    expected = image.grid.ras_of(np.array([5, 7, 11]))
    np.testing.assert_allclose(matrix.MultiplyPoint((11, 7, 5, 1))[:3], expected, atol=1e-6)
    assert matrix.Determinant() < 0


def test_suv_says_so_in_slicers_own_words(headless):
    node = volume_node(headless.scene)
    write_image(an_image("straight"), node)
    assert node.GetVoxelValueUnits().GetCodeValue() == "{SUVbw}g/ml"
    assert node.GetVoxelValueUnits().GetCodingSchemeDesignator() == "UCUM"


def test_pet_window_is_the_stated_one(headless):
    node = volume_node(headless.scene)
    write_image(an_image("straight"), node)
    show_pet(node, (0.0, 5.0))
    display = node.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 5.0)
    assert not display.GetAutoWindowLevel()
