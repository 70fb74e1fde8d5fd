"""Maximum intensity projections of the PET from all around the patient, as pictures; no OpenGL, no node.

A volume rendering would do the same on a graphics card; this one also works where Slicer lacks it, and
puts the outlines of the lesions where the uptake is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from scipy import ndimage

from ..coverage.direction import direction_letters
from ..imaging.image import Image, Mask
from ..progress import Stage
from .appearance import Color
from .canvas import BLACK, WHITE, Canvas
from .picture_mip import cut_to, shown_box, upright

ANGLES = 36
"""Pictures in a full turn; 10 degrees apart the eye takes them for one movement."""
_PIXEL_MM = 1.25
_LINE_PIXELS = 2.0
_SELECTED_LINE_PIXELS = 4.0
_LETTER_SIZE = 16
_AIR_SUV = 0.15
_LEAST_USED = 0.02
"""A column where fewer of its pixels are above air shows noise only."""
_AROUND_MM = 15.0


@dataclass(frozen=True, eq=False)
class MipOutline:
    """One lesion as it is outlined: its id, voxels, color, and whether it is the one looked at."""

    name: str
    mask: Mask
    color: Color
    is_selected: bool = False


@dataclass(frozen=True, eq=False)
class RotatingMip:
    """Projections of one PET along `ANGLES` directions around the patient's long axis.

    projections_suv: (ANGLES / 2, rows, columns) float32, from the front over the patient's left to the
        back; the other half turn shows the same mirrored. Rows begin at the head.
    pixel_mm: (rows, columns). axis_ras: R and A of the axis. top_s_mm: S of the upper edge.
    pet: on a grid along R, A and S.
    """

    projections_suv: np.ndarray
    pixel_mm: tuple[float, float]
    axis_ras: tuple[float, float]
    top_s_mm: float
    pet: Image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a picture in pixels of 1.25 mm."""
        _, rows, columns = self.projections_suv.shape
        return round(columns * self.pixel_mm[1] / _PIXEL_MM), round(rows * self.pixel_mm[0] / _PIXEL_MM)

    def picture(self, angle: int, highest_suv: float, outlines: Sequence[MipOutline] = ()) -> np.ndarray:
        """RGB, (height, width, 3) uint8, of direction `angle` (0 is the front, counted toward the left).

        Uptake is dark on white, black from `highest_suv` on, as such projections are read.
        """
        width, height = self.size
        projected = self._projection(angle)
        zoom = [n / m for n, m in zip((height, width), projected.shape, strict=True)]
        uptake = ndimage.zoom(projected, zoom, order=1, grid_mode=True, mode="nearest") / highest_suv
        canvas = Canvas(width, height)
        canvas.pixels = np.repeat(1 - np.clip(uptake, 0, 1)[..., None], 3, axis=2).astype(np.float32)
        for outline in sorted(outlines, key=lambda outline: outline.is_selected):
            self._draw(canvas, outline, angle)
        right = np.array([*_right(angle), 0.0])
        for letters, x in ((direction_letters(-right), 14), (direction_letters(right), width - 14)):
            canvas.text(letters, x, 14, _LETTER_SIZE, BLACK, "center", bold=True, halo=WHITE)
        return np.round(np.clip(canvas.pixels, 0, 1) * 255).astype(np.uint8)

    def position_of(self, points_ras: np.ndarray, angle: int) -> np.ndarray:
        """Pixels (x, y) of RAS points, (..., 3), in the picture of direction `angle`."""
        points = np.asarray(points_ras, dtype=float)
        across = (points[..., :2] - self.axis_ras) @ _right(angle)
        down = self.top_s_mm - points[..., 2]
        return np.stack([across / _PIXEL_MM + self.size[0] / 2, down / _PIXEL_MM], axis=-1)

    def hottest_at(self, x: float, y: float, angle: int) -> tuple[float, float, float]:
        """The RAS point with the highest SUV behind a pixel: what the picture shows there."""
        across = (x - self.size[0] / 2) * _PIXEL_MM
        reach = self.projections_suv.shape[2] * self.pixel_mm[1] / 2
        depth = np.arange(-reach, reach, 1.0)
        right, toward = _right(angle), _toward(angle)
        plane = np.array(self.axis_ras) + across * right + depth[:, None] * toward
        points = np.column_stack([plane, np.full(len(depth), self.top_s_mm - y * _PIXEL_MM)])
        suv = ndimage.map_coordinates(
            self.pet.array, self.pet.grid.kji_of(points).T, order=1, mode="constant", cval=-1.0
        )
        return tuple(float(value) for value in points[int(np.argmax(suv))])

    def _projection(self, angle: int) -> np.ndarray:
        half = ANGLES // 2
        projected = self.projections_suv[angle % half]
        return projected[:, ::-1] if angle % ANGLES >= half else projected

    def _draw(self, canvas: Canvas, outline: MipOutline, angle: int) -> None:
        if outline.mask.is_empty:
            return
        shadow, left, top = self._shadow(outline.mask, angle)
        line_pixels = _SELECTED_LINE_PIXELS if outline.is_selected else _LINE_PIXELS
        distance = ndimage.distance_transform_edt(~shadow) - ndimage.distance_transform_edt(shadow) + 0.5
        line = np.clip(line_pixels / 2 + 0.5 - np.abs(distance - line_pixels / 2), 0, 1)
        canvas.blend(line.astype(np.float32), left, top, outline.color)
        if outline.is_selected:
            x, y = left + shadow.shape[1], top + shadow.shape[0] / 2
            canvas.text(outline.name, x, y, _LETTER_SIZE, BLACK, bold=True, halo=WHITE)

    def _shadow(self, mask: Mask, angle: int) -> tuple[np.ndarray, int, int]:
        """Which pixels a mask covers, and where the picture of them begins (left, top)."""
        reach = max(1, int(np.ceil(max(mask.grid.spacing_mm) / _PIXEL_MM / 2)))
        room = 2 * reach + round(_SELECTED_LINE_PIXELS) + 2
        pixels = np.floor(self.position_of(outer_points(mask), angle)).astype(int)
        low = pixels.min(axis=0) - room
        shadow = np.zeros(tuple((pixels.max(axis=0) - low + room + 1)[::-1]), dtype=bool)
        shadow[tuple((pixels - low).T[::-1])] = True
        # Voxels wider than a pixel leave gaps.
        shadow = ndimage.binary_fill_holes(ndimage.maximum_filter(shadow, 2 * reach + 1))
        return shadow, int(low[0]), int(low[1])


_outer: WeakKeyDictionary[Mask, np.ndarray] = WeakKeyDictionary()


def outer_points(mask: Mask) -> np.ndarray:
    """RAS points, (N, 3), of the voxels at a mask's surface, worked out once.

    What they cover seen from outside is what the whole mask covers, and a large one has ten times as many.
    """
    if mask not in _outer:
        inner = ndimage.binary_erosion(mask.array, ndimage.generate_binary_structure(3, 1))
        _outer[mask] = mask.grid.ras_of(np.argwhere(mask.array & ~inner))
    return _outer[mask]


def rotating_mip(pet: Image, stage: Stage) -> RotatingMip:
    """Project a PET from all around; a whole body takes about a second. `stage` may cancel it."""
    pet = upright(pet)
    pet = cut_to(pet, *shown_box(pet))
    # Columns along S next to each other in memory: a projection then adds whole columns.
    columns = np.ascontiguousarray(pet.array.transpose(1, 2, 0), dtype=np.float32)
    rows, across = columns.shape[:2]
    step_mm = float(min(pet.grid.spacing_mm[:2]))
    corners = pet.grid.corners_ras()
    low, high = corners.min(axis=0), corners.max(axis=0)
    middle = (low + high)[:2] / 2
    width = int(np.ceil(np.hypot(*(high - low)[:2]) / step_mm))
    offsets_mm = (np.arange(width) + 0.5 - width / 2) * step_mm
    flat = columns.reshape(rows * across, -1)
    projections = np.empty((ANGLES // 2, flat.shape[1], width), dtype=np.float32)
    for angle in range(ANGLES // 2):
        stage.report(2 * angle / ANGLES, "projections")
        positions = (
            middle + offsets_mm[:, None, None] * _right(angle) + offsets_mm[None, :, None] * _toward(angle)
        )
        # Columns of `pet` between the lattice points of I and J.
        i_j = (positions - np.array(pet.grid.origin_ras)[:2]) / np.array(pet.grid.spacing_mm)[:2]
        projections[angle] = _greatest(flat, i_j, rows, across).T[::-1]
    stage.report(1.0, "projections")
    projections = _cut_sides(projections, step_mm)
    pixel_mm = (float(pet.grid.spacing_mm[2]), step_mm)
    return RotatingMip(projections, pixel_mm, (float(middle[0]), float(middle[1])), float(high[2]), pet)


def _cut_sides(projections: np.ndarray, step_mm: float) -> np.ndarray:
    """Without the air at both sides that no direction needs, as much on the left as on the right."""
    used = np.flatnonzero((projections > _AIR_SUV).mean(axis=1).max(axis=0) > _LEAST_USED)
    if len(used) == 0:
        return projections
    width = projections.shape[2]
    margin = max(0, int(min(used[0], width - 1 - used[-1]) - _AROUND_MM / step_mm))
    return np.ascontiguousarray(projections[:, :, margin : width - margin])


def _greatest(flat: np.ndarray, i_j: np.ndarray, rows: int, across: int) -> np.ndarray:
    """The greatest values, (width, K), along each ray of positions `i_j`, (width, depth, 2)."""
    lower = np.floor(i_j).astype(int)
    part = i_j - lower
    i, j = lower[..., 0], lower[..., 1]
    inside = (i >= 0) & (j >= 0) & (i < across - 1) & (j < rows - 1)
    found = np.zeros((len(i_j), flat.shape[1]), dtype=np.float32)
    for ray in range(len(i_j)):
        at = np.flatnonzero(inside[ray])
        if len(at) == 0:
            continue
        first = j[ray, at] * across + i[ray, at]
        x, y = (part[ray, at, n, None].astype(np.float32) for n in (0, 1))
        upper = flat[first] * (1 - x) + flat[first + 1] * x
        under = flat[first + across] * (1 - x) + flat[first + across + 1] * x
        found[ray] = (upper * (1 - y) + under * y).max(axis=0)
    return found


def _right(angle: int) -> np.ndarray:
    """What lies to the right in the picture, as R and A: from the front that is the patient's left."""
    turn = 2 * np.pi * angle / ANGLES
    return np.array([-np.cos(turn), -np.sin(turn)])


def _toward(angle: int) -> np.ndarray:
    """Toward the viewer, as R and A."""
    turn = 2 * np.pi * angle / ANGLES
    return np.array([-np.sin(turn), np.cos(turn)])
