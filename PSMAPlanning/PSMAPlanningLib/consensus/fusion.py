"""Several contours of one lesion fused into one, on one grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import ConsensusError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .domain import Domain
from .patterns import DecisionPatterns, check_input_count, decision_patterns
from .signed_distance import signed_distance_mm
from .simple import simple
from .staple import staple

_ROUNDING = 1e-9
_VOXELS_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class FusionOptions:
    """What a method may be told.

    at_least: how many inputs must agree, for the method of that name.
    weights: one positive number per contour handed in (empty ones included); None weighs all alike.
    domain: the voxels STAPLE estimates performance on.
    """

    at_least: int = 2
    weights: tuple[float, ...] | None = None
    domain: Domain = field(default_factory=Domain)

    def __post_init__(self) -> None:
        if self.at_least < 1:
            raise ConsensusError(f"At least {self.at_least} contours cannot be asked for; give 1 or more.")
        if self.weights is not None and not all(math.isfinite(w) and w > 0 for w in self.weights):
            raise ConsensusError("A weight is not a positive number; leave the contour out instead.")


@dataclass(frozen=True, eq=False)
class Fusion:
    """The fused contour, which inputs took part, and how many empty ones were left out.

    probability: (K, J, I) float32, None for methods that have none.
    sensitivity, specificity: one per used input (STAPLE); domain_voxels: how many they rest on.
    dropped: inputs that SIMPLE dropped, in the caller's numbering. iterations: of STAPLE and SIMPLE.
    """

    method: str
    mask: Mask
    used: tuple[int, ...]
    left_out_empty: int
    probability: np.ndarray | None = None
    sensitivity: tuple[float, ...] | None = None
    specificity: tuple[float, ...] | None = None
    domain: Domain | None = None
    domain_voxels: int | None = None
    dropped: tuple[int, ...] = ()
    iterations: int | None = None
    converged: bool | None = None


@dataclass(frozen=True, eq=False)
class _Job:
    """Contours that are not empty, and what a method needs besides."""

    arrays: list[np.ndarray]
    grid: VoxelGrid
    weights: np.ndarray
    weighted: bool
    options: FusionOptions

    def patterns(self, domain: Domain) -> DecisionPatterns:
        return decision_patterns(self.arrays, domain, self.grid)


@dataclass(frozen=True, eq=False)
class _Fused:
    array: np.ndarray
    extra: dict


def votes(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """How many of the contours, each (K, J, I) bool, hold each voxel; (K, J, I) uint8."""
    total = np.empty(arrays[0].shape, dtype=np.uint8)
    for slab in _slabs(total.shape):
        part = total[slab]
        part[...] = arrays[0][slab]
        for array in arrays[1:]:
            np.add(part, array[slab].view(np.uint8), out=part)
    return total


def _at_least(job: _Job, needed: int) -> _Fused:
    # The comparison is made while the slab's votes are in cache.
    inside = np.empty(job.arrays[0].shape, dtype=bool)
    for slab in _slabs(inside.shape):
        np.greater_equal(votes([array[slab] for array in job.arrays]), needed, out=inside[slab])
    return _Fused(inside, {})


def _slabs(shape: tuple[int, ...]) -> list[slice]:
    step = max(1, _VOXELS_AT_ONCE // max(1, shape[1] * shape[2]))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def _union(job: _Job) -> _Fused:
    return _at_least(job, 1)


def _intersection(job: _Job) -> _Fused:
    return _at_least(job, len(job.arrays))


def _at_least_k(job: _Job) -> _Fused:
    if job.options.at_least > len(job.arrays):
        raise ConsensusError(
            f"At least {job.options.at_least} contours are to agree, but only {len(job.arrays)} are "
            "not empty; ask for fewer."
        )
    return _at_least(job, job.options.at_least)


def _majority(job: _Job) -> _Fused:
    if not job.weighted:
        return _at_least(job, len(job.arrays) // 2 + 1)
    patterns = job.patterns(Domain("union"))
    return _Fused(patterns.on_grid(_shares(job, patterns) > 0.5 + _ROUNDING, (False, True)), {})


def _probability(job: _Job) -> _Fused:
    patterns = job.patterns(Domain("union"))
    shares = _shares(job, patterns)
    array = patterns.on_grid(shares >= 0.5 - _ROUNDING, (False, True))
    return _Fused(array, {"probability": patterns.on_grid(shares.astype(np.float32))})


def _shares(job: _Job, patterns: DecisionPatterns) -> np.ndarray:
    return patterns.decisions @ job.weights / job.weights.sum()


def _staple(job: _Job) -> _Fused:
    patterns = job.patterns(job.options.domain)
    answer = staple(patterns, job.weights if job.weighted else None)
    probability = patterns.on_grid(answer.probability.astype(np.float32))
    # Thresholded before the rounding to 32 bits.
    array = patterns.on_grid(answer.probability >= 0.5, (False, True))
    return _Fused(
        array,
        {
            "probability": probability,
            "sensitivity": tuple(float(x) for x in answer.sensitivity),
            "specificity": tuple(float(x) for x in answer.specificity),
            "domain": job.options.domain,
            "domain_voxels": patterns.voxels,
            "iterations": answer.iterations,
            "converged": answer.converged,
        },
    )


def _simple(job: _Job) -> _Fused:
    patterns = job.patterns(Domain("union"))
    answer = simple(patterns, job.weights)
    return _Fused(
        patterns.on_grid(answer.probability > 0.5 + _ROUNDING, (False, True)),
        {
            "probability": patterns.on_grid(answer.probability.astype(np.float32)),
            "dropped": tuple(int(n) for n in np.flatnonzero(~answer.kept)),
            "iterations": answer.iterations,
        },
    )


def _mean_distance(job: _Job) -> _Fused:
    patterns = job.patterns(Domain("crop", 0.0))
    box = patterns.box
    total = np.zeros(tuple(s.stop - s.start for s in box))
    for array, weight in zip(job.arrays, job.weights, strict=True):
        total += weight * signed_distance_mm(array[box], job.grid.spacing_kji_mm)
    fused = np.zeros(job.grid.shape_kji, dtype=bool)
    fused[box] = total <= _ROUNDING * job.weights.sum()
    return _Fused(fused, {})


METHODS: dict[str, Callable[[_Job], _Fused]] = {
    "majority": _majority,
    "union": _union,
    "intersection": _intersection,
    "at_least": _at_least_k,
    "staple": _staple,
    "simple": _simple,
    "probability": _probability,
    "mean_distance": _mean_distance,
}
"""majority: strict, of an even number of contours more than half must agree (by weight when weighted).
at_least: k of N. staple: probability of at least a half. simple: see `simple.py`. probability: weighted
share of at least a half. mean_distance: weighted mean of the signed distances to the contours, in mm,
not above zero."""

WEIGHTED = ("majority", "staple", "simple", "probability", "mean_distance")
"""Methods that heed weights; the others count heads."""


def fuse(contours: Sequence[Mask], method: str, options: FusionOptions | None = None) -> Fusion:
    """Fuse contours that lie on one grid.

    Empty contours are left out and counted. Raises ConsensusError for an unknown method, for contours
    on different grids, for more than 30, for fewer than three where performance is estimated, and when
    nothing is left to fuse.
    """
    if method not in METHODS:
        raise ConsensusError(f"There is no fusion method {method!r}; known: {', '.join(METHODS)}.")
    options = options or FusionOptions()
    used = tuple(n for n, contour in enumerate(contours) if not contour.is_empty)
    if not used:
        raise ConsensusError("All contours are empty; lower the threshold or choose another rule.")
    check_input_count(len(used))
    masks = [contours[n] for n in used]
    if not all(mask.grid is masks[0].grid or mask.grid.same_as(masks[0].grid) for mask in masks):
        raise ConsensusError("The contours lie on different grids; bring them to one grid first.")
    job = _Job(
        [mask.array for mask in masks],
        masks[0].grid,
        _weights(options, len(contours), used),
        options.weights is not None and method in WEIGHTED,
        options,
    )
    fused = METHODS[method](job)
    fusion = Fusion(method, Mask(fused.array, masks[0].grid), used, len(contours) - len(used), **fused.extra)
    return replace(fusion, dropped=tuple(used[n] for n in fusion.dropped))


def _weights(options: FusionOptions, given: int, used: tuple[int, ...]) -> np.ndarray:
    if options.weights is None:
        return np.ones(len(used))
    if len(options.weights) != given:
        raise ConsensusError(
            f"{len(options.weights)} weights were given for {given} contours; give one each."
        )
    return np.array([options.weights[n] for n in used])
