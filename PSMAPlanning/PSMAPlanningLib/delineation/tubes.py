"""Whether a region is a tube: length along its course, width, how straight, how even.

A ureter with standing urine is long, thin and smooth; a node beside it is a knob.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..imaging.image import Image
from .avid_regions import AvidRegion

_BINS_MM = 4.0


@dataclass(frozen=True)
class Tube:
    """Shape of a region taken as a tube.

    length_mm: along its course; width_mm: of the round tube of this volume and length;
    bend_mm: largest distance of its course from a smooth (parabolic) one;
    knob: its largest uptake over the median along its course;
    tilt_degrees: between its course and the body's long axis;
    ends_ras: its lower and upper end.
    """

    length_mm: float
    width_mm: float
    bend_mm: float
    knob: float
    tilt_degrees: float
    ends_ras: tuple[tuple[float, float, float], tuple[float, float, float]]

    @property
    def slenderness(self) -> float:
        return self.length_mm / self.width_mm


def tube_of(region: AvidRegion, pet: Image) -> Tube:
    """The region's shape as a tube, its course read along its longest axis in steps of 4 mm."""
    points = region.mask.points_ras()
    suv = pet.array[region.box][region.mask.array].astype(float)
    middle = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    axis = axes[0] if axes[0][2] >= 0 else -axes[0]
    along = (points - middle) @ axis
    step = max(_BINS_MM, max(region.mask.grid.spacing_mm))
    bins = np.floor((along - along.min()) / step + 1e-6).astype(int)
    held = np.bincount(bins)
    weight = np.bincount(bins, weights=suv)
    course = np.column_stack([np.bincount(bins, weights=suv * points[:, n]) for n in range(3)])[held > 0]
    course /= weight[held > 0, None]
    hottest = np.array([suv[bins == b].max() for b in np.flatnonzero(held)])
    # From the outer faces of the end voxels, not their centres.
    length_mm = float(np.linalg.norm(np.diff(course, axis=0), axis=1).sum()) + step
    volume_mm3 = 1000.0 * region.volume_ml
    return Tube(
        length_mm=length_mm,
        width_mm=math.sqrt(4.0 * volume_mm3 / (math.pi * length_mm)),
        bend_mm=_bend_mm(course, axis),
        knob=float(hottest.max() / np.median(hottest)),
        tilt_degrees=math.degrees(math.acos(min(1.0, abs(float(axis[2]))))),
        ends_ras=(tuple(float(x) for x in course[0]), tuple(float(x) for x in course[-1])),
    )


def _bend_mm(course: np.ndarray, axis: np.ndarray) -> float:
    """Largest distance of the course's points from parabolas fitted along the axis."""
    if len(course) < 4:
        return 0.0
    at = course @ axis
    fitted = np.column_stack([np.polyval(np.polyfit(at, course[:, n], 2), at) for n in range(3)])
    return float(np.linalg.norm(course - fitted, axis=1).max())
