"""A slider whose drag is only looked at, and whose release is one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

_DECIMALS = 2


class DraggedSlider:
    """Wires a ctkSliderWidget.

    on_drag: called with each value while it is dragged; on_set: with the value when it was let go somewhere
    else, or typed; on_end: after every drag, also when it was let go where it had been, which CTK does not
    tell.
    """

    def __init__(
        self,
        widget: Any,
        on_drag: Callable[[float], Any],
        on_set: Callable[[float], Any],
        on_end: Callable[[], Any],
    ) -> None:
        self._widget = widget
        self._on_drag, self._on_set, self._on_end = on_drag, on_set, on_end
        self._is_showing = self._is_dragging = False
        widget.tracking = False
        widget.connect("valueIsChanging(double)", self._changing)
        widget.connect("valueChanged(double)", self._changed)
        for slider in widget.findChildren(qt.QSlider):
            slider.connect("sliderReleased()", self._released)

    @property
    def value(self) -> float:
        return round(self._widget.value, _DECIMALS)

    def show(self, value: float, lowest: float | None = None, highest: float | None = None) -> None:
        """Put it where the case is, unless somebody is dragging it."""
        if self._is_dragging:
            return
        self._is_showing = True
        try:
            if lowest is not None and highest is not None:
                self._widget.minimum, self._widget.maximum = lowest, highest
            self._widget.value = value
        finally:
            self._is_showing = False

    def _changing(self, value: float) -> None:
        if not self._is_showing:
            self._is_dragging = True
            self._on_drag(round(value, _DECIMALS))

    def _changed(self, value: float) -> None:
        if not self._is_showing:
            # What is shown next puts the slider back to where the case is.
            self._is_dragging = False
            self._on_set(round(value, _DECIMALS))
            self._on_end()

    def _released(self) -> None:
        if self._is_dragging:
            self._is_dragging = False
            self._on_end()
