"""One lesion as plain numbers and text, for the case's document; and facts and consensus by themselves."""

from __future__ import annotations

from typing import Any

from .delineation.contour_facts import ContourFacts
from .errors import RuleError
from .lesion_consensus import candidate_names
from .lesion_facts import consensus_of, facts_of
from .records import CandidateConsensus, CaseState, Lesion


def lesion_document(lesion: Lesion, state: CaseState) -> dict[str, Any]:
    """The lesion as JSON values; positions RAS mm, volumes mL, uptake SUV, null for what is not known."""
    try:
        facts = facts_of(lesion, state)
    except RuleError:
        # Drawn outside the PET: its volume is known, its uptake is not.
        facts = None
    consensus = consensus_of(lesion, state)
    contour = lesion.contour
    known = facts_document(facts)
    return {
        "id": lesion.id,
        "region": lesion.region.id,
        "state": lesion.state.value,
        "hand_edited": lesion.is_hand_edited,
        "rejection_reason": lesion.rejection_reason,
        "history": [vars(change) for change in lesion.history],
        "class": lesion.region.region_class.value,
        "reason": lesion.region.reason,
        "volume_ml": contour.mask.volume_ml,
        **known,
        "suv_max": lesion.region.suv_max if known["suv_max"] is None else known["suv_max"],
        "centroid": None if contour.mask.is_empty else list(contour.mask.centroid_ras()),
        "peak": list(lesion.region.peak_ras),
        "contour": {
            "source": contour.source,
            "method": contour.method,
            "inputs": list(contour.inputs),
            "threshold_suv": contour.threshold_suv,
            "flags": sorted({*contour.flags, *(facts.flags if facts else ())}),
        },
        "consensus": None if consensus is None else consensus_document(consensus),
        "candidates": [
            {
                "name": name,
                "rule": candidate.rule,
                "parameters": dict(candidate.parameters),
                "threshold_suv": candidate.threshold_suv,
                "volume_ml": candidate.mask.volume_ml,
                "flags": list(candidate.flags),
            }
            for name, candidate in zip(candidate_names(lesion.candidates), lesion.candidates, strict=True)
        ],
        "flags": list(lesion.region.flags),
    }


def facts_document(facts: ContourFacts | None) -> dict[str, Any]:
    """Facts about a contour, all of them null when there are none; the volume is not among them."""
    interval = None if facts is None else facts.interval
    peak = None if facts is None else facts.suv_peak
    names = (
        "diameter_mm",
        "suv_max",
        "suv_mean",
        "tlu",
        "equivalent_threshold_suv",
        "below_resolution",
        "resolution_diameter_mm",
        "resolution_source",
    )
    return {
        **{name: None if facts is None else getattr(facts, name) for name in names},
        "suv_peak": None if peak is None else peak.suv,
        "suv_peak_kernel": None if peak is None else peak.kernel.value,
        "volume_interval_ml": None if interval is None else [interval.low_ml, interval.high_ml],
        "volume_interval_by_cause_ml": {}
        if interval is None
        else {cause: list(bounds) for cause, bounds in interval.by_cause.items()},
    }


def consensus_document(consensus: CandidateConsensus) -> dict[str, Any]:
    """A lesion's consensus as JSON values, whether the lesion goes by it or not."""

    def listed(values: tuple[float, ...] | None) -> list[float] | None:
        return None if values is None else list(values)

    return {
        "method": consensus.method,
        "domain": consensus.domain,
        "volume_ml": None if consensus.mask is None else consensus.mask.volume_ml,
        "disputed_ml": None if consensus.disputed is None else consensus.disputed.volume_ml,
        "inputs": list(consensus.inputs),
        "left_out": dict(consensus.left_out),
        "weights": listed(consensus.weights),
        "sensitivity": listed(consensus.sensitivity),
        "specificity": listed(consensus.specificity),
        "dropped": list(consensus.dropped),
        "nested": consensus.nested,
        "order_statistic": consensus.order_statistic,
        "equivalent_threshold_suv": consensus.equivalent_threshold_suv,
        "equivalent_threshold_dice": consensus.equivalent_threshold_dice,
        "notes": list(consensus.notes),
        "refused": consensus.refused,
    }
