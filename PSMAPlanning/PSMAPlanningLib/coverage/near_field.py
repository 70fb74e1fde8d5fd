"""Distances to a volume around one lesion, measured on a lattice once and interpolated from there.

The distance to a surface changes by at most its step from one lattice point to the next; linear interpolation
between them is exact beside a flat wall and off by h^2 / 8R beside one of radius R (0.01 mm for h = 1 mm and
R = 12 mm), and by up to h / 4 where the nearest part of the surface changes.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .solid import Nearest, Seen, Solid


class NearField:
    """A solid as points within `reach_mm` of `centre_ras` see it; the same questions, answered faster."""

    def __init__(self, solid: Solid, centre_ras: np.ndarray, reach_mm: float, step_mm: float = 1.0) -> None:
        self._solid = solid
        count = int(np.ceil(reach_mm / step_mm)) + 1
        self._step_mm, self._half_mm = step_mm, count * step_mm
        self._centre_ras = np.asarray(centre_ras, float)
        self._low = self._centre_ras - self._half_mm
        self._shape = (2 * count + 1,) * 3
        axes = [low + step_mm * np.arange(n) for low, n in zip(self._low, self._shape, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        self._seen = solid.seen_from(self._centre_ras, np.sqrt(3) * self._half_mm)
        self._nearest = self._seen.nearest(points)
        self._distance_mm = self._nearest.distance_mm.reshape(self._shape)

    def seen_from(self, centre_ras: np.ndarray, reach_mm: float) -> Seen:
        """The field from there where its lattice holds that ball; otherwise the solid."""
        if np.abs(centre_ras - self._centre_ras).max() + reach_mm > self._half_mm:
            return self._solid.seen_from(centre_ras, reach_mm)
        return _SeenField(self, centre_ras)

    def apart_mm(self, centre_ras: np.ndarray) -> float:
        """No surface comes nearer to a place on the lattice, wherever in its half layer it truly is."""
        distance = float(self.interpolated(np.asarray(centre_ras, float)[None]).distance_mm[0])
        # A distance changes by no more than the way to the lattice's nearest points.
        return abs(distance) - self._solid.half_layer_most_mm - self._step_mm

    def exact(self, points_ras: np.ndarray) -> Nearest:
        """How a few RAS points, (N, 3), lie to the surface; not interpolated."""
        return self._seen.exact(points_ras)

    def interpolated(self, points_ras: np.ndarray) -> Nearest:
        """How many RAS points, (N, 3), on the lattice lie to the surface."""
        coordinates = (points_ras - self._low) / self._step_mm
        distance = ndimage.map_coordinates(self._distance_mm, coordinates.T, order=1, prefilter=False)
        at = np.ravel_multi_index(tuple(np.rint(coordinates).astype(np.intp).T), self._shape)
        known = self._nearest
        return Nearest(distance, known.point_ras[at], known.normal_ras[at], known.half_layer_mm[at])

    def inside_at(self, points_ras: np.ndarray, nearest: Nearest, step_mm: float) -> np.ndarray:
        """The part, (N,) from 0 to 1, of a small cube around each point, (N, 3), that lies inside."""
        return self._solid.inside_at(points_ras, nearest, step_mm)


class _SeenField:
    """A near field as a ball within it sees it, see `Seen`."""

    def __init__(self, field: NearField, centre_ras: np.ndarray) -> None:
        self._field = field
        self.apart_mm = field.apart_mm(centre_ras)

    def exact(self, points_ras: np.ndarray) -> Nearest:
        """How a few RAS points of the ball, (N, 3), lie to the surface."""
        return self._field.exact(points_ras)

    def distances(self, points_ras: np.ndarray) -> np.ndarray:
        """Signed distances, (N,), of many points, interpolated."""
        return self._field.interpolated(points_ras).distance_mm

    def nearest_and_inside(self, points_ras: np.ndarray, step_mm: float) -> tuple[Nearest, np.ndarray]:
        """How many points lie, and the part, (N,) from 0 to 1, of a cube of that edge around each inside."""
        nearest = self._field.interpolated(points_ras)
        return nearest, self._field.inside_at(points_ras, nearest, step_mm)
