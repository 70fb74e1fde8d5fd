"""Anatomy that a radiologist would not stumble over: sides, levels, sizes, neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.phantom import PhantomParameters, make_phantom
from PSMAPlanningLib.imaging.phantom.canvas import fill_polygons, smooth_curve, smooth_outline
from scipy.ndimage import label

VOLUMES_ML = {
    # structure: smallest and largest believable volume in a man
    "urinary_bladder": (80, 500),
    "rectum": (30, 110),
    "penile_bulb": (3, 14),
    "liver": (1000, 2100),
    "spleen": (100, 350),
    "kidney_left": (90, 250),
    "kidney_right": (90, 250),
    "sacrum": (150, 350),
    "hip_left": (280, 460),
    "hip_right": (280, 460),
    "vertebrae_L3": (35, 90),
    "iliopsoas_left": (220, 450),
    "gluteus_maximus_left": (350, 900),
    "aorta": (35, 110),
    "iliac_artery_left": (10, 45),
    "colon": (400, 1700),
    "CTVn": (200, 500),
    "CTVsb": (40, 130),
}


@pytest.fixture(scope="module", params=[1, 8])
def phantom(request):
    return make_phantom(PhantomParameters(seed=request.param, variant="small"))


def _centre(phantom, name):
    return np.array(phantom.structure(name).centroid_ras())


def test_volumes_are_human(phantom):
    for name, (low, high) in VOLUMES_ML.items():
        mask = phantom.volumes[name] if name in phantom.volumes else phantom.structure(name)
        assert low < mask.volume_ml < high, (name, mask.volume_ml)


def test_left_is_left(phantom):
    assert _centre(phantom, "liver")[0] > 0 > _centre(phantom, "spleen")[0]
    for name in phantom.structure_names:
        if name.endswith("_left"):
            assert _centre(phantom, name)[0] < _centre(phantom, name[:-4] + "right")[0], name
    assert _centre(phantom, "inferior_vena_cava")[0] > _centre(phantom, "aorta")[0]


def test_levels_are_in_order(phantom):
    heights = [_centre(phantom, name)[2] for name in
               ("penile_bulb", "urinary_bladder", "sacrum", "vertebrae_L5", "vertebrae_L4", "vertebrae_L3",
                "vertebrae_L2", "vertebrae_L1", "liver")]  # fmt: skip
    assert heights == sorted(heights)
    marks = phantom.landmarks
    order = [
        "penile_bulb_top",
        "anastomosis",
        "symphysis_top",
        "femoral_head_top_left",
        "S3_bottom",
        "S1_top",
        "L5_S1",
    ]
    assert [marks[n][2] for n in order] == sorted(marks[n][2] for n in order)
    fork = marks["aortic_bifurcation"][2]
    assert marks["L4_L5"][2] - 5 < fork < marks["L4_L5"][2] + 25
    aorta = phantom.structure("aorta")
    assert aorta.points_ras()[:, 2].min() == pytest.approx(fork, abs=12)


def test_front_is_front(phantom):
    bladder, rectum = (_centre(phantom, n)[1] for n in ("urinary_bladder", "rectum"))
    assert bladder > rectum > phantom.landmarks["S3_bottom"][1]


def test_bones_are_whole_and_muscles_do_not_leave_the_body(phantom):
    for name in ("sacrum", "hip_left", "hip_right"):
        array = phantom.structure(name).array
        parts, count = label(array, np.ones((3, 3, 3)))
        assert np.bincount(parts.ravel())[1:].max() > 0.97 * array.sum(), (name, count)
    heads = [phantom.landmarks[f"femoral_head_top_{side}"] for side in ("left", "right")]
    assert 140 < np.linalg.norm(np.subtract(*heads)) < 210


def test_vessels_hang_together(phantom):
    table = [phantom.structure(n).array for n in ("aorta", "iliac_artery_left", "iliac_artery_right")]
    _, count = label(np.logical_or.reduce(table), np.ones((3, 3, 3)))
    assert count <= 3
    veins = [
        phantom.structure(n).array for n in ("inferior_vena_cava", "iliac_vena_left", "iliac_vena_right")
    ]
    parts, _ = label(np.logical_or.reduce(veins), np.ones((3, 3, 3)))
    assert np.bincount(parts.ravel())[1:].max() > 0.9 * (parts > 0).sum()


def test_the_finer_structures_are_parts_of_the_coarser(phantom):
    artery = phantom.structure("iliac_artery_left").array
    parts = [
        phantom.structure(f"iliac_artery_{part}_left").array for part in ("common", "external", "internal")
    ]
    assert np.array_equal(artery, np.logical_or.reduce(parts))
    assert all(part.any() for part in parts)
    assert not (phantom.structure("rectum").array & ~phantom.structure("colon").array).any()


def test_every_structure_is_there(phantom):
    for name in phantom.structure_names:
        assert not phantom.structure(name).is_empty, name


def test_tracers_differ_where_they_should():
    gallium, psma1007 = (
        make_phantom(PhantomParameters(variant="small", tracer=t, noise=0.0))
        for t in ("68Ga-PSMA-11", "18F-PSMA-1007")
    )
    bladder = np.rint(gallium.pet.grid.kji_of(_centre(gallium, "urinary_bladder"))).astype(int)
    assert gallium.pet.array[tuple(bladder)] > 4 * psma1007.pet.array[tuple(bladder)]
    assert psma1007.true_suv_of("gallbladder") > psma1007.true_suv_of("liver") > gallium.true_suv_of("liver")


def test_polygon_filling_counts_a_disc():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    disc = np.stack([30 + 20.3 * np.cos(angle), 31 + 20.3 * np.sin(angle)], axis=1)
    filled = fill_polygons(disc[None], (64, 64))
    rows, columns = np.indices((64, 64))
    exact = np.hypot(columns - 30, rows - 31) < 20.3
    assert (filled[0] != exact).sum() <= 4


def test_smooth_curves_pass_through_their_points():
    outline = smooth_outline([(0, 0), (10, 0), (10, 10), (0, 10)])
    assert np.abs(outline - np.array((10.0, 10.0))).sum(axis=1).min() < 0.5
    curve, radii = smooth_curve(np.array([(0, 0, 0), (0, 0, 10), (5, 0, 20)], dtype=float), [1.0, 2.0, 3.0])
    assert np.allclose(curve[[0, -1]], [(0, 0, 0), (5, 0, 20)])
    assert radii[0] == 1.0
    assert radii[-1] == 3.0
