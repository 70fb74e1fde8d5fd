"""Ends of structures of contours against cones, cylinders and what lies outside the grid."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.dicomrt.contour_occupancy import roi_occupancy, roi_occupancy_around
from PSMAPlanningLib.dicomrt.rtstruct_reader import Roi
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.records import RtVolume
from PSMAPlanningLib.scene.stored_volumes import volume_facts, volume_fields

GRID = VoxelGrid((40, 80, 80), (1.0, 1.0, 1.0), (-40.0, -40.0, 0.0))
RADIUS_MM = 12.0
AREA_MM2 = np.pi * RADIUS_MM**2


def circle(height_mm, radius_mm=RADIUS_MM, middle=(0.3, 0.2)):
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    x, y = middle[0] + radius_mm * np.cos(angle), middle[1] + radius_mm * np.sin(angle)
    return np.column_stack([x, y, np.full(angle.size, height_mm)])


def roi(*contours, kind="ORGAN"):
    return Roi(1, "R", kind, contours=tuple(contours))


def taken_ml(found):
    return found.volume_ml - found.with_tapered_ends().volume_ml


@pytest.mark.parametrize("spacing_mm", [1.0, 2.5, 4.0])
def test_a_cylinder_loses_two_thirds_of_half_a_slice_at_either_end(spacing_mm):
    heights = 12.0 + spacing_mm * np.arange(5)
    found = roi_occupancy(roi(*map(circle, heights)), GRID)
    assert found.volume_ml == pytest.approx(5 * spacing_mm * AREA_MM2 / 1000, rel=5e-3)
    # A cone holds a third of its cylinder; pixels of 1 mm know a radius of 12 mm to a twentieth.
    assert taken_ml(found) == pytest.approx(2 * (2 / 3) * 0.5 * spacing_mm * AREA_MM2 / 1000, rel=0.06)


def test_the_taper_is_thinnest_far_from_the_contour():
    found = roi_occupancy(roi(*map(circle, (12.0, 16.0, 20.0))), GRID)
    tapered = found.with_tapered_ends().fraction
    areas = tapered.sum(axis=(1, 2))
    # Slices half within the contour's own: at 20 mm; wholly in the taper: 21 mm and half of 22 mm.
    assert areas[16] == pytest.approx(AREA_MM2, rel=5e-3)
    assert areas[20] > areas[21] > areas[22] > 0
    assert areas[20:23] == pytest.approx(areas[12:9:-1], rel=1e-5)
    assert np.all(tapered <= found.fraction + 1e-6)


def test_a_branch_that_ends_tapers_and_its_neighbour_does_not():
    heights = 10.0 + 2.0 * np.arange(6)
    left = [circle(h, middle=(-18.0, 0.0)) for h in heights]
    right = [circle(h, middle=(18.0, 0.0)) for h in heights[:3]]
    both, alone = roi_occupancy(roi(*left, *right), GRID), roi_occupancy(roi(*left), GRID)
    ended = roi_occupancy(roi(*right), GRID)
    assert taken_ml(both) == pytest.approx(taken_ml(alone) + taken_ml(ended), rel=1e-4)


def test_a_gap_ends_both_parts():
    low, high = [circle(h) for h in (6.0, 8.0, 10.0)], [circle(h) for h in (20.0, 22.0, 24.0)]
    apart = roi_occupancy(roi(*low, *high), GRID)
    assert taken_ml(apart) == pytest.approx(2 * taken_ml(roi_occupancy(roi(*low), GRID)), rel=1e-3)


def test_contours_that_only_change_do_not_taper_between():
    narrow = roi_occupancy(roi(*(circle(h, r) for h, r in ((10, 12), (12, 12), (14, 6), (16, 6)))), GRID)
    ends = 0.5 * 2.0 * (2 / 3) * np.pi * (12.0**2 + 6.0**2) / 1000
    assert taken_ml(narrow) == pytest.approx(ends, rel=0.06)


def test_one_contour_is_two_cones():
    found = roi_occupancy(roi(circle(15.0)), GRID, contour_spacing_mm=3.0)
    assert found.with_tapered_ends().volume_ml == pytest.approx(3.0 * AREA_MM2 / 3000, rel=0.06)


def test_what_leaves_the_grid_does_not_end_there():
    heights = np.arange(-6.0, 12.1, 2.0)
    found = roi_occupancy(roi(*map(circle, heights)), GRID)
    upper_only = 0.5 * 2.0 * (2 / 3) * AREA_MM2 / 1000
    assert taken_ml(found) == pytest.approx(upper_only, rel=0.06)


def test_the_body_has_no_ends():
    found = roi_occupancy(roi(*map(circle, (10.0, 12.0, 14.0)), kind="EXTERNAL"), GRID)
    assert found.with_tapered_ends() is found


def test_the_axis_of_the_contours_may_be_any():
    # Rows run downwards along z, slices along y.
    turned = VoxelGrid(
        (80, 40, 80), (1.0, 1.0, 1.0), (-40.0, -40.0, 39.0), ((1, 0, 0), (0, 0, 1), (0, -1, 0))
    )
    upright = [circle(h) for h in (12.0, 14.0, 16.0)]
    found, reference = (roi_occupancy(roi(*upright), grid) for grid in (turned, GRID))
    assert taken_ml(reference) > 0.3
    assert taken_ml(found) == pytest.approx(taken_ml(reference), rel=1e-3)


def test_a_structure_with_its_ends_survives_the_scene():
    found = roi_occupancy_around(roi(*map(circle, (12.0, 14.0, 16.0))), GRID)
    volume = RtVolume("R", found.mask(), "CTV", "drawn", "rs.dcm", occupancy=found)
    back = volume_fields(volume_facts(volume))["occupancy"]
    assert back.end_caps.flat.tolist() == found.end_caps.flat.tolist()
    assert taken_ml(back) == pytest.approx(taken_ml(found), rel=1e-4)


def test_tapered_once_is_kept():
    found = roi_occupancy(roi(*map(circle, (12.0, 14.0, 16.0))), GRID)
    assert found.with_tapered_ends() is found.with_tapered_ends()
    assert found.with_tapered_ends().end_caps is None
