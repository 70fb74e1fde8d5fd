"""The bed slice by slice: between pubis or bladder in front, rectum behind, and the side walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import GenerationError
from ..imaging.image import Image
from .guideline import Guideline
from .landmarks import Landmarks
from .nodal_anatomy import SIDES, Anatomy
from .nodal_inferred import inferred_rectum, inferred_wall
from .nodal_space import WorkingSpace, make_space
from .steps import Finding

HALF_WIDTH_MM = 27.0
"""Assumed where neither levator ani nor obturator internus is nearer: about half the width of a prostate with
its bundles. From no guideline."""
_AROUND_MM = 45.0
WRAP_MM = 6.0
"""How far the volume may reach back beside the rectum: "may be concave" (RTOG), without a number."""
GAP_MM = 15.0
"""The symphysis and the notch below it, bridged in front."""
SLING_MM = 6.0
BEHIND_ANASTOMOSIS_MM = 20.0
"""Where the rectum begins, in slices without a label of it."""
BEFORE_ANASTOMOSIS_MM = 10.0
"""The front border where there is no pubic bone before it."""


@dataclass(frozen=True, eq=False)
class BedMaterial:
    """Arrays of one space. between: slices from the lower to the upper border."""

    space: WorkingSpace
    bladder: np.ndarray
    rectum: np.ndarray
    bone: np.ndarray
    muscle: np.ndarray
    levator: np.ndarray
    between: np.ndarray
    findings: tuple[Finding, ...]


def bed_material(
    anatomy: Anatomy,
    landmarks: Landmarks,
    caudal_s: float,
    cranial_s: float,
    guideline: Guideline,
    ct: Image | None,
) -> BedMaterial:
    """Bring what bounds the bed onto a working space.

    Raises GenerationError when bladder, a hip bone, or rectum and colon are missing.
    """
    lost = [role for role in ("bladder", "hip_left", "hip_right") if anatomy.get(role) is None]
    if lost:
        raise GenerationError(f"The prostate bed needs {', '.join(lost)}; label them.")
    points = np.array([landmarks[name].point_ras for name in ("anastomosis", "seminal_vesicle_bed_top")])
    low, high = points.min(axis=0) - _AROUND_MM, points.max(axis=0) + _AROUND_MM
    margin = guideline.numbers.get("margin_all_round")
    reach = 6.0 + (margin.value if margin is not None else 0.0)
    low[2], high[2] = caudal_s - reach, cranial_s + reach
    space = make_space(anatomy.masks["bladder"].grid, low, high)
    findings: list[Finding] = []
    rectum = inferred_rectum(anatomy, space, cranial_s + reach, findings)
    if rectum is None:
        raise GenerationError(
            "The bed's rear border is the rectum; there is neither a rectum nor a colon label at its level."
        )
    rectum |= space.exact(anatomy.all_of(("anal_canal",)))
    bladder = space.exact(anatomy.all_of(("bladder",)))
    bone = space.exact(anatomy.all_of(f"{each}_{side}" for each in ("hip", "femur") for side in SIDES))
    wall = inferred_wall(anatomy, space, ct, bone, bladder | rectum, cranial_s + reach, findings)
    muscle = wall | space.exact(anatomy.all_of(f"obturator_internus_{side}" for side in SIDES))
    levator = space.exact(anatomy.all_of(("levator",)))
    if anatomy.get("levator") is None:
        findings.append(Finding("levator_ani", "cannot_be_told", "levator_missing"))
    if anatomy.get("prostate") is not None:
        findings.append(Finding("prostate", "excluded", "prostate_excluded"))
    levels = space.axis(0)[:, None, None]
    between = (levels >= caudal_s) & (levels <= cranial_s)
    return BedMaterial(space, bladder, rectum, bone, muscle, levator, between, tuple(findings))


def lofted(
    material: BedMaterial,
    landmarks: Landmarks,
    caudal_s: float,
    cranial_s: float,
    change_s: float,
    bladder_wall_mm: float,
) -> tuple[np.ndarray, bool]:
    """The bed's slices, and whether the assumed width bounded any of them.

    change_s: below it the front border is the back of the pubis, above it the back of the bladder.
    """
    space = material.space
    levels, depths, across = (space.axis(axis) for axis in range(3))
    anastomosis, top = (
        np.array(landmarks[name].point_ras) for name in ("anastomosis", "seminal_vesicle_bed_top")
    )
    result, width_acted = space.empty(), False
    for k in np.flatnonzero((levels >= caudal_s) & (levels <= cranial_s)):
        share = np.clip((levels[k] - anastomosis[2]) / (top[2] - anastomosis[2]), 0.0, 1.0)
        middle = anastomosis + share * (top - anastomosis)
        back = _rear(material.rectum[k], depths, across, middle, wrap=levels[k] < change_s)
        front = (
            _pubis(material.bone[k], depths, across, middle)
            if levels[k] < change_s
            else _bladder(material.bladder[k], depths, middle, bladder_wall_mm)
        )
        half = np.sqrt(np.clip(1.0 - (0.35 * (2 * share - 1)) ** 2, 0.5, 1.0)) * HALF_WIDTH_MM
        inside = (depths[:, None] > back[None, :]) & (depths[:, None] < front[None, :])
        # A free half of the bladder below the symphysis belongs to the bed only as far as its wall does.
        if levels[k] < change_s:
            inside &= ~_inner_bladder(material.bladder[k], depths, bladder_wall_mm)
        wall = material.muscle[k] | material.levator[k] | material.bone[k]
        limited, acted = _between_walls(inside, wall, across, float(middle[0]), half)
        result[k] = limited
        width_acted |= acted
    return result & ~material.rectum, width_acted


def _rear(
    rectum: np.ndarray, depths: np.ndarray, across: np.ndarray, middle: np.ndarray, wrap: bool
) -> np.ndarray:
    """Depth of the rear border per column: the rectum's front wall, beside it a little further back."""
    columns = rectum.any(axis=0)
    if not columns.any():
        # Between labels the rectum is there all the same.
        return np.full(len(across), middle[1] - BEHIND_ANASTOMOSIS_MM)
    front = np.where(columns, depths[rectum.shape[0] - 1 - np.argmax(rectum[::-1], axis=0)], np.nan)
    foremost = np.nanmax(front)
    rear = depths[np.argmax(rectum, axis=0)[columns]].min()
    # The sloping flanks of the rectum would let the volume run behind it.
    limit = max(foremost - (WRAP_MM if wrap else 0.0), (foremost + rear) / 2)
    return np.where(columns, np.maximum(front, limit), limit)


def _pubis(bone: np.ndarray, depths: np.ndarray, across: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Depth of the front border per column: the back of the pubic bones, bridged across the symphysis."""
    ahead = bone & (depths > middle[1])[:, None]
    back = np.where(ahead.any(axis=0), depths[np.argmax(ahead, axis=0)], np.inf)
    width = max(1, int(GAP_MM / abs(across[1] - across[0]))) | 1
    bridged = np.minimum(back, ndimage.minimum_filter1d(back, width))
    # Below the bone, and where it ends sideways, the border stays a little before the anastomosis.
    return np.where(np.isfinite(bridged), bridged, middle[1] + BEFORE_ANASTOMOSIS_MM)


def _bladder(bladder: np.ndarray, depths: np.ndarray, middle: np.ndarray, wall_mm: float) -> np.ndarray:
    """Depth of the front border per column: the bladder's back and what of it belongs to the bed."""
    columns = bladder.any(axis=0)
    if not columns.any():
        return np.full(bladder.shape[1], middle[1] + wall_mm)
    back = np.where(columns, depths[np.argmax(bladder, axis=0)], np.inf)
    held = np.flatnonzero(columns)
    back = np.interp(np.arange(len(back)), held, back[held])
    return back + wall_mm


def _inner_bladder(bladder: np.ndarray, depths: np.ndarray, wall_mm: float) -> np.ndarray:
    """The part of the bladder that lies further forward than its rear wall reaches."""
    columns = bladder.any(axis=0)
    back = np.where(columns, depths[np.argmax(bladder, axis=0)], np.inf)
    return bladder & (depths[:, None] > back[None, :] + wall_mm)


def _between_walls(
    inside: np.ndarray, wall: np.ndarray, across: np.ndarray, middle_r: float, half_mm: float
) -> tuple[np.ndarray, bool]:
    """What can be reached sideways from the middle without crossing the wall, within a half width."""
    centre = int(np.argmin(np.abs(across - middle_r)))
    # A sling that crosses the middle in front of the rectum is no side wall.
    free = ~wall | (np.abs(across - middle_r) < SLING_MM)[None, :]
    right = np.logical_and.accumulate(free[:, centre:], axis=1)
    left = np.logical_and.accumulate(free[:, : centre + 1][:, ::-1], axis=1)[:, ::-1]
    reached = np.concatenate([left[:, :-1], right], axis=1) & inside
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) == 0:
        return reached, False
    # An oval between front and back, as every published bed is, and not a box.
    place = (rows - rows[0]) / max(1, len(rows) - 1)
    oval = half_mm * np.sqrt(np.clip(1.0 - 0.75 * np.abs(2 * place - 1) ** 2.5, 0.0, 1.0))
    widths = np.zeros(inside.shape[0])
    widths[rows] = oval
    beside = np.abs(across - middle_r)
    limited = reached & (beside[None, :] <= widths[:, None])
    acted = bool((reached & ~limited).any())
    # Where the wall bounds most of a slice, rows before and behind it keep to the wall's width.
    widest = np.where(reached[rows], beside[None, :], 0.0).max(axis=1)
    walled = widest[widest < half_mm - 1.0]
    if len(walled) >= len(rows) / 3:
        limited &= beside[None, :] <= np.median(walled)
    return limited, acted
