"""What a registration uncertainty could change: all lesions of a group moved together, class by class.

The prostate bed moves with bladder and rectum, nodes and bone hardly do: two groups, each with its own
uncertainty. Rigid registration moved 4 of 26 failures to another class in Mohamed et al. 2016.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..settings import CoverageSettings
from .lesion_coverage import CoverageCache, LesionVolumeCoverage, cover
from .lesion_samples import LesionSamples
from .near_field import NearField
from .patient import Cover, TargetCoverage, target_coverage
from .solid import Filled, UnionOfSolids

ILLUSTRATION_MM = 3.0
_LATTICE_HALF = 12
"""Lattice points from a lesion's middle outwards, where it is larger than that many millimetres."""
DIRECTIONS = tuple(
    tuple(float(x) for x in np.array(d) / np.linalg.norm(d))
    for d in itertools.product((-1, 0, 1), repeat=3)
    if any(d)
)
"""To the 6 faces, 12 edges and 8 corners of a cube: 26 unit vectors."""


@dataclass(frozen=True, eq=False)
class MovedLesion:
    """A lesion to be moved. group: "bed" or "nodes"; standing: how it stands to the targets where it lies."""

    id: str
    contour: Filled
    peak_ras: tuple[float, float, float]
    group: str
    standing: TargetCoverage


@dataclass(frozen=True, eq=False)
class Targets:
    """Volumes by name, clinical and planning ones."""

    clinical: Mapping[str, Filled]
    planning: Mapping[str, Filled]


@dataclass(frozen=True)
class ShiftResult:
    """What moving a group by its uncertainty does.

    uncertainty_mm: by group; is_stated: by group, False where the illustration of 3 mm stood in.
    changes: by lesion id, the other standings it takes in some direction; empty when nothing changes.
    impacts: by group, every impact the patient takes, as its code; "unknown" where it cannot be told.
    directions: how many were tried.
    """

    uncertainty_mm: Mapping[str, float]
    is_stated: Mapping[str, bool]
    changes: Mapping[str, tuple[Cover, ...]] = field(default_factory=dict)
    impacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    directions: int = len(DIRECTIONS)


def shifted_standings(
    lesions: Sequence[MovedLesion],
    targets: Targets,
    uncertainty_mm: Mapping[str, float | None],
    settings: CoverageSettings,
    cache: CoverageCache,
    impact_of: Callable[[Mapping[str, Cover]], str],
) -> ShiftResult:
    """Standings with the groups "bed" and "nodes" moved in 26 directions, one group at a time.

    uncertainty_mm: by group, None where nobody stated it; 3 mm then, as an illustration.
    impact_of: the patient's impact as a code from every lesion's standing.
    """
    here = {lesion.id: lesion.standing.cover for lesion in lesions}
    used = {g: ILLUSTRATION_MM if u is None else float(u) for g, u in uncertainty_mm.items()}
    changes: dict[str, list[Cover]] = {}
    impacts: dict[str, tuple[str, ...]] = {}
    for group, distance in used.items():
        moving = [lesion for lesion in lesions if lesion.group == group]
        movable = [lesion for lesion in moving if _may_change(lesion, targets, distance, settings, cache)]
        met = {impact_of(here): None}
        probes = {e.id: _Probe(e, targets, distance, settings, cache) for e in movable}
        for direction in DIRECTIONS if distance > 0 else ():
            moved = dict(here)
            for lesion in movable:
                moved[lesion.id] = probes[lesion.id].standing_at(np.array(direction) * distance)
                known = changes.setdefault(lesion.id, [])
                if moved[lesion.id] is not here[lesion.id] and moved[lesion.id] not in known:
                    known.append(moved[lesion.id])
            met[impact_of(moved)] = None
        impacts[group] = tuple(met)
    flagged = {id_: tuple(covers) for id_, covers in changes.items() if covers}
    stated = {group: u is not None for group, u in uncertainty_mm.items()}
    return ShiftResult(used, stated, flagged, impacts)


def moved_samples(samples: LesionSamples, by_ras_mm: np.ndarray) -> LesionSamples:
    """The same lesion elsewhere."""
    return replace(
        samples,
        points_ras=samples.points_ras + by_ras_mm,
        surface_ras=samples.surface_ras + by_ras_mm,
        centroid_ras=tuple(float(x) for x in np.array(samples.centroid_ras) + by_ras_mm),
    )


def _stays(coverage: LesionVolumeCoverage, distance_mm: float) -> bool:
    """Whether no shift of that length can bring the lesion's surface across the volume's.

    A distance to a surface changes by no more than the shift.
    """
    surface = coverage.surface_distance_mm
    if surface is None:
        return True
    # Half a voxel of the volume, and the lesion's own half layer, which is not finer than 1 mm.
    slack = distance_mm + (coverage.half_layer_mm or 0.0) + 1.0
    return surface.least > slack or surface.greatest < -slack


def _may_change(
    lesion: MovedLesion,
    targets: Targets,
    distance_mm: float,
    settings: CoverageSettings,
    cache: CoverageCache,
) -> bool:
    volumes = (*targets.clinical.values(), *targets.planning.values())
    return any(
        not _stays(cache.of(lesion.contour, lesion.peak_ras, volume, settings), distance_mm)
        for volume in volumes
    )


class _Probe:
    """One lesion that can be put elsewhere, and the volumes near it."""

    def __init__(
        self,
        lesion: MovedLesion,
        targets: Targets,
        distance_mm: float,
        settings: CoverageSettings,
        cache: CoverageCache,
    ) -> None:
        self._lesion, self._settings = lesion, settings
        self._samples = cache.samples(lesion.contour)
        self._sides = []
        for volumes in (targets.clinical, targets.planning):
            stay: dict[str, LesionVolumeCoverage] = {}
            near: dict[str, NearField] = {}
            for name, volume in volumes.items():
                before = cache.of(lesion.contour, lesion.peak_ras, volume, settings)
                if _stays(before, distance_mm):
                    stay[name] = before
                else:
                    reach = self._samples.reach_mm + distance_mm
                    step = max(1.0, reach / _LATTICE_HALF)
                    near[name] = NearField(cache.solid(volume), self._samples.centroid_ras, reach, step)
            self._sides.append((stay, near))

    def standing_at(self, by_ras_mm: np.ndarray) -> Cover:
        """How the lesion would stand to the targets if it lay elsewhere by a vector."""
        moved = moved_samples(self._samples, by_ras_mm)
        peak = tuple(float(x) for x in np.array(self._lesion.peak_ras) + by_ras_mm)
        if np.linalg.norm(np.array(peak) - moved.centroid_ras) > moved.reach_mm:
            # A hottest voxel outside the contour plays no part in where the lesion stands.
            peak = moved.centroid_ras
        groups = []
        for stay, near in self._sides:
            found = {name: cover(moved, peak, field_, self._settings) for name, field_ in near.items()}
            holding = [near[name] for name, c in found.items() if c.fraction_bounds[1] > 0]
            # Volumes that hold none of the lesion add nothing to those that do.
            together = None
            if len(holding) > 1:
                together = cover(moved, peak, UnionOfSolids(holding), self._settings)
            groups += [{**stay, **found}, together]
        return target_coverage(*groups).cover
