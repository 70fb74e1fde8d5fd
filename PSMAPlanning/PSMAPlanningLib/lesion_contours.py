"""Which contour a lesion goes by: the consensus of its candidates, or one of them by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .delineation.rules import Delineation
from .errors import CaseError, RuleError
from .lesion_consensus import candidate_names
from .lesion_facts import consensus_of, facts_of
from .records import CandidateConsensus, CaseState, Contour, Lesion

CONSENSUS = "consensus"


def contour_names(lesion: Lesion, state: CaseState) -> tuple[str, ...]:
    """What a lesion may go by: "consensus" and the names of its candidates, empty ones left out."""
    consensus = consensus_of(lesion, state)
    names = (CONSENSUS, *candidate_names(lesion.candidates))
    return tuple(name for name in names if named_contour(name, lesion.candidates, consensus) is not None)


def contour_by(lesion: Lesion, state: CaseState, name: str) -> Contour:
    """The lesion's contour of that name with its facts, to replace the one it goes by.

    name: one of `contour_names`. Raises CaseError for any other, with the consensus's own reason when it was
    refused.
    """
    consensus = consensus_of(lesion, state)
    contour = named_contour(name, lesion.candidates, consensus)
    if contour is None:
        if name == CONSENSUS and consensus is not None and consensus.refused:
            raise CaseError(consensus.refused)
        known = ", ".join(contour_names(lesion, state)) or "none"
        raise CaseError(f"Lesion {lesion.id} has no contour by {name!r}; it has {known}.")
    try:
        facts = facts_of(replace(lesion, contour=contour), state)
    except RuleError as error:
        raise CaseError(str(error)) from None
    return replace(contour, facts=facts, flags=tuple(sorted({*contour.flags, *facts.flags})))


def named_contour(
    name: str, candidates: Sequence[Delineation], consensus: CandidateConsensus | None
) -> Contour | None:
    """A contour without facts, "consensus" or a candidate's (by its name or its rule); None when empty."""
    by_name = dict(zip(candidate_names(candidates), candidates, strict=True))
    if name == CONSENSUS:
        if consensus is None or consensus.mask is None or consensus.mask.is_empty:
            return None
        flags = {flag for each in consensus.inputs for flag in by_name[each].flags}
        return Contour(
            consensus.mask,
            CONSENSUS,
            consensus.method,
            None,
            inputs=consensus.inputs,
            flags=tuple(sorted(flags)),
        )
    by_rule = {candidate.rule: candidate for candidate in reversed(candidates)}
    chosen = by_name.get(name) or by_rule.get(name)
    if chosen is None or chosen.mask.is_empty:
        return None
    return Contour(chosen.mask, chosen.rule, None, chosen.threshold_suv, flags=chosen.flags)
