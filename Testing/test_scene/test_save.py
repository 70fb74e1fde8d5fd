from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PSMAPlanningLib.errors import OutputError, SceneError
from PSMAPlanningLib.imaging.image import Quantity
from PSMAPlanningLib.scene.owned_nodes import (
    COVERAGE_TABLE,
    CT,
    LESION_TABLE,
    LESIONS,
    PET,
    VOLUMES,
    OwnedNodes,
)
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.save import load_scene, load_segmentation, save_scene, save_segmentation
from PSMAPlanningLib.scene.segments import read_segment, segment_ids, segment_tag
from PSMAPlanningLib.scene.volume_nodes import read_image

from .cases import DIRECTIONS, coverage_of, small_state


def projected(slicer, state):
    projection = SceneProjection(slicer.scene)
    projection.update(None, state, coverage_of(state))
    return projection


def described(node):
    """Names, colors, tags and voxels of every segment."""
    result = {}
    for segment_id in segment_ids(node):
        segment, mask = node.GetSegmentation().GetSegment(segment_id), read_segment(node, segment_id)
        result[segment_id] = (
            segment.GetName(),
            tuple(round(c, 4) for c in segment.GetColor()),
            segment_tag(segment, "PSMAPlanning.State"),
            segment.GetTerminology(),
            mask.voxels,
            tuple(np.round(mask.centroid_ras(), 4)),
        )
    return result


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_saved_scene_brings_everything_back(headless, tmp_path, direction):
    state = small_state(DIRECTIONS[direction])
    path = tmp_path / "Ordner mit Lücken" / "Fall Ü 1.mrb"
    nodes = projected(headless, state).nodes
    lesions, volumes = described(nodes.get(LESIONS)), described(nodes.get(VOLUMES))
    save_scene(headless.scene, path)
    assert described(nodes.get(LESIONS)) == lesions

    load_scene(headless.scene, path)
    nodes = OwnedNodes(headless.scene)
    assert described(nodes.get(LESIONS)) == lesions
    assert described(nodes.get(VOLUMES)) == volumes
    pet = read_image(nodes.get(PET))
    # Slicer turns a left-handed image round when it reads it; every voxel still lies where it did.
    sampled = np.moveaxis(np.indices(state.pet.array.shape), 0, -1)[::5, ::5, ::5]
    there = np.round(pet.grid.kji_of(state.pet.grid.ras_of(sampled))).astype(int)
    np.testing.assert_array_equal(pet.array[tuple(np.moveaxis(there, -1, 0))], state.pet.array[::5, ::5, ::5])
    assert pet.quantity is Quantity.SUVBW
    assert nodes.get(LESION_TABLE).GetTable().GetNumberOfRows() == 3
    assert nodes.get(COVERAGE_TABLE).GetTable().GetNumberOfRows() == 6


def test_work_goes_on_in_a_loaded_scene(headless, tmp_path):
    state = small_state()
    projected(headless, state)
    save_scene(headless.scene, tmp_path / "case.mrb")
    load_scene(headless.scene, tmp_path / "case.mrb")
    projection = projected(headless, state)
    assert headless.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3
    assert headless.scene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") == 1
    assert set(segment_ids(projection.nodes.get(LESIONS))) == {"L01", "L02", "L03"}
    projection.remove()


def test_a_loaded_scene_has_pet_over_ct_in_its_slice_views(headless, tmp_path):
    nodes = projected(headless, small_state()).nodes
    save_scene(headless.scene, tmp_path / "case.mrb")
    assert headless.scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode") == 0
    load_scene(headless.scene, tmp_path / "case.mrb")
    for n in range(3):
        composite = headless.scene.GetNthNodeByClass(n, "vtkMRMLSliceCompositeNode")
        assert composite.GetLayoutName() in ("Red", "Green", "Yellow")
        assert composite.GetForegroundVolumeID() == nodes.get(PET).GetID()
        assert composite.GetBackgroundVolumeID() == nodes.get(CT).GetID()


def test_the_bundle_holds_no_path_of_this_machine(headless, tmp_path):
    projected(headless, small_state())
    save_scene(headless.scene, tmp_path / "case.mrb")
    with zipfile.ZipFile(tmp_path / "case.mrb") as bundle:
        scene_name = next(name for name in bundle.namelist() if name.endswith(".mrml"))
        text = bundle.read(scene_name).decode()
    assert str(tmp_path) not in text
    assert 'fileName="/' not in text


def test_only_the_scene_is_left_behind(headless, tmp_path):
    projected(headless, small_state())
    save_scene(headless.scene, tmp_path / "out" / "case.mrb")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["case.mrb"]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lesions_alone_come_back_from_their_file(headless, tmp_path, direction):
    node = projected(headless, small_state(DIRECTIONS[direction])).nodes.get(LESIONS)
    before = described(node)
    path = tmp_path / "Läsionen 1.seg.nrrd"
    save_segmentation(node, path)
    assert described(load_segmentation(headless.scene, path)) == before
    assert node.GetStorageNode() is None or node.GetStorageNode().GetFileName() != str(path)


@pytest.mark.parametrize("name", ["case.mrml", "case"])
def test_another_ending_is_refused(headless, tmp_path, name):
    with pytest.raises(OutputError, match=r"\.mrb"):
        save_scene(headless.scene, tmp_path / name)


def test_a_place_that_cannot_be_written_is_an_error(headless, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_scene(headless.scene, tmp_path / "file" / "case.mrb")


def test_reading_what_is_no_scene_is_an_error(headless, tmp_path):
    here = Path.cwd()
    (tmp_path / "broken.mrb").write_text("no zip")
    with pytest.raises(SceneError):
        load_scene(headless.scene, tmp_path / "missing.mrb")
    with pytest.raises(SceneError):
        load_scene(headless.scene, tmp_path / "broken.mrb")
    assert Path.cwd() == here
