"""Two doses of one patient side by side: what a second plan gives the targets for the same constraints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .constraints import ConstraintResult, NamedDose, Verdict

TARGET_FIGURES = ("d98_gy", "d95_gy", "d50_gy", "d2_gy", "mean_gy")


@dataclass(frozen=True)
class LineDifference:
    """One constraint of one structure in both plans; difference: second minus first, in the line's unit."""

    first: ConstraintResult
    second: ConstraintResult

    @property
    def difference(self) -> float | None:
        if self.first.reached is None or self.second.reached is None:
            return None
        return self.second.reached - self.first.reached

    @property
    def is_lost(self) -> bool:
        """Whether the first plan keeps the limit and the second breaks it."""
        return self.first.verdict is Verdict.PASS and self.second.verdict is Verdict.FAIL

    @property
    def is_gained(self) -> bool:
        return self.first.verdict is Verdict.FAIL and self.second.verdict is Verdict.PASS


@dataclass(frozen=True)
class TargetDifference:
    """A target's dose in both plans, by the names in TARGET_FIGURES; None where it is not known."""

    volume: str
    first: dict[str, float | None]
    second: dict[str, float | None]

    @property
    def difference(self) -> dict[str, float | None]:
        return {
            name: None if self.first[name] is None or self.second[name] is None else self.second[name] - value
            for name, value in self.first.items()
        }


@dataclass(frozen=True)
class PlanComparison:
    """is_isotoxic: the second plan breaks no limit or aim that the first keeps; None while that is open."""

    lines: tuple[LineDifference, ...]
    targets: tuple[TargetDifference, ...]

    @property
    def is_isotoxic(self) -> bool | None:
        if any(line.is_lost for line in self.lines):
            return False
        compared = [line for line in self.lines if line.first.verdict is not Verdict.NO_STRUCTURE]
        open_lines = any(
            Verdict.NOT_DETERMINED in (line.first.verdict, line.second.verdict) for line in compared
        )
        return None if open_lines or not compared else True


def compare_plans(
    first: tuple[Sequence[ConstraintResult], Sequence[NamedDose]],
    second: tuple[Sequence[ConstraintResult], Sequence[NamedDose]],
) -> PlanComparison:
    """Two plans on the same structures: results of the same constraints, and the doses of the targets.

    Raises ValueError when they were not made from the same table and structures.
    """
    lines = tuple(LineDifference(a, b) for a, b in zip(first[0], second[0], strict=True))
    if any(
        (line.first.published, line.first.volume) != (line.second.published, line.second.volume)
        for line in lines
    ):
        raise ValueError("Two plans are compared on the same constraints and structures only.")
    targets = tuple(
        TargetDifference(a.name, target_figures(a), target_figures(b))
        for a, b in zip(first[1], second[1], strict=True)
    )
    return PlanComparison(lines, targets)


def target_figures(target: NamedDose) -> dict[str, float | None]:
    """The figures of one target by their names in TARGET_FIGURES."""
    dose = target.dose
    return {
        "d98_gy": dose.dose_to_percent(98),
        "d95_gy": dose.dose_to_percent(95),
        "d50_gy": dose.dose_to_percent(50),
        "d2_gy": dose.dose_to_percent(2),
        "mean_gy": dose.mean_gy,
    }
