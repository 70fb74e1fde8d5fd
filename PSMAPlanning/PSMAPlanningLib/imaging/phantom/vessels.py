"""The great vessels: centre lines that hang together, and the tubes around them.

Lesions and standard volumes are placed along these lines, so they are kept as data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import atlas_vessels as atlas
from .canvas import Canvas, smooth_curve
from .physique import Physique
from .tissues import BONE, CODES, table_of

_NOT_BONE = ~BONE


@dataclass(frozen=True)
class Vessel:
    """One segment: template points (N, 3) along its middle and the radius at each."""

    tissue: str
    points: np.ndarray
    radii_mm: np.ndarray


def make_vessels(physique: Physique, generator: np.random.Generator) -> dict[str, Vessel]:
    """All great vessels of one patient by tissue name."""
    z = physique.bifurcation_z
    fork, confluence = (-6.0, 31.0, z), (11.0, 23.0, z - 16.0)
    lines: dict[str, tuple[list, list]] = {
        "aorta": ([*atlas.AORTA, fork], [11, 11, 10.5, 10, 9.5, 8.5]),
        "inferior_vena_cava": ([*atlas.VENA_CAVA, confluence], [13, 13, 12, 11.5, 11, 10]),
    }
    for side, s in (("right", 1.0), ("left", -1.0)):
        hub, vein_hub = (tuple(np.multiply(p, (s, 1, 1))) for p in (atlas.HUB_ARTERY, atlas.HUB_VEIN))
        middle = [(s * 12 - 2, 30, z - 13), (s * 27 - 1, 23, (z + atlas.SPLIT_Z) / 2 - 3)]
        lines[f"artery_common_{side}"] = ([fork, *middle, hub], [6.0, 5.8, 5.5, 5.3])
        # The left common vein crosses in front of L5 and is the longer one.
        crossing = [(22, 16, z - 30)] if side == "right" else [(-8, 22, z - 23), (-26, 13, z - 36)]
        radii = [7.5] * (len(crossing) + 1) + [6.5]
        lines[f"vein_common_{side}"] = ([confluence, *crossing, vein_hub], radii)
        for name, points in atlas.PELVIC.items():
            lines[f"{name}_{side}"] = (list(points * (s, 1, 1)), atlas.RADII_MM[name])
    wound = _winding(physique.tortuosity_mm, generator)
    vessels = {}
    for name, (points, radii) in lines.items():
        curve, radius = smooth_curve(np.array(points, dtype=float), radii, step_share=0.4)
        vessels[name] = Vessel(name, wound(curve), radius)
    return vessels


def draw_vessels(canvas: Canvas, vessels: dict[str, Vessel], generator: np.random.Generator) -> None:
    """Paint side branches, veins, arteries in front of them, then a few calcified plaques."""
    canvas.tube(atlas.RENAL_ARTERY, 3.0, CODES["small_vessel"], over=_NOT_BONE)
    canvas.tube(atlas.RENAL_VEIN_LEFT, 4.5, CODES["small_vessel"], over=_NOT_BONE)
    fat = table_of("visceral_fat")
    for s in (1.0, -1.0):
        canvas.tube(atlas.DEEP_FEMORAL * (s, 1, 1), 2.6, CODES["small_vessel"], over=_NOT_BONE)
        canvas.tube(atlas.OBTURATOR_ARTERY * (s, 1, 1), 1.8, CODES["small_vessel"], over=fat)
        canvas.tube(atlas.GLUTEAL_ARTERY * (s, 1, 1), 2.2, CODES["small_vessel"], over=_NOT_BONE)
    for vessel in sorted(vessels.values(), key=lambda v: v.tissue.startswith(("artery", "aorta"))):
        canvas.balls(vessel.points, vessel.radii_mm, CODES[vessel.tissue], over=_NOT_BONE)
    for name in ("aorta", "artery_common_right", "artery_common_left"):
        vessel = vessels[name]
        for n in generator.integers(len(vessel.points) // 3, len(vessel.points), 4):
            angle = generator.uniform(0, 2 * np.pi)
            rim = vessel.points[n] + (vessel.radii_mm[n] - 0.8) * np.array(
                [np.cos(angle), np.sin(angle), 0.0]
            )
            canvas.balls(rim, np.array([1.4]), CODES["calcification"])


def _winding(amplitude_mm: float, generator: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    phases = generator.uniform(0, 2 * np.pi, 4)

    def wound(points: np.ndarray) -> np.ndarray:
        z = points[:, 2]
        fade = amplitude_mm / (1.0 + np.exp(-(z - 40.0) / 12.0))
        moved = points.copy()
        moved[:, 0] += fade * (0.6 * np.sin(z / 19.0 + phases[0]) + 0.4 * np.sin(z / 9.0 + phases[1]))
        moved[:, 1] += fade * 0.45 * np.abs(np.sin(z / 23.0 + phases[2]))
        return moved

    return wound
