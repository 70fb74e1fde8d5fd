"""Translucent surfaces drawn into pixels by the processor: needs no OpenGL, and any thread can do it.

Off-screen OpenGL belongs to the main thread and stood in its way for seconds where there is no graphics card.
Every triangle gives a fragment for each pixel whose middle it covers; sorted by depth they are laid over each
other (Carpenter 1984, The A-buffer, doi:10.1145/800031.808585), right however many surfaces lie one behind
another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .appearance import Color
from .picture_content import Triangles

_BAND_PIXELS = 400_000
_MOST_SAMPLES = 2_000_000
_DEPTH_STEPS = 1 << 20
_MOST_OPAQUE = 1 - 1e-6
_ON_EDGE = 1e-9
_SHININESS = 20


@dataclass(frozen=True, eq=False)
class DrawnSurface:
    """A surface and how it looks; ambient: the part of its color that needs no light."""

    triangles: Triangles
    color: Color
    opacity: float = 1.0
    ambient: float = 0.2
    specular: float = 0.0


@dataclass(frozen=True, eq=False)
class ParallelView:
    """A picture of `size` (width, height) pixels, from where parallel rays run along `toward`.

    center_ras: the point in the middle. right, up, toward: unit vectors in RAS.
    """

    center_ras: np.ndarray
    right: np.ndarray
    up: np.ndarray
    toward: np.ndarray
    pixels_per_mm: float
    size: tuple[int, int]

    @classmethod
    def of_box(
        cls, bounds_ras: np.ndarray, toward: Sequence[float], size: tuple[int, int], fill: float = 0.97
    ) -> ParallelView:
        """A view that fits the box `bounds_ras`, (2, 3), into `fill` of the picture, with S upward."""
        toward = np.asarray(toward, dtype=float) / np.linalg.norm(toward)
        right = np.cross(toward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        up = np.cross(right, toward)
        center = bounds_ras.mean(axis=0)
        corners = np.array([[bounds_ras[n >> a & 1][a] for a in range(3)] for n in range(8)]) - center
        reach = [2 * np.abs(corners @ axis).max() for axis in (right, up)]
        scale = min(fill * n / max(mm, 1e-6) for n, mm in zip(size, reach, strict=True))
        return cls(center, right, up, toward, float(scale), size)

    def enlarged(self, factor: int) -> ParallelView:
        """The same view on `factor` times as many pixels along both axes."""
        size = (self.size[0] * factor, self.size[1] * factor)
        return ParallelView(
            self.center_ras, self.right, self.up, self.toward, self.pixels_per_mm * factor, size
        )

    def project(self, points_ras: np.ndarray) -> np.ndarray:
        """Pixels x, y from the upper left corner and depth in pixels, (..., 3), of RAS points."""
        axes = np.stack([self.right, -self.up, self.toward], axis=1) * self.pixels_per_mm
        projected = (np.asarray(points_ras, dtype=float) - self.center_ras) @ axes
        projected[..., 0] += self.size[0] / 2
        projected[..., 1] += self.size[1] / 2
        return projected


def draw_surfaces(
    surfaces: Sequence[DrawnSurface], view: ParallelView, report: Callable[[float], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Colors already weighted by what is seen of them, (rows, columns, 3), and the light that passes all
    surfaces, (rows, columns): laid over a background it is colors + passed x background.

    report: called with the fraction done between bands of the picture; it may raise to stop the work.
    """
    width, height = view.size
    colors = np.zeros((height, width, 3), dtype=np.float32)
    passed = np.ones((height, width), dtype=np.float32)
    projected = [_Projected(surface, view) for surface in surfaces if not surface.triangles.is_empty]
    if not projected:
        return colors, passed
    near = min(each.near for each in projected)
    span = max(max(each.far for each in projected) - near, 1e-6)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        if report is not None:
            report(top / height)
        bottom = min(top + rows, height)
        parts = [part for each in projected for part in each.fragments(top, bottom, width)]
        if parts:
            pixels, depths, lit = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            band = _laid_over(pixels, (depths - near) / span, lit, (bottom - top) * width)
            colors[top:bottom] = band[0].reshape(bottom - top, width, 3)
            passed[top:bottom] = band[1].reshape(bottom - top, width)
    return colors, passed


class _Projected:
    """One surface in the picture's pixels; only triangles that can be seen at all."""

    def __init__(self, surface: DrawnSurface, view: ParallelView) -> None:
        triangles = surface.triangles
        points = view.project(triangles.points_ras)
        self._surface = surface
        self._corners = triangles.corners
        # Lit from the viewer: the part of each normal along the line of sight.
        self._facing = (triangles.normals @ view.toward).astype(np.float32)
        self._points = points
        self.near, self.far = float(points[:, 2].min()), float(points[:, 2].max())
        xs, ys = points[:, 0][self._corners], points[:, 1][self._corners]
        # A pixel is covered where its middle is, half a pixel further than its number.
        self._left = np.ceil(xs.min(axis=1) - 0.5).astype(int)
        self._right = np.floor(xs.max(axis=1) - 0.5).astype(int)
        self._top = np.ceil(ys.min(axis=1) - 0.5).astype(int)
        self._bottom = np.floor(ys.max(axis=1) - 0.5).astype(int)

    def fragments(self, top: int, bottom: int, width: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Pixel numbers in the band of rows, depths, and lit colors with opacity, (N, 4)."""
        lefts, rights = np.maximum(self._left, 0), np.minimum(self._right, width - 1)
        tops, bottoms = np.maximum(self._top, top), np.minimum(self._bottom, bottom - 1)
        seen = np.flatnonzero((lefts <= rights) & (tops <= bottoms))
        wide, high = rights[seen] - lefts[seen] + 1, bottoms[seen] - tops[seen] + 1
        samples = wide * high
        found = []
        # A few million at a time; the order goes by size, so that no chunk has more than it has to.
        order = np.argsort(samples, kind="stable")
        ends = np.searchsorted(
            np.cumsum(samples[order]), np.arange(1, samples.sum() // _MOST_SAMPLES + 2) * _MOST_SAMPLES
        )
        for chunk in np.split(order, ends):
            if len(chunk):
                part = self._covered(
                    seen[chunk], lefts[seen[chunk]], tops[seen[chunk]], wide[chunk], samples[chunk]
                )
                pixels = (part[1] - top) * width + part[0]
                found.append((pixels, part[2], self._lit(part[3])))
        return found

    def _covered(
        self, numbers: np.ndarray, left: np.ndarray, top: np.ndarray, wide: np.ndarray, samples: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Columns, rows, depths and facing of the pixels whose middles lie in the triangles `numbers`."""
        which = np.repeat(np.arange(len(numbers)), samples)
        within = np.arange(len(which)) - np.repeat(np.cumsum(samples) - samples, samples)
        row, column = np.divmod(within, wide[which])
        corners = self._corners[numbers]
        a, b, c = (self._points[corners[:, n]] for n in range(3))
        x0, y0 = left + 0.5 - a[:, 0], top + 0.5 - a[:, 1]
        bx, by, cx, cy = (v for p in (b, c) for v in (p[:, 0] - a[:, 0], p[:, 1] - a[:, 1]))
        area = bx * cy - by * cx
        safe = np.where(area == 0, 1.0, area)
        # The shares of b and c in a point change by the same amount from pixel to pixel.
        steps = {"b": (cy / safe, -cx / safe), "c": (-by / safe, bx / safe)}
        share = {
            name: (x0 * along + y0 * down)[which] + along[which] * column + down[which] * row
            for name, (along, down) in steps.items()
        }
        steps["a"] = tuple(-of_b - of_c for of_b, of_c in zip(steps["b"], steps["c"], strict=True))
        share["a"] = 1 - share["b"] - share["c"]
        inside = (area != 0)[which]
        for name, (along, down) in steps.items():
            # A middle right on an edge belongs to one of the two triangles that share the edge.
            is_mine = (along > 0) | ((along == 0) & (down > 0))
            inside &= (share[name] > _ON_EDGE) | ((share[name] >= -_ON_EDGE) & is_mine[which])
        which, of_b, of_c = which[inside], share["b"][inside], share["c"][inside]
        depth = a[which, 2] + of_b * (b - a)[which, 2] + of_c * (c - a)[which, 2]
        lit = [self._facing[corners[:, n]][which] for n in range(3)]
        facing = lit[0] + of_b * (lit[1] - lit[0]) + of_c * (lit[2] - lit[0])
        return column[inside] + left[which], row[inside] + top[which], depth, facing

    def _lit(self, facing: np.ndarray) -> np.ndarray:
        surface = self._surface
        light = np.minimum(np.abs(facing), 1).astype(np.float32)
        shade = surface.ambient + (1 - surface.ambient) * light
        lit = np.empty((len(facing), 4), dtype=np.float32)
        lit[:, :3] = shade[:, None] * np.array(surface.color, dtype=np.float32)
        if surface.specular:
            lit[:, :3] = np.minimum(lit[:, :3] + surface.specular * light[:, None] ** _SHININESS, 1)
        lit[:, 3] = min(surface.opacity, _MOST_OPAQUE)
        return lit


def _laid_over(
    pixels: np.ndarray, depths: np.ndarray, lit: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fragments of a band over each other, the nearest on top: colors, (count, 3), and light passed."""
    keys = pixels.astype(np.int64) * _DEPTH_STEPS + (depths * (_DEPTH_STEPS - 1)).astype(np.int64)
    order = np.argsort(keys)
    pixels, lit = pixels[order], lit[order]
    through = np.log1p(-lit[:, 3].astype(float))
    up_to = np.cumsum(through)
    first = np.flatnonzero(np.diff(pixels, prepend=-1))
    before_pixel = np.repeat((up_to - through)[first], np.diff(first, append=len(pixels)))
    # What light is left of a pixel where a fragment begins.
    seen = lit[:, 3] * np.exp(up_to - through - before_pixel)
    colors = np.stack([np.bincount(pixels, seen * lit[:, n], minlength=count) for n in range(3)], axis=1)
    passed = np.exp(np.bincount(pixels, through, minlength=count))
    return colors.astype(np.float32), passed.astype(np.float32)
