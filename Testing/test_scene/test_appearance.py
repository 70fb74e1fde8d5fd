"""Colors that are seen together can be told apart, also without the green or the red cones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.records import RtVolume
from PSMAPlanningLib.scene.appearance import (
    COVERAGE_COLORS,
    DISPUTED_COLOR,
    MISSED_COLOR,
    NOT_COMPARED,
    color_of_hex,
    rule_colors,
    volume_colors,
)

LEAST_CIEDE2000 = 10.0
LEAST_CIEDE2000_OF_ORGANS = 7.5
LEAST_CONTRAST_TO_BLACK = 3.0
"""What the Web Content Accessibility Guidelines 2.1 (1.4.11) ask of graphics."""
LEAST_CIEDE2000_TO_MID_GREY = 8.0
TARGET_NAMES = ("CTVn", "PTVn", "CTVsb", "PTVsb", "CTVn_rtog2009", "PTVn_rtog2009")
RULE_COUNT = 7

# Machado, Oliveira, Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1.0, for linear RGB.
PROTANOPIA = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
VISIONS = {"normal": np.eye(3), "protanopia": np.array(PROTANOPIA), "deuteranopia": np.array(DEUTERANOPIA)}
# IEC 61966-2-1, white D65.
XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(color):
    color = np.asarray(color, dtype=float)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def lab(color, vision="normal"):
    seen = np.clip(VISIONS[vision] @ linear(color), 0, 1)
    ratio = XYZ_OF_RGB @ seen / XYZ_OF_RGB.sum(axis=1)
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one, other):
    """Sharma, Wu, Dalal 2005, doi:10.1002/col.20070."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = (1 - np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))) / 2
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    is_grey = c1 * c2 == 0
    turn = 0.0 if is_grey else (h2 - h1 + 180) % 360 - 180
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if is_grey else (h1 + turn / 2) % 360
    t = 1 - 0.17 * cos(mean_h - 30) + 0.24 * cos(2 * mean_h) + 0.32 * cos(3 * mean_h + 6)
    t -= 0.20 * cos(4 * mean_h - 63)
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rotation = 2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    rotation *= -np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    parts = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    return np.sqrt(sum(part**2 for part in parts) + rotation * parts[1] * parts[2])


def cos(degrees):
    return np.cos(np.radians(degrees))


def volumes(names_and_kinds):
    grid = VoxelGrid((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(map(tuple, np.eye(3))))
    mask = Mask(np.ones((1, 1, 1), dtype=bool), grid)
    return [RtVolume(name, mask, kind, "imported", "test") for name, kind in names_and_kinds]


def targets():
    return volumes([(name, name[:3]) for name in TARGET_NAMES])


def organs():
    return volumes([(f"Organ{n}", "ORGAN") for n in range(6)])


def classes(*without):
    return {name: color for name, color in COVERAGE_COLORS.items() if name not in without}


def shown_together():
    """Names and colors in one slice: classes, candidates, the band where they disagree, targets."""
    rules = rule_colors([f"rule {n}" for n in range(RULE_COUNT)])
    in_slices = {**classes(NOT_COMPARED), **rules, "disputed": DISPUTED_COLOR, **volume_colors(targets())}
    # "Not compared" is said only where there is no volume to compare with.
    alone = {**classes(), **rules, "disputed": DISPUTED_COLOR}
    in_3d = {**classes(NOT_COMPARED), "missed part": MISSED_COLOR, **volume_colors(targets())}
    return {"slices": in_slices, "no volumes": alone, "3D": in_3d}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    # Of the test data published with the formula.
    [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_the_published_one(one, other, expected):
    assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("place", shown_together())
def test_colors_that_are_seen_together_can_be_told_apart(place, vision):
    seen = {name: lab(color, vision) for name, color in shown_together()[place].items()}
    differences = {(a, b): ciede2000(seen[a], seen[b]) for a, b in combinations(seen, 2)}
    closest = min(differences, key=differences.get)
    assert differences[closest] >= LEAST_CIEDE2000, f"{closest}: {differences[closest]:.1f}"


@pytest.mark.parametrize("vision", VISIONS)
def test_organs_can_be_told_from_each_other_and_from_all_else(vision):
    others = {name: color for place in shown_together().values() for name, color in place.items()}
    others.pop("missed part")
    muted = {name: lab(color, vision) for name, color in volume_colors(targets() + organs()).items()}
    muted = {name: muted[name] for name in (volume.name for volume in organs())}
    seen = {**{name: lab(color, vision) for name, color in others.items()}, **muted}
    differences = {(a, b): ciede2000(seen[a], seen[b]) for a in muted for b in seen if a != b}
    closest = min(differences, key=differences.get)
    assert differences[closest] >= LEAST_CIEDE2000_OF_ORGANS, f"{closest}: {differences[closest]:.1f}"


@pytest.mark.parametrize("vision", VISIONS)
def test_all_outlines_stand_out_from_black_and_from_mid_grey(vision):
    outlined = {**shown_together()["slices"], **shown_together()["no volumes"], **volume_colors(organs())}
    grey = lab(color_of_hex("#808080"), vision)
    for name, color in outlined.items():
        luminance = float(XYZ_OF_RGB[1] @ linear(color))
        assert (luminance + 0.05) / 0.05 >= LEAST_CONTRAST_TO_BLACK, name
        # What is rejected is a ghost, gray on purpose, but not this gray.
        assert ciede2000(lab(color, vision), grey) >= LEAST_CIEDE2000_TO_MID_GREY, name


def test_a_planning_target_volume_has_the_lighter_tone_of_its_clinical_one():
    colors = {name: lab(color) for name, color in volume_colors(targets()).items()}
    for ctv, ptv in zip(TARGET_NAMES[::2], TARGET_NAMES[1::2], strict=True):
        assert colors[ptv][0] > colors[ctv][0] + 10
    assert len({tuple(color) for color in colors.values()}) == len(TARGET_NAMES)


def test_more_targets_change_no_color_and_repeat_only_when_all_are_used():
    named = [
        ("GTV", "GTV"),
        ("CTV", "CTV"),
        ("PTV", "PTV"),
        ("PTV_2", "PTV"),
        ("ITV", "ITV"),
        ("CTV_3", "CTV"),
    ]
    colors = volume_colors(volumes(named))
    assert len(set(colors.values())) == len(named)
    more = volume_colors(volumes([*named, ("CTV_4", "CTV"), ("Bladder", "ORGAN")]))
    assert {name: more[name] for name in colors} == colors
    assert more["CTV_4"] in colors.values() and more["Bladder"] not in colors.values()


def test_volumes_are_vivid_where_nobody_said_which_are_targets():
    colors = volume_colors(volumes([("a", None), ("b", None)]))
    assert set(colors.values()) <= set(volume_colors(targets()).values())
