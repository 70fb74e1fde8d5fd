"""What the colors mean, in the corner of Slicer's 3D view, while the panel is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk

from ..scene.appearance import Color
from ..scene.legend import WORDS, LegendEntry

_LEFT, _BOTTOM, _LINE, _SQUARE, _GAP = 10, 10, 17, 10, 6
_FONT_SIZE = 12
_MOST_IN_ONE_COLUMN = 4
_INK = (0.1, 0.1, 0.1)
_PAPER, _PAPER_OPACITY = (1.0, 1.0, 1.0), 0.7


class LegendOverlay:
    """A legend in the first 3D view, as large in pixels in every layout; `hide` takes it out again."""

    def __init__(self) -> None:
        self._actors: list[vtk.vtkActor2D] = []
        self._view: Any = None
        self._entries: tuple[LegendEntry, ...] = ()

    def show(self, entries: Sequence[LegendEntry]) -> bool:
        """Show these entries from top to bottom, none hides the legend; whether anything changed."""
        view = _first_view()
        if view is self._view and tuple(entries) == self._entries:
            return False
        if view is None or not entries:
            self.hide()
            return False
        self._take_out()
        self._view, self._entries = view, tuple(entries)
        renderer = _renderer(view)
        self._actors = _two_columns(renderer, self._entries) or _columns(renderer, [self._entries])
        for actor in self._actors:
            renderer.AddActor2D(actor)
        self.draw()
        return True

    def draw(self) -> None:
        """Have the view drawn: after a scene was loaded nothing else does it."""
        if self._view is not None:
            self._view.scheduleRender()

    def hide(self) -> None:
        view = self._view
        self._take_out()
        if view is not None:
            view.scheduleRender()

    def _take_out(self) -> None:
        for actor in self._actors:
            _renderer(self._view).RemoveActor2D(actor)
        self._actors, self._view, self._entries = [], None, ()


def _first_view() -> Any | None:
    manager = slicer.app.layoutManager()
    return manager.threeDWidget(0).threeDView() if manager.threeDViewCount else None


def _renderer(view: Any) -> vtk.vtkRenderer:
    return view.renderWindow().GetRenderers().GetFirstRenderer()


def _two_columns(renderer: vtk.vtkRenderer, entries: Sequence[LegendEntry]) -> list[vtk.vtkActor2D]:
    """The legend side by side, which leaves the middle of the view free; nothing where that is too wide."""
    if len(entries) <= _MOST_IN_ONE_COLUMN:
        return []
    # Lesions beside volumes; without lesions, halves.
    of_lesions = sum(entry.words.startswith(tuple(WORDS.values())) for entry in entries)
    first = of_lesions or (len(entries) + 1) // 2
    actors = _columns(renderer, [part for part in (entries[:first], entries[first:]) if part])
    paper = actors[0].GetMapper().GetInputAlgorithm()
    return actors if paper.GetPoint1()[0] + _LEFT <= renderer.GetSize()[0] else []


def _columns(renderer: vtk.vtkRenderer, columns: Sequence[Sequence[LegendEntry]]) -> list[vtk.vtkActor2D]:
    """Squares and words of columns beside each other, from the top down, on one paper, which comes first."""
    rows, left, actors = max(map(len, columns)), _LEFT, []
    for entries in columns:
        widths = [0.0]
        for n, entry in enumerate(entries):
            y = _BOTTOM + _LINE * (rows - 1 - n)
            line = _text(entry.words, left + _SQUARE + 2 * _GAP, y)
            size = [0.0, 0.0]
            line.GetSize(renderer, size)
            widths.append(size[0])
            actors += [_rectangle(left + _GAP, y + 4, _SQUARE, _SQUARE, entry.color), line]
        left += _SQUARE + 4 * _GAP + max(widths)
    paper = _rectangle(_LEFT, _BOTTOM - 3, left - _LEFT, _LINE * rows + 6, _PAPER, _PAPER_OPACITY)
    return [paper, *actors]


def _text(words: str, x: float, y: float) -> vtk.vtkTextActor:
    actor = vtk.vtkTextActor()
    actor.SetInput(words)
    style = actor.GetTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(_FONT_SIZE)
    style.SetColor(*_INK)
    style.SetVerticalJustificationToBottom()
    actor.SetDisplayPosition(round(x), round(y))
    return actor


def _rectangle(
    x: float, y: float, width: float, height: float, color: Color, opacity: float = 1.0
) -> vtk.vtkActor2D:
    source = vtk.vtkPlaneSource()
    source.SetOrigin(x, y, 0.0)
    source.SetPoint1(x + width, y, 0.0)
    source.SetPoint2(x, y + height, 0.0)
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputConnection(source.GetOutputPort())
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetOpacity(opacity)
    return actor
