"""Random spheres, boxes and ellipsoids, turned any way, with exact occupancy and grown volume."""

from dataclasses import dataclass

import numpy as np
from margin_shapes import grid_around, support_points
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.rtvolumes.margins import SixMargins
from PSMAPlanningLib.rtvolumes.occupancy import OccupancyField
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

BOX, ELLIPSOID = "box", "ellipsoid"
_LINES = 9


@dataclass(frozen=True, eq=False)
class ConvexShape:
    """A box or ellipsoid around the origin; half_mm: half edges or axes; turn: its axes as columns, RAS."""

    kind: str
    half_mm: np.ndarray
    turn: np.ndarray

    @property
    def reach_mm(self) -> np.ndarray:
        """Half the extent along R, A, S."""
        if self.kind == BOX:
            return np.abs(self.turn) @ self.half_mm
        return np.sqrt(np.square(self.turn) @ np.square(self.half_mm))

    def occupancy(self, grid: VoxelGrid) -> OccupancyField:
        """Exact along K, on nine lines per voxel each way; a box along the grid's axes exact altogether."""
        axes = np.array(grid.direction_ras).T @ self.turn
        if self.kind == BOX and np.allclose(np.abs(axes).max(axis=0), 1):
            return self._box_along(grid, axes)
        k, j, i = grid.shape_kji
        rows, columns = ((np.arange(n * _LINES) + 0.5) / _LINES - 0.5 for n in (j, i))
        places = np.stack(
            [np.zeros((len(rows), len(columns))), *np.meshgrid(rows, columns, indexing="ij")], -1
        )
        along = grid.ras_of(np.array([1.0, 0, 0])) - grid.ras_of(np.zeros(3))
        low, high = self._chord(grid.ras_of(places) @ self.turn, along @ self.turn)
        fraction = np.empty(grid.shape_kji, np.float32)
        for number in range(k):
            shared = np.clip(np.minimum(high, number + 0.5) - np.maximum(low, number - 0.5), 0, 1)
            fraction[number] = shared.reshape(j, _LINES, i, _LINES).mean(axis=(1, 3))
        return OccupancyField(fraction, grid)

    def distance_at(self, points: np.ndarray) -> np.ndarray:
        """Signed distance in mm of RAS points (..., 3); of an ellipsoid to first order near its surface."""
        places = points @ self.turn
        if self.kind == BOX:
            beyond = np.abs(places) - self.half_mm
            outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
            return np.where(outside > 0, outside, beyond.max(axis=-1))
        radius = np.linalg.norm(places / self.half_mm, axis=-1)
        slope = np.linalg.norm(places / np.square(self.half_mm), axis=-1)
        return radius * (radius - 1) / np.maximum(slope, 1e-9)

    def grown_ml(self, margin: SixMargins, directions: int = 20_000) -> float:
        """Volume of the hull of all sums of support points, which is the sum of two convex bodies."""
        n = np.arange(directions) + 0.5
        polar, around = np.arccos(1 - 2 * n / directions), np.pi * (1 + 5**0.5) * n
        normals = np.stack(
            [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], -1
        )
        left, right, anterior, posterior, superior, inferior = margin.as_tuple()
        reach = np.where(normals > 0, [right, anterior, superior], [left, posterior, inferior])
        body = support_points(reach, normals)
        if self.kind == ELLIPSOID:
            return (
                ConvexHull(support_points(self.half_mm, normals @ self.turn) @ self.turn.T + body).volume
                / 1000
            )
        corners = np.stack(np.meshgrid(*[(-h, h) for h in self.half_mm]), -1).reshape(-1, 3) @ self.turn.T
        ends = np.diag([right, anterior, superior]), -np.diag([left, posterior, inferior])
        body = np.vstack([body[::2], *ends])
        return ConvexHull((corners[:, None] + body).reshape(-1, 3)).volume / 1000

    def _box_along(self, grid: VoxelGrid, axes: np.ndarray) -> OccupancyField:
        centre = grid.kji_of(np.zeros(3))
        shares = []
        for axis, (count, step) in enumerate(zip(grid.shape_kji, grid.spacing_kji_mm, strict=True)):
            half = np.abs(axes[2 - axis]) @ self.half_mm / step
            voxel = np.arange(count)
            low, high = (
                np.maximum(voxel - 0.5, centre[axis] - half),
                np.minimum(voxel + 0.5, centre[axis] + half),
            )
            shares.append(np.clip(high - low, 0, 1))
        fraction = shares[0][:, None, None] * shares[1][:, None] * shares[2]
        return OccupancyField(fraction.astype(np.float32), grid)

    def _chord(self, start: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From where to where lines from `start` run inside, in steps of `along`; nowhere: high below low."""
        if self.kind == BOX:
            along = np.where(np.abs(along) < 1e-12, 1e-12, along)
            ends = np.stack([(-self.half_mm - start) / along, (self.half_mm - start) / along])
            return ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
        start, along = start / self.half_mm, along / self.half_mm
        squares, product = along @ along, start @ along
        rest = product**2 - squares * (np.square(start).sum(axis=-1) - 1)
        half = np.where(rest > 0, np.sqrt(np.maximum(rest, 0)), -1.0) / squares
        return -product / squares - half, -product / squares + half


def random_case(random, smallest_mm, largest_mm):
    """A shape, a grid of 1 x 1 x 3 mm around it and a margin of 0 to 15 mm per side: all at random.

    A third of the grids and a third of the shapes are turned any way; a fifth of the margins leave one out.
    """
    kind = random.choice([BOX, ELLIPSOID, "sphere"])
    half = random.uniform(smallest_mm, largest_mm, 1 if kind == "sphere" else 3) / 2 * np.ones(3)
    turned = random.integers(3)
    angles = random.uniform(-45, 45, 3) if turned == 1 else (0, 0, 0)
    turn = Rotation.random(random_state=int(random.integers(2**31))).as_matrix() if turned == 2 else np.eye(3)
    shape = ConvexShape(BOX if kind == BOX else ELLIPSOID, half, turn)
    sides = random.uniform(0, 15, 6)
    if random.random() < 0.2:
        sides[random.integers(6)] = 0
    reach = float(np.linalg.norm(shape.reach_mm) if turned == 1 else shape.reach_mm.max())
    grid = grid_around(reach + sides.max() + 4, (1.0, 1.0, 3.0), angles, random.uniform(-0.5, 0.5, 3))
    return shape, grid, SixMargins(*sides)
