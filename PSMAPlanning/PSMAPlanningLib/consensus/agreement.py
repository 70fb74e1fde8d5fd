"""Agreement of N contours: overlap, kappa with its domain, distances between surfaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ConsensusError
from .common_grid import LARGEST_SPACING_MM, on_common_grid
from .domain import Domain
from .inputs import ContourInput, check_inputs
from .patterns import DecisionPatterns, check_input_count, decision_patterns
from .surface_metrics import (
    SurfacePair,
    added_path_length_mm,
    compare_surfaces,
    path_distances_mm,
    path_points,
    surface_of,
)

DEFAULT_TOLERANCES_MM = (2.0, 3.0)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How far N contours agree. Matrices are (N, N) in the order of `names`.

    conformity_index: generalised, over all pairs (Kouwenhoven 2009, 10.1088/0031-9155/54/9/018).
    fleiss_kappa: NaN when all voxels of the domain have one class. kappa_domain, kappa_domain_voxels: the
    voxels it was computed on; with more background it grows.
    hd95_mm, mean_surface_distance_mm: symmetric. surface_dice: by tolerance in mm.
    added_path_length_mm: row is the reference, column the test; path_by_slice_mm: (N, N, slices).
    path_tolerated_mm: the same at each tolerance, summed.
    empty: names of inputs that were left out.
    """

    names: tuple[str, ...]
    empty: tuple[str, ...]
    volumes_ml: tuple[float, ...]
    dice: np.ndarray
    conformity_index: float
    fleiss_kappa: float
    kappa_domain: Domain
    kappa_domain_voxels: int
    hd95_mm: np.ndarray
    mean_surface_distance_mm: np.ndarray
    surface_dice: dict[float, np.ndarray]
    added_path_length_mm: np.ndarray
    path_by_slice_mm: np.ndarray
    path_tolerated_mm: dict[float, np.ndarray]
    spacing_mm: tuple[float, float, float]
    resampled: bool

    @property
    def mean_dice(self) -> float:
        """Mean over the pairs; NaN for a single contour."""
        pairs = self.dice[np.triu_indices(len(self.names), 1)]
        return float(pairs.mean()) if len(pairs) else math.nan


def agreement(
    inputs: Sequence[ContourInput],
    *,
    domain: Domain | None = None,
    tolerances_mm: Sequence[float] = DEFAULT_TOLERANCES_MM,
    spacing_mm: float = LARGEST_SPACING_MM,
    crops_may_differ: bool = False,
) -> Agreement:
    """Compare contours of one lesion, or of a whole patient, on any grids.

    Empty contours are left out and named. crops_may_differ: grids need not share space, for contours that
    are known to be of one image.
    Raises ConsensusError for fewer than two contours that are not
    empty, more than 30, repeated names or no common space; FrameOfReferenceError for different frames.
    """
    domain = domain or Domain()
    _check_tolerances(tolerances_mm)
    check_inputs(inputs, crops_may_differ)
    filled = [i for i in inputs if not i.mask.is_empty]
    if len(filled) < 2:
        raise ConsensusError(
            f"Agreement needs two contours that are not empty and got {len(filled)}; give another contour."
        )
    check_input_count(len(filled))
    common = on_common_grid([i.mask for i in filled], domain.margin_mm, spacing_mm)
    arrays = [mask.array for mask in common.masks]
    patterns = decision_patterns(arrays, domain, common.grid)
    # Overlaps are taken where all voxels of all contours are; only kappa depends on the domain.
    everywhere = decision_patterns(arrays, Domain("union"), common.grid)
    shared = everywhere.intersections()
    box = everywhere.box
    spacing = common.grid.spacing_kji_mm
    surfaces = _surfaces([array[box] for array in arrays], spacing, tolerances_mm)
    return Agreement(
        names=tuple(i.name for i in filled),
        empty=tuple(i.name for i in inputs if i.mask.is_empty),
        volumes_ml=tuple(mask.volume_ml for mask in common.masks),
        dice=dice_matrix(shared),
        conformity_index=conformity_index(shared),
        fleiss_kappa=kappa_of(patterns),
        kappa_domain=domain,
        kappa_domain_voxels=patterns.voxels,
        **surfaces,
        spacing_mm=common.grid.spacing_mm,
        resampled=common.resampled,
    )


def dice_matrix(shared: np.ndarray) -> np.ndarray:
    """(N, N) Dice from voxels shared; NaN where both contours are empty, as deepmind has it."""
    sizes = np.diag(shared)
    total = sizes[:, None] + sizes[None, :]
    return np.divide(2.0 * shared, total, out=np.full(shared.shape, np.nan), where=total > 0)


def conformity_index(shared: np.ndarray) -> float:
    """Generalised conformity index: sum of pairwise intersections over sum of pairwise unions."""
    sizes = np.diag(shared)
    rows, columns = np.triu_indices(len(sizes), 1)
    both = shared[rows, columns]
    either = sizes[rows] + sizes[columns] - both
    return float(both.sum() / either.sum()) if either.sum() > 0 else math.nan


def fleiss_kappa(ratings: np.ndarray, repeats: np.ndarray | None = None) -> float:
    """Fleiss' kappa, Fleiss 1971, 10.1037/h0031619.

    ratings: (subjects, categories) how many raters chose each; the same number of raters, two or more,
    in every row. repeats: (subjects,) how often each row occurs. NaN when chance alone explains it all.
    """
    ratings = np.asarray(ratings, dtype=float)
    times = np.ones(len(ratings)) if repeats is None else np.asarray(repeats, dtype=float)
    if len(ratings) == 0 or times.sum() == 0:
        return math.nan
    raters = ratings[0].sum()
    observed = (ratings * (ratings - 1)).sum(axis=1) / (raters * (raters - 1))
    shares = times @ ratings / (times.sum() * raters)
    by_chance = float(shares @ shares)
    mean = float(times @ observed / times.sum())
    return (mean - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def kappa_of(patterns: DecisionPatterns) -> float:
    """Fleiss' kappa of the voxels of the patterns' domain, inside and outside being the categories."""
    inside = patterns.votes
    return fleiss_kappa(np.stack([inside, patterns.input_count - inside], axis=1), patterns.counts)


def _check_tolerances(tolerances_mm: Sequence[float]) -> None:
    bad = [t for t in tolerances_mm if not (math.isfinite(t) and t >= 0)]
    if bad:
        raise ConsensusError(f"The tolerance {bad[0]} mm is not possible; give 0 or more.")


def _surfaces(
    arrays: Sequence[np.ndarray], spacing: tuple[float, float, float], tolerances_mm: Sequence[float]
) -> dict:
    count = len(arrays)
    surfaces = [surface_of(array, spacing) for array in arrays]
    paths = [path_points(array, spacing) for array in arrays]
    hd95, mean = np.zeros((count, count)), np.zeros((count, count))
    dice = {float(t): np.ones((count, count)) for t in tolerances_mm}
    by_slice = np.zeros((count, count, arrays[0].shape[0]))
    tolerated = {float(t): np.zeros((count, count)) for t in tolerances_mm}
    for a in range(count):
        for b in range(a + 1, count):
            pair: SurfacePair = compare_surfaces(surfaces[a], surfaces[b])
            hd95[a, b] = hd95[b, a] = pair.hausdorff_percentile_mm()
            mean[a, b] = mean[b, a] = pair.mean_mm
            for tolerance, matrix in dice.items():
                matrix[a, b] = matrix[b, a] = pair.surface_dice(tolerance)
            for reference, test in ((a, b), (b, a)):
                distances = path_distances_mm(paths[reference], paths[test])
                by_slice[reference, test] = added_path_length_mm(paths[reference], distances)
                for tolerance, matrix in tolerated.items():
                    lengths = added_path_length_mm(paths[reference], distances, tolerance)
                    matrix[reference, test] = lengths.sum()
    return {
        "hd95_mm": hd95,
        "mean_surface_distance_mm": mean,
        "surface_dice": dice,
        "added_path_length_mm": by_slice.sum(axis=-1),
        "path_by_slice_mm": by_slice,
        "path_tolerated_mm": tolerated,
    }
