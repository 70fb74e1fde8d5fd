"""Organ masks out of segmentation nodes: shared layers, names, IDs, tables, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.errors import SceneError
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.appearance import VOLUMES_TERMINOLOGY
from PSMAPlanningLib.scene.organ_layers import organ_reader
from PSMAPlanningLib.scene.segments import SegmentContent, write_segment

GRID = VoxelGrid((12, 14, 16), (2.0, 2.5, 3.0), (-20.0, 10.0, 5.0), ((-1, 0, 0), (0, -1, 0), (0, 0, 1)))


def _mask(k):
    array = np.zeros(GRID.shape_kji, bool)
    array[k : k + 3, 4:9, 2:11] = True
    return Mask(array, GRID)


@pytest.fixture
def node(headless):
    node = headless.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    for segment_id, name, k in (("s1", "sacrum", 1), ("hip_left", "left hip bone", 5), ("x", "Blase", 8)):
        write_segment(
            node, segment_id, SegmentContent(name, _mask(k), (1, 0, 0), VOLUMES_TERMINOLOGY, {}, GRID)
        )
    return node


def _same(a, b):
    return a.volume_ml == pytest.approx(b.volume_ml) and np.allclose(
        np.sort(a.points_ras(), axis=0), np.sort(b.points_ras(), axis=0)
    )


def _check(masks):
    assert set(masks) == {"sacrum", "hip_left", "urinary_bladder"}
    for name, k in (("sacrum", 1), ("hip_left", 5), ("urinary_bladder", 8)):
        assert _same(masks[name], _mask(k)), name


def test_masks_by_name_by_id_and_by_table(node):
    _check(organ_reader(node)({"Blase": "urinary_bladder"}))


def test_segments_in_one_layer_are_told_apart(node):
    # What Slicer does when it saves: all segments become labels of one image.
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    _check(organ_reader(node)({"Blase": "urinary_bladder"}))


def test_the_copy_does_not_follow_the_node(node):
    read = organ_reader(node)
    node.GetSegmentation().RemoveAllSegments()
    _check(read({"Blase": "urinary_bladder"}))


def test_surfaces_become_voxels_and_the_node_stays(node, headless):
    from slicer import vtkSegmentationConverter

    segmentation = node.GetSegmentation()
    surface = vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    labelmap = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation.SetSourceRepresentationName(surface)
    for segment_id in segmentation.GetSegmentIDs():
        segmentation.GetSegment(segment_id).RemoveRepresentation(labelmap)
    masks = organ_reader(node)({})
    assert masks["sacrum"].volume_ml == pytest.approx(_mask(1).volume_ml, rel=0.35)
    assert not segmentation.ContainsRepresentation(labelmap)


def test_empty_and_moved_nodes_are_refused(node, headless):
    empty = headless.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "nothing")
    with pytest.raises(SceneError, match="no segments"):
        organ_reader(empty)
    transform = headless.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 3, 5.0)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(SceneError, match="harden"):
        organ_reader(node)
