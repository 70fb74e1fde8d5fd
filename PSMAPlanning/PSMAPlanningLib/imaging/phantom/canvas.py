"""Drawing anatomy into a label array: lofts between axial outlines, tubes along curves, ellipsoids.

Shapes are given in template millimetres (x right, y anterior, z superior, zero at the top of the symphysis
between the hips) and carried into the patient by the physique's warp, which keeps axial planes axial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..grid import Box, VoxelGrid

Outline = Sequence[tuple[float, float]]
Keyframes = Mapping[float, Outline]

_VERTICES = 72
_THREADS = 2


@dataclass(frozen=True)
class Loft:
    """The body whose axial outlines are interpolated between keyframes.

    over: which labels may be painted over, a table of 256 bools; everything when None.
    wobble_mm: amplitude of a slow ripple that takes the ruler out of the outline.
    cap_mm: length over which both ends are rounded off; 0 cuts them flat.
    inset_mm: how far the outline is moved inwards, outwards when negative.
    """

    keyframes: Keyframes
    code: int
    over: np.ndarray | None = None
    wobble_mm: float = 0.8
    cap_mm: float = 0.0
    mirrored: bool = False
    inset_mm: float = 0.0


class Canvas:
    """A label array on an axis-aligned grid and the ways to draw on it.

    labels: (K, J, I) uint8, written to by the drawing methods.
    to_patient: template points (..., 3) to RAS millimetres; z of the result depends on z only.
    """

    def __init__(
        self,
        grid: VoxelGrid,
        to_patient: Callable[[np.ndarray], np.ndarray],
        generator: np.random.Generator,
    ) -> None:
        self.grid = grid
        self.labels = np.zeros(grid.shape_kji, np.uint8)
        self.to_patient = to_patient
        self._generator = generator
        self._step_xyz = np.diag(np.array(grid.direction_ras)) * np.array(grid.spacing_mm)
        self._origin = np.array(grid.origin_ras)

    def indices(self, template_points: np.ndarray) -> np.ndarray:
        """Fractional voxel indices I, J, K of template points."""
        return (self.to_patient(template_points) - self._origin) / self._step_xyz

    def draw(self, lofts: Sequence[Loft]) -> None:
        """Paint lofts in order, each over the one before; their outlines are filled by two threads."""
        phases = [self._generator.uniform(0, 2 * np.pi, 4) for _ in lofts]
        with ThreadPoolExecutor(_THREADS) as pool:
            for loft, drawn in zip(lofts, pool.map(self._filled, lofts, phases), strict=True):
                if drawn is not None:
                    self.paint(*drawn, loft.code, loft.over)

    def loft_mask(self, keyframes: Keyframes, mirrored: bool = False) -> tuple[Box, np.ndarray] | None:
        """A smooth loft as a box of the array and the voxels inside it; None when off the grid."""
        return self._filled(Loft(keyframes, 0, wobble_mm=0.0, mirrored=mirrored), np.zeros(4))

    def _filled(self, loft: Loft, phases: np.ndarray) -> tuple[Box, np.ndarray] | None:
        keyframes = loft.keyframes
        levels = np.array(sorted(keyframes))
        first, last = self._slices_between(levels[0] - 0.01, levels[-1] + 0.01)
        if first >= last:
            return None
        heights = self._template_z(np.arange(first, last))
        heights = np.clip(heights, levels[0], levels[-1])
        outlines = np.stack([smooth_outline(keyframes[level]) for level in levels])
        contours = PchipInterpolator(levels, outlines, axis=0)(heights)
        if loft.inset_mm:
            contours = inset_contours(contours, loft.inset_mm)
        if loft.cap_mm:
            contours = _rounded_off(contours, heights, levels, loft.cap_mm)
        contours = contours + loft.wobble_mm * _ripple(heights, phases)
        if loft.mirrored:
            contours = contours * (-1.0, 1.0)
        points = np.concatenate(
            [contours, np.broadcast_to(heights[:, None, None], (*contours.shape[:2], 1))], -1
        )
        planar = self.indices(points)[..., :2]
        rows, columns = self.labels.shape[1:]
        low = np.maximum(np.floor(planar.min(axis=(0, 1))).astype(int) - 1, 0)
        high = np.minimum(np.ceil(planar.max(axis=(0, 1))).astype(int) + 2, (columns, rows))
        if (low >= high).any():
            return None
        mask = fill_polygons(planar - low, (high[1] - low[1], high[0] - low[0]))
        return (slice(first, last), slice(low[1], high[1]), slice(low[0], high[0])), mask

    def tube(
        self,
        points: np.ndarray,
        radii_mm: float | Sequence[float],
        code: int,
        over: np.ndarray | None = None,
        flatten: tuple[float, float, float] = (1.0, 1.0, 1.0),
        target: np.ndarray | None = None,
    ) -> None:
        """Sweep a ball (an ellipsoid when flattened) along a smooth curve through template points.

        Each point may be a row (x, y, z); radii are one number or one per point.
        """
        finest = max(1.0, 0.7 * float(np.abs(self._step_xyz[0])))
        curve, radii = smooth_curve(points, radii_mm, finest_mm=finest)
        self.balls(curve, radii, code, over, flatten, target)

    def balls(
        self,
        centres: np.ndarray,
        radii_mm: np.ndarray,
        code: int,
        over: np.ndarray | None = None,
        flatten: tuple[float, float, float] = (1.0, 1.0, 1.0),
        target: np.ndarray | None = None,
    ) -> None:
        """Stamp one ellipsoid per centre; `flatten` scales the radius along x, y and z."""
        radii = np.asarray(radii_mm, dtype=float)[:, None] * np.array(flatten)
        for middle, radius in zip(self.to_patient(np.atleast_2d(centres)), radii, strict=True):
            self.ellipsoid(middle, radius, code, over, target)

    def ellipsoid(
        self,
        centre_ras: Sequence[float],
        radii_mm: Sequence[float],
        code: int,
        over: np.ndarray | None = None,
        target: np.ndarray | None = None,
    ) -> None:
        """Label the voxels inside one axis-aligned ellipsoid about a RAS position."""
        array = self.labels if target is None else target
        middle = (np.asarray(centre_ras) - self._origin) / self._step_xyz
        reach = np.asarray(radii_mm) / np.abs(self._step_xyz)
        low = np.maximum(np.ceil(middle - reach), 0).astype(int)
        high = np.minimum(np.floor(middle + reach) + 1, array.shape[::-1]).astype(int)
        if (low >= high).any():
            return
        x, y, z = (
            ((np.arange(a, b) - m) / r) ** 2 for a, b, m, r in zip(low, high, middle, reach, strict=True)
        )
        mask = z[:, None, None] + y[:, None] + x < 1.0
        view = array[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
        if over is not None:
            mask &= over[view]
        np.copyto(view, code, where=mask)

    def paint(self, box: Box, mask: np.ndarray, code: int, over: np.ndarray | None = None) -> None:
        """Give the voxels of a mask, drawn for that box, a label."""
        view = self.labels[box]
        if over is not None:
            mask = mask & over[view]
        np.copyto(view, np.uint8(code), where=mask)

    def box_around(self, low_template: Sequence[float], high_template: Sequence[float]) -> Box | None:
        """The part of the array that holds an axis-aligned template box; None when off the grid."""
        corners = np.array([(x, y, z) for x in (low_template[0], high_template[0])
                            for y in (low_template[1], high_template[1])
                            for z in (low_template[2], high_template[2])])  # fmt: skip
        found = self.indices(corners)
        low = np.maximum(np.floor(found.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(found.max(axis=0)).astype(int) + 1, self.labels.shape[::-1])
        if (low >= high).any():
            return None
        return tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))

    def positions_ras(self, box: Box) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """R, A, S of the voxels of a box, shaped to broadcast over (K, J, I)."""
        k, j, i = (np.arange(part.start, part.stop) for part in box)
        right = self._origin[0] + self._step_xyz[0] * i
        anterior = self._origin[1] + self._step_xyz[1] * j
        superior = self._origin[2] + self._step_xyz[2] * k
        return right[None, None, :], anterior[None, :, None], superior[:, None, None]

    def _slices_between(self, low_z: float, high_z: float) -> tuple[int, int]:
        ends = self.indices(np.array([(0.0, 0.0, low_z), (0.0, 0.0, high_z)]))[:, 2]
        return max(0, int(np.ceil(ends[0]))), min(self.labels.shape[0], int(np.floor(ends[1])) + 1)

    def _template_z(self, slices: np.ndarray) -> np.ndarray:
        at_zero, at_one = self.indices(np.array([(0.0, 0.0, 0.0), (0.0, 0.0, 1.0)]))[:, 2]
        return (slices - at_zero) / (at_one - at_zero)


def smooth_outline(outline: Outline) -> np.ndarray:
    """A closed Catmull-Rom curve through the given points as equally spaced vertices, (72, 2)."""
    points = np.asarray(outline, dtype=float)
    before, after, beyond = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    t = np.linspace(0, 1, 12, endpoint=False)[None, :, None]
    a, b, c, d = before[:, None], points[:, None], after[:, None], beyond[:, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = np.concatenate([curve.reshape(-1, 2), curve[:1, 0]])
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    wanted = np.linspace(0, length[-1], _VERTICES, endpoint=False)
    return np.stack([np.interp(wanted, length, curve[:, n]) for n in (0, 1)], axis=-1)


def symmetric(half: Outline) -> list[tuple[float, float]]:
    """The outline of a midline structure from its right half, front to back."""
    other = [(-x, y) for x, y in reversed(half) if abs(x) > 1e-6]
    return [*half, *other]


def smooth_curve(
    points: np.ndarray, radii_mm: float | Sequence[float], step_share: float = 0.5, finest_mm: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Points close enough together to sweep a ball without dents, and the radius at each."""
    points = np.asarray(points, dtype=float)
    radii = np.broadcast_to(np.asarray(radii_mm, dtype=float), len(points))
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    count = max(2, int(np.ceil(length[-1] / max(finest_mm, step_share * float(radii.min())))) + 1)
    wanted = np.linspace(0, length[-1], count)
    if len(points) == 2:
        curve = points[0] + (points[1] - points[0]) * (wanted / length[-1])[:, None]
    else:
        curve = PchipInterpolator(length, points)(wanted)
    return curve, np.interp(wanted, length, radii)


def fill_polygons(contours: np.ndarray, shape_ji: tuple[int, int]) -> np.ndarray:
    """Even-odd interior of one closed polygon per slice, (slices, vertices, 2) in I, J, at pixel centres."""
    rows, columns = shape_ji
    x0, y0 = contours[..., 0], contours[..., 1]
    x1, y1 = np.roll(x0, -1, axis=1), np.roll(y0, -1, axis=1)
    row = np.arange(rows)
    crossing = (y0[..., None] <= row) != (y1[..., None] <= row)
    slices, edges, hit = np.nonzero(crossing)
    start_y, start_x = y0[slices, edges], x0[slices, edges]
    slope = (x1[slices, edges] - start_x) / (y1[slices, edges] - start_y)
    column = np.ceil(start_x + (hit - start_y) * slope).astype(int)
    inside = np.zeros((len(contours), rows, columns), np.int8)
    kept = column < columns
    np.add.at(inside, (slices[kept], hit[kept], np.maximum(column[kept], 0)), 1)
    np.cumsum(inside, axis=2, dtype=np.int8, out=inside)
    inside &= 1
    return inside.view(bool)


def inset_contours(contours: np.ndarray, inset_mm: float) -> np.ndarray:
    """Move each vertex inwards along its normal (outwards when negative)."""
    tangent = np.roll(contours, -1, axis=-2) - np.roll(contours, 1, axis=-2)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-6)
    x, y = contours[..., 0], contours[..., 1]
    turning = np.sum(x * np.roll(y, -1, -1) - np.roll(x, -1, -1) * y, axis=-1)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1) * np.sign(turning)[..., None, None]
    return contours + inset_mm * normal


def _rounded_off(contours: np.ndarray, heights: np.ndarray, levels: np.ndarray, cap_mm: float) -> np.ndarray:
    distance = np.minimum(heights - levels[0], levels[-1] - heights)
    share = np.clip(distance / cap_mm, 0.02, 1.0)
    scale = np.sqrt(1 - (1 - share) ** 2)[:, None, None]
    middle = contours.mean(axis=1, keepdims=True)
    return middle + (contours - middle) * scale


def _ripple(heights: np.ndarray, phases: np.ndarray) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, _VERTICES, endpoint=False)[None, :]
    height = heights[:, None]
    first = np.sin(3 * angle + height / 17 + phases[0]) + 0.5 * np.sin(7 * angle - height / 11 + phases[1])
    second = np.cos(4 * angle - height / 14 + phases[2]) + 0.5 * np.cos(8 * angle + height / 9 + phases[3])
    return np.stack([first, second], axis=-1)
