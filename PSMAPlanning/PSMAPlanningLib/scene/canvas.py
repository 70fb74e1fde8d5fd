"""A page of pixels to put pictures, lines and text on; needs no OpenGL and no drawing library.

Positions are pixels from the upper left corner, x to the right, y down.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import OutputError
from .appearance import Color

BLACK: Color = (0.1, 0.1, 0.1)
WHITE: Color = (1.0, 1.0, 1.0)
GRAY: Color = (0.45, 0.45, 0.45)


class Canvas:
    """An image of `width` x `height` pixels, and how to draw on it."""

    def __init__(self, width: int, height: int, background: Color = WHITE) -> None:
        self.width, self.height = width, height
        self.pixels = np.empty((height, width, 3), dtype=np.float32)
        self.pixels[:] = background

    def picture(self, pixels: np.ndarray, x: int, y: int) -> None:
        """Put an RGB picture, (rows, columns, 3), uint8, with its upper left corner at x, y."""
        height, width = pixels.shape[:2]
        self.pixels[y : y + height, x : x + width] = pixels[..., :3].astype(np.float32) / 255

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: int = 20,
        color: Color = BLACK,
        align: str = "left",
        bold: bool = False,
        halo: Color | None = None,
    ) -> None:
        """Write one line, y being its vertical middle; moved inward where it would leave the page.

        halo: a color around the letters, for text on top of a picture.
        """
        alpha = _text_alpha(text, size, bold)
        height, width = alpha.shape
        left = x - {"left": 0, "center": width / 2, "right": width}[align]
        left = round(min(max(left, 2), self.width - width - 2))
        top = round(min(max(y - height / 2, 2), self.height - height - 2))
        if halo is not None:
            self.blend(_grown_alpha(alpha), left - 2, top - 2, halo)
        self.blend(alpha, left, top, color)

    def text_width(self, text: str, size: int = 20, bold: bool = False) -> int:
        return _text_alpha(text, size, bold).shape[1]

    def rectangle(
        self, x: float, y: float, width: float, height: float, color: Color, opacity: float = 1.0
    ) -> None:
        area = np.full((round(height), round(width)), opacity, dtype=np.float32)
        self.blend(area, round(x), round(y), color)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], color: Color, width: float = 2.0
    ) -> None:
        """A smooth straight line between two points."""
        a, b = np.array(start, dtype=float), np.array(end, dtype=float)
        low = np.floor(np.minimum(a, b) - width - 1).astype(int)
        high = np.ceil(np.maximum(a, b) + width + 2).astype(int)
        ys, xs = np.mgrid[low[1] : high[1], low[0] : high[0]]
        points = np.stack([xs, ys], axis=-1) - a
        along = np.clip(points @ (b - a) / max(float((b - a) @ (b - a)), 1e-9), 0, 1)
        distance = np.linalg.norm(points - along[..., None] * (b - a), axis=-1)
        self.blend(np.clip(width / 2 + 0.5 - distance, 0, 1).astype(np.float32), low[0], low[1], color)

    def write(self, path: Path) -> None:
        """Write a PNG; raises OutputError when that fails."""
        write_png(np.round(np.clip(self.pixels, 0, 1) * 255).astype(np.uint8), path)

    def blend(self, alpha: np.ndarray, x: int, y: int, color: Color) -> None:
        """Lay a color over the page, as strongly as `alpha` (rows, columns) says for each pixel."""
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + alpha.shape[1], self.width), min(y + alpha.shape[0], self.height)
        if x0 >= x1 or y0 >= y1:
            return
        part = alpha[y0 - y : y1 - y, x0 - x : x1 - x, None]
        area = self.pixels[y0:y1, x0:x1]
        area += part * (np.array(color, dtype=np.float32) - area)


def write_png(pixels: np.ndarray, path: Path) -> None:
    """Write an RGB picture, (rows, columns, 3), uint8."""
    image = vtk.vtkImageData()
    image.SetDimensions(pixels.shape[1], pixels.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels[::-1].reshape(-1, pixels.shape[2]), deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetInputData(image)
    # VTK reports a failed write on stderr only; the finished bytes are written by Python, which raises.
    writer.WriteToMemoryOn()
    writer.Write()
    content = vtk_to_numpy(writer.GetResult()).tobytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
    except OSError as error:
        raise OutputError(f"The picture {path} cannot be written ({error.strerror}).") from error
    path.chmod(0o644)


def _text_alpha(text: str, size: int, bold: bool) -> np.ndarray:
    """How much of each pixel the text covers, (rows, columns)."""
    style = vtk.vtkTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(size)
    style.SetBold(bold)
    style.SetColor(1, 1, 1)
    image, used = vtk.vtkImageData(), [0, 0]
    renderer: Any = vtk.vtkTextRenderer.GetInstance()
    # A dollar sign would have VTK look for a formula and for matplotlib.
    renderer.RenderString(style, text.replace("$", "\\$") or " ", image, used, 72)
    rows, columns = image.GetDimensions()[1], image.GetDimensions()[0]
    pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
    return pixels[: used[1], : used[0], 3][::-1].astype(np.float32) / 255


def _grown_alpha(alpha: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter, maximum_filter

    return np.clip(gaussian_filter(maximum_filter(np.pad(alpha, 2), 4), 0.7), 0, 1)
