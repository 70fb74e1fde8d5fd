"""The rotating maximum intensity projection as a view of its own in Slicer's layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import qt

from .translation import tr as _

if TYPE_CHECKING:
    import numpy as np

    from ..scene.rotating_mip import MipOutline, RotatingMip

_TURN_MS = 120
_CLICK_PIXELS = 4
_PIXELS_PER_ANGLE = 12
_HEADER_STYLE = "background: #5A5A5A; color: white"


class MipView:
    """Shows one direction at a time, turns by itself or by dragging, and jumps where it is clicked.

    widget: to be put into a layout. on_jump: called with the RAS point that was clicked.
    """

    def __init__(self, on_jump: Callable[[tuple[float, float, float]], object]) -> None:
        self._on_jump = on_jump
        self._mip: RotatingMip | None = None
        self._outlines: Sequence[MipOutline] = ()
        self._highest_suv = 10.0
        self._made: dict[int, np.ndarray] = {}
        self._angle = 0
        self._drag: tuple[int, int, bool] | None = None
        self.widget = qt.QWidget()
        self.widget.setObjectName("PSMAPlanningMipView")
        layout = qt.QVBoxLayout(self.widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header())
        self.picture = _Picture(self)
        layout.addWidget(self.picture)
        layout.setStretch(1, 1)
        self._timer = qt.QTimer(self.widget)
        self._timer.setInterval(_TURN_MS)
        self._timer.connect("timeout()", self._turn)

    def _header(self) -> qt.QWidget:
        header = qt.QFrame()
        header.setStyleSheet(_HEADER_STYLE)
        row = qt.QHBoxLayout(header)
        row.setContentsMargins(8, 2, 4, 2)
        self._title = qt.QLabel(_("PET"))
        row.addWidget(self._title)
        row.addStretch(1)
        self.rotate_button = qt.QPushButton(_("Rotate"))
        self.rotate_button.setObjectName("rotateMipButton")
        self.rotate_button.setCheckable(True)
        self.rotate_button.setToolTip(
            _("Turn the projection of the PET around the patient. Dragging it sideways turns it by hand.")
        )
        self.rotate_button.connect("toggled(bool)", self.rotate)
        row.addWidget(self.rotate_button)
        return header

    # What is shown

    @property
    def is_rotating(self) -> bool:
        return bool(self._timer.active)

    @property
    def angle(self) -> int:
        """Which of the 36 directions is shown; 0 is from the front."""
        return self._angle

    def show(
        self,
        mip: RotatingMip | None,
        outlines: Sequence[MipOutline],
        highest_suv: float,
    ) -> None:
        """Show a PET's projections with these lesions outlined, from SUV 0 to `highest_suv`."""
        if mip is self._mip and outlines is self._outlines and highest_suv == self._highest_suv:
            return
        self._mip, self._outlines, self._highest_suv = mip, outlines, highest_suv
        self._made.clear()
        self._title.text = _("PET, SUV 0 to {highest:g}").format(highest=highest_suv)
        self.draw()

    def rotate(self, is_on: bool) -> None:
        """Turn by itself, or stop."""
        if is_on:
            self._timer.start()
        else:
            self._timer.stop()
        if self.rotate_button.checked != is_on:
            self.rotate_button.checked = is_on

    def close(self) -> None:
        """Stop turning and let the PET go."""
        self.rotate(False)
        self._mip, self._outlines = None, ()
        self._made.clear()

    def draw(self) -> None:
        """Draw the direction there is now, as large as it fits."""
        if self._mip is None:
            self.picture.clear()
            self.picture.text = _("Projections of the PET appear here when they are ready.")
            return
        if self._angle not in self._made:
            self._made[self._angle] = self._mip.picture(self._angle, self._highest_suv, self._outlines)
        pixmap = _pixmap(self._made[self._angle])
        size = self.picture.size
        self.picture.setPixmap(
            pixmap.scaled(size.width(), size.height(), qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)
        )

    def turn_to(self, angle: int) -> None:
        from ..scene.rotating_mip import ANGLES

        self._angle = angle % ANGLES
        self.draw()

    def _turn(self) -> None:
        # In another layout nobody sees it.
        if self._mip is not None and self.widget.visible:
            self.turn_to(self._angle + 1)

    # The mouse

    def pressed(self, x: int) -> None:
        self._drag = (x, self._angle, False)

    def moved(self, x: int) -> None:
        if self._drag is None:
            return
        start, angle, is_drag = self._drag
        if is_drag or abs(x - start) > _CLICK_PIXELS:
            self._drag = (start, angle, True)
            # The side toward the viewer follows the mouse.
            self.turn_to(angle - round((x - start) / _PIXELS_PER_ANGLE))

    def released(self, x: int, y: int) -> None:
        drag, self._drag = self._drag, None
        if drag is None or drag[2] or self._mip is None:
            return
        width, height = self._mip.size
        size = self.picture.size
        scale = min(size.width() / width, size.height() / height)
        # The label centers its picture.
        across = (x - (size.width() - width * scale) / 2) / scale
        down = (y - (size.height() - height * scale) / 2) / scale
        if 0 <= across < width and 0 <= down < height:
            self._on_jump(self._mip.hottest_at(across, down, self._angle))


class _Picture(qt.QLabel):
    """The picture, centered; passes on what the mouse does and that there is more or less room."""

    def __init__(self, owner: MipView) -> None:
        qt.QLabel.__init__(self)
        self._owner = owner
        self.setAlignment(qt.Qt.AlignCenter)
        self.setWordWrap(True)
        self.setStyleSheet("background: white; color: #404040")
        self.setToolTip(
            _("Maximum intensity projection of the PET (SUV). A click brings all views to the hottest point.")
        )
        self.setMinimumSize(60, 60)
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Ignored)

    def mousePressEvent(self, event: qt.QMouseEvent) -> None:
        self._owner.pressed(event.x())

    def mouseMoveEvent(self, event: qt.QMouseEvent) -> None:
        self._owner.moved(event.x())

    def mouseReleaseEvent(self, event: qt.QMouseEvent) -> None:
        self._owner.released(event.x(), event.y())

    def resizeEvent(self, _event: qt.QResizeEvent) -> None:
        self._owner.draw()


def _pixmap(pixels: np.ndarray) -> qt.QPixmap:
    """RGB, (rows, columns, 3) uint8, as a pixmap; PNM is the one format that needs no packing."""
    height, width = pixels.shape[:2]
    pixmap = qt.QPixmap()
    pixmap.loadFromData(qt.QByteArray(b"P6 %d %d 255\n" % (width, height) + pixels.tobytes()))
    return pixmap
