"""How much of a lesion lies inside a volume, how far it is from it, and what margin would reach it.

Classes as published for the recurrence atlas that validated the NRG nodal volume: inside above 90 % of
the lesion's volume, outside below 10 %, partial between; the limits are settings. Everything follows from
one thing: the signed distance from points of the lesion to the surface of the volume. The smallest uniform
growth of the volume that takes in 95 % of a lesion is the 95th percentile of that distance over the lesion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from weakref import WeakKeyDictionary

import numpy as np

from ..settings import CoverageSettings
from .direction import direction_letters
from .far import distances_from_afar
from .lesion_samples import LesionSamples, sample_lesion
from .solid import Filled, Nearest, Solid, UnionOfSolids

_TABLE_POINTS = 2_500
"""Points of a lesion in the table: its fraction is then told to a thousandth or two."""


class CoverageClass(str, Enum):
    INSIDE = "inside"
    PARTIAL = "partial"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class SurfaceDistances:
    """From the lesion's surface to the volume's, mm, negative inside the volume."""

    least: float
    mean: float
    percentile_95: float
    greatest: float


@dataclass(frozen=True)
class LesionVolumeCoverage:
    """One lesion against one volume. Distances in mm to the volume's surface, negative inside.

    fraction_bounds: what the fraction can be when every surface drawn by voxels is off by half of one.
    is_covered: whether the lower bound is at least the setting (0.99).
    margin_to_95_mm, margin_to_100_mm: smallest uniform growth of the volume that takes in 95 % or all of
        the lesion; 0 when it does already.
    direction: patient axes (L R A P S I, one or two) from the volume to the lesion's farthest uncovered
        point; empty when nothing is uncovered. farthest_ras and nearest_ras: that point, and the volume's
        point next to it; None when nothing is uncovered.
    half_layer_mm: half a voxel of the volume where it is nearest to the lesion, 0 for a volume known better.

    All None, and not covered, when the lesion or the volume is empty.
    """

    coverage_class: CoverageClass | None = None
    fraction: float | None = None
    fraction_bounds: tuple[float, float] | None = None
    is_covered: bool = False
    centroid_distance_mm: float | None = None
    peak_distance_mm: float | None = None
    surface_distance_mm: SurfaceDistances | None = None
    margin_to_95_mm: float | None = None
    margin_to_100_mm: float | None = None
    direction: str = ""
    farthest_ras: tuple[float, float, float] | None = None
    nearest_ras: tuple[float, float, float] | None = None
    half_layer_mm: float | None = None


def cover(
    lesion: LesionSamples | None,
    peak_ras: tuple[float, float, float],
    volume: Solid | UnionOfSolids | None,
    settings: CoverageSettings,
) -> LesionVolumeCoverage:
    """Coverage of one lesion by one volume; None for one that is empty."""
    if lesion is None or volume is None:
        return LesionVolumeCoverage()
    ends = volume.nearest(np.array([lesion.centroid_ras, peak_ras]))
    centre, half_layer = ends.distance_mm[0], float(ends.half_layer_mm[0])
    if abs(centre) > lesion.reach_mm + half_layer + lesion.step_mm:
        fraction = 1.0 if centre < 0 else 0.0
        bounds = (fraction, fraction)
        points, weights, surface_points = lesion.from_afar(ends.point_ras[0])
        distance, surface = distances_from_afar(volume, lesion, points, surface_points)
    else:
        weights, surface_points = lesion.weights, lesion.surface_ras
        near = volume.nearest(lesion.points_ras)
        distance = near.distance_mm
        inside = volume.inside_at(lesion.points_ras, near, lesion.step_mm)
        fraction = float(np.average(inside, weights=weights))
        bounds = _bounds(lesion, near, fraction)
        surface = volume.nearest(surface_points).distance_mm
    farthest = int(np.argmax(surface))
    margin_95 = max(0.0, _growth_to(0.95, distance, weights, lesion.step_mm))
    margin_100 = max(0.0, float(surface[farthest]))
    uncovered, nearest = None, None
    if margin_100 > 0:
        uncovered = surface_points[farthest]
        nearest = volume.nearest(uncovered[None]).point_ras[0]
    return LesionVolumeCoverage(
        coverage_class=class_of_fraction(fraction, settings),
        fraction=fraction,
        fraction_bounds=bounds,
        is_covered=bounds[0] >= settings.covered_from_fraction,
        centroid_distance_mm=float(centre),
        peak_distance_mm=float(ends.distance_mm[1]),
        surface_distance_mm=SurfaceDistances(
            float(surface.min()),
            float(surface.mean()),
            float(np.quantile(surface, 0.95)),
            float(surface[farthest]),
        ),
        margin_to_95_mm=min(margin_95, margin_100),
        margin_to_100_mm=margin_100,
        direction="" if uncovered is None else direction_letters(uncovered - nearest),
        farthest_ras=None if uncovered is None else tuple(float(x) for x in uncovered),
        nearest_ras=None if nearest is None else tuple(float(x) for x in nearest),
        half_layer_mm=half_layer,
    )


def class_of_fraction(fraction: float, settings: CoverageSettings) -> CoverageClass:
    """The published class of a fraction inside; a fraction at a limit is partial."""
    if fraction > settings.inside_above_fraction:
        return CoverageClass.INSIDE
    if fraction < settings.outside_below_fraction:
        return CoverageClass.OUTSIDE
    return CoverageClass.PARTIAL


def _bounds(lesion: LesionSamples, near: Nearest, fraction: float) -> tuple[float, float]:
    """Least and greatest fraction with both surfaces half a voxel farther in or out."""
    grown = np.where(lesion.may_be_inside, 1.0, lesion.weights)
    shrunk = np.where(lesion.may_be_outside, 0.0, lesion.weights)
    found = [fraction]
    for weights in (lesion.weights, grown, shrunk):
        if weights.sum() > 0:
            for shift_mm in (-near.half_layer_mm, near.half_layer_mm):
                inside = np.clip(0.5 - (near.distance_mm + shift_mm) / lesion.step_mm, 0.0, 1.0)
                found.append(float(np.average(inside, weights=weights)))
    return min(found), max(found)


def _growth_to(part: float, distance: np.ndarray, weights: np.ndarray, step_mm: float) -> float:
    """The distance within which `part` of the weight lies, each point being a cube of `step_mm`."""
    low, high = float(distance.min()) - step_mm, float(distance.max()) + step_mm
    wanted = part * weights.sum()
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        # A sum, not a product of vectors: BLAS would start threads for it.
        if (weights * np.clip(0.5 + (middle - distance) / step_mm, 0.0, 1.0)).sum() < wanted:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


class CoverageCache:
    """Coverage by lesion contour and volumes; neither ever changes, so neither do the results."""

    def __init__(self) -> None:
        self._solids: WeakKeyDictionary[Filled, Solid | None] = WeakKeyDictionary()
        self._samples: WeakKeyDictionary[Filled, LesionSamples | None] = WeakKeyDictionary()
        self._results: WeakKeyDictionary[Filled, WeakKeyDictionary] = WeakKeyDictionary()
        self._unions: WeakKeyDictionary[Filled, dict] = WeakKeyDictionary()

    def of(
        self,
        lesion: Filled,
        peak_ras: tuple[float, float, float],
        volume: Filled,
        settings: CoverageSettings,
    ) -> LesionVolumeCoverage:
        """Coverage of a lesion by one volume."""
        by_volume = self._results.setdefault(lesion, WeakKeyDictionary())
        by_settings = by_volume.setdefault(volume, {})
        key = (peak_ras, settings)
        if key not in by_settings:
            by_settings[key] = cover(self.samples(lesion), peak_ras, self.solid(volume), settings)
        return by_settings[key]

    def of_union(
        self,
        lesion: Filled,
        peak_ras: tuple[float, float, float],
        volumes: Sequence[Filled],
        settings: CoverageSettings,
    ) -> LesionVolumeCoverage:
        """Coverage of a lesion by several volumes taken together."""
        if len(volumes) == 1:
            return self.of(lesion, peak_ras, volumes[0], settings)
        by_volumes = self._unions.setdefault(lesion, {})
        # Volumes are kept alive by the entry, so that their ids stay theirs.
        key = (tuple(id(volume) for volume in volumes), peak_ras, settings)
        if key not in by_volumes:
            solids = [solid for volume in volumes if (solid := self.solid(volume)) is not None]
            union = UnionOfSolids(solids) if solids else None
            by_volumes[key] = (tuple(volumes), cover(self.samples(lesion), peak_ras, union, settings))
        return by_volumes[key][1]

    def solid(self, volume: Filled) -> Solid | None:
        """The surface of a volume, made once; None when it is empty."""
        if volume not in self._solids:
            self._solids[volume] = Solid(volume) if volume.array.any() else None
        return self._solids[volume]

    def samples(self, lesion: Filled) -> LesionSamples | None:
        """The points of a lesion, made once; None when it is empty."""
        if lesion not in self._samples:
            self._samples[lesion] = sample_lesion(lesion, _TABLE_POINTS) if lesion.array.any() else None
        return self._samples[lesion]
