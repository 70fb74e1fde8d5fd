"""Fewer triangles for the same volume."""

from __future__ import annotations

import numpy as np
import pytest
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.scene.lighter_surfaces import lighter
from PSMAPlanningLib.scene.surfaces import enclosed_volume_ml, smooth_surface
from vtk.util.numpy_support import vtk_to_numpy

from .cases import ball

GRID = VoxelGrid((70, 70, 70), (1.0, 1.0, 1.0), (-35.0, -35.0, -35.0))
MOST = 5000


def points_of(surface):
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float)


def test_a_large_ball_stays_where_it_was():
    mask = ball(GRID, np.zeros(3), 28.0)
    fine = smooth_surface(mask)
    light = lighter(fine, MOST)
    assert fine.GetNumberOfPolys() > 4 * MOST
    assert 0.9 * MOST < light.GetNumberOfPolys() < 1.1 * MOST
    radii = np.linalg.norm(points_of(light), axis=1)
    radii_before = np.linalg.norm(points_of(fine), axis=1)
    assert radii.min() > radii_before.min() - 0.1 and radii.max() < radii_before.max() + 0.1
    assert enclosed_volume_ml(light) == pytest.approx(mask.volume_ml, rel=2e-3)
    normals = vtk_to_numpy(light.GetPointData().GetNormals())
    assert (np.einsum("ni,ni->n", normals, points_of(light)) > 0).all(), "They point outward."


def test_small_parts_keep_their_triangles():
    array = ball(GRID, np.array([-8.0, 0, 0]), 22.0).array.copy()
    array[35, 35, 62] = True
    fine = smooth_surface(Mask(array, GRID))
    light = lighter(fine, MOST)
    speck, former = (points[points[:, 0] > 24.0] for points in (points_of(light), points_of(fine)))
    assert len(former) > 0
    assert np.array_equal(np.unique(speck, axis=0), np.unique(former, axis=0))


def test_what_has_few_triangles_stays_itself():
    surface = smooth_surface(ball(GRID, np.zeros(3), 8.0))
    assert lighter(surface, MOST) is surface
