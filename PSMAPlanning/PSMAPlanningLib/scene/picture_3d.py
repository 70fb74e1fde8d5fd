"""The case in 3D: lesions by coverage, translucent volumes, and the patient around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError
from ..progress import Stage, no_progress
from .appearance import outline_color
from .canvas import Canvas
from .context import ContextContent
from .labels import place_labels
from .legend import draw_legend
from .picture_content import (
    PictureContent,
    ShownSegment,
    Triangles,
    all_bounds,
    picture_content,
    triangles_of_surface,
)
from .picture_cube import draw_cube
from .picture_raster import DrawnSurface, ParallelView, draw_surfaces
from .volume_outlines import OUTLINE_PIXELS, outline_lines, outline_surface, ribbons

# Where the viewer looks, in RAS; from the left of the patient that is toward +R.
VIEWS = {
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "right": (-1.0, 0.0, 0.0),
    "anterior-left": (0.5, -1.0, -0.2),
    "anterior-right": (-0.5, -1.0, -0.2),
}
_SUPERSAMPLING = 2
_SHINE_THROUGH = 0.6
_SHOWN_MARGIN_MM = 8.0
_LEAST_EDGE_MM = 160.0
_CUBE_OF_HEIGHT = 0.085
_LESION_SPECULAR = 0.25


def render_3d(
    scene: Any,
    path: Path,
    size: tuple[int, int] = (1200, 1000),
    view_from: str = "anterior-left",
    whole_context: bool = True,
    title: str = "",
) -> None:
    """Lesions colored by coverage in translucent volumes, with bones or body around, as a PNG.

    scene: one that a SceneProjection wrote to. whole_context: frame everything, not only lesions and volumes.
    """
    draw_3d(picture_content(scene), path, size, view_from, whole_context, title)


def draw_3d(
    content: PictureContent,
    path: Path,
    size: tuple[int, int] = (1200, 1000),
    view_from: str = "anterior-left",
    whole_context: bool = True,
    title: str = "",
    stage: Stage | None = None,
) -> None:
    """The same of what was taken from the scene; on any thread."""
    if view_from not in VIEWS:
        raise SceneError(f"There is no view from {view_from!r}; choose one of {', '.join(VIEWS)}.")
    stage = stage or Stage(no_progress)
    stage.report(0.0, "bones")
    context = content.surroundings()
    around = triangles_of_surface(context.surface) if context is not None else None
    bounds = _framed_bounds(content, around if whole_context else None)
    canvas = Canvas(*size)
    width, height = size[0], size[1] - draw_legend(canvas, content.entries_3d(context), title)
    view = ParallelView.of_box(bounds, VIEWS[view_from], (width, height))
    fine = view.enlarged(_SUPERSAMPLING)

    def report(fraction: float) -> None:
        stage.report(0.3 + 0.7 * fraction, "3D picture")

    everything = [*_surfaces(content, context, around), *_outlines(content, fine)]
    canvas.pixels[:height] = _halved(*draw_surfaces(everything, fine, report))
    _let_lesions_shine(canvas, content, fine, height)
    balls = content.balls()
    places = {name: tuple(view.project(ball.center_ras)[:2]) for name, ball in balls.items()}
    radii = {name: ball.radius_mm * view.pixels_per_mm for name, ball in balls.items()}
    place_labels(canvas, places, radii, (0, 0, width, height))
    edge = _CUBE_OF_HEIGHT * height
    draw_cube(canvas, view, width - edge, height - edge, edge)
    canvas.write(path)


def _surfaces(
    content: PictureContent, context: ContextContent | None, around: Triangles | None
) -> list[DrawnSurface]:
    drawn = [*_lesion_surfaces(content), *_segment_surfaces(content.volumes)]
    if content.missed is not None:
        drawn.append(
            DrawnSurface(content.missed.triangles, content.missed.color, content.missed.opacity, ambient=0.25)
        )
    if context is not None and around is not None:
        drawn.append(DrawnSurface(around, context.color, context.opacity))
    return drawn


def _outlines(content: PictureContent, view: ParallelView) -> list[DrawnSurface]:
    """Where the volumes turn away from the viewer, as in Slicer's 3D view."""
    width_mm = _SUPERSAMPLING * OUTLINE_PIXELS / view.pixels_per_mm
    drawn = []
    for each in content.volumes:
        if each.in_3d and each.mask is not None:
            lines = outline_lines(outline_surface(each.mask), view.toward)
            bands = Triangles(*ribbons(lines, view.toward, width_mm))
            drawn.append(DrawnSurface(bands, outline_color(each.color), ambient=1.0))
    return drawn


def _lesion_surfaces(content: PictureContent) -> list[DrawnSurface]:
    return _segment_surfaces(content.lesions, _LESION_SPECULAR)


def _segment_surfaces(segments: Sequence[ShownSegment], specular: float = 0.0) -> list[DrawnSurface]:
    return [
        DrawnSurface(segment.triangles, segment.color, segment.opacity_3d, specular=specular)
        for segment in segments
        if segment.in_3d and segment.triangles is not None
    ]


def _let_lesions_shine(canvas: Canvas, content: PictureContent, fine: ParallelView, height: int) -> None:
    """Lay the lesions over the picture once more, half transparent.

    Behind volumes and bones alone, a color that says "outside" would turn brown and say nothing.
    """
    surfaces: list[Any] = _lesion_surfaces(content)
    if not surfaces:
        return
    colors, passed = draw_surfaces(surfaces, fine)
    white, alpha = _halved(colors, passed), 1 - _means(passed)
    # On white the lesions' own edges are smooth already; inside them nothing of the white is left.
    area = canvas.pixels[:height]
    lesions = np.where(alpha[..., None] > 0, (white - (1 - alpha[..., None])), 0)
    area *= 1 - _SHINE_THROUGH * alpha[..., None]
    area += _SHINE_THROUGH * lesions


def _halved(colors: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """The drawing on white, at the size of the page."""
    return _means(colors) + _means(passed)[..., None]


def _means(values: np.ndarray) -> np.ndarray:
    rows, columns = (n // _SUPERSAMPLING for n in values.shape[:2])
    blocks = values.reshape(rows, _SUPERSAMPLING, columns, _SUPERSAMPLING, *values.shape[2:])
    return blocks.mean(axis=(1, 3))


def _framed_bounds(content: PictureContent, around: Triangles | None) -> np.ndarray:
    """The RAS box, (2, 3), to show; not too small, so that one lesion is seen in its surroundings."""
    shown = [segment.triangles for segment in (*content.lesions, *content.volumes)]
    box = all_bounds([each for each in (*shown, around) if each is not None])
    if box is None:
        raise SceneError("There is nothing to show yet: no lesions, no volumes and no images.")
    low, high = box[0] - _SHOWN_MARGIN_MM, box[1] + _SHOWN_MARGIN_MM
    missing = np.maximum(_LEAST_EDGE_MM - (high - low), 0) / 2
    return np.array([low - missing, high + missing])
