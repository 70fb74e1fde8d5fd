"""What a case consists of: frozen records, shared between the case, its history and its views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from .delineation.avid_regions import AvidRegion
from .delineation.rules import Delineation
from .imaging.image import Image, Mask
from .imaging.suv import SuvConversion
from .settings import Settings


class LesionState(str, Enum):
    """What people, or nobody yet, decided about a lesion."""

    PROPOSED = "proposed"
    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Change:
    """One entry of a lesion's record: what happened, who did it, when (ISO 8601, UTC), and why."""

    what: str
    who: str
    when: str
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Contour:
    """The contour a lesion goes by.

    source: a rule's name, "consensus" or "hand"; method: the fusion method of a consensus.
    inputs: names of the candidates a consensus was made from.
    """

    mask: Mask
    source: str
    method: str | None = None
    threshold_suv: float | None = None
    inputs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Lesion:
    """One focus of uptake, its candidate contours, the contour it goes by, and what was decided."""

    id: str
    region: AvidRegion
    candidates: tuple[Delineation, ...]
    contour: Contour
    state: LesionState
    history: tuple[Change, ...]

    @property
    def is_decided(self) -> bool:
        return self.state in (LesionState.ACCEPTED, LesionState.REJECTED)

    @property
    def is_hand_edited(self) -> bool:
        return self.contour.source == "hand"

    @property
    def rejection_reason(self) -> str | None:
        return self.history[-1].reason if self.state is LesionState.REJECTED else None

    def with_state(self, state: LesionState, change: Change) -> Lesion:
        return replace(self, state=state, history=(*self.history, change))

    def with_contour(self, contour: Contour, change: Change) -> Lesion:
        return replace(self, contour=contour, history=(*self.history, change))


@dataclass(frozen=True, eq=False)
class RtVolume:
    """A radiotherapy volume or organ.

    name: unique in the case; kind: interpreted type (GTV, CTV, PTV, ORGAN ...), None when not stated.
    origin: "imported" so far; source_file: the name, without folder, of the file it came from.
    """

    name: str
    mask: Mask
    kind: str | None
    origin: str
    source_file: str
    status: str = "ok"

    @property
    def is_target(self) -> bool:
        return self.kind in ("GTV", "CTV", "PTV", "ITV")


def headline_volumes(volumes: Sequence[RtVolume]) -> tuple[RtVolume, ...]:
    """The volumes a lesion's one class is told by: the CTVs; targets where there is no CTV; else all.

    A lesion that only the PTV reaches lies in the setup margin; that is not cover.
    """
    clinical = tuple(volume for volume in volumes if volume.kind == "CTV")
    return clinical or tuple(volume for volume in volumes if volume.is_target) or tuple(volumes)


@dataclass(frozen=True)
class Registration:
    """How the frames of PET and volumes were brought together.

    source: "same_frame_of_reference", "user_transform" or "not_stated".
    None means not stated, which is not zero.
    """

    source: str = "not_stated"
    residual_mm: float | None = None
    uncertainty_mm: float | None = None


@dataclass(frozen=True, eq=False)
class CaseState:
    """One patient at one moment. Never changed, only replaced; states share what they have in common."""

    settings: Settings = field(default_factory=Settings)
    pet: Image | None = None
    suv: SuvConversion | None = None
    ct: Image | None = None
    anatomy: Mapping[str, Mask] = field(default_factory=dict)
    registration: Registration = field(default_factory=Registration)
    regions: tuple[AvidRegion, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    volumes: tuple[RtVolume, ...] = ()
    warnings: tuple[str, ...] = ()
    finding_warnings: tuple[str, ...] = ()

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What was said about the input, and about the last search for lesions."""
        return (*self.warnings, *self.finding_warnings)
