"""Shapes whose grown volume is known in closed form, as occupancy or voxels on any grid."""

import numpy as np
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Mask
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation


def grid_around(half_mm, spacing_mm=(1.0, 1.0, 3.0), angles=(0, 0, 0), offset=(0.0, 0.0, 0.0)):
    """A grid centred on the world's origin, turned by angles in degrees and moved by part of a voxel."""
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    shape = [int(np.ceil(2 * half_mm / s)) for s in spacing_mm]
    middle = (np.array(shape) - 1) / 2 * spacing_mm - np.array(offset) * spacing_mm
    return VoxelGrid(tuple(shape[::-1]), spacing_mm, tuple(direction @ -middle), tuple(map(tuple, direction)))


def occupancy(grid, inside, parts=(9, 5, 5)):
    """Occupancy by `parts` samples per voxel along K, J, I. inside: RAS points (..., 3) to bool."""
    fine = grid.refine(parts)
    k, j, i = grid.shape_kji
    fraction = np.empty(grid.shape_kji, np.float32)
    rows, columns = np.meshgrid(np.arange(j * parts[1]), np.arange(i * parts[2]), indexing="ij")
    for number in range(k):
        total = 0.0
        for sub in range(parts[0]):
            slices = np.full(rows.shape, number * parts[0] + sub)
            samples = inside(fine.ras_of(np.stack([slices, rows, columns], -1)))
            total = total + samples.reshape(j, parts[1], i, parts[2]).mean(axis=(1, 3))
        fraction[number] = total / parts[0]
    return OccupancyField(fraction, grid)


def voxels(grid, inside):
    points = grid.ras_of(np.stack(np.meshgrid(*map(np.arange, grid.shape_kji), indexing="ij"), -1))
    return Mask(inside(points), grid)


def ball(radius_mm):
    return lambda points: np.einsum("...a,...a->...", points, points) < radius_mm**2


def ellipsoid(half_axes_mm):
    return lambda points: np.square(points / np.array(half_axes_mm)).sum(axis=-1) < 1


def box(edges_mm):
    return lambda points: (np.abs(points) < np.array(edges_mm) / 2).all(axis=-1)


def grown_box_ml(edges_mm, margin):
    """Steiner's formula for a box and eight eighths of ellipsoids."""
    left, right, anterior, posterior, superior, inferior = margin.as_tuple()
    a, b, c = edges_mm
    x, y, z = left + right, anterior + posterior, superior + inferior
    faces = b * c * x + a * c * y + a * b * z
    edges = np.pi / 4 * (c * x * y + a * y * z + b * x * z)
    return (a * b * c + faces + edges + np.pi / 6 * x * y * z) / 1000


def grown_ellipsoid_ml(half_axes_mm, margin, directions=40_000):
    """Hull of the sums of both bodies' support points: exact for convex bodies up to the directions taken."""
    n = np.arange(directions) + 0.5
    polar, around = np.arccos(1 - 2 * n / directions), np.pi * (1 + 5**0.5) * n
    normals = np.stack([np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], -1)
    left, right, anterior, posterior, superior, inferior = margin.as_tuple()
    reach = np.where(normals > 0, [right, anterior, superior], [left, posterior, inferior])
    points = support_points(np.broadcast_to(half_axes_mm, normals.shape), normals) + support_points(
        reach, normals
    )
    return ConvexHull(points).volume / 1000


def support_points(half_axes_mm, normals):
    length = np.sqrt(np.square(half_axes_mm * normals).sum(axis=1, keepdims=True))
    return np.square(half_axes_mm) * normals / np.maximum(length, 1e-12)
