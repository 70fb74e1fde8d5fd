"""What was entered in the RT volumes section and is no part of the case yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..rtvolumes.guideline import Guideline
from ..rtvolumes.guideline_files import GUIDELINES, load_guideline
from ..rtvolumes.margins import SixMargins
from ..rtvolumes.planning_target import InstitutionMargins
from ..volume_generation import TOP_AT_L4_L5
from .volume_growing import Cropping
from .volumes_view import NO_MARGINS, GuidelineChoice

SWITCHES = ("mesorectum", TOP_AT_L4_L5, "para_aortic")


@dataclass(frozen=True)
class VolumesForm:
    """margins: right, left, anterior, posterior, superior, inferior in mm, None where nothing was entered.

    institution: the file the margins were taken from, as long as nobody changed them. switches: as set by
    the user; what is not in it is as the guideline has it. notes: title, and what was said under it.
    """

    selected: str | None = None
    margins: tuple[float | None, ...] = NO_MARGINS
    institution: InstitutionMargins | None = None
    cropping: Cropping = field(default_factory=Cropping)
    to_clinical_mm: float | None = None
    to_planning_mm: float | None = None
    chosen: Mapping[str, str] = field(
        default_factory=lambda: {"nodes": "rtog2009_nodes", "bed": "rtog2010_bed"}
    )
    own: Mapping[str, Guideline] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def six(self) -> SixMargins | None:
        """The margins when all six are there. Raises MarginError for a number that cannot be one."""
        if None in self.margins:
            return None
        right, left, anterior, posterior, superior, inferior = self.margins
        return SixMargins(left, right, anterior, posterior, superior, inferior)

    def guideline(self, kind: str) -> Guideline:
        """The guideline chosen for "nodes" or "bed"."""
        name = self.chosen[kind]
        return self.own[name] if name in self.own else load_guideline(name)

    def shown_switches(self) -> dict[str, bool]:
        """Each switch as it will act."""
        guideline = self.guideline("nodes")
        top = guideline.level("cranial")
        of_guideline = {
            **guideline.switches,
            TOP_AT_L4_L5: top.landmark == "L4_L5" and top.offset_mm == 0,
        }
        return {name: self.switches.get(name, of_guideline[name]) for name in SWITCHES}


def guideline_choices(own: Mapping[str, Guideline]) -> tuple[GuidelineChoice, ...]:
    """The presets and the user's own files, nodes first."""
    found = [load_guideline(name) for name in GUIDELINES] + list(own.values())
    return tuple(
        GuidelineChoice(
            each.name,
            each.title,
            each.kind,
            len(each.numbers) + len(each.levels),
            each.unverified,
            each.source,
        )
        for each in found
    )


def six_as_entered(margin: SixMargins) -> tuple[float, ...]:
    """Right, left, anterior, posterior, superior, inferior."""
    left, right, *others = margin.as_tuple()
    return (right, left, *others)
