"""Structures as fractions of voxels filled, by closed form or by many points per voxel."""

from dataclasses import dataclass

import numpy as np
from phantoms import points_of
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.plane_cells import filled_below


@dataclass(eq=False)
class Fractions:
    array: np.ndarray
    grid: VoxelGrid


def half_space(grid, normal, depth_mm, through=(0, 0, 0)):
    """Everything with normal.(x - through) below `depth_mm`; each voxel's fraction is exact."""
    widths = np.maximum(np.abs(normal @ np.array(grid.direction_ras)) * np.array(grid.spacing_mm), 1e-4)
    depth = (depth_mm - (points_of(grid) - through) @ normal).ravel()
    filled = filled_below(depth + widths.sum() / 2, np.broadcast_to(widths, (len(depth), 3)))
    return Fractions(filled.reshape(grid.shape_kji).astype(np.float32), grid)


def sampled(grid, inside, parts=6):
    """What `inside`, a function of RAS points, is; parts cubed points per voxel."""
    k, j, i = grid.shape_kji
    fine = inside(points_of(grid.refine((parts,) * 3)))
    means = fine.reshape(k, parts, j, parts, i, parts).mean(axis=(1, 3, 5))
    return Fractions(means.astype(np.float32), grid)


def cap_fraction(radius_mm, distance_mm):
    """Part of a ball below a plane at `distance_mm` from its centre."""
    h = np.clip(radius_mm + distance_mm, 0, 2 * radius_mm)
    return h**2 * (3 * radius_mm - h) / (4 * radius_mm**3)
