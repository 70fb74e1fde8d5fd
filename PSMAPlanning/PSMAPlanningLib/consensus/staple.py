"""STAPLE: the contour that best explains all inputs, and how well each input performs against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ..errors import ConsensusError
from .patterns import DecisionPatterns

FEWEST_INPUTS = 3
_SQUARED_CHANGE = 1e-14
_MOST_ITERATIONS = 10_000


@dataclass(frozen=True, eq=False)
class Staple:
    """STAPLE's answer.

    probability: (P,) that a voxel with the pattern belongs to the lesion.
    sensitivity, specificity: (N,) of each input against that probability, in the domain.
    prior: mean vote in the domain, held constant. converged: false when the iterations ran out.
    """

    probability: np.ndarray
    sensitivity: np.ndarray
    specificity: np.ndarray
    prior: float
    iterations: int
    converged: bool


def require_enough(count: int, method: str) -> None:
    """Raise ConsensusError when there are too few inputs for a method that estimates performance."""
    if count < FEWEST_INPUTS:
        raise ConsensusError(
            f"{method} needs at least {FEWEST_INPUTS} contours that are not empty and got {count}: with "
            "fewer, which of them is right depends on the domain alone; "
            "choose union, intersection or mean_distance."
        )


def staple(
    patterns: DecisionPatterns,
    weights: np.ndarray | None = None,
    most_iterations: int = _MOST_ITERATIONS,
) -> Staple:
    """Binary STAPLE, Warfield 2004, 10.1109/TMI.2004.828354; numerically ITK's STAPLEImageFilter.

    Starts from the mean vote, holds the prior constant and stops when no sensitivity or specificity
    changes by more than 1e-7.
    weights: (N,) exponents of the inputs' likelihoods; 1 each is plain STAPLE, 1/n makes n inputs count as
    one.

    Raises ConsensusError for fewer than three inputs.
    """
    require_enough(patterns.input_count, "STAPLE")
    exponents = np.ones(patterns.input_count) if weights is None else np.asarray(weights, dtype=float)
    inside = patterns.decisions.astype(float)
    counts = patterns.counts.astype(float)
    if counts.size == 0:
        perfect = np.ones(patterns.input_count)
        return Staple(np.empty(0), perfect, perfect, float("nan"), 0, True)
    probability = inside @ exponents / exponents.sum()
    prior = float(probability @ counts / counts.sum())
    sensitivity = specificity = np.full(patterns.input_count, -10.0)
    iterations, converged = 0, False
    while iterations < most_iterations and not converged:
        iterations += 1
        before = sensitivity, specificity
        sensitivity, specificity = _performance(inside, counts, probability)
        probability = _expectation(inside, exponents, prior, sensitivity, specificity, probability)
        changes = np.concatenate([sensitivity - before[0], specificity - before[1]])
        converged = bool(np.max(changes**2) <= _SQUARED_CHANGE)
    return Staple(probability, sensitivity, specificity, prior, iterations, converged)


def _performance(
    inside: np.ndarray, counts: np.ndarray, probability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    foreground, background = counts * probability, counts * (1 - probability)
    total_in, total_out = foreground.sum(), background.sum()
    # Nothing to be found, or nothing to be left out: no input missed any of it.
    everything = np.ones(inside.shape[1])
    sensitivity = foreground @ inside / total_in if total_in > 0 else everything
    specificity = background @ (1 - inside) / total_out if total_out > 0 else everything
    return np.clip(sensitivity, 0.0, 1.0), np.clip(specificity, 0.0, 1.0)


def _expectation(
    inside: np.ndarray,
    exponents: np.ndarray,
    prior: float,
    sensitivity: np.ndarray,
    specificity: np.ndarray,
    before: np.ndarray,
) -> np.ndarray:
    # Logarithms, because products of thirty small numbers leave the range of a float.
    with np.errstate(divide="ignore", invalid="ignore"):
        hit, false_alarm = np.log(sensitivity), np.log1p(-specificity)
        miss, rejection = np.log1p(-sensitivity), np.log(specificity)
        chosen = inside > 0
        log_in = np.where(chosen, hit, miss) @ exponents
        log_out = np.where(chosen, false_alarm, rejection) @ exponents
        odds = logit(prior) + log_in - log_out
    # Impossible under both hypotheses: the data say nothing, so nothing changes.
    return np.where(np.isnan(odds), before, expit(odds))
