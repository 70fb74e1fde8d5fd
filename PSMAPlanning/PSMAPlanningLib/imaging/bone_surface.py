"""How far the bones of two CTs lie apart: the residual of a registration, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.spatial import cKDTree

from ..errors import RegistrationError
from .grid import VoxelGrid
from .image import Image
from .image_file import grid_of, sitk_image
from .registration import RigidTransform

BONE_HU = 200.0
"""Between soft tissue and contrast-free vessels (below 100 HU) and the cortex (above 300 HU)."""
SURFACE_SPACING_MM = 2.0
"""CTs are compared at voxels of up to this size: surfaces lie between voxels, so the distance is finer."""
_UNMATCHED_MM = 10.0
"""Bone further from any bone of the other CT has no partner there: contrast medium, table, an arm."""
_SMALLEST_MATCHED_FRACTION = 0.5
_SAME_FACING = 0.5
"""Cosine between the normals of two surfaces: within 60 degrees."""
_FEWEST_POINTS = 500
_MOST_POINTS = 40_000


@dataclass(frozen=True, eq=False)
class BoneSurface:
    """Points on the surface of the bones, (N, 3) RAS millimetres, their unit normals, and the CT's grid."""

    points_ras: np.ndarray
    normals_ras: np.ndarray
    grid: VoxelGrid


@dataclass(frozen=True)
class BoneResidual:
    """Mean distance of the bone surfaces to each other, both ways, where the two CTs overlap.

    mean_mm: over the matched points; matched_fraction: points with bone of the other CT within 10 mm.
    """

    mean_mm: float
    matched_fraction: float

    @property
    def is_plausible(self) -> bool:
        """Whether most bone found its partner, so that the mean says something."""
        return self.matched_fraction >= _SMALLEST_MATCHED_FRACTION


def coarser(image: Image, spacing_mm: float) -> sitk.Image:
    """The CT with as many voxels averaged into one as `spacing_mm` holds; axes stay as they are."""
    source = sitk_image(np.ascontiguousarray(image.array, dtype=np.float32), image.grid)
    factors = [
        max(1, min(int(spacing_mm / spacing + 1e-3), size))
        for spacing, size in zip(source.GetSpacing(), source.GetSize(), strict=True)
    ]
    return source if max(factors) == 1 else sitk.BinShrink(source, factors)


def bone_surface(image: Image) -> BoneSurface:
    """Where the CT crosses BONE_HU between neighbouring voxels, to a fraction of a voxel.

    Raises RegistrationError when the CT shows next to no bone.
    """
    coarse = coarser(image, SURFACE_SPACING_MM)
    grid = grid_of(coarse)
    array = sitk.GetArrayViewFromImage(coarse)
    above = array >= BONE_HU
    gradient = np.gradient(array) if min(array.shape) > 1 else None
    crossings, slopes = [], []
    for axis in range(3):
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        at = np.argwhere(above[tuple(low)] != above[tuple(high)])
        if gradient is None or len(at) == 0:
            continue
        beyond = at.copy()
        beyond[:, axis] += 1
        a, b = array[tuple(at.T)], array[tuple(beyond.T)]
        share = (BONE_HU - a) / (b - a)
        kji = at.astype(float)
        kji[:, axis] += share
        crossings.append(kji)
        slopes.append(
            np.stack([(1 - share) * g[tuple(at.T)] + share * g[tuple(beyond.T)] for g in gradient], axis=1)
        )
    count = sum(map(len, crossings))
    if count < _FEWEST_POINTS:
        raise RegistrationError(
            "A CT shows next to no bone, so bones cannot be compared; give the registration with --transform."
        )
    return _surface(np.concatenate(crossings), np.concatenate(slopes), grid)


def residual(planning: BoneSurface, pet_ct: BoneSurface, planning_from_pet: RigidTransform) -> BoneResidual:
    """How far the bones lie apart once the PET's CT is carried to the planning CT."""
    back = planning_from_pet.inverse()
    ways = (_distances(pet_ct, planning, planning_from_pet), _distances(planning, pet_ct, back))
    distances = np.concatenate(ways)
    if len(distances) < _FEWEST_POINTS:
        return BoneResidual(float("inf"), 0.0)
    matched = distances[distances <= _UNMATCHED_MM]
    mean = float(matched.mean()) if len(matched) else float("inf")
    return BoneResidual(mean, len(matched) / len(distances))


def _surface(kji: np.ndarray, slope_kji: np.ndarray, grid: VoxelGrid) -> BoneSurface:
    slope_ijk = slope_kji[:, ::-1] / np.array(grid.spacing_mm)
    normals = slope_ijk @ np.array(grid.direction_ras).T
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    keep = length[:, 0] > 0.0
    return BoneSurface(grid.ras_of(kji[keep]), normals[keep] / length[keep], grid)


def _distances(source: BoneSurface, target: BoneSurface, transform: RigidTransform) -> np.ndarray:
    """Of points of `source`, carried over, to the surface of `target`, where that CT has voxels.

    Along the normal of the nearest point, because distances between sampled points never reach zero; but
    only where the two surfaces face the same way, or crossing surfaces would seem to touch.
    """
    step = -(-len(source.points_ras) // _MOST_POINTS)
    points = transform.points(source.points_ras[::step])
    normals = source.normals_ras[::step] @ transform.array[:3, :3].T
    held = target.grid.holds(points)
    points, normals = points[held], normals[held]
    if len(points) == 0:
        return np.empty(0)
    distance, nearest = cKDTree(target.points_ras).query(points)
    along = np.abs(((points - target.points_ras[nearest]) * target.normals_ras[nearest]).sum(axis=1))
    faces_alike = (normals * target.normals_ras[nearest]).sum(axis=1) >= _SAME_FACING
    return np.where(faces_alike & (distance <= _UNMATCHED_MM), along, distance)
