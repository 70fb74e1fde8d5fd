"""What the labels do not show, inferred and said so: rectum, side wall muscle, intervertebral discs."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Image
from .nodal_anatomy import SIDES, Anatomy
from .nodal_near import grown_by, opened, pieces
from .nodal_space import WorkingSpace
from .steps import Finding

THICKEST_DISC_MM = 16.0
"""A lumbar disc is 8 to 14 mm high; the labels of vertebrae end a little before the end plates."""
_WALL_HU = (-10.0, 120.0)
"""Muscle is 30 to 70 HU, fat about -100; half-way to fat, and below bone and contrast."""
_WALL_REACH_MM = 20.0
"""Obturator internus is up to about 2 cm thick on the inner face of the hip bone."""
_WALL_OPENING_MM = 2.5


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


def discs(bones: np.ndarray, space: WorkingSpace) -> np.ndarray:
    """The gaps between vertebrae, which no label names and no volume may enter."""
    reach = int(THICKEST_DISC_MM / space.spacing_kji[0])
    index = np.arange(bones.shape[0])[:, None, None]
    # How many slices ago, and in how many slices, there is bone in the same column.
    below = index - np.maximum.accumulate(np.where(bones, index, -10_000), axis=0)
    above = np.minimum.accumulate(np.where(bones, index, 10_000_000)[::-1], axis=0)[::-1] - index
    return (below + above <= reach) & ~bones
