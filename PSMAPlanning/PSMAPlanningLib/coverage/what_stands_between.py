"""Which structures a target would have to grow through to reach the farthest uncovered point of a lesion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..imaging.image import Mask
from ..rtvolumes.nodal_anatomy import plain
from .lesion_coverage import LesionVolumeCoverage
from .solid import Filled

_STEP_MM = 0.5
_LEAST_MM = 1.0
_NO_OBSTACLE = frozenset(
    {"body", "external", "skin", "subcutaneous_fat", "torso_fat", "mesorectal_fat", "lymph_nodes", "prostate"}
)
"""Labels that stop nothing, and the false label of a prostate that was taken out."""


@dataclass(frozen=True)
class Crossed:
    """A structure on the straight way, and how much of the way lies in it, mm."""

    name: str
    length_mm: float


def what_stands_between(
    coverage: LesionVolumeCoverage, structures: Mapping[str, Mask], lesion: Filled | None = None
) -> tuple[Crossed, ...]:
    """Structures on the straight way from the volume's nearest point to the farthest uncovered point.

    In the order in which they are met; those crossed by less than 1 mm are left out. lesion: its contour,
    inside which nothing counts as an obstacle (a node that bulges into a vessel's label). Empty when nothing
    is uncovered.
    """
    if coverage.farthest_ras is None or coverage.nearest_ras is None:
        return ()
    start, end = np.array(coverage.nearest_ras), np.array(coverage.farthest_ras)
    length = float(np.linalg.norm(end - start))
    count = max(1, round(length / _STEP_MM))
    points = start + (np.arange(count) + 0.5)[:, None] / count * (end - start)
    if lesion is not None:
        points = points[~_inside(lesion, points)]
    step, found = length / count, []
    for name, mask in structures.items():
        if plain(name) in _NO_OBSTACLE:
            continue
        held = np.flatnonzero(_inside(mask, points))
        if len(held) * step >= _LEAST_MM:
            found.append((int(held[0]), Crossed(name, len(held) * step)))
    return tuple(crossed for _, crossed in sorted(found, key=lambda pair: pair[0]))


def _inside(filled: Filled, points_ras: np.ndarray) -> np.ndarray:
    if len(points_ras) == 0:
        return np.zeros(0, bool)
    index = np.rint(filled.grid.kji_of(points_ras)).astype(np.intp)
    held = ((index >= 0) & (index < filled.array.shape)).all(axis=1)
    inside = np.zeros(len(points_ras), bool)
    inside[held] = np.asarray(filled.array)[tuple(index[held].T)] >= 0.5
    return inside
