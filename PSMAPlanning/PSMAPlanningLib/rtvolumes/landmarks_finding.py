"""Landmarks found automatically from a segmentation; proposals with a confidence, to be dragged if wrong.

The anastomosis and the top of the seminal vesicle bed are never guessed: no structure on CT stands for them
(in 16 patients the anastomosis lay 0 to 10 mm above the penile bulb, so no fixed distance finds it).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from ..imaging.image import Mask
from .landmarks import Landmark, Landmarks, LandmarkSource, missing
from .landmarks_ends import bottom_of, half_slice, head_of, top_of
from .nodal_anatomy import SIDES, Anatomy

TRANSITIONAL = "transitional_vertebra"
SHARE_OF_SACRUM = "share_of_sacral_height"

_BODY_DEPTH_MM = 34.0
"""A lumbar body is about 34 mm deep; what lies further back is arch and processes."""
_CORE_HALF_WIDTH_MM = 12.0
_S1_HEIGHT_MM = 32.0
S3_SHARE = 0.62
"""Lower end of S3, as a share of the sacrum's height from S1 to S5: three of five segments, the lower ones
shorter. A heuristic, hence the low confidence."""
_COCCYX_WIDTH_MM = 25.0
_SYMPHYSIS_GAP_MM = 12.0
"""The symphysis is 4 to 10 mm wide; pubic bones further apart have no joint between them."""
_SMALLEST_LUMEN_MM2 = 20.0
_LARGEST_HEAD_DIFFERENCE_MM = 15.0
_ROOM_FOR_L5_MM = 25.0


def find_landmarks(anatomy: Anatomy) -> Landmarks:
    """What the labels allow; the rest is missing, with the reason's code."""
    found = [
        _between(anatomy, "L2_L3", "L2", "L3"),
        _bifurcation(anatomy),
        _between(anatomy, "L4_L5", "L4", "L5"),
        *_sacral(anatomy),
        _femoral_heads(anatomy),
        _symphysis(anatomy),
        _bulb(anatomy),
    ]
    findings = (TRANSITIONAL,) if _is_transitional(anatomy) else ()
    return Landmarks({mark.name: mark for mark in found}, findings)


def transitional_candidates(anatomy: Anatomy) -> tuple[Landmark, ...]:
    """The levels that could be called L5/S1 in a spine with six lumbar vertebrae, upper one first."""
    upper = _between(anatomy, "L5_S1", "L5", "L6")
    lower = _disc(anatomy, "L5_S1", vertebral_body(anatomy, "L6"), sacral_body(anatomy), "L6_S1")
    return tuple(mark for mark in (upper, lower) if not mark.is_missing)


def _bifurcation(anatomy: Anatomy) -> Landmark:
    name = "aortic_bifurcation"
    arteries = [anatomy.get(f"artery_{side}") or anatomy.get(f"artery_common_{side}") for side in SIDES]
    tops = [top_of(mask) for mask in arteries if mask is not None]
    aorta = anatomy.get("aorta")
    if aorta is None and not tops:
        return missing(name, "no_vessels")
    if aorta is None:
        upper = max(tops, key=lambda point: point[2])
        return _found(name, upper, 0.5, "upper_end_of_iliac_arteries")
    fork = _fork_of(anatomy, aorta)
    if fork is not None:
        return _found(name, fork, 0.9, "last_slice_with_one_aorta")
    lower = bottom_of(aorta)
    if not tops:
        return _found(name, lower, 0.4, "lower_end_of_aorta")
    iliac = float(np.mean([top[2] for top in tops]))
    agree = abs(iliac - lower[2]) <= 15.0
    point = (lower[0], lower[1], (lower[2] + iliac) / 2)
    return _found(name, point, 0.9 if agree else 0.4, "between_aorta_and_iliac_arteries")


def _fork_of(anatomy: Anatomy, aorta: Mask) -> tuple[float, float, float] | None:
    """Lower end of the lowest slice whose aorta is one, where the label below is two; None when it is one."""
    spacing_k, spacing_j, spacing_i = aorta.grid.spacing_kji_mm
    smallest = _SMALLEST_LUMEN_MM2 / (spacing_j * spacing_i)
    up = aorta.grid.direction_ras[2][2] > 0
    order = range(aorta.array.shape[0]) if up else range(aorta.array.shape[0] - 1, -1, -1)
    reach = int(60.0 / spacing_k)
    forked = False
    for k in [k for k in order if aorta.array[k].any()][:reach]:
        labels, count = ndimage.label(aorta.array[k])
        lumens = np.count_nonzero(np.bincount(labels.ravel(), minlength=count + 1)[1:] >= smallest)
        if lumens >= 2:
            forked = True
        elif forked:
            right, anterior, superior = aorta.grid.ras_of(
                np.array([k, *np.argwhere(aorta.array[k]).mean(axis=0)])
            )
            # One aorta up to the lower face of this slice.
            return right, anterior, superior - half_slice(anatomy, "aorta")
    return None


def _between(anatomy: Anatomy, name: str, upper: str, lower: str) -> Landmark:
    bodies = vertebral_body(anatomy, upper), vertebral_body(anatomy, lower)
    return _disc(anatomy, name, *bodies, f"{upper}_{lower}")


def _disc(
    anatomy: Anatomy, name: str, upper: np.ndarray | None, lower: np.ndarray | None, reason: str
) -> Landmark:
    """The level half-way between two vertebral bodies, along the line that joins their middles."""
    if upper is None or lower is None:
        return missing(name, f"not_labelled_{reason}")
    axis = upper.mean(axis=0) - lower.mean(axis=0)
    axis /= np.linalg.norm(axis)
    # Outer hundredths of the labels are spurs and stray voxels.
    end, start = np.percentile(lower @ axis, 98), np.percentile(upper @ axis, 2)
    middle = lower.mean(axis=0)
    point = middle + ((end + start) / 2 - middle @ axis) * axis
    return _found(name, tuple(point), 0.8, f"disc_{reason}")


def vertebral_body(anatomy: Anatomy, role: str) -> np.ndarray | None:
    """RAS points of a vertebral body's core: in front of the arch, near the middle; None when missing."""
    points = anatomy.points(role)
    return None if points is None else _core(points)


def _core(points: np.ndarray) -> np.ndarray:
    front = np.percentile(points[:, 1], 99)
    body = points[points[:, 1] > front - _BODY_DEPTH_MM]
    return body[np.abs(body[:, 0] - np.median(body[:, 0])) < _CORE_HALF_WIDTH_MM]


def sacral_body(anatomy: Anatomy) -> np.ndarray | None:
    """RAS points of the core of S1's body, labelled or taken from the top of the sacrum; None without one."""
    points = anatomy.points("S1")
    if points is not None:
        return _core(points)
    sacrum = anatomy.points("sacrum")
    if sacrum is None:
        return None
    middle = np.median(sacrum[:, 0])
    near = sacrum[np.abs(sacrum[:, 0] - middle) < _CORE_HALF_WIDTH_MM]
    # The highest part in the middle can be an articular process; the body is what reaches furthest forward.
    front = np.percentile(near[:, 1], 99)
    promontory = near[near[:, 1] > front - 0.7 * _BODY_DEPTH_MM]
    top = promontory[:, 2].max()
    return promontory[promontory[:, 2] > top - _S1_HEIGHT_MM]


def _sacral(anatomy: Anatomy) -> tuple[Landmark, Landmark, Landmark]:
    """L5/S1, top of S1, bottom of S3."""
    body = sacral_body(anatomy)
    if _is_transitional(anatomy):
        reason = "asked_transitional_vertebra"
        return missing("L5_S1", reason), _s1_top(anatomy, body), _s3_bottom(anatomy, body)
    disc = _disc(anatomy, "L5_S1", vertebral_body(anatomy, "L5"), body, "L5_S1")
    return disc, _s1_top(anatomy, body), _s3_bottom(anatomy, body)


def _s1_top(anatomy: Anatomy, body: np.ndarray | None) -> Landmark:
    if body is None:
        return missing("S1_top", "no_sacrum")
    above = vertebral_body(anatomy, "L6")
    above = vertebral_body(anatomy, "L5") if above is None else above
    axis = np.array((0.0, 0.0, 1.0)) if above is None else above.mean(axis=0) - body.mean(axis=0)
    axis = axis / np.linalg.norm(axis)
    middle = body.mean(axis=0)
    point = middle + (np.percentile(body @ axis, 98) - middle @ axis) * axis
    labelled = anatomy.get("S1") is not None
    return _found("S1_top", tuple(point), 0.8 if labelled else 0.6, "top_of_S1_body")


def _s3_bottom(anatomy: Anatomy, body: np.ndarray | None) -> Landmark:
    sacrum = anatomy.points("sacrum")
    if body is None or sacrum is None:
        return missing("S3_bottom", "no_sacrum")
    top = float(np.percentile(body[:, 2], 98))
    levels, index = np.unique(np.round(sacrum[:, 2]), return_inverse=True)
    low, high = np.full(len(levels), np.inf), np.full(len(levels), -np.inf)
    np.minimum.at(low, index, sacrum[:, 0])
    np.maximum.at(high, index, sacrum[:, 0])
    wide = levels[high - low >= _COCCYX_WIDTH_MM]
    if len(wide) == 0:
        return missing("S3_bottom", "sacrum_too_narrow")
    level = top - S3_SHARE * (top - float(wide.min()))
    near = sacrum[np.abs(sacrum[:, 2] - level) < 6.0]
    point = (*near[:, :2].mean(axis=0), level) if len(near) else (0.0, 0.0, level)
    return _found("S3_bottom", point, 0.4, SHARE_OF_SACRUM)


def _femoral_heads(anatomy: Anatomy) -> Landmark:
    """A plane through the tops of both heads, so that a tilted pelvis is followed."""
    name = "femoral_head_top"
    tops = [head_of(anatomy, side) for side in SIDES]
    heads = [head for head in tops if head is not None]
    if not heads:
        return missing(name, "no_femur")
    if len(heads) == 1:
        return _found(name, heads[0].top_ras, 0.5, "one_femoral_head")
    left, right = (np.array(head.top_ras) for head in heads)
    across = right - left
    if abs(across[2]) > _LARGEST_HEAD_DIFFERENCE_MM or across[0] < 50.0:
        return _found(name, tuple((left + right) / 2), 0.3, "femoral_heads_differ")
    normal = (-across[2], 0.0, across[0])
    return _found(name, tuple((left + right) / 2), 0.9, "both_femoral_heads", normal)


def _symphysis(anatomy: Anatomy) -> Landmark:
    name = "symphysis_top"
    hips = [anatomy.points(f"hip_{side}") for side in SIDES]
    if any(points is None for points in hips):
        return missing(name, "no_hips")
    left, right = hips
    front = float(np.median(np.concatenate([left[:, 1], right[:, 1]])))
    left, right = (points[points[:, 1] > front] for points in (left, right))
    edge_left, edge_right = _edge(left, np.maximum), _edge(right, np.minimum)
    levels = sorted(set(edge_left) & set(edge_right))
    joined = [z for z in levels if edge_right[z] - edge_left[z] <= _SYMPHYSIS_GAP_MM]
    if not joined:
        return missing(name, "pubic_bones_apart_or_outside_the_image")
    top = max(joined)
    middle = (edge_left[top] + edge_right[top]) / 2
    near = left[(np.abs(left[:, 2] - top) < 6.0) & (np.abs(left[:, 0] - middle) < 20.0)]
    depth = float(near[:, 1].mean()) if len(near) else front
    low = top - min(levels) < 9.0
    top += half_slice(anatomy, "hip_left")
    return _found(name, (middle, depth, top), 0.4 if low else 0.8, "closest_approach_of_hip_bones")


def _edge(points: np.ndarray, furthest: Callable[..., np.ndarray]) -> dict[float, float]:
    """Most medial R coordinate of a hip bone by level."""
    levels, index = np.unique(np.round(points[:, 2]), return_inverse=True)
    edge = np.full(len(levels), -np.inf if furthest is np.maximum else np.inf)
    furthest.at(edge, index, points[:, 0])
    return dict(zip(levels.tolist(), edge.tolist(), strict=True))


def _bulb(anatomy: Anatomy) -> Landmark:
    mask = anatomy.get("penile_bulb")
    if mask is None:
        return missing("penile_bulb_top", "no_penile_bulb")
    return _found("penile_bulb_top", top_of(mask), 0.7, "top_of_label")


def _is_transitional(anatomy: Anatomy) -> bool:
    """Six lumbar vertebrae, or no L5 and no room for one between L4 and the sacrum."""
    if anatomy.get("L6") is not None:
        return True
    upper, lower = vertebral_body(anatomy, "L4"), sacral_body(anatomy)
    if anatomy.get("L5") is not None or upper is None or lower is None:
        return False
    return upper[:, 2].min() - lower[:, 2].max() < _ROOM_FOR_L5_MM


def _found(
    name: str,
    point: tuple[float, ...],
    confidence: float,
    reason: str,
    normal: tuple[float, float, float] = (0.0, 0.0, 1.0),
) -> Landmark:
    return Landmark(
        name, LandmarkSource.AUTOMATIC, tuple(float(x) for x in point), normal, confidence, reason
    )
