"""Distances to a volume around one lesion, measured on a lattice once and interpolated from there.

The distance to a surface changes by at most its step from one lattice point to the next; linear interpolation
between them is exact beside a flat wall and off by h^2 / 8R beside one of radius R (0.01 mm for h = 1 mm and
R = 12 mm), and by up to h / 4 where the nearest part of the surface changes.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .solid import Nearest, Solid


class NearField:
    """A solid as points within `reach_mm` of `centre_ras` see it; the same questions, answered faster."""

    def __init__(self, solid: Solid, centre_ras: np.ndarray, reach_mm: float, step_mm: float = 1.0) -> None:
        self._solid = solid
        count = int(np.ceil(reach_mm / step_mm)) + 1
        self._step_mm = step_mm
        self._low = np.asarray(centre_ras, float) - count * step_mm
        self._shape = (2 * count + 1,) * 3
        axes = [low + step_mm * np.arange(n) for low, n in zip(self._low, self._shape, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        self._nearest = solid.nearest(points)
        self._distance_mm = self._nearest.distance_mm.reshape(self._shape)

    def nearest(self, points_ras: np.ndarray) -> Nearest:
        """How RAS points, (N, 3), lie to the surface; points beyond the lattice are asked of the solid."""
        points = np.asarray(points_ras, float).reshape(-1, 3)
        coordinates = (points - self._low) / self._step_mm
        upper = np.array(self._shape) - 1
        if (coordinates < 0).any() or (coordinates > upper).any():
            return self._solid.nearest(points)
        distance = ndimage.map_coordinates(self._distance_mm, coordinates.T, order=1, prefilter=False)
        at = np.ravel_multi_index(tuple(np.rint(coordinates).astype(np.intp).T), self._shape)
        known = self._nearest
        return Nearest(distance, known.point_ras[at], known.normal_ras[at], known.half_layer_mm[at])

    def inside_at(self, points_ras: np.ndarray, nearest: Nearest, step_mm: float) -> np.ndarray:
        """The part, (N,) from 0 to 1, of a small cube around each point, (N, 3), that lies inside."""
        return self._solid.inside_at(points_ras, nearest, step_mm)
