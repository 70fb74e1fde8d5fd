"""Putting bones into the canvas."""

from __future__ import annotations

import numpy as np

from . import atlas_bone as atlas
from .canvas import Canvas, Loft, smooth_curve
from .tissues import CODES, table_of

_HIPS = table_of("hip_right", "hip_left")


def draw_skeleton(canvas: Canvas) -> None:
    """Ribs, spine, sacrum, hips and femurs; joints stay free between them."""
    _draw_ribs(canvas)
    for side, s in (("right", 1.0), ("left", -1.0)):
        _draw_hip(canvas, CODES[f"hip_{side}"], s)
    canvas.draw([Loft(atlas.SACRUM, CODES["joint"], over=_HIPS, wobble_mm=0.4, inset_mm=-1.5)])
    canvas.draw([Loft(atlas.SACRUM, CODES["sacrum"], wobble_mm=0.4, over=~_HIPS)])
    canvas.draw([Loft(atlas.SACRAL_ARCH, CODES["sacrum"], wobble_mm=0.4, over=~_HIPS)])
    _draw_spine(canvas)
    canvas.tube(*_swept(atlas.SACRAL_CANAL), CODES["spinal_canal"], flatten=(1.25, 0.9, 1.0))
    for x, y, z, back in atlas.FORAMINA:
        for s in (1.0, -1.0):
            curve = np.array(
                [(s * (x + 1), y + 4, z - 3), (s * x, (y + back) / 2, z), (s * x * 0.5, back, z + 5)]
            )
            canvas.tube(curve, [6.5, 5.0, 4.0], CODES["foramen"], over=table_of("sacrum"))
            canvas.tube(curve, 2.2, CODES["fascia"], over=table_of("foramen"))
    for side, s in (("right", 1.0), ("left", -1.0)):
        _draw_femur(canvas, side, s)


def _swept(curve: tuple[list, list], s: float = 1.0) -> tuple[np.ndarray, list]:
    return np.array(curve[0], dtype=float) * (s, 1.0, 1.0), curve[1]


def _draw_hip(canvas: Canvas, code: int, s: float) -> None:
    mirrored = s < 0
    canvas.draw([Loft(atlas.ILIUM, code, wobble_mm=0.5, mirrored=mirrored)])
    canvas.draw([Loft(atlas.PUBIS, code, wobble_mm=0.3, mirrored=mirrored)])
    canvas.tube(*_swept(atlas.SUPERIOR_RAMUS, s), code)
    canvas.tube(*_swept(atlas.INFERIOR_RAMUS, s), code)
    symphysis = np.array([(0, 40, -3), (0, 36, -14), (0, 30, -24)], dtype=float)
    canvas.tube(symphysis, 9.0, CODES["joint"], flatten=(0.33, 1.0, 1.0))


def _draw_femur(canvas: Canvas, side: str, s: float) -> None:
    bone, shaft, marrow = (CODES[f"{name}_{side}"] for name in ("femur", "femur_shaft", "femur_marrow"))
    head = np.array([atlas.HEAD]) * (s, 1.0, 1.0)
    canvas.balls(head, np.array([atlas.HEAD_RADIUS_MM + 1.7]), CODES["joint"], over=_HIPS)
    points, radii = _swept(atlas.SHAFT, s)
    canvas.tube(points, radii, shaft)
    canvas.tube(points, np.array(radii) - 5.0, marrow)
    canvas.tube(*_swept(atlas.TROCHANTER, s), bone)
    canvas.tube(*_swept(atlas.LESSER_TROCHANTER, s), bone, over=~table_of(f"femur_marrow_{side}"))
    canvas.tube(*_swept(atlas.NECK, s), bone, over=~_HIPS)
    canvas.balls(head, np.array([atlas.HEAD_RADIUS_MM]), bone)


def _draw_ribs(canvas: Canvas) -> None:
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(atlas.RIB_PATH, axis=0), axis=1))])
    for level, drop, reach in atlas.RIBS:
        share = np.linspace(0.0, reach, 24)
        x, y = (np.interp(share * along[-1], along, atlas.RIB_PATH[:, n]) for n in (0, 1))
        z = level - drop * share**1.15
        for s in (1.0, -1.0):
            curve, radii = smooth_curve(np.stack([s * x, y, z], axis=1), 4.6)
            bony = np.linspace(0, reach, len(curve)) < 0.82
            canvas.balls(curve[bony], radii[bony], CODES["rib"], flatten=(0.85, 0.85, 1.4))
            canvas.balls(curve[~bony], radii[~bony], CODES["cartilage"], flatten=(1.0, 1.0, 1.5))


def _draw_spine(canvas: Canvas) -> None:
    canal, below = [], (0.0, 0.0)
    for name, shape in atlas.VERTEBRAE.items():
        y, z, tilt, _, depth, _ = shape
        lean = np.deg2rad(tilt)
        below = (y - (depth + 9) * np.cos(lean), z + (depth + 9) * np.sin(lean))
        canal.append((0.0, *below))
        _draw_body(canvas, shape, CODES["disc"], extra_mm=5.5, share=0.97)
        _draw_arch(canvas, shape, CODES[name])
    for name, shape in atlas.VERTEBRAE.items():
        _draw_body(canvas, shape, CODES[name], extra_mm=0.0, share=1.0)
    canvas.tube(
        np.array([*canal, (0.0, -58.0, 124.0)]), 8.5, CODES["spinal_canal"], flatten=(1.25, 0.95, 1.0)
    )


def _draw_body(canvas: Canvas, shape: tuple, code: int, extra_mm: float, share: float) -> None:
    y, z, tilt, width, depth, height = shape
    reach = height + extra_mm + 8
    box = canvas.box_around((-width - 6, y - depth - 8, z - reach), (width + 6, y + depth + 8, z + reach))
    if box is None:
        return
    lean = np.deg2rad(tilt)
    right, anterior, superior = canvas.positions_ras(box)
    middle = canvas.to_patient(np.array((0.0, y, z)))
    u = (right - middle[0]) / width
    forward, up = anterior - middle[1], superior - middle[2]
    v = (forward * np.cos(lean) - up * np.sin(lean)) / depth
    w = forward * np.sin(lean) + up * np.cos(lean)
    limit = height + extra_mm
    waist = share * (1.0 - 0.11 * np.maximum(0.0, 1.0 - (w / height) ** 2))
    radial = (np.abs(u) / waist) ** 2.5 + (np.abs(v) / waist) ** 2.5
    hollow = 1.6 * np.maximum(0.0, 1.0 - radial) if extra_mm == 0 else 0.0
    inside = (radial < 1.0) & (np.abs(w) < limit - hollow) & (v > -0.82 * share)
    over = None if extra_mm == 0 else ~table_of("sacrum")
    canvas.paint(box, inside, code, over)


def _draw_arch(canvas: Canvas, shape: tuple, code: int) -> None:
    y, z, tilt, _, depth, _ = shape
    lean = np.deg2rad(tilt)

    def placed(*points: tuple[float, float, float]) -> np.ndarray:
        u, v, w = np.array(points, dtype=float).T
        v = v - depth
        return np.stack(
            [u, y + v * np.cos(lean) + w * np.sin(lean), z - v * np.sin(lean) + w * np.cos(lean)], axis=1
        )

    for s in (1.0, -1.0):
        canvas.tube(
            placed((s * 12, 4, 4), (s * 16, -6, 4), (s * 17, -14, 2)),
            [4.5, 4.2, 5],
            code,
            flatten=(1, 1, 1.4),
        )
        canvas.tube(placed((s * 17, -16, 10), (s * 18, -20, -2), (s * 15, -23, -15)), [6, 6.5, 5.5], code)
        canvas.tube(
            placed((s * 16, -18, -2), (s * 9, -25, -5), (s * 2, -29, -7)), 4.0, code, flatten=(1, 0.8, 1.8)
        )
        canvas.tube(placed((s * 16, -10, 4), (s * 30, -14, 5), (s * 41, -17, 7)), [4.5, 3.4, 3.2], code)
    canvas.tube(placed((0, -27, -6), (0, -38, -8), (0, -47, -10)), [9, 10, 10.5], code, flatten=(0.36, 1, 1))
