"""Ends of structures: tops, bottoms, and the femoral heads."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Mask
from .nodal_anatomy import Anatomy


class FemoralHead:
    """Top, middle and front of a femoral head, RAS mm, from the medial part of the femur's label."""

    def __init__(self, points: np.ndarray, side: str) -> None:
        medial = points[:, 0] if side == "left" else -points[:, 0]
        top = points[:, 2].max()
        upper = points[:, 2] > top - 48.0
        # The head is the medial third of the upper end; the greater trochanter is the lateral one.
        edge = np.percentile(medial[upper], 99)
        head = points[upper & (medial > edge - 48.0)]
        self.top_ras = tuple(float(x) for x in head[np.argmax(head[:, 2])])
        near = head[head[:, 2] > self.top_ras[2] - 48.0]
        self.middle_a = float((np.percentile(near[:, 1], 1) + np.percentile(near[:, 1], 99)) / 2)
        self.front_a = float(np.percentile(near[:, 1], 99))


def head_of(anatomy: Anatomy, side: str) -> FemoralHead | None:
    """The femoral head of a side, None without a femur."""
    points = anatomy.points(f"femur_{side}")
    if points is None:
        return None
    return FemoralHead(points + np.array((0.0, 0.0, half_slice(anatomy, f"femur_{side}"))), side)


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
