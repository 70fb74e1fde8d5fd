"""Constraints held against a dose: pass or fail for each line, with the number that was reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from .constraint_table import DOSE_AT_VOLUME, PERCENT, VOLUME_AT_DOSE, Constraint, ConstraintTable
from .dvh import StructureDose


class Verdict(str, Enum):
    """not determined: the part of the organ outside the dose grid decides, or all of it lies there."""

    PASS = "pass"
    FAIL = "fail"
    NOT_DETERMINED = "not_determined"
    NO_STRUCTURE = "no_structure"


@dataclass(frozen=True)
class ConstraintResult:
    """One line for one structure.

    constraint: as it was applied, that is rescaled where `is_rescaled`; published: as its source has it.
    volume: the structure's name in the case; None when the case has no such organ.
    reached: in the limit's unit (percent, mL or Gy), of the part inside the dose grid; bounds: what it can be
        when the rest gets nothing, or as much as the hottest point of the grid.
    """

    constraint: Constraint
    published: Constraint
    is_rescaled: bool
    volume: str | None
    verdict: Verdict
    reached: float | None = None
    bounds: tuple[float, float] | None = None

    @property
    def limit(self) -> float:
        """What must not be exceeded, in the unit of `reached`."""
        by_volume = self.constraint.metric == VOLUME_AT_DOSE
        return self.constraint.limit if by_volume else self.constraint.limit_gy


@dataclass(frozen=True, eq=False)
class NamedDose:
    """A structure's dose under its name in the case and what it was taken for (TG-263; None: not known)."""

    name: str
    tg263: str | None
    dose: StructureDose


def check_constraints(
    table: ConstraintTable, structures: Sequence[NamedDose], fractions: int | None, largest_gy: float
) -> tuple[ConstraintResult, ...]:
    """Every line of the table for every structure it is about, in the table's order.

    fractions: of the plan; None: not stated, then no line is rescaled, and each says so.
    largest_gy: the highest dose in the grid, taken as the most a part outside of it can get.
    """
    by_organ: dict[str, list[NamedDose]] = {}
    for each in structures:
        if each.tg263 is not None:
            by_organ.setdefault(each.tg263, []).append(each)
    results = []
    for published in table.lines:
        applied = published if fractions is None else published.rescaled(fractions)
        is_rescaled = fractions is not None and published.can_be_rescaled
        found = [each for organ in published.organs for each in by_organ.get(organ, [])]
        if not found:
            results.append(ConstraintResult(applied, published, is_rescaled, None, Verdict.NO_STRUCTURE))
        for each in found:
            results.append(_result(applied, published, is_rescaled, each, largest_gy))
    return tuple(results)


def _result(
    applied: Constraint, published: Constraint, is_rescaled: bool, structure: NamedDose, largest_gy: float
) -> ConstraintResult:
    reached = reached_by(applied, structure.dose)
    if reached is None:
        return ConstraintResult(applied, published, is_rescaled, structure.name, Verdict.NOT_DETERMINED)
    limits = [reached_by(applied, structure.dose.with_outside_at(gray)) for gray in (0.0, largest_gy)]
    bounds = (min(limits), max(limits))
    result = ConstraintResult(
        applied, published, is_rescaled, structure.name, Verdict.NOT_DETERMINED, reached, bounds
    )
    if bounds[1] <= result.limit:
        verdict = Verdict.PASS
    elif bounds[0] > result.limit:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.NOT_DETERMINED
    return ConstraintResult(applied, published, is_rescaled, structure.name, verdict, reached, bounds)


def reached_by(constraint: Constraint, structure: StructureDose) -> float | None:
    """The constraint's number for a structure, over the part whose dose is known; None where none is."""
    if not structure.is_known:
        return None
    if constraint.metric == VOLUME_AT_DOSE:
        volume_ml = structure.volume_at_ml(constraint.dose_gy)
        return 100.0 * volume_ml / structure.known_ml if constraint.unit == PERCENT else volume_ml
    if constraint.metric == DOSE_AT_VOLUME:
        if constraint.unit == PERCENT:
            return structure.dose_to_percent(constraint.volume)
        return structure.dose_to_ml(constraint.volume)
    return structure.mean_gy


def counts(results: Sequence[ConstraintResult]) -> Mapping[str, int]:
    """How many lines have each verdict."""
    return {verdict.value: sum(r.verdict is verdict for r in results) for verdict in Verdict}
