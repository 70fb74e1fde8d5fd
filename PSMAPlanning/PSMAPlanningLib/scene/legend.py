"""What the colors mean, in words, in a strip at the foot of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .appearance import COVERAGE_COLORS, NOT_COMPARED, REJECTED, Color
from .canvas import BLACK, GRAY, Canvas
from .owned_nodes import LESIONS, MISSED_PART, VOLUMES, OwnedNodes
from .segments import segment_ids, segment_tag

WORDS = {
    "inside": "lesion inside",
    "partial": "lesion partly inside",
    "outside": "lesion outside",
    NOT_COMPARED: "lesion, no volume to compare",
    REJECTED: "rejected",
}
_SIZE = 19
_ROW_HEIGHT = 34
_SWATCH = 18
_GAP = 30
_MARGIN = 20


@dataclass(frozen=True)
class LegendEntry:
    """One color and its meaning; translucent when the thing shown is."""

    words: str
    color: Color
    opacity: float = 1.0


def legend_entries(
    nodes: OwnedNodes, context: Any | None = None, volume_opacity: float = 1.0
) -> list[LegendEntry]:
    """Entries for what the scene holds: coverage classes with their counts, volumes, context."""
    entries = []
    lesions = nodes.get(LESIONS)
    if lesions is not None:
        segmentation = lesions.GetSegmentation()
        classes = [
            segment_tag(segmentation.GetSegment(segment_id), "PSMAPlanning.Coverage")
            for segment_id in segment_ids(lesions)
        ]
        for name, color in COVERAGE_COLORS.items():
            if name in classes or (name in ("inside", "partial", "outside") and NOT_COMPARED not in classes):
                entries.append(LegendEntry(f"{WORDS[name]}: {classes.count(name)}", color))
    volumes = nodes.get(VOLUMES)
    if volumes is not None and volumes.GetDisplayVisibility():
        for segment_id in segment_ids(volumes):
            if volumes.GetDisplayNode().GetSegmentVisibility(segment_id):
                segment = volumes.GetSegmentation().GetSegment(segment_id)
                entries.append(LegendEntry(segment.GetName(), segment.GetColor(), volume_opacity))
    missed = nodes.get(MISSED_PART)
    if missed is not None:
        entries.append(LegendEntry("not in the volumes", missed.GetDisplayNode().GetColor()))
    if context is not None:
        entries.append(context_entry(context.GetName(), context.GetDisplayNode().GetColor()))
    return entries


def context_entry(name: str, color: Color) -> LegendEntry:
    """The entry of the bones or the body around the lesions."""
    return LegendEntry(name, color, 0.7)


def draw_legend(canvas: Canvas, entries: list[LegendEntry], title: str = "") -> int:
    """Draw the strip at the foot of the canvas and return its height in pixels."""
    rows = _rows(canvas, entries)
    height = (len(rows) + bool(title)) * _ROW_HEIGHT + _MARGIN if rows or title else 0
    y = canvas.height - height + _MARGIN / 2 + _ROW_HEIGHT / 2
    if height:
        top = canvas.height - height
        canvas.line((_MARGIN, top), (canvas.width - _MARGIN, top), GRAY, 1.0)
    if title:
        canvas.text(title, _MARGIN, y, _SIZE, BLACK, bold=True)
        y += _ROW_HEIGHT
    for row in rows:
        x = _MARGIN
        for entry in row:
            canvas.rectangle(x, y - _SWATCH / 2, _SWATCH, _SWATCH, entry.color, entry.opacity)
            canvas.text(entry.words, x + _SWATCH + 8, y, _SIZE)
            x += _width(canvas, entry)
        y += _ROW_HEIGHT
    return height


def _rows(canvas: Canvas, entries: list[LegendEntry]) -> list[list[LegendEntry]]:
    rows: list[list[LegendEntry]] = []
    room = 0.0
    for entry in entries:
        width = _width(canvas, entry)
        if not rows or width > room:
            rows.append([])
            room = canvas.width - 2 * _MARGIN
        rows[-1].append(entry)
        room -= width
    return rows


def _width(canvas: Canvas, entry: LegendEntry) -> float:
    return _SWATCH + 8 + canvas.text_width(entry.words, _SIZE) + _GAP
