"""Labels as the trials use them, as description of where disease lies; never as advice.

Kinds of intensification as reported for PSMAiSRT (Belliveau, JAMA Oncol 2025, NCT03525288): pelvis added,
node boost, bed boost, metastasis-directed. Limits of 3 and 5 lesions as in ORIOLE and PEACE V-STORM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..settings import RegionSettings
from .regions import RegionAssignment, Stage, stage_of

_DISTANT = (Stage.DISTANT_NODAL, Stage.DISTANT_BONE, Stage.DISTANT_VISCERAL)


@dataclass(frozen=True)
class TrialLabels:
    """What lies where, in the trials' words; None where an unknown region would decide.

    extent: "no_lesion", "fossa_confined", "extra_fossa" or None; kinds: intensifications that a trial would
    report for disease in these regions: "pelvis_added", "node_boost", "bed_boost", "metastasis_directed".
    at_most_3, at_most_5: number of counted lesions.
    """

    extent: str | None
    kinds: tuple[str, ...]
    kinds_complete: bool
    at_most_3: bool
    at_most_5: bool
    lesions: int


def trial_labels(regions: Sequence[RegionAssignment], settings: RegionSettings) -> TrialLabels:
    """Labels for the counted lesions' regions."""
    stages = [stage_of(region, settings) for region in regions]
    known = set(stages) - {None}
    kinds = []
    if Stage.NODAL in known:
        kinds += ["pelvis_added", "node_boost"]
    if Stage.LOCAL in known:
        kinds.append("bed_boost")
    if known & set(_DISTANT):
        kinds.append("metastasis_directed")
    if not stages:
        extent: str | None = "no_lesion"
    elif known - {Stage.LOCAL}:
        extent = "extra_fossa"
    else:
        extent = None if None in stages else "fossa_confined"
    return TrialLabels(
        extent, tuple(kinds), None not in stages, len(stages) <= 3, len(stages) <= 5, len(stages)
    )
