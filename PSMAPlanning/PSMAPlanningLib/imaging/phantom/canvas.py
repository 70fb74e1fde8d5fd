"""Drawing anatomy into a label array: lofts between axial outlines, tubes along curves, ellipsoids.

Shapes are given in template millimetres (x right, y anterior, z superior, zero at the top of the symphysis
between the hips) and carried into the patient by the physique's warp, which keeps axial planes axial.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..grid import Box, VoxelGrid
from .curves import Keyframes, Surface, inset, ripple, smooth_curve, smooth_outline
from .filling import fill_balls, fill_outlines, fill_polygons, members
from .physique import Physique

__all__ = ["Canvas", "Loft", "fill_polygons", "smooth_curve", "smooth_outline"]

# Balls of one tube that are filled together: few calls, and boxes that hold little but the tube.
_BALLS_AT_ONCE = 64


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

    def __init__(self, grid: VoxelGrid, physique: Physique, generator: np.random.Generator) -> None:
        self.grid = grid
        self.labels = np.zeros(grid.shape_kji, np.uint8)
        self.to_patient = physique.to_patient
        self._physique = physique
        self._generator = generator
        self._surfaces: dict[int, tuple[Keyframes, Surface]] = {}
        self._step_xyz = np.diag(np.array(grid.direction_ras)) * np.array(grid.spacing_mm)
        self._origin = np.array(grid.origin_ras)

    def indices(self, template_points: np.ndarray) -> np.ndarray:
        """Fractional voxel indices I, J, K of template points."""
        points = np.asarray(template_points, dtype=float)
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        found = np.empty(points.shape)
        found[..., 0], found[..., 1] = self._physique.plane_to_patient(x, y, z)
        found[..., 2] = self._physique.patient_z(z)
        found -= self._origin
        found /= self._step_xyz
        return found

    def draw(self, lofts: Sequence[Loft]) -> None:
        """Paint lofts in order, each over the one before.

        Their many small steps gain nothing from threads, which would wait for each other.
        """
        for loft in lofts:
            drawn = self._filled(loft, self._generator.uniform(0, 2 * np.pi, 4))
            if drawn is not None:
                self.paint(*drawn, loft.code, loft.over)

    def loft_mask(self, keyframes: Keyframes, mirrored: bool = False) -> tuple[Box, np.ndarray] | None:
        """A smooth loft as a box of the array and the voxels inside it; None when off the grid."""
        return self._filled(Loft(keyframes, 0, wobble_mm=0.0, mirrored=mirrored), np.zeros(4))

    def _filled(self, loft: Loft, phases: np.ndarray) -> tuple[Box, np.ndarray] | None:
        surface = self._surface(loft.keyframes)
        levels = surface.levels
        first, last = self._slices_between(levels[0] - 0.01, levels[-1] + 0.01)
        if first >= last:
            return None
        heights = self._template_z(np.arange(first, last))
        heights = np.clip(heights, levels[0], levels[-1])
        x, y = surface.at(heights)
        if loft.inset_mm:
            x, y = inset(x, y, loft.inset_mm)
        if loft.cap_mm:
            x, y = (_rounded_off(n, heights, levels, loft.cap_mm) for n in (x, y))
        if loft.wobble_mm:
            wave_x, wave_y = ripple(heights, phases)
            x, y = x + loft.wobble_mm * wave_x, y + loft.wobble_mm * wave_y
        if loft.mirrored:
            x = -x
        right, anterior = self._physique.plane_to_patient(x, y, heights[:, None])
        i = (right - self._origin[0]) / self._step_xyz[0]
        j = (anterior - self._origin[1]) / self._step_xyz[1]
        rows, columns = self.labels.shape[1:]
        left, top = max(int(i.min()) - 1, 0), max(int(j.min()) - 1, 0)
        width, height = min(int(i.max()) + 2, columns) - left, min(int(j.max()) + 2, rows) - top
        if width <= 0 or height <= 0:
            return None
        mask = fill_outlines(i - left, j - top, (height, width))
        return (slice(first, last), slice(top, top + height), slice(left, left + width)), mask

    def _surface(self, keyframes: Keyframes) -> Surface:
        """The surface through keyframes; left and right share theirs, so each is made once."""
        found = self._surfaces.get(id(keyframes))
        if found is None:
            # The keyframes are kept as well: without them another object could get their id.
            found = self._surfaces[id(keyframes)] = keyframes, Surface.through(keyframes)
        return found[1]

    def tube(
        self,
        points: np.ndarray,
        radii_mm: float | Sequence[float],
        code: int,
        over: np.ndarray | None = None,
        flatten: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Sweep a ball (an ellipsoid when flattened) along a smooth curve through template points.

        Each point may be a row (x, y, z); radii are one number or one per point.
        """
        finest = max(1.0, 0.7 * float(np.abs(self._step_xyz[0])))
        curve, radii = smooth_curve(points, radii_mm, finest_mm=finest)
        self.balls(curve, radii, code, over, flatten)

    def balls(
        self,
        centres: np.ndarray,
        radii_mm: np.ndarray,
        code: int,
        over: np.ndarray | None = None,
        flatten: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Stamp one ellipsoid per centre; `flatten` scales the radius along x, y and z."""
        for box, mask in self.ball_masks(centres, radii_mm, flatten):
            self.paint(box, mask, code, over)

    def ball_masks(
        self,
        centres: np.ndarray,
        radii_mm: np.ndarray,
        flatten: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Iterator[tuple[Box, np.ndarray]]:
        """The same ellipsoids as boxes of the array and the voxels inside, some at a time in their order."""
        middles = self.indices(np.atleast_2d(centres))
        reaches = np.asarray(radii_mm, dtype=float)[:, None] * np.array(flatten) / np.abs(self._step_xyz)
        for first in range(0, len(middles), _BALLS_AT_ONCE):
            some = slice(first, first + _BALLS_AT_ONCE)
            drawn = fill_balls(middles[some], reaches[some], self.labels.shape)
            if drawn is not None:
                yield drawn

    def ellipsoid(
        self,
        centre_ras: Sequence[float],
        radii_mm: Sequence[float],
        code: int,
        over: np.ndarray | None = None,
    ) -> None:
        """Label the voxels inside one axis-aligned ellipsoid about a RAS position."""
        middle = (np.asarray(centre_ras, dtype=float) - self._origin) / self._step_xyz
        drawn = fill_balls(middle[None], (radii_mm / np.abs(self._step_xyz))[None], self.labels.shape)
        if drawn is not None:
            self.paint(*drawn, code, over)

    def paint(self, box: Box, mask: np.ndarray, code: int, over: np.ndarray | None = None) -> None:
        """Give the voxels of a mask, drawn for that box, a label."""
        view = self.labels[box]
        if over is not None:
            mask = mask & members(view, over)
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
        low, high = self._slice_at(low_z), self._slice_at(high_z)
        return max(0, math.ceil(low)), min(self.labels.shape[0], math.floor(high) + 1)

    def _template_z(self, slices: np.ndarray) -> np.ndarray:
        at_zero = self._slice_at(0.0)
        return (slices - at_zero) / (self._slice_at(1.0) - at_zero)

    def _slice_at(self, template_z: float) -> float:
        return float((self._physique.patient_z(template_z) - self._origin[2]) / self._step_xyz[2])


def _rounded_off(across: np.ndarray, heights: np.ndarray, levels: np.ndarray, cap_mm: float) -> np.ndarray:
    """One coordinate of outlines (heights, vertices), drawn together towards both ends."""
    distance = np.minimum(heights - levels[0], levels[-1] - heights)
    share = np.clip(distance / cap_mm, 0.02, 1.0)
    scale = np.sqrt(1 - (1 - share) ** 2)[:, None]
    middle = across.mean(axis=1, keepdims=True)
    return middle + (across - middle) * scale
