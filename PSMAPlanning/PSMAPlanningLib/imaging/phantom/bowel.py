"""Colon, sigmoid and small bowel: winding tubes with wall, content and gas, laid into the free fat."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from . import atlas_organs as atlas
from .canvas import Canvas, smooth_curve
from .tissues import CODES, FAT, table_of

_ROOM = table_of("visceral_fat")


def draw_bowel(canvas: Canvas, generator: np.random.Generator) -> None:
    """All bowel above the rectum; loops never enter other organs, muscle or the fat kept for nodes."""
    canvas.tube(atlas.DUODENUM, 11.5, CODES["duodenum"], over=_ROOM)
    _draw_large(
        canvas,
        "sigmoid",
        _jittered(atlas.SIGMOID, 3.0, generator),
        [13.0] * len(atlas.SIGMOID),
        30.0,
        generator,
    )
    _draw_large(canvas, "colon", _jittered(atlas.COLON, 4.0, generator), atlas.COLON_RADII, 26.0, generator)
    for path, part in _coils(generator):
        _draw_small(canvas, path, part, generator)
    _draw_mesentery(canvas, generator)


def _jittered(points: np.ndarray, amplitude_mm: float, generator: np.random.Generator) -> np.ndarray:
    moved = points.copy()
    moved[1:-1] += generator.uniform(-amplitude_mm, amplitude_mm, (len(points) - 2, 3)) * (1.0, 0.6, 1.0)
    return moved


def _draw_large(
    canvas: Canvas,
    name: str,
    points: np.ndarray,
    radii: list,
    haustra_mm: float,
    generator: np.random.Generator,
) -> None:
    curve, radius = smooth_curve(points, radii, step_share=0.3)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    phase = generator.uniform(0, 2 * np.pi)
    radius = radius * (0.93 + 0.13 * np.abs(np.sin(np.pi * length / haustra_mm + phase)))
    wall, content, gas = (CODES[f"{name}_{part}"] for part in ("wall", "content", "gas"))
    canvas.balls(curve, radius, wall, over=_ROOM)
    inner = radius - 2.6
    canvas.balls(curve, inner, content, over=table_of(f"{name}_wall"))
    full = np.convolve(generator.normal(size=len(curve) + 60), np.hanning(61), "valid")[: len(curve)]
    full = full / full.std() + 0.05 * (curve[:, 1] - 55.0)
    gassy = full > 0.9
    lifted = curve + np.array((0.0, 1.0, 0.0)) * (0.42 * inner)[:, None]
    canvas.balls(
        lifted[gassy], 0.72 * inner[gassy], gas, over=table_of(f"{name}_content"), flatten=(1.15, 0.75, 1.1)
    )
    picks = generator.integers(0, len(curve), len(curve) // 2)
    spots = curve[picks] + generator.normal(size=(len(picks), 3)) * (0.4 * inner[picks])[:, None]
    canvas.balls(spots, generator.uniform(1.2, 3.2, len(picks)), gas, over=table_of(f"{name}_content"))


def _coils(generator: np.random.Generator) -> list[tuple[np.ndarray, str]]:
    coils = []
    for level in np.arange(61.0, 240.0, 21.0):
        high = level > 150.0
        for row, depth in enumerate((46.0, 70.0, 93.0)):
            half = 84.0 - 10.0 * row if level > 100 else 62.0 - 8.0 * row
            if level < 80:
                half, depth = 34.0, depth - 34.0
            if level > 180:
                half -= 16.0
            aside = -34.0 if level > 205 else 0.0
            half = half - 18.0 if aside else half
            count = int(half / 11)
            x = np.linspace(-half, half, count) * (1 if row % 2 else -1)
            wave = generator.uniform(0, 2 * np.pi, 3)
            y = depth + 9 * np.sin(x / 17 + wave[0]) + generator.uniform(-4, 4, count)
            z = level + 9 * np.sin(x / 21 + wave[1]) + 6 * np.sin(x / 9 + wave[2])
            points = np.stack([aside + x + generator.uniform(-5, 5, count), y, z], axis=1)
            keep = _runs(generator.uniform(size=count) > 0.08)
            for first, last in keep:
                if last - first >= 3:
                    smooth = CubicSpline(np.arange(last - first), points[first:last])
                    where = np.linspace(0, last - first - 1, 4 * (last - first))
                    upper_left = points[first:last, 0].mean() < 12 and generator.uniform() < 0.75
                    coils.append((smooth(where), "jejunum" if high and upper_left else "ileum"))
    return coils


def _runs(keep: np.ndarray) -> list[tuple[int, int]]:
    """First and last + 1 of each stretch of kept points, cut into loops of at most eight."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(np.int8), [0]])))
    stretches = zip(edges[::2], edges[1::2], strict=True)
    return [(start, min(start + 8, stop)) for a, stop in stretches for start in range(a, stop, 7)]


def _draw_small(canvas: Canvas, path: np.ndarray, part: str, generator: np.random.Generator) -> None:
    radius = generator.uniform(8.5, 12.0)
    curve, radii = smooth_curve(path, radius)
    radii = radii * (1.0 + 0.10 * np.sin(np.arange(len(radii)) / 5.0 + generator.uniform(0, 6)))
    canvas.balls(curve, radii, CODES[f"{part}_wall"], over=_ROOM)
    canvas.balls(curve, radii - 2.4, CODES[f"{part}_content"], over=table_of(f"{part}_wall"))
    if generator.uniform() < 0.3:
        some = slice(len(curve) // 3, len(curve) // 2)
        lifted = curve[some] + (0.0, 0.35 * radius, 0.0)
        canvas.balls(lifted, 0.5 * radii[some], CODES["small_bowel_gas"], over=table_of(f"{part}_content"))


def _draw_mesentery(canvas: Canvas, generator: np.random.Generator) -> None:
    root = np.array((0.0, 40.0, 190.0))
    thin = FAT & ~table_of("subcutaneous_fat", "nodal_fat")
    for _ in range(70):
        end = np.array((generator.uniform(-90, 90), generator.uniform(35, 100), generator.uniform(85, 215)))
        start = root + generator.uniform(-1, 1, 3) * (14, 6, 45)
        bent = (start + end) / 2 + generator.uniform(-12, 12, 3)
        canvas.tube(np.array([start, bent, end]), [2.0, 1.5, 1.1], CODES["small_vessel"], over=thin)
