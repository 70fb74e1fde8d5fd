"""Regions that lesions are named after, what stage each means, and who said which lesion lies where.

Frame of regions: PROMISE (Eiber et al. 2018, doi:10.2967/jnumed.117.198119). Two things are disputed and
therefore settings that every result prints: common iliac nodes are N after PROMISE and M1a after AJCC, and
pelvic bone counts as extrapelvic or pelvic when the impact on the plan is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..errors import RegionError
from ..settings import RegionSettings


class Region(str, Enum):
    ANASTOMOSIS = "anastomosis"
    BLADDER_NECK = "bladder_neck"
    RETROVESICAL = "retrovesical"
    INTERNAL_ILIAC = "internal_iliac"
    EXTERNAL_ILIAC = "external_iliac"
    COMMON_ILIAC = "common_iliac"
    OBTURATOR = "obturator"
    PRESACRAL = "presacral"
    MESORECTAL = "mesorectal"
    RETROPERITONEAL = "retroperitoneal"
    SUPRADIAPHRAGMATIC = "supradiaphragmatic"
    INGUINAL = "inguinal"
    BONE = "bone"
    VISCERAL = "visceral"
    UNKNOWN = "unknown"


class Stage(str, Enum):
    """What a lesion in a region means: local recurrence, pelvic node, or distant disease."""

    LOCAL = "Tr"
    NODAL = "N"
    DISTANT_NODAL = "M1a"
    DISTANT_BONE = "M1b"
    DISTANT_VISCERAL = "M1c"


class RegionSource(str, Enum):
    AUTOMATIC = "automatic"
    USER = "user"


BED = frozenset({Region.ANASTOMOSIS, Region.BLADDER_NECK, Region.RETROVESICAL})
PELVIC_NODES = frozenset(
    {
        Region.INTERNAL_ILIAC,
        Region.EXTERNAL_ILIAC,
        Region.COMMON_ILIAC,
        Region.OBTURATOR,
        Region.PRESACRAL,
        Region.MESORECTAL,
    }
)
DISTANT_NODES = frozenset({Region.RETROPERITONEAL, Region.SUPRADIAPHRAGMATIC, Region.INGUINAL})
UNVERIFIED = frozenset({Region.INGUINAL})
"""PROMISE's list of regions could not be read here; that inguinal nodes are M1a is recalled."""
PELVIC_BONES = frozenset({"hip bone", "sacrum", "coccyx"})
SIDES = ("left", "right", "midline")


@dataclass(frozen=True)
class RegionAssignment:
    """Where one lesion lies.

    side: the patient's own; None where the region has none or it cannot be told.
    structure: name of the bone or organ, for bone and visceral lesions; is_pelvic_bone: hip bone, sacrum or
        coccyx.
    confidence: 0 to 1; 1 for what a user said, 0 for an unknown region.
    why: code of the reason; numbers: what it rests on, mm unless the name says otherwise.
    runner_up: the region that would have been next, None when none was near.
    """

    region: Region
    side: str | None = None
    structure: str | None = None
    confidence: float = 0.0
    source: RegionSource = RegionSource.AUTOMATIC
    why: str = ""
    is_pelvic_bone: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)
    runner_up: Region | None = None

    def __post_init__(self) -> None:
        if self.side not in (None, *SIDES):
            raise RegionError(f"A region's side is {self.side!r}; it must be one of {', '.join(SIDES)}.")
        if self.region is Region.BONE and not self.structure:
            raise RegionError("A bone lesion needs the name of its bone.")

    @property
    def is_known(self) -> bool:
        return self.region is not Region.UNKNOWN

    @property
    def is_verified(self) -> bool:
        """Whether the stage this region stands for was read in its source."""
        return self.region not in UNVERIFIED


def stated_region(
    region: Region | str, side: str | None = None, structure: str | None = None, is_pelvic_bone: bool = False
) -> RegionAssignment:
    """A region as a user says it; nothing automatic replaces it. Raises RegionError for what is none."""
    try:
        known = Region(region)
    except ValueError:
        raise RegionError(
            f"There is no region {region!r}; known: {', '.join(each.value for each in Region)}."
        ) from None
    return RegionAssignment(known, side, structure, 1.0, RegionSource.USER, "stated_by_user", is_pelvic_bone)


def stage_of(assignment: RegionAssignment, settings: RegionSettings) -> Stage | None:
    """The stage a region stands for; None for an unknown one."""
    region = assignment.region
    if region in BED:
        return Stage.LOCAL
    if region is Region.COMMON_ILIAC and settings.common_iliac_stage == "M1a":
        return Stage.DISTANT_NODAL
    if region in PELVIC_NODES:
        return Stage.NODAL
    if region in DISTANT_NODES:
        return Stage.DISTANT_NODAL
    return {Region.BONE: Stage.DISTANT_BONE, Region.VISCERAL: Stage.DISTANT_VISCERAL}.get(region)


def is_extrapelvic(assignment: RegionAssignment, settings: RegionSettings) -> bool | None:
    """Whether a lesion counts as outside the pelvis for the impact on the plan; None when unknown."""
    stage = stage_of(assignment, settings)
    if stage is None:
        return None
    if stage is Stage.DISTANT_BONE and assignment.is_pelvic_bone:
        return settings.pelvic_bone_group == "extrapelvic"
    return stage not in (Stage.LOCAL, Stage.NODAL)


def with_overrides(
    found: Mapping[str, RegionAssignment], stated: Mapping[str, RegionAssignment]
) -> dict[str, RegionAssignment]:
    """Regions by lesion id: what was stated where it was stated, what was found elsewhere."""
    return {id_: stated.get(id_, assignment) for id_, assignment in found.items()}
