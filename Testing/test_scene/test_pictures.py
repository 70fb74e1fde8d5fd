"""Pictures are judged by where which colors are; whether they are good is judged by eye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PillowImage
from PSMAPlanningLib.errors import OutputError, SceneError
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.records import Change, LesionState
from PSMAPlanningLib.scene.appearance import COVERAGE_COLORS
from PSMAPlanningLib.scene.pictures import VIEWS, render_3d, render_mip, render_slices
from PSMAPlanningLib.scene.projection import SceneProjection
from PSMAPlanningLib.scene.save import save_scene

from .cases import CLASSES, DIRECTIONS, coverage_of, small_state

LEGEND_PIXELS = 120


def projected(slicer, state):
    projection = SceneProjection(slicer.scene)
    projection.update(None, state, coverage_of(state))
    return projection


def read(path):
    return np.asarray(PillowImage.open(path).convert("RGB")).astype(float) / 255


def pixels_of(picture, coverage_class):
    """Row and column of the pixels, above the legend, of the hue of a coverage class, shaded or not."""
    color = np.array(COVERAGE_COLORS[coverage_class])
    area = picture[:-LEGEND_PIXELS]
    brightness = area.max(axis=2)
    saturation = brightness - area.min(axis=2)
    hue = area / np.maximum(np.linalg.norm(area, axis=2, keepdims=True), 1e-6)
    alike = np.abs(hue - color / np.linalg.norm(color)).max(axis=2) < 0.10
    return np.argwhere(alike & (saturation > 0.35))


def center_of(picture, coverage_class):
    found = pixels_of(picture, coverage_class)
    assert len(found) > 100, f"no lesion that is {coverage_class} to be seen"
    return np.median(found, axis=0)


def node_ids(scene):
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_lesion_is_seen_on_its_side(headless, tmp_path, direction):
    state = small_state(DIRECTIONS[direction])
    projected(headless, state)
    path = tmp_path / "Bild ü.png"
    render_3d(headless.scene, path, size=(600, 500), view_from="anterior")
    picture = read(path)
    assert picture.shape == (500, 600, 3)
    places = {lesion_id: center_of(picture, CLASSES[lesion_id]) for lesion_id in CLASSES}
    for one, other in (("L01", "L03"), ("L02", "L03"), ("L01", "L02")):
        a, b = (next(n for n in state.lesions if n.id == name).region.centroid_ras for name in (one, other))
        # From the front the patient's right, +R, is on the viewer's left; S is up.
        assert (places[one][1] < places[other][1]) == (a[0] > b[0])
        if abs(a[2] - b[2]) > 12:
            assert (places[one][0] < places[other][0]) == (a[2] > b[2])


def test_labels_point_at_their_lesions(headless, tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr(
        "PSMAPlanningLib.scene.picture_3d.place_labels", lambda canvas, places, *_: told.update(places)
    )
    projected(headless, small_state(DIRECTIONS["oblique"]))
    render_3d(headless.scene, tmp_path / "a.png", size=(600, 500))
    picture = read(tmp_path / "a.png")
    for lesion_id, coverage_class in CLASSES.items():
        row, column = center_of(picture, coverage_class)
        assert np.hypot(told[lesion_id][0] - column, told[lesion_id][1] - row) < 6


def test_from_behind_the_sides_change(headless, tmp_path):
    projected(headless, small_state())
    columns = []
    for view in ("anterior", "posterior"):
        render_3d(headless.scene, tmp_path / f"{view}.png", size=(500, 400), view_from=view)
        columns.append(center_of(read(tmp_path / f"{view}.png"), "outside")[1])
    assert columns[0] < 250 < columns[1]


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_cut_off_at_the_edges(headless, tmp_path, view):
    projected(headless, small_state())
    render_3d(headless.scene, tmp_path / "a.png", size=(500, 400), view_from=view)
    picture = read(tmp_path / "a.png")
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert edge.min() > 0.95


def test_pictures_leave_no_node_and_no_setting_behind(headless, tmp_path):
    projection = projected(headless, small_state())
    render_3d(headless.scene, tmp_path / "a.png", size=(300, 300))
    before = node_ids(headless.scene)
    display = projection.nodes.get("PET").GetDisplayNode()
    settings = (display.GetColorNodeID(), display.GetWindowLevelMin(), display.GetWindowLevelMax())
    render_3d(headless.scene, tmp_path / "a.png", size=(300, 300))
    render_slices(headless.scene, tmp_path / "b.png", (0, 0, 90), view_size=200)
    render_mip(headless.scene, tmp_path / "c.png", height=300)
    assert node_ids(headless.scene) == before
    assert (display.GetColorNodeID(), display.GetWindowLevelMin(), display.GetWindowLevelMax()) == settings


def test_without_ct_and_volumes_there_is_still_a_picture(headless, tmp_path):
    projected(headless, small_state(with_ct=False, with_volumes=False))
    render_3d(headless.scene, tmp_path / "a.png", size=(500, 400))
    assert len(pixels_of(read(tmp_path / "a.png"), "not compared")) > 100


def test_an_empty_contour_stops_nothing(headless, tmp_path):
    state = small_state()
    lesion = state.lesions[0]
    nothing = Mask(np.zeros_like(lesion.contour.mask.array), lesion.contour.mask.grid)
    empty = replace(lesion, contour=replace(lesion.contour, mask=nothing))
    state = replace(state, lesions=(empty, *state.lesions[1:]))
    projected(headless, state)
    save_scene(headless.scene, tmp_path / "a.mrb")
    render_3d(headless.scene, tmp_path / "a.png", size=(500, 400))
    render_mip(headless.scene, tmp_path / "b.png", height=300)
    render_slices(headless.scene, tmp_path / "c.png", lesion.region.peak_ras, view_size=200)
    assert len(pixels_of(read(tmp_path / "a.png"), "partial")) > 100


def test_a_rejected_lesion_is_no_longer_colored(headless, tmp_path):
    before = small_state()
    lesions = tuple(
        n.with_state(LesionState.REJECTED, Change("rejected", "me", "now", "no")) if n.id == "L03" else n
        for n in before.lesions
    )
    after = replace(before, lesions=lesions)
    projection = projected(headless, before)
    projection.update(before, after, coverage_of(after))
    render_3d(headless.scene, tmp_path / "a.png", size=(500, 400))
    assert len(pixels_of(read(tmp_path / "a.png"), "outside")) < 20


@pytest.mark.parametrize("with_ct", [True, False])
def test_slices_show_the_lesion_hot_under_the_crosshair(headless, tmp_path, with_ct):
    state = small_state(with_ct=with_ct)
    projected(headless, state)
    place = state.lesions[1].region.centroid_ras
    render_slices(headless.scene, tmp_path / "a.png", place, view_size=300, field_of_view_mm=150)
    picture = read(tmp_path / "a.png")
    size, header = 300, 40
    for n in range(3):
        view = picture[header : header + size, n * (size + 6) : n * (size + 6) + size]
        brightness = view.mean(axis=2)
        middle = brightness[145:155, 145:155].mean()
        assert middle > 0.85 if with_ct else middle < 0.3


def test_slices_outline_volumes_and_lesions(headless, tmp_path):
    state = small_state(with_ct=False)
    projected(headless, state)
    render_slices(headless.scene, tmp_path / "a.png", state.lesions[1].region.centroid_ras, view_size=400)
    picture = read(tmp_path / "a.png")
    axial = picture[40:440, :400]
    blue = (axial[..., 2] - axial[..., 0] > 0.4).sum()
    assert blue > 200
    assert len(pixels_of(picture[:, :400], "partial")) > 50


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_mip_is_dark_where_the_lesions_are(headless, tmp_path, direction):
    projected(headless, small_state(DIRECTIONS[direction]))
    render_mip(headless.scene, tmp_path / "a.png", height=500)
    picture = read(tmp_path / "a.png")
    assert (picture[:-LEGEND_PIXELS].max(axis=2) < 0.3).sum() > 300


def test_mip_shows_the_patients_right_on_the_left(headless, tmp_path):
    projected(headless, small_state(with_volumes=True))
    render_mip(headless.scene, tmp_path / "a.png", height=500)
    picture = read(tmp_path / "a.png")
    anterior = picture[:, : picture.shape[1] // 2]
    # The lesion outside is at +R, the one that is partly inside at -R.
    assert np.median(pixels_of(anterior, "outside")[:, 1]) < np.median(pixels_of(anterior, "partial")[:, 1])


def test_an_unknown_view_names_the_known_ones(headless, tmp_path):
    with pytest.raises(SceneError, match="anterior-left"):
        render_3d(headless.scene, tmp_path / "a.png", view_from="above")


def test_an_empty_scene_has_nothing_to_show(headless, tmp_path):
    for render in (render_3d, render_mip, lambda scene, path: render_slices(scene, path, (0, 0, 0))):
        with pytest.raises(SceneError):
            render(headless.scene, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_an_error(headless, tmp_path):
    projected(headless, small_state())
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        render_mip(headless.scene, tmp_path / "file" / "a.png", height=200)
