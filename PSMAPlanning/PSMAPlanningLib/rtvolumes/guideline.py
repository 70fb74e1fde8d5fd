"""A contouring guideline as data: every number with its unit, published range, source and verified flag.

A number is verified when the sentence or table that states it was read in the guideline itself, or in a
table reprinted under the guideline's name. Numbers known from another source, or recalled, stay unverified,
and so does every volume that rests on one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import GuidelineError


@dataclass(frozen=True)
class GuidelineNumber:
    """One number of a guideline.

    value: the one that acts; published: smallest and largest the source gives, None where it gives none.
    citation: author, year and DOI; read_in: what was read of it ("abstract", "table", "page", "secondary",
    "nothing", or "institution" for a user's own file).
    """

    name: str
    value: float
    unit: str
    published: tuple[float, float] | None
    citation: str
    verified: bool
    read_in: str
    note: str = ""


@dataclass(frozen=True)
class GuidelineLevel:
    """A border that is a landmark's plane, moved by an offset towards the head (negative: the feet)."""

    name: str
    landmark: str
    offset_mm: float
    citation: str
    verified: bool
    read_in: str
    note: str = ""


@dataclass(frozen=True)
class PublishedVolume:
    """Volumes of a published series, to be shown beside a generated one; not a limit."""

    what: str
    mean_ml: float | None
    low_ml: float | None
    high_ml: float | None
    citation: str
    verified: bool


Rested = GuidelineNumber | GuidelineLevel
"""What a result may rest on."""


@dataclass(frozen=True)
class Guideline:
    """A guideline for pelvic nodes (kind "nodes") or for the prostate bed (kind "bed").

    switches: extensions and rules that are on or off; not_read: what could not be read of the sources.
    source: "package" or the name, without folder, of the user's file.
    """

    name: str
    title: str
    kind: str
    citation: str
    numbers: Mapping[str, GuidelineNumber]
    levels: Mapping[str, GuidelineLevel]
    switches: Mapping[str, bool]
    published_volumes: tuple[PublishedVolume, ...]
    not_read: str
    source: str = "package"
    description: tuple[str, ...] = field(default_factory=tuple)

    def number(self, name: str) -> GuidelineNumber:
        """The number of that name; raises GuidelineError when the guideline has none."""
        if name not in self.numbers:
            raise GuidelineError(
                f"Guideline {self.name} has no number {name!r}; add it to the guideline's file."
            )
        return self.numbers[name]

    def value(self, name: str) -> float:
        """The value that acts, in the number's own unit."""
        return self.number(name).value

    def level(self, name: str) -> GuidelineLevel:
        """The level of that name; raises GuidelineError when the guideline has none."""
        if name not in self.levels:
            raise GuidelineError(
                f"Guideline {self.name} has no level {name!r}; add it to the guideline's file."
            )
        return self.levels[name]

    def with_value(self, name: str, value: float) -> Guideline:
        """The guideline with another value of one number.

        Inside the published range the number keeps its flag; outside, or where there is no published
        range, it becomes unverified. Raises GuidelineError for a value out of bounds.
        """
        from .guideline_schema import check_value

        number = self.number(name)
        check_value(self.kind, name, value, f"Guideline {self.name}")
        inside = number.published is not None and number.published[0] <= value <= number.published[1]
        changed = replace(number, value=float(value), verified=number.verified and inside)
        return replace(self, numbers={**self.numbers, name: changed})

    def with_switch(self, name: str, on: bool) -> Guideline:
        """The guideline with one extension switched on or off; raises GuidelineError for an unknown one."""
        if name not in self.switches:
            known = ", ".join(self.switches) or "none"
            raise GuidelineError(f"Guideline {self.name} has no switch {name!r}; known: {known}.")
        return replace(self, switches={**self.switches, name: bool(on)})

    def with_level(self, name: str, landmark: str) -> Guideline:
        """The guideline with one border at another landmark's plane, which no guideline then states.

        Raises GuidelineError for an unknown border. A border that is already there keeps its source.
        """
        level = self.level(name)
        if level.landmark == landmark and level.offset_mm == 0:
            return self
        changed = GuidelineLevel(
            name, landmark, 0.0, "chosen by the user", False, "nothing", f"instead of {level.landmark}"
        )
        return replace(self, levels={**self.levels, name: changed})

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of its numbers and levels that were not read in the source."""
        return unverified_names((*self.numbers.values(), *self.levels.values()))


def unverified_names(rested: Iterable[Rested]) -> tuple[str, ...]:
    """Names of those that are not verified, in order, each once."""
    return tuple(dict.fromkeys(each.name for each in rested if not each.verified))
