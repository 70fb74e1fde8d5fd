"""What is taken from a scene for pictures, and that the scene is left alone afterwards."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image as PillowImage
from PSMAPlanningLib.scene.owned_nodes import CONTEXT, LESIONS, VOLUMES
from PSMAPlanningLib.scene.picture_3d import draw_3d
from PSMAPlanningLib.scene.picture_content import picture_content, triangles_of_surface
from PSMAPlanningLib.scene.picture_mip import draw_mip
from PSMAPlanningLib.scene.picture_slices import draw_slices
from PSMAPlanningLib.scene.projection import SceneProjection
from vtk import vtkCubeSource

from .cases import CLASSES, coverage_of, small_state


@pytest.fixture
def shown(headless):
    state = small_state()
    projection = SceneProjection(headless.scene)
    projection.update(None, state, coverage_of(state))
    return headless.scene, projection, state


def test_content_is_what_the_case_is(shown):
    scene, _projection, state = shown
    content = picture_content(scene)
    assert np.array_equal(content.pet.array, state.pet.array)
    assert np.array_equal(content.ct.array, state.ct.array)
    assert {lesion.name: lesion.mask.volume_ml for lesion in content.lesions} == pytest.approx(
        {lesion.id: lesion.contour.mask.volume_ml for lesion in state.lesions}
    )
    balls = content.balls()
    assert set(balls) == set(CLASSES)
    for lesion in state.lesions:
        assert balls[lesion.id].center_ras == pytest.approx(lesion.contour.mask.centroid_ras(), abs=1e-3)


def test_what_is_hidden_is_not_shown(shown):
    scene, projection, _state = shown
    display = projection.nodes.get(VOLUMES).GetDisplayNode()
    display.SetSegmentVisibility("CTVp", False)
    volumes = {volume.name: volume for volume in picture_content(scene).volumes}
    assert not volumes["CTVp"].in_3d and not volumes["CTVp"].in_slices
    assert all(other.in_3d for name, other in volumes.items() if name != "CTVp")
    projection.nodes.get(LESIONS).GetDisplayNode().SetVisibility(False)
    assert not any(lesion.in_3d or lesion.in_slices for lesion in picture_content(scene).lesions)


def test_bones_are_worked_out_without_putting_them_into_the_scene(shown):
    scene, projection, _state = shown
    content = picture_content(scene)
    before = scene.GetNumberOfNodes()
    assert content.context is None
    assert content.surroundings().surface.GetNumberOfPolys() > 100
    assert projection.nodes.get(CONTEXT) is None and scene.GetNumberOfNodes() == before
    projection.show_context()
    assert picture_content(scene).surroundings().surface is projection.nodes.get(CONTEXT).GetPolyData()


def test_pictures_are_drawn_on_another_thread_even_when_the_scene_is_gone(shown, tmp_path):
    scene, projection, state = shown
    content = picture_content(scene)
    draw_mip(content, tmp_path / "before.png", height=300)
    projection.remove()
    failed = []

    def draw():
        try:
            draw_3d(content, tmp_path / "3d.png", size=(300, 260))
            draw_mip(content, tmp_path / "mip.png", height=300)
            draw_slices(content, tmp_path / "slices.png", state.lesions[0].region.peak_ras, view_size=150)
        except Exception as error:  # noqa: BLE001 - a thread's error would be lost
            failed.append(error)

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
    assert failed == []
    pictures = [np.asarray(PillowImage.open(tmp_path / f"{name}.png")) for name in ("before", "mip")]
    assert np.array_equal(*pictures)
    assert {path.name for path in tmp_path.iterdir()} == {"3d.png", "before.png", "mip.png", "slices.png"}


def test_surfaces_of_other_shapes_become_triangles():
    cube = vtkCubeSource()
    cube.Update()
    surface = cube.GetOutput()
    surface.GetPointData().SetNormals(None)
    triangles = triangles_of_surface(surface)
    assert triangles.corners.shape == (12, 3)
    assert triangles.normals.shape == triangles.points_ras.shape
    assert triangles.bounds_ras == pytest.approx(np.array([[-0.5] * 3, [0.5] * 3]))
