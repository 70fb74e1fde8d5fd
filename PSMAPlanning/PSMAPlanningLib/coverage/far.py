"""Distances to a volume that does not touch a lesion, most of them from a few.

From afar the distance to a surface changes smoothly over a lesion. It is measured at 64 points of the
lesion's ball and continued by a polynomial of third order. Where that agrees with all 64 it is taken; where
it does not, as on the line half-way between two parts of a volume, every point is measured that can move a
result: those next to the 95th percentiles, those at both ends, and some to set the mean right.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .lesion_samples import LesionSamples
    from .solid import Seen

_AGREES_TO_MM = 0.05
_DOUBT = 2.0
"""Between the 64 points the polynomial is off by up to about twice of what it is off at them."""
_SPREAD_POINTS = 64
"""So many surface points, evenly spread, tell by how much the polynomial is off on average."""
_POWERS = tuple(p for p in itertools.product(range(4), repeat=3) if sum(p) <= 3)


def _anchors() -> np.ndarray:
    """Points, (64, 3), of the unit ball: a cube's lattice, its shells drawn in to spheres."""
    lattice = np.array(list(itertools.product((-1, -1 / 3, 1 / 3, 1), repeat=3)))
    return lattice * (np.abs(lattice).max(axis=1) / np.linalg.norm(lattice, axis=1))[:, None]


def third_order_terms(points: np.ndarray) -> np.ndarray:
    """The products of x, y, z up to third order, (20, N)."""
    x, y, z = ([np.ones(len(points)), c, c * c, c * c * c] for c in points.T)
    return np.stack([x[i] * y[j] * z[k] for i, j, k in _POWERS])


_ANCHORS = _anchors()
_ANCHOR_TERMS = third_order_terms(_ANCHORS).T
_FIT = np.linalg.pinv(_ANCHOR_TERMS)


def distances_from_afar(seen: Seen, lesion: LesionSamples) -> tuple[np.ndarray, np.ndarray]:
    """Signed distances in mm of the lesion's held points and of its surface points.

    Their 95th percentiles, the mean over the surface and its two ends are to be relied on.
    """
    anchors = seen.distances(np.asarray(lesion.centroid_ras) + lesion.reach_mm * _ANCHORS)
    coefficients = _FIT @ anchors
    off_mm = float(np.abs(_ANCHOR_TERMS @ coefficients - anchors).max())
    # Not a product of matrices: BLAS would start threads for it.
    held, surface = (np.einsum("t,tn->n", coefficients, terms) for terms in lesion.from_middle)
    if off_mm > _AGREES_TO_MM:
        doubt_mm = _DOUBT * off_mm + 0.5 * lesion.step_mm
        unsure = np.flatnonzero(np.abs(held - percentile(held, 0.95)) <= doubt_mm)
        at_surface, spread = _to_measure(surface, doubt_mm)
        measured = seen.distances(
            np.concatenate([lesion.points_ras[lesion.held[unsure]], lesion.surface_ras[at_surface]])
        )
        held[unsure] = measured[: len(unsure)]
        _set_right(surface, at_surface, spread, measured[len(unsure) :])
    return held, surface


def _to_measure(surface: np.ndarray, doubt_mm: float) -> tuple[np.ndarray, int]:
    """Surface points that can be an end or the 95th percentile, then some others; how many others."""
    is_unsure = np.abs(surface - percentile(surface, 0.95)) <= doubt_mm
    is_unsure |= (surface <= surface.min() + doubt_mm) | (surface >= surface.max() - doubt_mm)
    sure = np.flatnonzero(~is_unsure)
    spread = sure[:: max(1, len(sure) // _SPREAD_POINTS)]
    return np.concatenate([np.flatnonzero(is_unsure), spread]), len(spread)


def _set_right(surface: np.ndarray, measured: np.ndarray, spread: int, distance: np.ndarray) -> None:
    """Puts measured distances in; the others move by what the last `spread` of the measured were off."""
    if spread:
        surface += (distance[-spread:] - surface[measured[-spread:]]).mean()
    surface[measured] = distance


def percentile(values: np.ndarray, part: float) -> float:
    """As numpy.quantile does by default, an order faster for a few hundred values."""
    place = part * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    found = np.partition(values, (low, high))
    return float(found[low] + (place - low) * (found[high] - found[low]))
