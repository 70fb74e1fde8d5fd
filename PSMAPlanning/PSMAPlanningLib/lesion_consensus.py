"""The candidate contours of one lesion fused by the settings, with what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .consensus.consensus import Consensus, consensus
from .consensus.domain import Domain
from .consensus.inputs import ContourInput
from .delineation.rules import RULES, Delineation
from .errors import ConsensusError
from .imaging.image import Image
from .records import CandidateConsensus
from .settings import ConsensusSettings

UNFIT = ("collapsed", "leaks", "no_background", "no_liver", "no_contrast", "empty")
"""Flags that keep a candidate out of a consensus, the first that applies being the reason."""


def fuse_candidates(
    candidates: Sequence[Delineation], settings: ConsensusSettings, pet: Image | None = None
) -> CandidateConsensus:
    """The consensus of a lesion's candidates.

    Candidates that leak, have collapsed or are empty are left out and named. Where no other is left, those
    that are not empty are fused nevertheless: the lesion bears their flags. A method that does not fit the
    candidates gives no contour and its reason in `refused`; no other method is put in its place.
    pet: for the equivalent threshold.
    """
    names = candidate_names(candidates)
    unfit = [next((flag for flag in UNFIT if flag in c.flags), None) for c in candidates]
    if all(reason is not None for reason in unfit):
        unfit = ["empty" if c.mask.is_empty else None for c in candidates]
    left_out = {name: reason for name, reason in zip(names, unfit, strict=True) if reason is not None}
    inputs = [
        ContourInput(name, candidate.mask, RULES[candidate.rule].family)
        for name, candidate in zip(names, candidates, strict=True)
        if name not in left_out
    ]
    domain = Domain(settings.domain, settings.domain_margin_mm)
    try:
        answer = consensus(
            inputs,
            settings.method,
            domain=domain,
            at_least=round(settings.at_least),
            weigh_families=settings.weigh_families,
            pet=pet,
        )
    except ConsensusError as error:
        return CandidateConsensus(
            settings.method, str(domain), tuple(i.name for i in inputs), left_out, refused=str(error)
        )
    return _record(answer, str(domain), left_out)


def candidate_names(candidates: Sequence[Delineation]) -> tuple[str, ...]:
    """One name per candidate: its rule, with its parameters where a rule was run more than once."""
    count = Counter(c.rule for c in candidates)
    names = [c.rule if count[c.rule] == 1 else f"{c.rule} {_parameters(c)}".rstrip() for c in candidates]
    again = Counter(names)
    return tuple(
        name if again[name] == 1 else f"{name} ({number})" for number, name in enumerate(names, start=1)
    )


def _parameters(candidate: Delineation) -> str:
    return " ".join(f"{key}={value:g}" for key, value in candidate.parameters.items())


def _record(answer: Consensus, domain: str, left_out: dict[str, str]) -> CandidateConsensus:
    fusion, threshold = answer.fusion, answer.threshold
    names = tuple(i.name for i in answer.inputs)
    return CandidateConsensus(
        method=fusion.method,
        domain=domain,
        inputs=names,
        left_out=left_out,
        mask=fusion.mask,
        disputed=answer.disputed.cropped(),
        weights=answer.weights,
        sensitivity=fusion.sensitivity,
        specificity=fusion.specificity,
        dropped=tuple(names[n] for n in fusion.dropped),
        order_statistic=answer.nesting.rank,
        nested=answer.nesting.nested,
        equivalent_threshold_suv=None if threshold is None else threshold.suv,
        equivalent_threshold_dice=None if threshold is None else threshold.dice,
        notes=answer.notes,
    )
