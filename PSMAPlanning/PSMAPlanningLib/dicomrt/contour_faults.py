"""What is odd about a structure's contours: told per structure, and no reason to leave it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..imaging.grid import VoxelGrid
from ..rtvolumes.tg263 import LONGEST_NAME
from .crossings import crossing_lines
from .rtstruct_reader import Roi
from .simplify import Lines

POINT_CONTOURS, DAMAGED_CONTOURS = "contours_left_out", "contours_damaged"
SELF_CROSSING, OFF_SLICES, DUPLICATE_NAME, LONG_NAME = (
    "self_crossing",
    "off_slices",
    "duplicate_name",
    "long_name",
)
_OFF_SLICE_MM = 0.01
"""Planning systems want contours on a slice within this (issue of the structure set's check)."""


def faults_of(roi: Roi, grid: VoxelGrid) -> dict[str, int]:
    """How many contours have each fault; faults that none has are left out."""
    counts = {
        POINT_CONTOURS: roi.dropped_contours,
        DAMAGED_CONTOURS: roi.damaged_contours,
        SELF_CROSSING: count_crossing_themselves(roi.contours),
        OFF_SLICES: sum(_off_slices(contour, grid) for contour in roi.contours),
        LONG_NAME: int(len(roi.name) > LONGEST_NAME),
    }
    return {fault: count for fault, count in counts.items() if count}


def duplicate_names(rois: Sequence[Roi]) -> frozenset[str]:
    return frozenset(name for name, count in Counter(roi.name for roi in rois).items() if count > 1)


def crosses_itself(contour: np.ndarray) -> bool:
    """Whether two edges of a closed planar contour, (N, 3) mm, cross. Edges that touch or coincide do not:
    the two sides of a keyhole are no fault."""
    return count_crossing_themselves([contour]) == 1


def count_crossing_themselves(contours: Sequence[np.ndarray]) -> int:
    """How many of the contours do."""
    if not contours:
        return 0
    points = np.concatenate([_in_plane(contour) for contour in contours])
    starts = np.concatenate([[0], np.cumsum([len(contour) for contour in contours])])
    # As if each lay on a slice of its own, so that it meets only itself.
    crossed = crossing_lines(Lines(points, starts), np.arange(len(contours)))
    return int(np.count_nonzero(crossed))


def _in_plane(contour: np.ndarray) -> np.ndarray:
    centred = contour - contour.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:2].T


def _off_slices(contour: np.ndarray, grid: VoxelGrid) -> bool:
    """Whether a contour that is parallel to the slices lies between two of them."""
    k = grid.kji_of(contour)[:, 0]
    step = grid.spacing_kji_mm[0]
    if np.ptp(k) * step > 2 * _OFF_SLICE_MM:
        return False
    return bool(abs(k.mean() - round(float(k.mean()))) * step > _OFF_SLICE_MM)
