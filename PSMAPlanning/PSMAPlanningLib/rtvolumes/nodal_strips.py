"""The parts of the nodal volume that no vessel label shows: side wall strip, presacral sheet, common cleft.

Arrays are (K, J, I) with axes S, A, R. What works on one side takes arrays turned so that I runs sideways,
away from the middle; see `Side`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .nodal_space import WorkingSpace

INFERRED_CALIBRE_MM = 4.0
"""Radius given to an internal iliac vessel that no label shows; a usual calibre, not from a guideline."""
_ANCHOR_BLUR_MM = 4.0
BLEND_MM = 25.0
"""Height over which an inferred internal vessel goes from the bifurcation back to the sacrum."""
_BELOW_MM = 30.0
PAST_THE_FACE_MM = 8.0
"""How far a row of the strip may reach sideways past the side wall's face, where that recedes."""
FORAMEN_MM = 20.0
"""Width of the hollows in the sacrum's front that the presacral sheet does not follow."""
NEAR_MIDDLE_MM = 12.0
"""The strip keeps this far from the middle."""
CLEFT_MM = 22.0
"""Widest distance between psoas and vertebra that is still their cleft."""


@dataclass(frozen=True, eq=False)
class Side:
    """One half of a space, turned so that index I grows sideways.

    sideways: coordinate of every I, mm from the middle; levels: S of every K; depths: A of every J.
    """

    name: str
    sideways: np.ndarray
    levels: np.ndarray
    depths: np.ndarray

    @classmethod
    def of(cls, space: WorkingSpace, name: str, middle_r: float) -> Side:
        across = space.axis(2) - middle_r
        sideways = across if name == "right" else -across[::-1]
        return cls(name, sideways, space.axis(0), space.axis(1))

    def turned(self, array: np.ndarray) -> np.ndarray:
        """An array of the space seen from this side, or back again."""
        return array if self.name == "right" else array[:, :, ::-1]


@dataclass(frozen=True, eq=False)
class Course:
    """Where a vessel runs, slice by slice: depth (A) and sideways place of its middle, NaN where it is not.

    medial, lateral: sideways places of its inner and outer edge; back: depth of its rear edge.
    """

    depth: np.ndarray
    sideways: np.ndarray
    medial: np.ndarray
    lateral: np.ndarray
    back: np.ndarray

    @classmethod
    def of_calibre(cls, depth: np.ndarray, sideways: np.ndarray, radius_mm: float) -> Course:
        """A course whose vessel is round."""
        return cls(depth, sideways, sideways - radius_mm, sideways + radius_mm, depth - radius_mm)

    @property
    def held(self) -> np.ndarray:
        return np.isfinite(self.depth)


def course_of(lumen: np.ndarray, side: Side) -> Course:
    """The course of a lumen, an array turned to its side."""
    area = lumen.sum(axis=(1, 2)).astype(float)
    area[area == 0] = np.nan
    depth = lumen.sum(axis=2) @ side.depths / area
    sideways = lumen.sum(axis=1) @ side.sideways / area
    across, along = lumen.any(axis=1), lumen.any(axis=2)
    held = across.any(axis=1)
    medial = np.where(held, side.sideways[np.argmax(across, axis=1)], np.nan)
    lateral = np.where(held, side.sideways[::-1][np.argmax(across[:, ::-1], axis=1)], np.nan)
    back = np.where(held, side.depths[np.argmax(along, axis=1)], np.nan)
    return Course(depth, sideways, medial, lateral, back)


def inferred_internal(
    main: Course, sacrum: np.ndarray, side: Side, split_s: float, low_s: float, clearance_mm: float
) -> Course:
    """Where the internal iliac vessels run when no label shows them: from the bifurcation to the front of
    the sacrum's side, then down along it to a level.
    """
    count = len(side.levels)
    depth, sideways = np.full(count, np.nan), np.full(count, np.nan)
    at_split = int(np.argmin(np.abs(side.levels - split_s)))
    for k in np.flatnonzero((side.levels <= split_s) & (side.levels >= low_s)):
        columns = np.flatnonzero(sacrum[k].any(axis=0) & (side.sideways > 0))
        if len(columns) == 0:
            continue
        edge = side.sideways[columns[-1]]
        near = columns[side.sideways[columns] > edge - 12.0]
        front = side.depths[np.flatnonzero(sacrum[k][:, near].any(axis=1)).max()]
        share = min(1.0, (split_s - side.levels[k]) / BLEND_MM)
        depth[k] = (1 - share) * main.depth[at_split] + share * (front + clearance_mm)
        sideways[k] = (1 - share) * main.sideways[at_split] + share * (edge - 4.0)
    depth, sideways = _blurred(depth, side), _blurred(sideways, side)
    return Course.of_calibre(depth, sideways, INFERRED_CALIBRE_MM)


def drawn_course(course: Course, side: Side, radius_mm: float) -> np.ndarray:
    """Discs of a radius along a course, an array turned to the side."""
    array = np.zeros((len(side.levels), len(side.depths), len(side.sideways)), bool)
    for k in np.flatnonzero(course.held):
        squared = (side.depths[:, None] - course.depth[k]) ** 2 + (side.sideways - course.sideways[k]) ** 2
        array[k] = squared <= radius_mm**2
    return array


@dataclass(frozen=True)
class StripLimits:
    """Front and back of the strip below the vessels, from the femoral head beside it.

    external_end_s, internal_end_s: levels from which on the limits run to the head's front and middle, which
    they reach at bottom_s.
    """

    head_front_a: float
    head_middle_a: float
    external_end_s: float
    internal_end_s: float
    bottom_s: float


def side_wall_strip(
    wall: np.ndarray,
    low_wall: np.ndarray,
    organs: np.ndarray,
    levator: np.ndarray,
    main: Course,
    internal: Course,
    side: Side,
    limits: StripLimits,
    width_mm: float,
    vessel_margin_mm: float,
    split_s: float,
) -> np.ndarray:
    """Between external and internal vessels, from the side wall inwards; arrays turned to the side.

    Beside vessels it joins their margins, reaches a wall that is no further than the margin beyond them, and
    is at least width_mm wide. Below the internal vessels only the wall (low_wall: hip bone and obturator
    internus) says where it lies, and it narrows towards the femoral head's front half. Organs (bladder,
    bowel) that touch it end it: what lies beyond them is not the side wall.
    """
    strip = np.zeros(wall.shape, bool)
    front_a, back_a = _limits(main, internal, side, limits)
    step = float(np.median(np.diff(side.sideways)))
    width = round(width_mm / step)
    columns = np.arange(wall.shape[2])[None, :]
    for k in np.flatnonzero((side.levels < split_s) & (side.levels > limits.bottom_s - _BELOW_MM)):
        rows = np.flatnonzero((side.depths <= front_a[k]) & (side.depths >= back_a[k]))
        if len(rows) == 0:
            continue
        edges = _edges(main, internal, k, side.depths[rows], vessel_margin_mm)
        if edges is None:
            hit = low_wall[k, rows] & (columns >= np.searchsorted(side.sideways, NEAR_MIDDLE_MM))
            met = hit.any(axis=1)
            if not met.any():
                continue
            last = np.argmax(hit, axis=1)
            # In front of the hip bone a row runs past its inner face into the groin; the face is carried on
            # there, so that no gap opens behind the external vessels.
            face = float(np.median(last[met]))
            last = np.where(met & (last <= face + PAST_THE_FACE_MM / step), last, round(face))
            inner = last - width
        else:
            first, outer = (np.searchsorted(side.sideways, edge) for edge in edges)
            hit = wall[k, rows] & (columns >= first[:, None])
            met = np.where(hit.any(axis=1), np.argmax(hit, axis=1), wall.shape[2])
            last = np.where(met <= outer + int(vessel_margin_mm / step), met, outer)
            inner = np.minimum(first, last - width)
        strip[k, rows] = (columns >= inner[:, None]) & (columns < last[:, None])
    beyond = np.maximum.accumulate((strip & organs)[:, :, ::-1], axis=2)[:, :, ::-1]
    # Sideways of the levator lies the ischioanal fossa, outside the pelvis.
    outside = np.maximum.accumulate(levator, axis=2)
    return strip & ~beyond & ~outside & (side.sideways > NEAR_MIDDLE_MM)


def _edges(
    main: Course, internal: Course, k: int, depths: np.ndarray, margin_mm: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Sideways places of the lines that join the vessels' margins inside and outside; None below them."""
    if not (main.held[k] and internal.held[k]):
        return None
    low, high = internal.depth[k], max(main.depth[k], internal.depth[k] + 1.0)
    inner = np.interp(depths, [low, high], [internal.medial[k] - margin_mm, main.medial[k] - margin_mm])
    outer = np.interp(depths, [low, high], [internal.lateral[k] + margin_mm, main.lateral[k] + margin_mm])
    return inner, outer


def _limits(main: Course, internal: Course, side: Side, limits: StripLimits) -> tuple[np.ndarray, np.ndarray]:
    """Depth of the strip's front and back edge per slice."""
    levels = side.levels
    front, back = _blurred(main.depth, side), _blurred(internal.depth, side)
    held = np.flatnonzero(np.isfinite(main.back))
    at_end = int(held[np.argmin(np.abs(levels[held] - limits.external_end_s))])
    # Below their end the external vessels are not part of the volume; the strip stays behind them.
    low = levels < limits.external_end_s
    front[low] = np.interp(
        levels[low], [limits.bottom_s, limits.external_end_s], [limits.head_front_a, main.back[at_end]]
    )
    front = np.where(np.isfinite(front), front, -np.inf)
    held = np.flatnonzero(np.isfinite(back))
    start = back[held[0]] if len(held) else limits.head_middle_a
    low = levels < limits.internal_end_s
    back[low] = np.interp(
        levels[low], [limits.bottom_s, limits.internal_end_s], [limits.head_middle_a, start]
    )
    return front, np.where(np.isfinite(back), back, np.inf)


def presacral_sheet(
    bones: np.ndarray,
    near_bones: np.ndarray,
    thickness_mm: float,
    left_r: np.ndarray,
    right_r: np.ndarray,
    space: WorkingSpace,
) -> np.ndarray:
    """In front of sacrum (and vertebrae) between both sides' vessels.

    Forwards it is as thick as the guideline says, which is drawn on axial slices; where the sacrum lies flat
    that leaves steps, so whatever is near_bones belongs to it too.
    bones, near_bones: (K, J, I), the bones, and what is within some distance of them. left_r, right_r: R of
    the side limits per slice, NaN where there is none. Sacral foramina are bridged, so that the sheet stays
    out of them.
    """
    depth_index = np.arange(bones.shape[1])
    front = np.where(bones.any(axis=1), bones.shape[1] - 1 - np.argmax(bones[:, ::-1, :], axis=1), -1)
    width = max(1, int(FORAMEN_MM / space.spacing_kji[2])) | 1
    front = ndimage.grey_closing(front, size=(1, width))
    ahead = (depth_index[None, :, None] > front[:, None, :]) & (front[:, None, :] >= 0)
    depth = round(thickness_mm / space.spacing_kji[1])
    sheet = near_bones | (depth_index[None, :, None] <= front[:, None, :] + depth)
    across = space.axis(2)[None, :]
    with np.errstate(invalid="ignore"):
        between = (across >= left_r[:, None]) & (across <= right_r[:, None])
    return ahead & sheet & between[:, None, :]


def common_cleft(
    psoas_mm: np.ndarray,
    vertebra_mm: np.ndarray,
    vessel_mm: np.ndarray,
    reach_mm: float,
    behind: np.ndarray,
) -> np.ndarray:
    """The cleft between psoas and vertebra behind the common iliac vessels, as far as a reach from them."""
    return (psoas_mm + vertebra_mm <= CLEFT_MM) & (vessel_mm <= reach_mm) & behind


def _blurred(values: np.ndarray, side: Side) -> np.ndarray:
    """Values per slice, gently smoothed along the body; NaN stays NaN."""
    held = np.isfinite(values)
    if not held.any():
        return values.copy()
    sigma = _ANCHOR_BLUR_MM / abs(float(side.levels[1] - side.levels[0]))
    weight = ndimage.gaussian_filter1d(held.astype(float), sigma)
    total = ndimage.gaussian_filter1d(np.where(held, values, 0.0), sigma)
    return np.where(held, total / np.maximum(weight, 1e-9), np.nan)
