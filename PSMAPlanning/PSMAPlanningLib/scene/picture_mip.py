"""Maximum intensity projections of the PET in inverted gray, from the front and from the left.

They need no OpenGL; any thread can make them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from .labels import LesionBall, place_labels
from .legend import draw_legend
from .picture_content import PictureContent, ShownSegment, picture_content
from .picture_outline import draw_outline

_GAP = 30
_HEADER = 40
_LETTERS_HEIGHT = 30
_MOST_WIDTH = 1600
_LEAST_WIDTH = 760
_AROUND_MM = 60.0
_LINE_PIXELS = 2.2
_VOLUME_OPACITY = 0.85
_SCALE_BAR_MM = 100.0


@dataclass(frozen=True)
class _Projection:
    """One direction of view: which RAS axis runs to the right (with its sign) and which one is collapsed."""

    name: str
    right_axis: int
    right_sign: int
    letters: str


_PROJECTIONS = (_Projection("Anterior", 0, -1, "RL"), _Projection("Left lateral", 1, -1, "AP"))


def render_mip(
    scene: Any,
    path: Path,
    height: int = 1000,
    window_suv: tuple[float, float] = (0.0, 10.0),
    title: str = "",
) -> None:
    """The whole PET, with the outlines of lesions and volumes and the lesions' names, as a PNG."""
    draw_mip(picture_content(scene), path, height, window_suv, title)


def draw_mip(
    content: PictureContent,
    path: Path,
    height: int = 1000,
    window_suv: tuple[float, float] = (0.0, 10.0),
    title: str = "",
) -> None:
    """The same of what was taken from the scene; on any thread."""
    if content.pet is None:
        raise SceneError("There is no PET in the scene to project.")
    pet = upright(content.pet)
    low_ras, high_ras = shown_box(pet)
    pet = cut_to(pet, low_ras, high_ras)
    balls, entries = content.balls(), list(content.legend)
    extent_mm = high_ras - low_ras
    pixels_per_mm = min(height / extent_mm[2], _MOST_WIDTH / (extent_mm[0] + extent_mm[1]))
    height = round(extent_mm[2] * pixels_per_mm)
    widths = [round(extent_mm[p.right_axis] * pixels_per_mm) for p in _PROJECTIONS]
    width = max(sum(widths) + 3 * _GAP, _LEAST_WIDTH)
    foot_height = draw_legend(Canvas(width, 1), entries)
    canvas = Canvas(width, _HEADER + height + foot_height)
    draw_legend(canvas, entries)
    x = (width - sum(widths) - _GAP) // 2
    for projection, view_width in zip(_PROJECTIONS, widths, strict=True):
        frame = _Frame(projection, low_ras, high_ras, pixels_per_mm, x, _HEADER)
        canvas.picture(_gray_projection(pet, frame, (height, view_width), window_suv), x, _HEADER)
        for segments, opacity in ((content.volumes, _VOLUME_OPACITY), (content.lesions, 1.0)):
            _outlines(canvas, segments, frame, (height, view_width), opacity)
        # The letters above and the scale bar below stay free of names.
        area = (x, _HEADER + _LETTERS_HEIGHT, view_width, height - 2 * _LETTERS_HEIGHT)
        _labels(canvas, balls, frame, area)
        _frame_letters(canvas, frame, view_width, height)
        x += view_width + _GAP
    low, high = window_suv
    canvas.text(title or "Maximum intensity projection", 12, _HEADER / 2, 20, bold=True)
    canvas.text(f"SUV {low:g} (white) to {high:g} (black)", width - 12, _HEADER / 2, 18, align="right")
    canvas.write(path)


@dataclass(frozen=True)
class _Frame:
    """Where RAS points lie on the page in one projection."""

    projection: _Projection
    low_ras: np.ndarray
    high_ras: np.ndarray
    pixels_per_mm: float
    x: int
    y: int

    def position_of(self, points_ras: np.ndarray) -> np.ndarray:
        """Page pixels (x, y) of RAS points, (..., 3)."""
        points = np.asarray(points_ras, dtype=float)
        axis, sign = self.projection.right_axis, self.projection.right_sign
        start = self.high_ras[axis] if sign < 0 else self.low_ras[axis]
        across = (points[..., axis] - start) * sign * self.pixels_per_mm
        down = (self.high_ras[2] - points[..., 2]) * self.pixels_per_mm
        return np.stack([self.x + across, self.y + down], axis=-1)


def upright(pet: Image) -> Image:
    """The PET on a grid along R, A and S, so that a projection is a maximum along one array axis."""
    signs = np.diag(np.array(pet.grid.direction_ras))
    if np.allclose(np.abs(signs), 1, atol=1e-6):
        low = pet.grid.corners_ras().min(axis=0) + np.array(pet.grid.spacing_mm) / 2
        grid = VoxelGrid(pet.grid.shape_kji, pet.grid.spacing_mm, tuple(low))
        flips = tuple(slice(None, None, 1 if sign > 0 else -1) for sign in signs[::-1])
        return Image(pet.array[flips], grid, pet.quantity)
    corners = pet.grid.corners_ras()
    spacing = np.full(3, float(min(pet.grid.spacing_mm)))
    low, high = corners.min(axis=0), corners.max(axis=0)
    shape = tuple(int(n) for n in np.ceil((high - low) / spacing))[::-1]
    grid = VoxelGrid(shape, tuple(spacing), tuple(low + spacing / 2))
    # One slab at a time: the positions of all voxels at once would take 24 bytes each.
    array = np.empty(shape, dtype=np.float32)
    rows = np.moveaxis(np.indices((1, *shape[1:])), 0, -1).astype(float)
    for k in range(shape[0]):
        rows[..., 0] = k
        kji = np.moveaxis(pet.grid.kji_of(grid.ras_of(rows)), -1, 0)
        array[k] = ndimage.map_coordinates(pet.array, kji, output=np.float32, order=1, mode="nearest")[0]
    return Image(array, grid, pet.quantity)


def shown_box(pet: Image) -> tuple[np.ndarray, np.ndarray]:
    """The whole height of the PET, and as much of its width as the patient and the labels need."""
    corners = pet.grid.corners_ras()
    low, high = corners.min(axis=0), corners.max(axis=0)
    body_low, body_high = patient_bounds(pet)
    across = np.array([True, True, False])
    return (
        np.where(across, np.maximum(low, body_low - _AROUND_MM), low),
        np.where(across, np.minimum(high, body_high + _AROUND_MM), high),
    )


def cut_to(pet: Image, low_ras: np.ndarray, high_ras: np.ndarray) -> Image:
    """The upright PET's voxels between two corners."""
    edges = np.round(pet.grid.kji_of(np.array([low_ras, high_ras])) + 0.5).astype(int)
    edges = np.clip(edges, 0, pet.grid.shape_kji)
    box = tuple(slice(int(a), int(b)) for a, b in edges.T)
    return Image(pet.array[box], pet.grid.crop(box), pet.quantity)


def _gray_projection(
    pet: Image, frame: _Frame, shape: tuple[int, int], window_suv: tuple[float, float]
) -> np.ndarray:
    collapsed = 1 if frame.projection.right_axis == 0 else 2
    projected = pet.array.max(axis=collapsed)[::-1]
    if frame.projection.right_sign < 0:
        projected = projected[:, ::-1]
    zoom = [n / m for n, m in zip(shape, projected.shape, strict=True)]
    picture = ndimage.zoom(projected, zoom, order=1, grid_mode=True, mode="nearest")
    low, high = window_suv
    gray = np.clip((high - picture) / (high - low), 0, 1)
    return np.repeat(np.round(gray * 255).astype(np.uint8)[..., None], 3, axis=2)


def _outlines(
    canvas: Canvas,
    segments: Sequence[ShownSegment],
    frame: _Frame,
    shape: tuple[int, int],
    opacity: float,
) -> None:
    """The outline of each visible segment's shadow in its color."""
    for segment in segments:
        if segment.in_slices and segment.mask is not None:
            shadow = _shadow(segment.mask, frame, shape)
            draw_outline(canvas, shadow, frame.x, frame.y, segment.color, _LINE_PIXELS, opacity)


def _shadow(mask: Mask, frame: _Frame, shape: tuple[int, int]) -> np.ndarray:
    """Which pixels the mask's voxels project onto."""
    points = frame.position_of(mask.points_ras()) - (frame.x, frame.y)
    pixels = np.floor(points).astype(int)
    keep = np.all((pixels >= 0) & (pixels < shape[::-1]), axis=1)
    hits = np.zeros(shape, dtype=bool)
    hits[pixels[keep, 1], pixels[keep, 0]] = True
    # Voxel centres leave gaps as wide as a voxel; growing by half of one and a blur give a smooth outline.
    reach = max(1, int(np.ceil(max(mask.grid.spacing_mm) * frame.pixels_per_mm / 2)))
    grown = ndimage.maximum_filter(hits, 2 * reach + 1)
    return ndimage.gaussian_filter(ndimage.binary_fill_holes(grown).astype(np.float32), float(reach)) > 0.5


def _labels(
    canvas: Canvas, balls: Mapping[str, LesionBall], frame: _Frame, area: tuple[int, int, int, int]
) -> None:
    places = {name: tuple(frame.position_of(ball.center_ras)) for name, ball in balls.items()}
    radii = {name: ball.radius_mm * frame.pixels_per_mm for name, ball in balls.items()}
    place_labels(canvas, places, radii, area)


def _frame_letters(canvas: Canvas, frame: _Frame, width: int, height: int) -> None:
    left, right = frame.projection.letters
    x, y = frame.x, frame.y
    canvas.text(frame.projection.name, x + width / 2, y + 14, 18, BLACK, "center", bold=True, halo=WHITE)
    canvas.text(left, x + 14, y + 14, 22, BLACK, "center", bold=True, halo=WHITE)
    canvas.text(right, x + width - 14, y + 14, 22, BLACK, "center", bold=True, halo=WHITE)
    length = _SCALE_BAR_MM * frame.pixels_per_mm
    canvas.line((x + 12, y + height - 14), (x + 12 + length, y + height - 14), BLACK, 3)
    canvas.text(f"{_SCALE_BAR_MM:.0f} mm", x + 12, y + height - 32, 16, BLACK, halo=WHITE)
