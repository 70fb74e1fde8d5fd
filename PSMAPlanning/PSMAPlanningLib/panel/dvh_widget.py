"""Dose-volume histograms drawn into a picture: targets solid, organs dashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import qt

from .translation import tr as _

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a6d00")
"""Okabe and Ito's, which the color-blind can tell apart; the yellow darkened to be seen on white."""
_LEFT, _TOP, _RIGHT, _FOOT, _LINE = 40, 8, 10, 34, 15
_STEPS_GY = (0.5, 1, 2, 5, 10, 20, 50, 100)
_MOST_TICKS = 8


@dataclass(frozen=True, eq=False)
class DvhCurve:
    """dose_gy, percent: (N,) of the whole volume; is_target: drawn solid."""

    name: str
    dose_gy: np.ndarray
    percent: np.ndarray
    is_target: bool


def dvh_pixmap(curves: Sequence[DvhCurve], width: int, height: int) -> Any:
    """The picture with its legend below, white, width x (height + legend) pixels; None without curves."""
    if not curves:
        return None
    ordered = sorted(curves, key=lambda curve: not curve.is_target)
    rows = (len(ordered) + 1) // 2
    pixmap = qt.QPixmap(width, height + rows * _LINE + 4)
    pixmap.fill(qt.QColor(255, 255, 255))
    painter = qt.QPainter(pixmap)
    try:
        painter.setRenderHint(qt.QPainter.Antialiasing)
        plot = _Plot(painter, width, height, max(float(curve.dose_gy[-1]) for curve in ordered))
        plot.axes()
        for number, curve in enumerate(ordered):
            pen = _pen(number, curve.is_target)
            plot.curve(curve, pen)
            x = _LEFT + (number % 2) * (width - _LEFT) // 2
            y = height + (number // 2) * _LINE + _LINE // 2
            painter.setPen(pen)
            painter.drawLine(x, y, x + 22, y)
            painter.setPen(qt.QColor(0, 0, 0))
            painter.drawText(x + 27, y + 4, curve.name)
    finally:
        painter.end()
    return pixmap


class _Plot:
    def __init__(self, painter: Any, width: int, height: int, largest_gy: float) -> None:
        self._painter = painter
        self._right, self._bottom = width - _RIGHT, height - _FOOT
        self._step = next((s for s in _STEPS_GY if largest_gy / s <= _MOST_TICKS), _STEPS_GY[-1])
        self._end_gy = self._step * (int(largest_gy / self._step) + 1)

    def axes(self) -> None:
        painter = self._painter
        for percent in range(0, 101, 25):
            y = round(self._y(percent))
            painter.setPen(qt.QColor(225, 230, 235))
            painter.drawLine(_LEFT, y, self._right, y)
            painter.setPen(qt.QColor(60, 60, 60))
            painter.drawText(4, y + 4, f"{percent} %")
        for number in range(round(self._end_gy / self._step) + 1):
            dose = number * self._step
            painter.drawText(round(self._x(dose)) - 7, self._bottom + 14, f"{dose:g}")
        painter.drawText((_LEFT + self._right) // 2 - 25, self._bottom + 29, _("Dose, Gy"))
        painter.drawLine(_LEFT, _TOP, _LEFT, self._bottom)
        painter.drawLine(_LEFT, self._bottom, self._right, self._bottom)

    def curve(self, curve: DvhCurve, pen: Any) -> None:
        self._painter.setPen(pen)
        places = [(self._x(d), self._y(p)) for d, p in zip(curve.dose_gy, curve.percent, strict=True)]
        for (x0, y0), (x1, y1) in pairwise(places):
            self._painter.drawLine(qt.QPointF(x0, y0), qt.QPointF(x1, y1))

    def _x(self, dose_gy: float) -> float:
        return _LEFT + (self._right - _LEFT) * dose_gy / self._end_gy

    def _y(self, percent: float) -> float:
        return _TOP + (self._bottom - _TOP) * (1 - percent / 100)


def _pen(number: int, is_target: bool) -> Any:
    pen = qt.QPen(qt.QColor(_COLORS[number % len(_COLORS)]))
    pen.setWidthF(2.0 if is_target else 1.4)
    # Line by line the pattern would begin anew at each point; dots are the shortest there is.
    pen.setStyle(qt.Qt.SolidLine if is_target else qt.Qt.DotLine)
    return pen
