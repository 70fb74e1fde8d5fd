"""Smooth outlines, surfaces through them and centre lines: the shapes before they become voxels.

Everything here is a small matrix product where it can be: a patient has a hundred lofts of a hundred levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .products import product

Outline = Sequence[tuple[float, float]]
Keyframes = Mapping[float, Outline]

VERTICES = 72
_PER_SEGMENT = 12
_T = np.arange(_PER_SEGMENT) / _PER_SEGMENT
# Weights of the points before, at, after and beyond a segment for the places along it (Catmull-Rom).
_CATMULL_ROM = 0.5 * np.stack(
    [-_T + 2 * _T**2 - _T**3, 2 - 5 * _T**2 + 3 * _T**3, _T + 4 * _T**2 - 3 * _T**3, -(_T**2) + _T**3], axis=1
)


@dataclass(frozen=True)
class Surface:
    """Outlines at ascending levels, ready to be interpolated by shape-preserving cubics.

    knots: (2 * levels, 2 * vertices), the outlines' x and y above their slopes along z.
    """

    levels: np.ndarray
    knots: np.ndarray

    @classmethod
    def through(cls, keyframes: Keyframes) -> Surface:
        """The surface through all keyframes."""
        levels = np.array(sorted(keyframes), dtype=float)
        values = np.stack([smooth_outline(keyframes[level]).T.ravel() for level in levels])
        return cls(levels, np.concatenate([values, _slopes(levels, values)]))

    def at(self, heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the outline at each height, (heights, 72) both."""
        found = product(_cubic_weights(self.levels, heights), self.knots)
        return found[:, :VERTICES], found[:, VERTICES:]


def shape_preserving(levels: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Monotone piecewise cubic (Fritsch and Carlson) through rows of values, at other levels."""
    return _cubic_weights(levels, wanted) @ np.concatenate([values, _slopes(levels, values)])


def smooth_outline(outline: Outline) -> np.ndarray:
    """A closed Catmull-Rom curve through the given points as equally spaced vertices, (72, 2)."""
    points = np.array(outline, dtype=float)
    around = np.arange(len(points))[:, None] + np.arange(-1, 3)
    curve = (_CATMULL_ROM @ points[around % len(points)]).reshape(-1, 2)
    curve = np.concatenate([curve, curve[:1]])
    step = curve[1:] - curve[:-1]
    length = np.concatenate([[0.0], np.cumsum(np.sqrt((step * step).sum(axis=1)))])
    wanted = length[-1] / VERTICES * np.arange(VERTICES)
    return np.array([np.interp(wanted, length, curve[:, 0]), np.interp(wanted, length, curve[:, 1])]).T


def symmetric(half: Outline) -> list[tuple[float, float]]:
    """The outline of a midline structure from its right half, front to back."""
    other = [(-x, y) for x, y in reversed(half) if abs(x) > 1e-6]
    return [*half, *other]


def smooth_curve(
    points: np.ndarray, radii_mm: float | Sequence[float], step_share: float = 0.5, finest_mm: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Points close enough together to sweep a ball without dents, and the radius at each."""
    points = np.asarray(points, dtype=float)
    radii = np.broadcast_to(np.asarray(radii_mm, dtype=float), len(points))
    step = points[1:] - points[:-1]
    length = np.concatenate([[0.0], np.cumsum(np.sqrt((step * step).sum(axis=1)))])
    count = max(2, int(np.ceil(length[-1] / max(finest_mm, step_share * float(radii.min())))) + 1)
    wanted = length[-1] / (count - 1) * np.arange(count)
    return shape_preserving(length, points, wanted), np.interp(wanted, length, radii)


def inset(x: np.ndarray, y: np.ndarray, inset_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Move each vertex of outlines (..., vertices) inwards along its normal (outwards when negative)."""
    next_x, next_y = following(x), following(y)
    along_x, along_y = next_x - _preceding(x), next_y - _preceding(y)
    turning = np.sign((x * next_y - next_x * y).sum(axis=-1, keepdims=True))
    scale = inset_mm * turning / np.maximum(np.sqrt(along_x**2 + along_y**2), 1e-6)
    return x - scale * along_y, y + scale * along_x


def following(values: np.ndarray) -> np.ndarray:
    """For each vertex of closed outlines (slices, vertices) the value at the next one."""
    return np.concatenate([values[:, 1:], values[:, :1]], axis=1)


def _preceding(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values[:, -1:], values[:, :-1]], axis=1)


def ripple(heights: np.ndarray, phases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A slow wave over an outline's vertices and along z, of amplitude one; x and y as in `Surface.at`."""
    angle = heights[:, None] * _WAVE_ALONG + phases
    weights = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    found = weights @ _WAVES
    return found[:, :VERTICES], found[:, VERTICES:]


def _waves() -> np.ndarray:
    """What to multiply sine and cosine of the four waves' angles along z with, (8, 2 * vertices)."""
    angle = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    none = np.zeros(VERTICES)
    of_sines = [
        [np.cos(3 * angle), none],
        [0.5 * np.cos(7 * angle), none],
        [none, -np.sin(4 * angle)],
        [none, -0.5 * np.sin(8 * angle)],
    ]
    of_cosines = [
        [np.sin(3 * angle), none],
        [0.5 * np.sin(7 * angle), none],
        [none, np.cos(4 * angle)],
        [none, 0.5 * np.cos(8 * angle)],
    ]
    return np.array(of_sines + of_cosines).reshape(8, 2 * VERTICES)


_WAVE_ALONG = np.array([1 / 17, -1 / 11, -1 / 14, 1 / 9])
_WAVES = _waves()


def _cubic_weights(levels: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Hermite weights of values and slopes at the levels for each wanted place, (wanted, 2 * levels)."""
    count = len(levels)
    below = np.minimum(np.maximum(levels.searchsorted(wanted, side="right") - 1, 0), count - 2)
    gap = levels[below + 1] - levels[below]
    t = (wanted - levels[below]) / gap
    rest, rows = 1.0 - t, np.arange(len(wanted))
    weights = np.zeros((len(wanted), 2 * count))
    weights[rows, below] = (1 + 2 * t) * rest**2
    weights[rows, below + 1] = t**2 * (1 + 2 * rest)
    weights[rows, count + below] = gap * t * rest**2
    weights[rows, count + below + 1] = -gap * t**2 * rest
    return weights


def _slopes(levels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slope at each level that lets the cubic overshoot nowhere: weighted harmonic means of the secants."""
    gap = (levels[1:] - levels[:-1])[:, None]
    secant = (values[1:] - values[:-1]) / gap
    if len(levels) == 2:
        return np.concatenate([secant, secant])
    before, after = 2 * gap[1:] + gap[:-1], gap[1:] + 2 * gap[:-1]
    product = secant[:-1] * secant[1:]
    total = before * secant[1:] + after * secant[:-1]
    inner = np.divide((before + after) * product, total, out=np.zeros_like(product), where=product > 0)
    return np.concatenate([_end_slopes(gap[:2], secant[:2]), inner, _end_slopes(gap[:-3:-1], secant[:-3:-1])])


def _end_slopes(gap: np.ndarray, secant: np.ndarray) -> np.ndarray:
    """The slope at one end from its two nearest intervals, the outer one first; one row."""
    outer, other = secant
    slope = ((2 * gap[0] + gap[1]) * outer - gap[0] * other) / (gap[0] + gap[1])
    steep = (outer * other < 0) & (np.abs(slope) > 3 * np.abs(outer))
    return np.where(slope * outer <= 0, 0.0, np.where(steep, 3 * outer, slope))[None]
