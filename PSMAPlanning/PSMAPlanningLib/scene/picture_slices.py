"""Axial, coronal and sagittal slices through a point, composed of voxels; no OpenGL, on any thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Mask
from .canvas import BLACK, WHITE, Canvas
from .extent import patient_bounds
from .legend import draw_legend
from .picture_content import PictureContent, picture_content
from .picture_outline import draw_outline

# Letters at the left, right, top and bottom edge, patient's right on the viewer's left; and what runs to the
# right and up, in RAS.
_ORIENTATIONS = {
    "Axial": ("RLAP", (-1, 0, 0), (0, 1, 0)),
    "Coronal": ("RLSI", (-1, 0, 0), (0, 0, 1)),
    "Sagittal": ("APSI", (0, -1, 0), (0, 0, 1)),
}
_GAP = 6
_HEADER = 40
_LETTER_SIZE = 22
_SCALE_BAR_MM = 50.0
_CROSSHAIR_GAP = 18
_CROSSHAIR_LENGTH = 34
_COLOR_BAR_WIDTH = 160
_MOST_FIELD_MM = 480.0
_AROUND_MM = 20.0
_OUTLINE_PIXELS = 4.0
_PET_OPACITY = 0.75


def render_slices(
    scene: Any,
    path: Path,
    position_ras: tuple[float, float, float],
    view_size: int = 520,
    field_of_view_mm: float | None = None,
    window_suv: tuple[float, float] = (0.0, 10.0),
    title: str = "",
    shown: str = "fusion",
) -> None:
    """Three slices through `position_ras`: CT with PET laid over, or inverted gray PET alone without CT.

    shown: "fusion"; "ct" or "pet" alone.

    field_of_view_mm: edge of each picture, with the position in its middle; by default the patient is in
    the middle and shown whole, up to 480 mm.
    """
    draw_slices(
        picture_content(scene), path, position_ras, view_size, field_of_view_mm, window_suv, title, shown
    )


def draw_slices(
    content: PictureContent,
    path: Path,
    position_ras: tuple[float, float, float],
    view_size: int = 520,
    field_of_view_mm: float | None = None,
    window_suv: tuple[float, float] = (0.0, 10.0),
    title: str = "",
    shown: str = "fusion",
) -> None:
    """The same of what was taken from the scene; on any thread."""
    pet, ct = content.pet, content.ct
    if pet is None:
        raise SceneError("Slices are shown through the PET, and the scene has none.")
    if shown not in ("fusion", "ct", "pet") or (shown == "ct" and ct is None):
        raise SceneError(f"Slices of {shown!r} cannot be shown; choose fusion, ct or pet.")
    if shown == "pet":
        ct = None
    if field_of_view_mm is not None:
        field_mm, centers = field_of_view_mm, dict.fromkeys(_ORIENTATIONS, position_ras)
    else:
        low, high = patient_bounds(ct or pet)
        field_mm = min((high - low)[:2].max() + _AROUND_MM, _MOST_FIELD_MM)
        centers = _view_centers(low, high, position_ras, field_mm)
    width = 3 * view_size + 2 * _GAP
    foot_height = draw_legend(Canvas(width, 1), list(content.legend))
    canvas = Canvas(width, _HEADER + view_size + foot_height)
    draw_legend(canvas, list(content.legend))
    ink = WHITE if ct is not None else BLACK
    look = _Look(ct, None if shown == "ct" else pet, content.ct_window_hu, window_suv, content.pet_colors)
    for n, (orientation, (letters, right, up)) in enumerate(_ORIENTATIONS.items()):
        x = n * (view_size + _GAP)
        view = _Plane(np.array(centers[orientation]), np.array(right), np.array(up), field_mm, view_size)
        canvas.pixels[_HEADER : _HEADER + view_size, x : x + view_size] = look.pixels(view)
        _outlines(canvas, content, view, x)
        cross_x, cross_y = view.position_of(np.array(position_ras))
        _crosshair(canvas, x + cross_x, _HEADER + cross_y)
        _letters(canvas, letters, x, _HEADER, view_size, ink)
        _scale_bar(canvas, x, _HEADER + view_size, view_size / field_mm, ink)
    if shown != "ct":
        _color_bar(canvas, look.colors(np.linspace(*window_suv, _COLOR_BAR_WIDTH)), window_suv)
    place = f"R {position_ras[0]:.0f}, A {position_ras[1]:.0f}, S {position_ras[2]:.0f} mm"
    canvas.text("   ".join(filter(None, (title, place))), 10, _HEADER / 2, 20, bold=True)
    canvas.write(path)


@dataclass(frozen=True, eq=False)
class _Plane:
    """A square of `size` pixels and `field_mm` around a point; right and up are RAS unit vectors."""

    center_ras: np.ndarray
    right: np.ndarray
    up: np.ndarray
    field_mm: float
    size: int

    def kji(self, grid: VoxelGrid, columns: slice | None = None, rows: slice | None = None) -> np.ndarray:
        """Voxel indices, (3, rows, columns), of the pixels' middles; of some columns and rows, or of all."""
        pixel_mm = self.field_mm / self.size
        offsets_mm = (np.arange(self.size) + 0.5 - self.size / 2) * pixel_mm
        across, down = offsets_mm[columns or slice(None)], offsets_mm[rows or slice(None)]
        points = self.center_ras + across[None, :, None] * self.right - down[:, None, None] * self.up
        return np.moveaxis(grid.kji_of(points), -1, 0)

    def position_of(self, points_ras: np.ndarray) -> np.ndarray:
        """Pixels (x, y), (..., 2), of RAS points, (..., 3), projected on the plane."""
        offsets = (points_ras - self.center_ras) * (self.size / self.field_mm)
        return np.stack([offsets @ self.right, -(offsets @ self.up)], axis=-1) + self.size / 2


@dataclass(frozen=True, eq=False)
class _Look:
    """How CT, PET or both become colors; the PET in inverted gray where there is no CT under it."""

    ct: Image | None
    pet: Image | None
    window_hu: tuple[float, float]
    window_suv: tuple[float, float]
    pet_colors: np.ndarray

    def pixels(self, plane: _Plane) -> np.ndarray:
        """RGB from 0 to 1, (rows, columns, 3)."""
        suv = _sampled(self.pet, plane, 0.0) if self.pet is not None else None
        if self.ct is None:
            return self.colors(suv)
        low, high = self.window_hu
        gray = np.clip((_sampled(self.ct, plane, low) - low) / max(high - low, 1e-6), 0, 1)
        page = np.repeat(gray[..., None], 3, axis=2)
        if suv is None:
            return page
        # Added, not mixed: where there is no uptake the CT keeps its full brightness.
        return np.minimum(page + _PET_OPACITY * self.colors(suv), 1)

    def colors(self, suv: np.ndarray) -> np.ndarray:
        low, high = self.window_suv
        share = np.clip((suv - low) / (high - low), 0, 1)
        if self.ct is None:
            return np.repeat(1 - share[..., None], 3, axis=-1).astype(np.float32)
        return self.pet_colors[np.round(share * (len(self.pet_colors) - 1)).astype(int)]


def _sampled(image: Image, plane: _Plane, outside: float) -> np.ndarray:
    return ndimage.map_coordinates(
        image.array, plane.kji(image.grid), output=np.float32, order=1, mode="constant", cval=outside
    )


def _outlines(canvas: Canvas, content: PictureContent, plane: _Plane, x: int) -> None:
    """The cut faces of volumes and lesions, the lesions on top."""
    for segment in (*content.volumes, *content.lesions):
        if not segment.in_slices or segment.mask is None:
            continue
        found = _cut_face(segment.mask, plane)
        if found is not None:
            face, left, top = found
            draw_outline(canvas, face, x + left, _HEADER + top, segment.color, _OUTLINE_PIXELS)


def _cut_face(mask: Mask, plane: _Plane) -> tuple[np.ndarray, int, int] | None:
    """Which pixels lie in the mask, with the left column and the top row of that part of the plane."""
    corners = mask.grid.corners_ras()
    depths = (corners - plane.center_ras) @ np.cross(plane.right, plane.up)
    if depths.min() > 0 or depths.max() < 0:
        return None
    ends = np.sort(plane.position_of(corners), axis=0)[[0, -1]]
    first = np.maximum(np.floor(ends[0]).astype(int) - 1, 0)
    last = np.minimum(np.ceil(ends[1]).astype(int) + 1, plane.size)
    if np.any(first >= last):
        return None
    kji = plane.kji(mask.grid, slice(first[0], last[0]), slice(first[1], last[1]))
    shares = ndimage.map_coordinates(
        mask.array.view(np.uint8), kji, output=np.float32, order=1, mode="grid-constant"
    )
    return shares > 0.5, int(first[0]), int(first[1])


def _view_centers(
    low: np.ndarray, high: np.ndarray, position_ras: tuple, field_mm: float
) -> dict[str, tuple[float, float, float]]:
    """For each orientation a point of the slice that has the patient, not empty space, around it."""
    first, last = low + field_mm / 2, high - field_mm / 2
    in_plane = np.where(first < last, np.clip(position_ras, first, last), (low + high) / 2)
    centers = {}
    for orientation, normal_axis in (("Axial", 2), ("Coronal", 1), ("Sagittal", 0)):
        center = in_plane.copy()
        center[normal_axis] = position_ras[normal_axis]
        centers[orientation] = tuple(center)
    return centers


def _crosshair(canvas: Canvas, x: float, y: float) -> None:
    """Four short lines around the point, which itself stays free to see."""
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        start = (x + dx * _CROSSHAIR_GAP, y + dy * _CROSSHAIR_GAP)
        end = (x + dx * _CROSSHAIR_LENGTH, y + dy * _CROSSHAIR_LENGTH)
        canvas.line(start, end, BLACK, 3.5)
        canvas.line(start, end, WHITE, 1.5)


def _letters(canvas: Canvas, letters: str, x: int, y: int, size: int, ink: tuple) -> None:
    left, right, top, bottom = letters
    halo = BLACK if ink == WHITE else WHITE
    inset = 16
    for letter, at_x, at_y in (
        (left, x + inset, y + size / 2),
        (right, x + size - inset, y + size / 2),
        (top, x + size / 2, y + inset),
        (bottom, x + size / 2, y + size - inset),
    ):
        canvas.text(letter, at_x, at_y, _LETTER_SIZE, ink, "center", bold=True, halo=halo)


def _scale_bar(canvas: Canvas, x: int, bottom: int, pixels_per_mm: float, ink: tuple) -> None:
    halo = BLACK if ink == WHITE else WHITE
    start, end = x + 16, x + 16 + _SCALE_BAR_MM * pixels_per_mm
    canvas.line((start, bottom - 16), (end, bottom - 16), halo, 6)
    canvas.line((start, bottom - 16), (end, bottom - 16), ink, 3)
    canvas.text(f"{_SCALE_BAR_MM:.0f} mm", start, bottom - 34, 16, ink, halo=halo)


def _color_bar(canvas: Canvas, colors: Sequence[np.ndarray], window_suv: tuple[float, float]) -> None:
    """The PET's colors between the two ends of its SUV window, in the upper right corner."""
    low, high = (f"{value:g}" for value in window_suv)
    right = canvas.width - 12 - canvas.text_width(high, 18)
    left = right - 8 - len(colors)
    for n, color in enumerate(colors):
        canvas.rectangle(left + n, 11, 1, _HEADER - 22, tuple(color))
    canvas.text(high, right, _HEADER / 2, 18)
    canvas.text(f"SUV {low}", left - 8, _HEADER / 2, 18, align="right")
