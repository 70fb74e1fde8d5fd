"""Ends of structures: tops, bottoms, and the femoral heads."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Mask
from .nodal_anatomy import Anatomy
from .nodal_space import is_axial

_CAP_MM = 16.0
"""The upper third of a femoral head, where nothing but the head is cut: a head is 44 to 56 mm wide."""
_HEAD_RADII_MM = (16.0, 34.0)


class FemoralHead:
    """Top, middle and front of a femoral head, RAS mm, from the medial part of the femur's label.

    points: middles of the label's voxels; voxel: their size along R, A and S, mm, None where the voxels' axes
    are not the patient's. The top is that of the ball the highest sections belong to, between the middle of
    the highest slice and that of the next one, which would hold it too if the head reached so far.
    """

    def __init__(self, points: np.ndarray, side: str, voxel: np.ndarray | None) -> None:
        medial = points[:, 0] if side == "left" else -points[:, 0]
        top = points[:, 2].max()
        upper = points[:, 2] > top - 48.0
        # The head is the medial third of the upper end; the greater trochanter is the lateral one.
        edge = np.percentile(medial[upper], 99)
        head = points[upper & (medial > edge - 48.0)]
        right, anterior, superior = (float(x) for x in head[np.argmax(head[:, 2])])
        near = head[head[:, 2] > superior - 48.0]
        self.top_ras = right, anterior, superior + (0.0 if voxel is None else _above(head, voxel))
        self.middle_a = float((np.percentile(near[:, 1], 1) + np.percentile(near[:, 1], 99)) / 2)
        self.front_a = float(np.percentile(near[:, 1], 99))


def _above(head: np.ndarray, voxel: np.ndarray) -> float:
    """How far the head reaches above the middle of its highest slice, mm; half a slice when no ball fits.

    The section of a ball of radius r at height s is pi (r^2 - (s - c)^2), so that its area / pi + s^2 is a
    straight line in s.
    """
    top = head[:, 2].max()
    levels, counts = np.unique(np.round(head[:, 2] - top, 3), return_counts=True)
    cap = levels > -_CAP_MM
    if np.count_nonzero(cap) < 3:
        return 0.5 * float(voxel[2])
    levels, area_mm2 = levels[cap], counts[cap] * voxel[0] * voxel[1]
    slope, offset = np.polyfit(levels, area_mm2 / np.pi + levels**2, 1)
    squared = offset + slope**2 / 4
    if not _HEAD_RADII_MM[0] ** 2 <= squared <= _HEAD_RADII_MM[1] ** 2:
        return 0.5 * float(voxel[2])
    return float(np.clip(slope / 2 + np.sqrt(squared), 0.0, voxel[2]))


def head_of(anatomy: Anatomy, side: str) -> FemoralHead | None:
    """The femoral head of a side, None without a femur."""
    mask = anatomy.get(f"femur_{side}")
    if mask is None:
        return None
    voxel = np.array(mask.grid.spacing_mm) if is_axial(mask.grid) else None
    return FemoralHead(mask.points_ras(), side, voxel)


def half_slice(anatomy: Anatomy, role: str) -> float:
    """Distance from the middle of a structure's highest voxels to their upper face."""
    mask = anatomy.get(role)
    return 0.0 if mask is None else 0.5 * mask.grid.spacing_mm[2]


def top_of(mask: Mask) -> tuple[float, float, float]:
    """Middle of the highest slice of a structure, its level at the upper face of the voxels."""
    return _end_of(mask, 1.0)


def bottom_of(mask: Mask) -> tuple[float, float, float]:
    """Middle of the lowest slice of a structure, its level at the lower face of the voxels."""
    return _end_of(mask, -1.0)


def _end_of(mask: Mask, sign: float) -> tuple[float, float, float]:
    points = mask.points_ras()
    height = sign * points[:, 2]
    half = 0.5 * mask.grid.spacing_mm[2]
    end = points[height > height.max() - half].mean(axis=0)
    return float(end[0]), float(end[1]), float(sign * (height.max() + half))
