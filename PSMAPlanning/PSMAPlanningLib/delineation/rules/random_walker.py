"""Random walker: a voxel is lesion when a walk from it more likely meets the lesion's core than the
surroundings; steps across strong changes of uptake are unlikely.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

from ...imaging.grid import bounding_box, grow_box
from ..lesion_crop import LesionCrop
from .connected import connected_to_peak
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
    around = connected_to_peak(crop, background + _BACKGROUND_FRACTION * contrast)
    box = grow_box(bounding_box(around), (1, 1, 1), around.shape)
    uptake = (crop.suv[box].astype(float) - background) / contrast
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
    number = np.full(uptake.shape, -1)
    count = int(np.count_nonzero(free))
    number[free] = np.arange(count)
    diagonal, towards_core = np.zeros(count), np.zeros(count)
    rows, columns, weights = [], [], []
    for axis, spacing in enumerate(spacing_mm):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        # Per millimetre, so that the answer does not depend on how finely the crop was cut.
        slope = (uptake[high] - uptake[low]) / spacing
        weight = (np.exp(-beta * slope**2) + _SMALLEST_WEIGHT) / spacing**2
        for here, there in ((low, high), (high, low)):
            mine, theirs = number[here], number[there]
            from_free = mine >= 0
            diagonal += np.bincount(mine[from_free], weight[from_free], count)
            to_core = from_free & core[there]
            towards_core += np.bincount(mine[to_core], weight[to_core], count)
            both = from_free & (theirs >= 0)
            rows.append(mine[both])
            columns.append(theirs[both])
            weights.append(-weight[both])
    probability = np.zeros(uptake.shape)
    if count == 0:
        return probability, True
    diagonal = np.maximum(diagonal, _SMALLEST_WEIGHT)
    rows.append(np.arange(count))
    columns.append(np.arange(count))
    weights.append(diagonal)
    matrix = sparse.csr_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    )
    solution, status = cg(
        matrix,
        towards_core,
        x0=np.clip(uptake[free], 0, 1),
        rtol=_TOLERANCE,
        maxiter=_ITERATIONS,
        M=sparse.diags_array(1.0 / diagonal),
    )
    probability[free] = solution
    return probability, status == 0


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
