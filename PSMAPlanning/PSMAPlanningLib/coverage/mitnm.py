"""miTNM strings after PROMISE V1 and V2 from facts about regions; always proposed, with the rule's version.

V1: Eiber et al. 2018, doi:10.2967/jnumed.117.198119; V2: Seifert et al. 2023, Eur Urol 83:405.
The category names of V1 were read; region letters, bone patterns and V2's nodal wording are recalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..imaging.tracers import TracerFacts
from ..settings import RegionSettings
from .regions import Region, RegionAssignment, Stage, stage_of

RULE_V1 = "PROMISE V1 (Eiber 2018); region letters and bone pattern recalled"
RULE_V2 = "PROMISE V2 (Seifert 2023); nodal wording recalled"
LETTERS = {
    Region.INTERNAL_ILIAC: "II",
    Region.EXTERNAL_ILIAC: "EI",
    Region.COMMON_ILIAC: "CI",
    Region.OBTURATOR: "OB",
    Region.PRESACRAL: "PS",
    Region.MESORECTAL: "OP",
    Region.RETROPERITONEAL: "RP",
    Region.SUPRADIAPHRAGMATIC: "SD",
    Region.INGUINAL: "OE",
}
_PAIRED = (Region.INTERNAL_ILIAC, Region.EXTERNAL_ILIAC, Region.COMMON_ILIAC, Region.OBTURATOR)
_OLIGO_UP_TO = 3


@dataclass(frozen=True)
class MiTnm:
    """Proposed strings; None when the tracer has no miTNM or nothing is counted.

    why: code; unknown: how many lesions have no region, for which reason what is absent reads "?".
    nodal_regions: pelvic ones, by letters and side; bone_pattern: "uni", "oligo", "diss" or None.
    common_iliac_stage: the switch that acted.
    """

    v1: str | None
    v2: str | None
    rule_v1: str = RULE_V1
    rule_v2: str = RULE_V2
    why: str = ""
    unknown: int = 0
    nodal_regions: tuple[str, ...] = ()
    bone_pattern: str | None = None
    common_iliac_stage: str = "N"
    proposed: bool = True


def propose_mitnm(
    regions: Sequence[RegionAssignment], tracer: TracerFacts | None, settings: RegionSettings
) -> MiTnm:
    """Strings for the counted lesions' regions, after prostatectomy (T is 0 or r).

    Each side of a paired node region is a region of its own. A tracer that is known to be no PSMA ligand has
    no miTNM; an unknown one gets the strings with the reason "tracer_not_known".
    """
    if tracer is not None and not tracer.allows_mitnm:
        return MiTnm(None, None, why="not_a_psma_ligand", common_iliac_stage=settings.common_iliac_stage)
    by_stage: dict[Stage | None, list[RegionAssignment]] = {}
    for each in regions:
        by_stage.setdefault(stage_of(each, settings), []).append(each)
    unknown = len(by_stage.get(None, ()))
    absent = "?" if unknown else "0"
    local = "r" if Stage.LOCAL in by_stage else absent
    nodal = tuple(sorted({_letters(each) for each in by_stage.get(Stage.NODAL, ())}))
    pattern = _bone_pattern(len(by_stage.get(Stage.DISTANT_BONE, ())))
    distant = _distant(by_stage, pattern, absent)
    listed = f"({', '.join(nodal)})"
    several = len(nodal) > 1
    v1_nodes = f"N1{'b' if several else 'a'}{listed}" if nodal else f"N{absent}"
    v2_nodes = f"N{'2' if several else '1'}{listed}" if nodal else f"N{absent}"
    return MiTnm(
        f"miT{local} {v1_nodes} {distant}",
        f"miT{local} {v2_nodes} {distant}",
        why="tracer_not_known" if tracer is None else "",
        unknown=unknown,
        nodal_regions=nodal,
        bone_pattern=pattern,
        common_iliac_stage=settings.common_iliac_stage,
    )


def _letters(region: RegionAssignment) -> str:
    letters = LETTERS[region.region]
    if region.region in _PAIRED and region.side in ("left", "right"):
        return f"{letters}-{region.side[0].upper()}"
    return letters


def _bone_pattern(count: int) -> str | None:
    if count == 0:
        return None
    return "uni" if count == 1 else "oligo" if count <= _OLIGO_UP_TO else "diss"


def _distant(by_stage: dict[Stage | None, list[RegionAssignment]], pattern: str | None, absent: str) -> str:
    parts = []
    if Stage.DISTANT_NODAL in by_stage:
        letters = sorted({_letters(each) for each in by_stage[Stage.DISTANT_NODAL]})
        parts.append(f"M1a({', '.join(letters)})")
    if Stage.DISTANT_BONE in by_stage:
        bones = sorted({_bone(each) for each in by_stage[Stage.DISTANT_BONE]})
        named = "" if pattern == "diss" else f": {', '.join(bones)}"
        parts.append(f"M1b({pattern}{named})")
    if Stage.DISTANT_VISCERAL in by_stage:
        organs = sorted({each.structure or "" for each in by_stage[Stage.DISTANT_VISCERAL]} - {""})
        parts.append(f"M1c({', '.join(organs)})" if organs else "M1c")
    return " ".join(parts) if parts else f"M{absent}"


def _bone(region: RegionAssignment) -> str:
    sided = region.side in ("left", "right") and not (region.structure or "").startswith(
        ("vertebra", "sacrum", "sternum", "coccyx")
    )
    return f"{region.side} {region.structure}" if sided else str(region.structure)
