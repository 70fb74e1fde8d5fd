"""26-connected components of a list of voxels, and what there is to know about each, from their runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ..imaging.grid import Box
from .candidate_voxels import CandidateVoxels, Runs, runs_of, touching_runs, voxels_at_or_above


@dataclass(frozen=True, eq=False)
class ComponentStatistics:
    """What is known of each of C components.

    voxels: (C,). suv_max, suv_mean: (C,) float64. centroid_kji: (C, 3) mean voxel index.
    low_kji, high_kji: (C, 3) first voxel of the box and the one after its last.
    peak_flat: (C,) flat index of the hottest voxel, the first of several.
    """

    voxels: np.ndarray
    suv_max: np.ndarray
    suv_mean: np.ndarray
    centroid_kji: np.ndarray
    low_kji: np.ndarray
    high_kji: np.ndarray
    peak_flat: np.ndarray


@dataclass(frozen=True, eq=False)
class Components:
    """The 26-connected components at a threshold, in the order of their first voxels.

    number: (N,) component, from 0, of each of the candidates.
    """

    candidates: CandidateVoxels
    number: np.ndarray
    statistics: ComponentStatistics

    @property
    def count(self) -> int:
        return self.statistics.voxels.size

    @property
    def touches_edge(self) -> np.ndarray:
        """(C,) whether a component reaches the first or last voxel of the image along any axis."""
        found = self.statistics
        return np.any((found.low_kji == 0) | (found.high_kji == self.candidates.shape_kji), axis=1)

    def labels(self) -> np.ndarray:
        """(K, J, I) array of the component's number plus 1, 0 outside; the smallest type that holds it."""
        labels = np.zeros(self.candidates.shape_kji, dtype=np.min_scalar_type(self.count))
        labels.reshape(-1)[self.candidates.flat] = (self.number + 1).astype(labels.dtype)
        return labels

    def boxes(self) -> list[Box]:
        found = self.statistics
        return [
            tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            for low, high in zip(found.low_kji.tolist(), found.high_kji.tolist(), strict=True)
        ]

    def mask_of(self, number: int) -> np.ndarray:
        """One component, numbered from 0, as a bool array on its box."""
        low, high = self.statistics.low_kji[number], self.statistics.high_kji[number]
        mask = np.zeros(tuple(high - low), dtype=bool)
        flat = self.candidates.flat[self.number == number]
        mask[tuple(np.stack(np.unravel_index(flat, self.candidates.shape_kji)) - low[:, None])] = True
        return mask

    def masks(self) -> list[np.ndarray]:
        """Each component as a bool array on its box."""
        order = np.argsort(self.number, kind="stable")
        ends = np.cumsum(self.statistics.voxels)
        kji = np.stack(np.unravel_index(self.candidates.flat[order], self.candidates.shape_kji))
        masks = []
        for n, end in enumerate(ends):
            low, high = self.statistics.low_kji[n], self.statistics.high_kji[n]
            mask = np.zeros(tuple(high - low), dtype=bool)
            mask[tuple(kji[:, end - self.statistics.voxels[n] : end] - low[:, None])] = True
            masks.append(mask)
        return masks


def find_components(array: np.ndarray, threshold_suv: float) -> Components:
    """The components of a (K, J, I) array at or above a threshold, with their statistics."""
    return components_of(voxels_at_or_above(array, threshold_suv))


def components_of(candidates: CandidateVoxels) -> Components:
    """The components that candidates form among themselves."""
    runs = runs_of(candidates.flat, candidates.shape_kji)
    count, of_run = _joined(runs, candidates.shape_kji)
    number = np.repeat(of_run, runs.lengths)
    return Components(candidates, number, _statistics(candidates, runs, of_run, count))


def part_at(inside: np.ndarray, kji: tuple[int, int, int]) -> np.ndarray:
    """The 26-connected part of a (K, J, I) mask that holds one of its voxels; empty when that one is out."""
    part = np.zeros(inside.shape, dtype=bool)
    if not inside[kji]:
        return part
    flat = np.flatnonzero(inside)
    runs = runs_of(flat, inside.shape)
    _, of_run = _joined(runs, inside.shape)
    position = np.searchsorted(flat, np.ravel_multi_index(kji, inside.shape))
    seed_run = np.searchsorted(runs.first, position, side="right") - 1
    part.reshape(-1)[flat[np.repeat(of_run == of_run[seed_run], runs.lengths)]] = True
    return part


def _joined(runs: Runs, shape_kji: tuple[int, int, int]) -> tuple[int, np.ndarray]:
    """Number of components and, (R,), the component of each run, in the order of their first runs."""
    size = runs.first.size
    here, there = touching_runs(runs, shape_kji)
    graph = sparse.coo_array((np.ones(here.size, dtype=np.int8), (here, there)), shape=(size, size))
    return csgraph.connected_components(graph, directed=False)


def _statistics(
    candidates: CandidateVoxels, runs: Runs, of_run: np.ndarray, count: int
) -> ComponentStatistics:
    if count == 0:
        none, none_kji = np.empty(0), np.empty((0, 3))
        whole, whole_kji = none.astype(np.intp), none_kji.astype(np.intp)
        return ComponentStatistics(whole, none, none, none_kji, whole_kji, whole_kji, whole)
    order = np.argsort(of_run, kind="stable")
    begins = np.flatnonzero(np.diff(of_run[order], prepend=-1))
    lengths = runs.lengths
    run_max = np.maximum.reduceat(candidates.suv, runs.first)
    run_sum = np.add.reduceat(candidates.suv, runs.first, dtype=np.float64)
    voxels = np.bincount(of_run, weights=lengths, minlength=count)
    # Along I a run's middle lies half its length on; along K and J all its voxels are where its first is.
    middle = runs.kji.astype(np.float64)
    middle[:, 2] += 0.5 * (lengths - 1)
    centroid = [np.bincount(of_run, weights=axis * lengths, minlength=count) / voxels for axis in middle.T]
    low = np.minimum.reduceat(runs.kji[order], begins, axis=0)
    past = runs.kji + 1
    past[:, 2] += lengths - 1
    high = np.maximum.reduceat(past[order], begins, axis=0)
    highest = np.maximum.reduceat(run_max[order], begins)
    return ComponentStatistics(
        voxels=voxels.astype(np.intp),
        suv_max=highest.astype(np.float64),
        suv_mean=np.bincount(of_run, weights=run_sum, minlength=count) / voxels,
        centroid_kji=np.stack(centroid, axis=1),
        low_kji=low,
        high_kji=high,
        peak_flat=_peaks(candidates, runs, of_run, run_max, highest),
    )


def _peaks(
    candidates: CandidateVoxels, runs: Runs, of_run: np.ndarray, run_max: np.ndarray, highest: np.ndarray
) -> np.ndarray:
    """Flat index of the first voxel of each component that has its highest value."""
    holding = np.flatnonzero(run_max == highest[of_run])
    _, which = np.unique(of_run[holding], return_index=True)
    chosen = holding[which]
    lengths = runs.last[chosen] - runs.first[chosen] + 1
    ends = np.cumsum(lengths)
    positions = np.arange(ends[-1]) + np.repeat(runs.first[chosen] - (ends - lengths), lengths)
    hits = np.flatnonzero(candidates.suv[positions] == np.repeat(highest, lengths))
    first_hit = hits[np.searchsorted(hits, ends - lengths)]
    return candidates.flat[positions[first_hit]]
