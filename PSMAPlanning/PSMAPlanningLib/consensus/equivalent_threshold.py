"""The SUV threshold that would have given nearly the same contour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..imaging.image import Image, Mask
from ..imaging.resampling import values_at


@dataclass(frozen=True)
class EquivalentThreshold:
    """suv: the threshold whose contour agrees best; dice: how well (1: the consensus is a threshold)."""

    suv: float
    dice: float


def equivalent_threshold(pet: Image, consensus: Mask, territory: np.ndarray) -> EquivalentThreshold | None:
    """The threshold of `pet` that reproduces the consensus best, by Dice, among the voxels of a territory.

    territory: (K, J, I) bool on the consensus's grid, such as the union of all contours; without it a hot
    neighbour would count. The PET is interpolated linearly at the voxels' centres. The SUV returned lies
    half-way between the lowest voxel inside and the highest outside, where there is one outside.
    None for an empty consensus, or where the PET has no values.
    """
    chosen = territory | consensus.array
    points = consensus.grid.ras_of(np.argwhere(chosen))
    values = values_at(pet, points) if len(points) else np.empty(0)
    known = np.isfinite(values)
    wanted = consensus.array[chosen][known]
    values = values[known].astype(float)
    if not wanted.any():
        return None
    order = np.argsort(-values, kind="stable")
    falling, hits = values[order], np.cumsum(wanted[order])
    # Voxels of one value come in together.
    ends = np.flatnonzero(np.append(falling[1:] < falling[:-1], True))
    dice = 2.0 * hits[ends] / (ends + 1 + hits[-1])
    best = int(np.argmax(dice))
    lowest = falling[ends[best]]
    outside = falling[ends[best] + 1] if best + 1 < len(ends) else lowest
    return EquivalentThreshold(float(0.5 * (lowest + outside)), float(dice[best]))
