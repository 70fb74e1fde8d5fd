"""Distances to a volume that is far from a lesion, from a few of them.

From afar the distance to a surface changes smoothly over a lesion. It is measured at 27 points of the
lesion's ball and continued by a polynomial of second order, wherever that agrees with all 27; where it does
not, as on the line half-way between two parts of a volume, every point is measured.
"""

from __future__ import annotations

import itertools

import numpy as np

from .lesion_samples import LesionSamples
from .solid import Solid, UnionOfSolids

_AGREES_TO_MM = 0.1
_ANCHORS = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)))
_ANCHORS /= np.maximum(1.0, np.linalg.norm(_ANCHORS, axis=1))[:, None]


def distances_from_afar(
    volume: Solid | UnionOfSolids, lesion: LesionSamples, *point_sets_ras: np.ndarray
) -> list[np.ndarray]:
    """Signed distances, one (N,) in mm for each set of RAS points, (N, 3), all within the lesion's ball."""
    centre = np.asarray(lesion.centroid_ras)
    anchors = volume.nearest(centre + lesion.reach_mm * _ANCHORS).distance_mm
    terms = _terms(_ANCHORS)
    coefficients = np.linalg.lstsq(terms, anchors, rcond=None)[0]
    if np.abs(terms @ coefficients - anchors).max() > _AGREES_TO_MM:
        return [volume.nearest(points).distance_mm for points in point_sets_ras]
    return [_terms((points - centre) / lesion.reach_mm) @ coefficients for points in point_sets_ras]


def _terms(points: np.ndarray) -> np.ndarray:
    """1, x, y, z and their products, (N, 10)."""
    x, y, z = points.T
    return np.column_stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, y * z, x * z])
