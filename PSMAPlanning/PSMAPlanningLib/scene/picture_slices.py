"""Axial, coronal and sagittal slices through a point, drawn by Slicer's slice views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError
from .canvas import BLACK, WHITE, Canvas
from .extent import patient_bounds
from .legend import draw_legend, legend_entries
from .owned_nodes import CT, LESIONS, PET, PLANNING_CT, VOLUMES, OwnedNodes
from .views import SliceView
from .volume_nodes import INVERTED_GRAY, read_image, show_pet

FUSION_COLORS = "vtkMRMLPETProceduralColorNodePET-Heat"

# Letters at the left, right, top and bottom edge, patient's right on the viewer's left.
_ORIENTATIONS = {"Axial": "RLAP", "Coronal": "RLSI", "Sagittal": "APSI"}
_GAP = 6
_HEADER = 40
_LETTER_SIZE = 22
_SCALE_BAR_MM = 50.0
_CROSSHAIR_GAP = 18
_CROSSHAIR_LENGTH = 34
_COLOR_BAR_WIDTH = 160
_MOST_FIELD_MM = 480.0
_AROUND_MM = 20.0
_OUTLINE_PIXELS = 3


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
    nodes = OwnedNodes(scene)
    pet, ct = nodes.get(PET), nodes.get(CT) or nodes.get(PLANNING_CT)
    if pet is None:
        raise SceneError("Slices are shown through the PET, and the scene has none.")
    if shown not in ("fusion", "ct", "pet") or (shown == "ct" and ct is None):
        raise SceneError(f"Slices of {shown!r} cannot be shown; choose fusion, ct or pet.")
    if shown == "pet":
        ct = None
    entries = legend_entries(nodes)
    if field_of_view_mm is not None:
        field_mm, centers = field_of_view_mm, dict.fromkeys(_ORIENTATIONS, position_ras)
    else:
        low, high = patient_bounds(read_image(ct or pet))
        field_mm = min((high - low)[:2].max() + _AROUND_MM, _MOST_FIELD_MM)
        centers = _view_centers(low, high, position_ras, field_mm)
    width = 3 * view_size + 2 * _GAP
    foot = Canvas(width, 1)
    foot_height = draw_legend(foot, entries)
    canvas = Canvas(width, _HEADER + view_size + foot_height)
    draw_legend(canvas, entries)
    ink = WHITE if ct is not None else BLACK
    with _shown_for_slices(nodes, window_suv, FUSION_COLORS if ct is not None else INVERTED_GRAY):
        for n, orientation in enumerate(_ORIENTATIONS):
            x = n * (view_size + _GAP)
            with SliceView(
                scene, (view_size, view_size), orientation, centers[orientation], field_mm
            ) as view:
                if ct is not None:
                    view.show(ct, pet, 0.0 if shown == "ct" else 0.75)
                else:
                    view.show(pet)
                    view.renderer.SetBackground(*WHITE)
                canvas.picture(view.pixels(), x, _HEADER)
                cross_x, cross_y = view.position_of(position_ras)
            _crosshair(canvas, x + cross_x, _HEADER + cross_y)
            _letters(canvas, _ORIENTATIONS[orientation], x, _HEADER, view_size, ink)
            _scale_bar(canvas, x, _HEADER + view_size, view_size / field_mm, ink)
        if shown != "ct":
            _color_bar(canvas, pet, window_suv)
    place = f"R {position_ras[0]:.0f}, A {position_ras[1]:.0f}, S {position_ras[2]:.0f} mm"
    canvas.text("   ".join(filter(None, (title, place))), 10, _HEADER / 2, 20, bold=True)
    canvas.write(path)


@contextmanager
def _shown_for_slices(nodes: OwnedNodes, window_suv: tuple[float, float], color_id: str) -> Iterator[None]:
    """The PET in the colors of the picture and outlines drawn strongly; as before afterwards."""
    pet_display = nodes.get(PET).GetDisplayNode()
    former_color = pet_display.GetColorNodeID()
    former_window = (pet_display.GetWindowLevelMin(), pet_display.GetWindowLevelMax())
    segmentations = [nodes.get(role) for role in (LESIONS, VOLUMES) if nodes.get(role) is not None]
    displays = [node.GetDisplayNode() for node in segmentations]
    former_lines = [display.GetSliceIntersectionThickness() for display in displays]
    former_fills = [display.GetOpacity2DFill() for display in displays]
    show_pet(nodes.get(PET), window_suv, color_id)
    try:
        for display in displays:
            display.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
            display.SetOpacity2DFill(0.0)
        yield
    finally:
        show_pet(nodes.get(PET), former_window, former_color)
        for display, line, fill in zip(displays, former_lines, former_fills, strict=True):
            display.SetSliceIntersectionThickness(line)
            display.SetOpacity2DFill(fill)


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


def _color_bar(canvas: Canvas, pet: Any, window_suv: tuple[float, float]) -> None:
    """The PET's colors between the two ends of its SUV window, in the upper right corner."""
    low, high = (f"{value:g}" for value in window_suv)
    right = canvas.width - 12 - canvas.text_width(high, 18)
    left = right - 8 - _COLOR_BAR_WIDTH
    table = pet.GetDisplayNode().GetColorNode().GetScalarsToColors()
    first, last = table.GetRange()
    color = [0.0, 0.0, 0.0]
    for n in range(_COLOR_BAR_WIDTH):
        table.GetColor(first + (last - first) * n / (_COLOR_BAR_WIDTH - 1), color)
        canvas.rectangle(left + n, 11, 1, _HEADER - 22, tuple(color))
    canvas.text(high, right, _HEADER / 2, 18)
    canvas.text(f"SUV {low}", left - 8, _HEADER / 2, 18, align="right")
