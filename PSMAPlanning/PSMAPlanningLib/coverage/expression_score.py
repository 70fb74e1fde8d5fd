"""PSMA expression score of a lesion: its mean uptake among blood pool, liver (or spleen) and parotid.

0 below the blood pool, 1 from the blood pool, 2 from the liver, 3 from the parotid gland; the spleen takes
the liver's place for ligands that the liver excretes. Eiber et al. 2018 (PROMISE),
doi:10.2967/jnumed.117.198119; the limits are recalled, the primary text was not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..imaging.tracers import TracerFacts

RULE = "PROMISE V1 expression score (Eiber 2018), lesion SUVmean, limits recalled"


@dataclass(frozen=True)
class ExpressionScore:
    """score: 0 to 3, None when it cannot be told; why: code of the reason then.

    organ: "liver" or "spleen", whichever stood between 1 and 2; means_suv: reference means used.
    """

    score: int | None
    organ: str | None = None
    means_suv: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    rule: str = RULE


def expression_score(
    suv_mean: float | None, references: Mapping[str, float], tracer: TracerFacts | None
) -> ExpressionScore:
    """The score of a lesion's SUVmean; always a proposal.

    references: SUVmean by "blood_pool", "liver", "spleen", "parotid". Not told for a tracer that is unknown,
    no PSMA ligand, or of unknown excretion, nor without the references or when they are out of order.
    """
    if tracer is None:
        return ExpressionScore(None, why="tracer_not_known")
    organ = tracer.expression_reference
    if organ is None:
        return ExpressionScore(None, why="no_score_for_this_tracer")
    if suv_mean is None:
        return ExpressionScore(None, organ, why="no_uptake")
    wanted = ("blood_pool", organ, "parotid")
    missing = [name for name in wanted if name not in references]
    means = {name: float(references[name]) for name in wanted if name in references}
    if missing:
        return ExpressionScore(None, organ, means, f"needs:{missing[0]}")
    blood, middle, parotid = (means[name] for name in wanted)
    if not blood < middle < parotid:
        return ExpressionScore(None, organ, means, "references_out_of_order")
    score = sum(suv_mean >= limit for limit in (blood, middle, parotid))
    return ExpressionScore(score, organ, means, "compared_with_means")
