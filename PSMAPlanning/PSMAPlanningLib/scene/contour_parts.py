"""What the contours of a case consist of in the scene: candidates, and the band where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lesion_consensus import candidate_names

if TYPE_CHECKING:
    from ..imaging.image import Mask
    from ..records import Lesion


@dataclass(frozen=True, eq=False)
class ContourPart:
    """One segment of the contours: a candidate of a lesion, or (rule None) where its candidates disagree."""

    lesion_id: str
    mask: Mask
    rule: str | None = None
    threshold_suv: float | None = None


def contour_parts(lesions: Sequence[Lesion]) -> dict[str, ContourPart]:
    """Candidates and disputed bands by segment id, without those that hold nothing."""
    parts = {}
    for lesion in lesions:
        for name, candidate in zip(candidate_names(lesion.candidates), lesion.candidates, strict=True):
            parts[f"{lesion.id} {name}"] = ContourPart(
                lesion.id, candidate.mask, candidate.rule, candidate.threshold_suv
            )
        if lesion.consensus is not None and lesion.consensus.disputed is not None:
            parts[f"{lesion.id} disputed"] = ContourPart(lesion.id, lesion.consensus.disputed)
    return {segment_id: part for segment_id, part in parts.items() if not part.mask.is_empty}
