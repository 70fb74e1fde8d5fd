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
from .far import distances_from_afar, percentile
from .lesion_samples import LesionSamples, sample_lesion
from .solid import Filled, Nearest, Solid, UnionOfSolids, Volume

_END_POINTS = 2
_TRIED = 33
"""Steps in which a margin is tried; between them it is interpolated."""


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
    volume: Volume | None,
    settings: CoverageSettings,
) -> LesionVolumeCoverage:
    """Coverage of one lesion by one volume; None for one that is empty."""
    if lesion is None or volume is None:
        return LesionVolumeCoverage()
    centroid = np.array(lesion.centroid_ras)
    seen = volume.seen_from(centroid, lesion.reach_mm)
    is_apart = seen.apart_mm > lesion.reach_mm + lesion.step_mm
    if is_apart:
        weights = lesion.weights[lesion.held]
        distance, surface = distances_from_afar(seen, lesion)
    else:
        weights = lesion.weights
        near, inside = seen.nearest_and_inside(lesion.points_ras, lesion.step_mm)
        distance, surface = near.distance_mm, seen.distances(lesion.surface_ras)
    # A hottest voxel outside the contour may lie beyond the lesion's ball.
    is_within = np.linalg.norm(np.subtract(peak_ras, centroid)) <= lesion.reach_mm
    ends = lesion.tips(_ends(surface))
    told = seen.exact(np.concatenate([ends, [centroid, peak_ras if is_within else centroid]]))
    at_ends, centre, peak = told.distance_mm[:-2], float(told.distance_mm[-2]), told.distance_mm[-1]
    if not is_within:
        peak = volume.seen_from(np.array(peak_ras), 0.0).exact(np.array([peak_ras])).distance_mm[0]
    if is_apart:
        fraction = 1.0 if centre < 0 else 0.0
        bounds = (fraction, fraction)
    else:
        fraction = float(np.average(inside, weights=weights))
        bounds = _bounds(lesion, near, fraction)
    farthest = int(at_ends.argmax())
    margin_100 = max(0.0, float(at_ends[farthest]))
    is_uncovered = margin_100 > 0
    margin_95 = max(0.0, _growth_to(0.95, distance, weights, lesion.step_mm)) if is_uncovered else 0.0
    return LesionVolumeCoverage(
        coverage_class=class_of_fraction(fraction, settings),
        fraction=fraction,
        fraction_bounds=bounds,
        is_covered=bounds[0] >= settings.covered_from_fraction,
        centroid_distance_mm=centre,
        peak_distance_mm=float(peak),
        surface_distance_mm=SurfaceDistances(
            float(at_ends.min()), float(surface.mean()), percentile(surface, 0.95), float(at_ends[farthest])
        ),
        margin_to_95_mm=min(margin_95, margin_100),
        margin_to_100_mm=margin_100,
        direction=direction_letters(ends[farthest] - told.point_ras[farthest]) if is_uncovered else "",
        farthest_ras=tuple(ends[farthest].tolist()) if is_uncovered else None,
        nearest_ras=tuple(told.point_ras[farthest].tolist()) if is_uncovered else None,
        half_layer_mm=float(told.half_layer_mm[-2]),
    )


def _ends(distance: np.ndarray) -> np.ndarray:
    """Indices of the least and greatest."""
    count = min(_END_POINTS, len(distance))
    order = np.argpartition(distance, (count - 1, len(distance) - count))
    return np.concatenate([order[:count], order[-count:]])


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
    order = np.argsort(distance)
    distance, held = distance[order], np.cumsum(weights[order])
    wanted = part * held[-1]
    # Were each point all at one distance, it would be this; cubes change it by half of one at most.
    middle = distance[np.searchsorted(held, wanted)]
    low, high = np.searchsorted(distance, (middle - step_mm, middle + step_mm))
    below = held[low - 1] if low else 0.0
    tried = middle + step_mm * np.linspace(-0.5, 0.5, _TRIED)
    parts = np.clip(0.5 + (tried[:, None] - distance[low:high]) / step_mm, 0.0, 1.0)
    reached = below + np.einsum("n,tn->t", weights[order[low:high]], parts)
    return float(np.interp(wanted, reached, tried))


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

    def table(
        self,
        lesions: Sequence[tuple[Filled, tuple[float, float, float]]],
        volumes: Sequence[Filled],
        settings: CoverageSettings,
    ) -> list[list[LesionVolumeCoverage]]:
        """Coverage of every lesion, given with its hottest place, by every volume: a row per lesion.

        Only what is missing is computed.
        """
        return [[self.of(lesion, peak, volume, settings) for volume in volumes] for lesion, peak in lesions]

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
            self._samples[lesion] = sample_lesion(lesion) if lesion.array.any() else None
        return self._samples[lesion]
