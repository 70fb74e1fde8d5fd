"""What the Contours section shows of the selected lesion: its candidate contours and its threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import RuleError
from ..lesion_consensus import candidate_names
from ..lesion_contours import CONSENSUS, contour_names
from ..lesion_facts import consensus_of, facts_of
from ..records import CaseState, Lesion
from ..scene.appearance import Color, rule_colors

_STEP_SUV = 0.1


@dataclass(frozen=True)
class CandidateRow:
    """One contour that the lesion can go by.

    name: "consensus" or the candidate's; rule: None for the consensus; color: of its outline, None for the
    consensus, which is drawn as the lesion. left_out: the flag that keeps it out of the consensus, or None.
    """

    name: str
    rule: str | None
    threshold_suv: float | None
    volume_ml: float
    color: Color | None
    is_chosen: bool
    left_out: str | None = None


@dataclass(frozen=True)
class ContoursView:
    """Of the selected lesion; empty and without a range when none is selected.

    threshold_suv: where its slider stands; lowest_suv, highest_suv: what the slider offers.
    source: what the lesion goes by: "consensus", a rule, "threshold" or "hand".
    is_growing: whether clicks in the slices grow lesions now, whatever is selected.
    """

    lesion_id: str | None = None
    source: str = ""
    candidates: tuple[CandidateRow, ...] = ()
    threshold_suv: float = 0.0
    lowest_suv: float = 0.0
    highest_suv: float = 0.0
    is_growing: bool = False


@dataclass(frozen=True)
class ThresholdPreview:
    """What a lesion would be at the threshold that is being dragged."""

    lesion_id: str
    threshold_suv: float
    volume_ml: float


def contours_view(lesion: Lesion, state: CaseState, visible_rules: tuple[str, ...]) -> ContoursView:
    """The candidates of a lesion and where its threshold stands.

    visible_rules: every rule of the case, whose colors are told apart.
    """
    offered = set(contour_names(lesion, state))
    consensus = consensus_of(lesion, state)
    colors = rule_colors(visible_rules)
    chosen = _chosen(lesion)
    rows = []
    if CONSENSUS in offered:
        volume_ml = consensus.mask.volume_ml
        rows.append(CandidateRow(CONSENSUS, None, None, volume_ml, None, chosen == CONSENSUS))
    left_out = {} if consensus is None else consensus.left_out
    for name, candidate in zip(candidate_names(lesion.candidates), lesion.candidates, strict=True):
        if name in offered:
            rows.append(
                CandidateRow(
                    name,
                    candidate.rule,
                    candidate.threshold_suv,
                    candidate.mask.volume_ml,
                    colors.get(candidate.rule),
                    chosen == name,
                    left_out.get(name),
                )
            )
    highest_suv = math.ceil(lesion.region.suv_max / _STEP_SUV) * _STEP_SUV
    return ContoursView(
        lesion.id,
        lesion.contour.source,
        tuple(rows),
        _threshold(lesion, state),
        _STEP_SUV,
        max(highest_suv, 2 * _STEP_SUV),
    )


def _chosen(lesion: Lesion) -> str | None:
    """The name of the candidate the lesion goes by; None for a contour of its own."""
    contour = lesion.contour
    names = candidate_names(lesion.candidates)
    for name, candidate in zip(names, lesion.candidates, strict=True):
        # A rule that was run twice has two candidates of one source, told apart by their thresholds.
        if candidate.rule == contour.source and candidate.threshold_suv == contour.threshold_suv:
            return name
    return CONSENSUS if contour.source == CONSENSUS else None


def _threshold(lesion: Lesion, state: CaseState) -> float:
    """The threshold of the contour the lesion goes by, else the one whose contour has its volume."""
    if lesion.contour.threshold_suv is not None:
        return lesion.contour.threshold_suv
    try:
        facts = facts_of(lesion, state)
    except RuleError:
        # No part of the contour lies on the PET.
        return state.settings.detection.threshold_suv
    return facts.equivalent_threshold_suv or state.settings.detection.threshold_suv
