"""Contours inside one another: what a vote among thresholds of one lesion really is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .patterns import DecisionPatterns


@dataclass(frozen=True)
class Nesting:
    """Which inputs lie inside one another.

    chain: the longest chain, from the innermost, as numbers of inputs. nested: all inputs are in it.
    rank: the consensus is the rank-th input from the innermost, 1 being the innermost; for threshold
    rules on one PET the rank-th highest threshold. None when it equals no input of the chain.
    """

    chain: tuple[int, ...]
    nested: bool
    rank: int | None

    def sentence(self, names: Sequence[str]) -> str | None:
        """In words for the user; None when fewer than two inputs are nested or nothing follows from it."""
        if len(self.chain) < 2 or not (self.nested or self.rank):
            return None
        count = len(self.chain)
        scope = "All" if self.nested else f"{count} of {len(names)}"
        start = f"{scope} contours lie inside one another, as thresholds of one lesion do"
        if self.rank is None:
            return f"{start}; the consensus lies between two of them and is no independent opinion."
        chosen = names[self.chain[self.rank - 1]]
        return (
            f"{start}: the consensus is number {self.rank} of {count} from the innermost ({chosen}), "
            "an order statistic of the thresholds and no independent opinion."
        )


def nesting(patterns: DecisionPatterns, consensus: np.ndarray) -> Nesting:
    """Find the longest chain of nested inputs and the consensus's place in it.

    consensus: (K, J, I) bool on the patterns' grid. Equal contours count as nested. The patterns must
    cover all voxels of all inputs.
    """
    shared = patterns.intersections()
    sizes = np.diag(shared)
    order = [int(n) for n in np.argsort(sizes, kind="stable")]
    best: dict[int, tuple[int, ...]] = {}
    for place, outer in enumerate(order):
        inner = [best[i] for i in order[:place] if shared[i, outer] == sizes[i]]
        best[outer] = (*max(inner, key=len, default=()), outer)
    chain = max(best.values(), key=len)
    size = int(np.count_nonzero(consensus))
    equal = [n for n in chain if sizes[n] == size and _same(patterns, n, consensus)]
    # Of equal contours the middle one is named: that is what a vote picks.
    rank = chain.index(equal[len(equal) // 2]) + 1 if equal else None
    return Nesting(chain, len(chain) == patterns.input_count, rank)


def _same(patterns: DecisionPatterns, number: int, consensus: np.ndarray) -> bool:
    return np.array_equal(patterns.on_grid(patterns.decisions[:, number], (False, True)), consensus)
