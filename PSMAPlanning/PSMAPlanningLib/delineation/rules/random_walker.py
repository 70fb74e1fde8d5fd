"""Random walker: a voxel is lesion when a walk from it more likely meets the lesion's core than the
surroundings; steps across strong changes of uptake are unlikely.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from ...imaging.grid import bounding_box, grow_box
from ..lesion_crop import LesionCrop
from .connected import contour_at
from .rule import BACKGROUND, CORE, Outcome, Parameter, Rule

_BACKGROUND_FRACTION = 0.1
_TOLERANCE = 1e-3
_ITERATIONS = 1000
_SMALLEST_WEIGHT = 1e-6


def _random_walker(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    background = numbers["background_suv"]
    contrast = crop.suv_max - background
    if contrast <= 0:
        return Outcome(flags=("no_contrast",))
    around = contour_at(crop, background + _BACKGROUND_FRACTION * contrast)
    box = grow_box(bounding_box(around), (1, 1, 1), around.shape)
    uptake = (crop.suv[box] - np.float32(background)) / np.float32(contrast)
    around = around[box]
    core = around & (uptake >= numbers["core_percent"] / 100)
    core[tuple(p - s.start for p, s in zip(crop.peak_kji, box, strict=True))] = True
    probability, converged = _walk(uptake, around & ~core, core, crop.grid.spacing_kji_mm, numbers["beta"])
    whole = np.zeros(crop.suv.shape, dtype=bool)
    whole[box] = core | (probability >= 0.5)
    return Outcome(inside=whole, flags=() if converged else ("not_converged",))


def _walk(
    uptake: np.ndarray,
    free: np.ndarray,
    core: np.ndarray,
    spacing_mm: tuple[float, float, float],
    beta: float,
) -> tuple[np.ndarray, bool]:
    """Probability of meeting the core first from each free voxel, 0 elsewhere; whether it converged."""
    probability = np.zeros(uptake.shape, dtype=np.float32)
    if not free.any():
        return probability, True
    matrix, towards_core, diagonal = _steps(uptake, free, core, spacing_mm, beta)
    start = np.clip(uptake[free], 0, 1)
    probability[free], converged = _conjugate_gradients(matrix, towards_core, diagonal, start)
    return probability, converged


def _steps(
    uptake: np.ndarray,
    free: np.ndarray,
    core: np.ndarray,
    spacing_mm: tuple[float, float, float],
    beta: float,
) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """The system of equations of the N free voxels: (N, N) matrix, (N,) right-hand side, (N,) diagonal.

    Every row has seven entries, its own last; where a neighbour is not free the entry is zero.
    """
    # A ring of nothing around the box, so that every voxel has six neighbours by their distance in memory.
    free, core = np.pad(free, 1), np.pad(core, 1).reshape(-1)
    here = np.flatnonzero(free)
    own = np.arange(here.size, dtype=np.int32)
    number = np.full(free.size, -1, dtype=np.int32)
    number[here] = own
    entries = np.empty((here.size, 7), dtype=np.float32)
    columns = np.empty((here.size, 7), dtype=np.int32)
    diagonal, towards_core = np.zeros(here.size, np.float32), np.zeros(here.size, np.float32)
    for axis, spacing in enumerate(spacing_mm):
        distance = free.strides[axis] // free.itemsize
        upwards = _weights_upwards(uptake, axis, spacing, beta)
        for side, (there, weights) in enumerate(
            ((here + distance, upwards[here]), (here - distance, upwards[here - distance]))
        ):
            diagonal += weights
            towards_core += weights * core[there]
            neighbour = number[there]
            is_free = neighbour >= 0
            entries[:, 2 * axis + side] = np.where(is_free, -weights, 0)
            columns[:, 2 * axis + side] = np.where(is_free, neighbour, own)
    entries[:, 6] = np.maximum(diagonal, _SMALLEST_WEIGHT, out=diagonal)
    columns[:, 6] = own
    begins = np.arange(0, 7 * here.size + 1, 7, dtype=np.int32)
    shape = (here.size, here.size)
    matrix = sparse.csr_array((entries.reshape(-1), columns.reshape(-1), begins), shape=shape)
    return matrix, towards_core, diagonal


def _weights_upwards(uptake: np.ndarray, axis: int, spacing_mm: float, beta: float) -> np.ndarray:
    """Weight of the step from each voxel of the ringed box to the next along an axis, flat; 0: no step."""
    # Per millimetre, so that the answer does not depend on how finely the crop was cut.
    slope = np.diff(uptake, axis=axis) / np.float32(spacing_mm)
    weight = (np.exp(np.float32(-beta) * slope**2) + np.float32(_SMALLEST_WEIGHT)) / np.float32(spacing_mm**2)
    return np.pad(weight, [(1, 2) if each == axis else (1, 1) for each in range(3)]).reshape(-1)


def _conjugate_gradients(
    matrix: sparse.csr_array, right_side: np.ndarray, diagonal: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Solution of a symmetric system and whether it was reached, preconditioned by the diagonal.

    Not `scipy.sparse.linalg.cg`: its sums of products go through BLAS, which shares them out among threads
    and on a busy machine takes longer to do so than for everything else.
    """
    solution = start.copy()
    residual = right_side - matrix @ solution
    direction, product = np.zeros_like(solution), 1.0
    enough = _TOLERANCE**2 * _product(right_side, right_side)
    for _ in range(_ITERATIONS):
        if _product(residual, residual) <= enough:
            return solution, True
        preconditioned = residual / diagonal
        previous, product = product, _product(residual, preconditioned)
        direction *= np.float32(product / previous)
        direction += preconditioned
        ahead = matrix @ direction
        length = np.float32(product / _product(direction, ahead))
        solution += length * direction
        residual -= length * ahead
    return solution, False


def _product(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.einsum("i,i", one, other))


RULES = (
    Rule(
        "random_walker",
        "probability of a walk reaching the core (core_percent of the contrast and more) before the "
        "surroundings (below background + 10 %) at least one half; step weight exp(−beta · (change of "
        "normalised uptake per mm)²)",
        "region",
        "Grady 2006, 10.1109/TPAMI.2006.233; for PET: Bagci 2011; recalled; their seed is the hottest "
        "voxel alone",
        False,
        (Parameter("beta", "mm²", 100.0, 0.0, 10000.0), CORE),
        _random_walker,
        measured=(BACKGROUND,),
        needs=("background_suv",),
    ),
)
