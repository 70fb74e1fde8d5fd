"""The published PET stage groups and what the cited study observed in them: a citation, never advice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from ..settings import RegionSettings
from .regions import RegionAssignment, Stage, stage_of

_DISTANT = (Stage.DISTANT_NODAL, Stage.DISTANT_BONE, Stage.DISTANT_VISCERAL)


@dataclass(frozen=True)
class StageGroup:
    """group: "T0N0M0", "TrN0M0", "N1M0" or "M1a-c"; None when a region is unknown and would decide.

    observed: what the study saw in it, as the study says it; patients, percent: of its series.
    """

    group: str | None
    observed: tuple[str, ...] = ()
    patients: int | None = None
    percent: float | None = None
    citation: str = ""
    read_in: str = ""
    note: str = ""


def stage_group(regions: Sequence[RegionAssignment], settings: RegionSettings) -> StageGroup:
    """The group of a patient by the regions of his counted lesions, distant disease first."""
    document = _document()
    source = {name: document[name] for name in ("citation", "read_in", "note")}
    stages = {stage_of(region, settings) for region in regions}
    if stages & set(_DISTANT):
        name = "M1a-c"
    elif None in stages:
        # A lesion somewhere unknown may be distant; the groups below cannot be told.
        return StageGroup(None, **source)
    elif Stage.NODAL in stages:
        name = "N1M0"
    else:
        name = "TrN0M0" if Stage.LOCAL in stages else "T0N0M0"
    row = document["groups"][name]
    return StageGroup(name, tuple(row["observed"]), row["patients"], row["percent"], **source)


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    text = resources.files("PSMAPlanningLib.data").joinpath("stage_groups.json").read_text("utf-8")
    return json.loads(text)
