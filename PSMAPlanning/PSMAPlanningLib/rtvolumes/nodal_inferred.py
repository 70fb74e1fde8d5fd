"""What the labels do not show, inferred and said so: rectum, side wall muscle, intervertebral discs."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from ..imaging.image import Image
from .landmarks_finding import sacral_body, vertebral_body
from .nodal_anatomy import SIDES, Anatomy
from .nodal_near import grown_by, opened, pieces
from .nodal_space import WorkingSpace
from .steps import Finding

THICKEST_DISC_MM = 16.0
"""A lumbar disc is 8 to 14 mm high; the labels of vertebrae end a little before the end plates."""
_BODY_HALF_WIDTH_MM = 28.0
"""Vertebral bodies of L5 and S1 are 45 to 56 mm wide."""
_WALL_HU = (-10.0, 120.0)
"""Muscle is 30 to 70 HU, fat about -100; half-way to fat, and below bone and contrast."""
_WALL_REACH_MM = 20.0
"""Obturator internus is up to about 2 cm thick on the inner face of the hip bone."""
_WALL_OPENING_MM = 2.0
"""The obturator vessels and nerve that lie on the muscle are 2 to 4 mm wide; muscle is thicker."""


def inferred_rectum(
    anatomy: Anatomy, space: WorkingSpace, below_s: float | None, findings: list[Finding]
) -> np.ndarray | None:
    """The rectum, or the piece of colon that lies lowest below a level; said which. None without either."""
    if anatomy.get("rectum") is not None:
        return space.exact(anatomy.all_of(("rectum",)))
    colon = anatomy.get("colon")
    if colon is not None and below_s is not None:
        caudal = space.exact([colon]) & (space.axis(0) < below_s)[:, None, None]
        labels, count = pieces(caudal)
        if count:
            # The rectum is what reaches lowest; a hanging loop of sigmoid ends higher.
            lowest = labels[np.flatnonzero(caudal.any(axis=(1, 2)))[0]]
            findings.append(Finding("rectum", "inferred", "rectum_from_colon"))
            return labels == int(np.bincount(lowest[lowest > 0]).argmax())
    findings.append(Finding("rectum", "cannot_be_told", "rectum_cannot_be_told"))
    return None


def inferred_wall(
    anatomy: Anatomy,
    space: WorkingSpace,
    ct: Image | None,
    hips: np.ndarray,
    others: np.ndarray,
    below_s: float | None,
    findings: list[Finding],
) -> np.ndarray:
    """Obturator internus by its CT numbers on the inner face of the hip bone, where no label shows it.

    others: vessels, bladder and bowel, which have the same CT numbers; below_s: level of the sciatic notch.
    """
    if all(anatomy.get(f"obturator_internus_{side}") is not None for side in SIDES):
        return space.empty()
    if ct is None or below_s is None or not hips.any():
        findings.append(Finding("obturator_internus", "cannot_be_told", "wall_muscle_cannot_be_told"))
        return space.empty()
    low_hu, high_hu = _WALL_HU
    numbers = {
        "low_hu": low_hu,
        "high_hu": high_hu,
        "reach_mm": _WALL_REACH_MM,
        "opening_mm": _WALL_OPENING_MM,
    }
    findings.append(Finding("obturator_internus", "inferred", "wall_muscle_from_ct", numbers))
    result = space.empty()
    part = slice(0, int(np.searchsorted(space.axis(0), below_s)))
    if part.stop == 0 or not hips[part].any():
        return result
    spacing = space.spacing_kji
    values = space.image(ct)[part]
    other = others[part] | space.exact(anatomy.all_of(("prostate", "seminal_vesicle")))[part]
    # The walls of these organs are half in their labels; a voxel more keeps them from being called muscle.
    other = grown_by(other, 1.5, spacing)
    near = grown_by(hips[part], _WALL_REACH_MM, spacing)
    with np.errstate(invalid="ignore"):
        soft = (values > low_hu) & (values < high_hu) & near & ~other & ~hips[part]
    soft = opened(soft, _WALL_OPENING_MM, spacing)
    labels, count = pieces(soft | hips[part])
    attached = np.zeros(count + 1, bool)
    attached[np.unique(labels[hips[part]])] = True
    attached[0] = False
    result[part] = attached[labels] & soft
    return result


def discs(anatomy: Anatomy, bones: np.ndarray, space: WorkingSpace) -> np.ndarray:
    """The gaps between vertebrae, which no label names and no volume may enter.

    bones: the spine with the sacrum.
    """
    reach = int(THICKEST_DISC_MM / space.spacing_kji[0])
    index = np.arange(bones.shape[0])[:, None, None]
    # How many slices ago, and in how many slices, there is bone in the same column.
    below = index - np.maximum.accumulate(np.where(bones, index, -10_000), axis=0)
    above = np.minimum.accumulate(np.where(bones, index, 10_000_000)[::-1], axis=0)[::-1] - index
    gaps = (below + above <= reach) & ~bones
    _add_disc_on_sacrum(gaps, anatomy, bones, space)
    return gaps


def _add_disc_on_sacrum(gaps: np.ndarray, anatomy: Anatomy, bones: np.ndarray, space: WorkingSpace) -> None:
    """The disc between L5 and S1: in front of S1's slope there is no bone straight below it.

    It is what a ball as thick as a disc cannot reach between both bodies.
    """
    bodies = [
        points for points in (vertebral_body(anatomy, "L5"), sacral_body(anatomy)) if points is not None
    ]
    if len(bodies) < 2:
        return
    upper, lower = bodies
    middle_r = float(np.median(upper[:, 0]))
    low = (middle_r - _BODY_HALF_WIDTH_MM, min(b[:, 1].min() for b in bodies), lower[:, 2].mean())
    high = (middle_r + _BODY_HALF_WIDTH_MM, max(b[:, 1].max() for b in bodies), upper[:, 2].mean())
    box = tuple(
        slice(*np.searchsorted(space.axis(axis), (low[2 - axis], high[2 - axis]))) for axis in range(3)
    )
    radius = THICKEST_DISC_MM / 2
    part = bones[box]
    if not part.any():
        return
    pad = [math.ceil(radius / step) + 1 for step in space.spacing_kji]
    near = np.pad(part, [(p, p) for p in pad])
    near = ndimage.distance_transform_edt(~near, sampling=space.spacing_kji) <= radius
    closed = ndimage.distance_transform_edt(near, sampling=space.spacing_kji) > radius
    closed = closed[tuple(slice(p, -p) for p in pad)]
    gaps[box] |= closed & ~part
