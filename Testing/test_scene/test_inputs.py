"""Nodes as inputs: what is taken, what is refused, and that the node stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.errors import GridError, SceneError, UnitsError
from PSMAPlanningLib.imaging.image import Image, Mask, Quantity
from PSMAPlanningLib.scene.inputs import read_ct_node, read_pet_node, read_volumes_node
from PSMAPlanningLib.scene.projection import TAG
from PSMAPlanningLib.scene.segments import SegmentContent, write_segment
from PSMAPlanningLib.scene.volume_nodes import write_image
from test_scene.cases import DIRECTIONS, small_state


@pytest.fixture(params=DIRECTIONS)
def state(request):
    return small_state(DIRECTIONS[request.param])


def _volume(headless, image, name="Volume"):
    node = headless.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    write_image(image, node)
    return node


def _segmentation(headless, masks, name="Structures"):
    node = headless.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    for n, (segment_name, mask) in enumerate(masks):
        content = SegmentContent(segment_name, mask, (1.0, 0.0, 0.0), "", {}, mask.grid)
        write_segment(node, f"segment{n}", content)
    return node


def _move(headless, node, matrix):
    from vtk import vtkMatrix4x4

    transform = headless.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Shift")
    vtk_matrix = vtkMatrix4x4()
    vtk_matrix.DeepCopy(np.asarray(matrix, dtype=float).ravel().tolist())
    transform.SetMatrixTransformToParent(vtk_matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())


SHIFTED = np.array([[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_pet_comes_back_voxel_by_voxel(headless, state):
    image = read_pet_node(_volume(headless, state.pet))
    assert np.array_equal(image.array, state.pet.array)
    assert image.grid.same_as(state.pet.grid)
    assert image.quantity is Quantity.SUVBW


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        (Quantity.UNKNOWN, "no stated units"),
        (Quantity.ACTIVITY, "Bq/ml"),
        (Quantity.HOUNSFIELD, "Hounsfield"),
    ],
)
def test_pet_in_other_units_is_refused_with_what_was_found(headless, quantity, said):
    pet = small_state().pet
    node = _volume(headless, Image(pet.array, pet.grid, quantity), "Series 4")
    with pytest.raises(UnitsError, match="Series 4") as refused:
        read_pet_node(node)
    assert said in str(refused.value)


def test_pet_without_voxels_or_with_holes_is_refused(headless):
    empty = headless.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    with pytest.raises(SceneError, match="no voxels"):
        read_pet_node(empty)
    pet = small_state().pet
    array = pet.array.copy()
    array[0, 0, 0] = np.nan
    with pytest.raises(SceneError, match="no numbers"):
        read_pet_node(_volume(headless, Image(array, pet.grid, Quantity.SUVBW)))


def test_ct_without_units_is_taken_and_a_pet_is_not(headless):
    state = small_state()
    node = _volume(headless, Image(state.ct.array, state.ct.grid, Quantity.UNKNOWN))
    assert read_ct_node(node).quantity is Quantity.HOUNSFIELD
    with pytest.raises(UnitsError, match="not taken as a CT"):
        read_ct_node(_volume(headless, state.pet))


def test_a_moving_transform_is_refused_and_an_identity_is_not(headless):
    state = small_state()
    node = _volume(headless, state.pet, "PET")
    _move(headless, node, np.eye(4))
    assert read_pet_node(node).grid.same_as(state.pet.grid)
    _move(headless, node, SHIFTED)
    with pytest.raises(SceneError, match="Shift"):
        read_pet_node(node)
    structures = _segmentation(headless, [("CTV", state.volumes[0].mask)])
    _move(headless, structures, SHIFTED)
    with pytest.raises(SceneError, match="harden"):
        read_volumes_node(structures, state.pet, TAG)


def test_a_bent_transform_is_refused(headless):
    state = small_state()
    node = _volume(headless, state.pet, "PET")
    transform = headless.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bent")
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(SceneError, match="Bent"):
        read_pet_node(node)


def test_volumes_keep_voxels_and_get_kind_by_name(headless, state):
    masks = [(volume.name, volume.mask) for volume in state.volumes]
    volumes, warnings = read_volumes_node(_segmentation(headless, masks), state.pet, TAG)
    assert [(v.name, v.kind) for v in volumes] == [("CTVp", "CTV"), ("Bladder", "ORGAN")]
    for found, expected in zip(volumes, state.volumes, strict=True):
        assert found.mask.volume_ml == pytest.approx(expected.mask.volume_ml)
        assert found.mask.centroid_ras() == pytest.approx(expected.mask.centroid_ras(), abs=1e-3)
    assert warnings == ()


def test_names_that_repeat_are_told_apart_and_empty_ones_left_out(headless):
    state = small_state()
    mask = state.volumes[0].mask
    nothing = Mask(np.zeros((1, 1, 1), dtype=bool), mask.grid.crop((slice(0, 1),) * 3))
    node = _segmentation(headless, [("CTV", mask), ("CTV", mask), ("Empty", nothing)])
    volumes, warnings = read_volumes_node(node, state.pet, TAG)
    assert [v.name for v in volumes] == ["CTV", "CTV_2"]
    assert len(warnings) == 1
    assert "Empty" in warnings[0]


def test_nothing_to_take_is_refused(headless):
    state = small_state()
    with pytest.raises(SceneError, match="no segments"):
        read_volumes_node(_segmentation(headless, []), state.pet, TAG)
    nothing = Mask(np.zeros((1, 1, 1), dtype=bool), state.pet.grid.crop((slice(0, 1),) * 3))
    with pytest.raises(SceneError, match="empty"):
        read_volumes_node(_segmentation(headless, [("A", nothing)]), state.pet, TAG)


def test_a_structure_elsewhere_is_refused(headless):
    state = small_state()
    far = small_state().volumes[0].mask
    grid = type(far.grid)(far.grid.shape_kji, far.grid.spacing_mm, (5000.0, 0.0, 0.0))
    node = _segmentation(headless, [("CTV", Mask(far.array, grid))])
    with pytest.raises(GridError, match="does not overlap"):
        read_volumes_node(node, state.pet, TAG)


def test_surfaces_become_voxels_in_a_copy(headless):
    """As from an RTSTRUCT import that has no voxels yet; the node itself is left alone."""
    from slicer import vtkSegmentationConverter

    state = small_state()
    node = _segmentation(headless, [("CTVp", state.volumes[0].mask)])
    segmentation = node.GetSegmentation()
    reference = _volume(headless, state.pet)
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    segmentation.SetSourceRepresentationName(vtkSegmentationConverter.GetClosedSurfaceRepresentationName())
    labelmap = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation.RemoveRepresentation(labelmap)
    volumes, _warnings = read_volumes_node(node, state.pet, TAG)
    assert volumes[0].mask.volume_ml == pytest.approx(state.volumes[0].mask.volume_ml, rel=0.05)
    assert not segmentation.ContainsRepresentation(labelmap)
