"""SIMPLE: inputs that disagree with the common estimate are dropped, the rest vote by how well they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .patterns import DecisionPatterns
from .staple import FEWEST_INPUTS, require_enough

_MOST_ITERATIONS = 25
_ALPHA_STEP = 0.5
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Simple:
    """SIMPLE's answer.

    probability: (P,) weighted share of the kept inputs that say inside; above a half is the contour.
    dice: (N,) of every input to the final estimate. kept: (N,) bool.
    """

    probability: np.ndarray
    dice: np.ndarray
    kept: np.ndarray
    iterations: int


def simple(patterns: DecisionPatterns, weights: np.ndarray | None = None, alpha: float = 1.0) -> Simple:
    """Langerak 2010, 10.1109/TMI.2010.2057442, with the Dice coefficient as performance.

    Starts from the vote; drops inputs whose Dice lies below mean − alpha · SD of those still in (alpha is
    relaxed while fewer than three would stay); votes again, each input weighted by its Dice; repeats until
    the estimate stays the same. weights: (N,) of the inputs, such as those of families of rules.

    Raises ConsensusError for fewer than three inputs.
    """
    require_enough(patterns.input_count, "SIMPLE")
    given = np.ones(patterns.input_count) if weights is None else np.asarray(weights, dtype=float)
    kept = np.ones(patterns.input_count, dtype=bool)
    probability = patterns.decisions @ given / given.sum()
    estimate = probability > 0.5 + _ROUNDING
    dice = _dice(patterns, estimate)
    iterations, stays = 0, False
    while iterations < _MOST_ITERATIONS and not stays:
        iterations += 1
        kept = _kept(dice, kept, alpha)
        votes = np.where(kept, dice * given, 0.0)
        if votes.sum() <= 0:
            break
        probability = patterns.decisions @ votes / votes.sum()
        before, estimate = estimate, probability > 0.5 + _ROUNDING
        dice = _dice(patterns, estimate)
        stays = np.array_equal(estimate, before)
    return Simple(probability, dice, kept, iterations)


def _dice(patterns: DecisionPatterns, estimate: np.ndarray) -> np.ndarray:
    shared = (patterns.counts * estimate) @ patterns.decisions
    total = patterns.sizes() + patterns.counts @ estimate
    return np.divide(2.0 * shared, total, out=np.zeros(len(total)), where=total > 0)


def _kept(dice: np.ndarray, kept: np.ndarray, alpha: float) -> np.ndarray:
    mean, deviation = dice[kept].mean(), dice[kept].std()
    while True:
        good = kept & (dice >= mean - alpha * deviation - _ROUNDING)
        if good.sum() >= min(FEWEST_INPUTS, kept.sum()):
            return good
        alpha += _ALPHA_STEP
