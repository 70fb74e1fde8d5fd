"""The dose of a case as plain numbers and text; gray, millilitres, percent, null for what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .case_dose import CaseDose
from .coverage.constraint_table import DOSE_AT_VOLUME, MEAN_DOSE, PERCENT, VOLUME_AT_DOSE, Constraint
from .coverage.constraints import ConstraintResult, counts
from .coverage.dose_coverage import LesionField
from .coverage.dvh import StructureDose, cumulative_dvh
from .coverage.isotoxic import PlanComparison
from .records import CaseState

_UNITS = {PERCENT: "%", "ml": "mL"}


def case_dose_document(found: CaseDose | None, state: CaseState) -> dict[str, Any] | None:
    """Prescriptions, constraints and histograms; None without a dose."""
    if found is None:
        return None
    return {
        "max_gy": float(state.dose.array.max()),
        "spacing_mm": list(state.dose.grid.spacing_mm),
        "end_caps": state.settings.dose.end_caps,
        "prescriptions": [asdict(each) for each in found.prescriptions],
        "fractions": found.fractions,
        "constraints": constraints_document(found.constraints, found.table.name, found.table.off),
        "dvh": [
            dvh_document(each.name, volume.kind, each.dose, state.settings.dose.dvh_bin_gy)
            for each, volume in zip(found.volumes, state.volumes, strict=True)
        ],
        "comparison": None if found.comparison is None else comparison_document(found.comparison),
        "outside_dose_grid": dict(found.outside),
    }


def structure_dose_document(dose: StructureDose) -> dict[str, Any]:
    """D98, D95, D50, D2, mean, least and greatest dose of the part inside the dose grid."""
    return {
        "d98_gy": dose.dose_to_percent(98),
        "d95_gy": dose.dose_to_percent(95),
        "d50_gy": dose.dose_to_percent(50),
        "d2_gy": dose.dose_to_percent(2),
        "mean_gy": dose.mean_gy,
        "min_gy": dose.min_gy,
        "max_gy": dose.max_gy,
        "outside_dose_grid": dose.outside_fraction,
    }


def lesion_dose_document(dose: StructureDose, field: LesionField) -> dict[str, Any]:
    """A lesion's dose, and how it lies in the field; field is null with the reason where that is not told."""
    return {
        **structure_dose_document(dose),
        "field": field.field.value if field.field else None,
        "field_reason": field.reason,
        "prescription": asdict(field.prescription) if field.prescription else None,
        "isodose_gy": field.isodose_gy,
        "fraction_in_isodose": list(field.fraction_bounds) if field.fraction_bounds else None,
    }


def dvh_document(name: str, kind: str | None, dose: StructureDose, bin_gy: float) -> dict[str, Any]:
    """The cumulative histogram; volume_ml[n] receives n times bin_gy or more."""
    dvh = cumulative_dvh(dose, bin_gy)
    return {
        "name": name,
        "type": kind,
        "bin_gy": dvh.bin_gy,
        "total_ml": dvh.total_ml,
        # A tenth of a microlitre: more digits only make the file longer.
        "volume_ml": [round(float(volume), 4) for volume in dvh.volume_ml],
    }


def constraints_document(
    results: Sequence[ConstraintResult], table: str, sets_off: Sequence[str]
) -> dict[str, Any]:
    """Every line with the number reached."""
    return {
        "table": table,
        "sets_off": list(sets_off),
        "counts": dict(counts(results)),
        "lines": [_line(each) for each in results],
    }


def comparison_document(comparison: PlanComparison) -> dict[str, Any]:
    """Two plans side by side: the same constraints, and the doses of the targets."""
    return {
        "isotoxic": comparison.is_isotoxic,
        "lines": [
            {
                "id": line.first.published.id,
                "volume": line.first.volume,
                "kind": line.first.published.kind,
                "constraint": spoken(line.first.constraint),
                "unit": unit_of(line.first.constraint),
                "limit": line.first.limit,
                "first": line.first.reached,
                "second": line.second.reached,
                "difference": line.difference,
                "first_verdict": line.first.verdict.value,
                "second_verdict": line.second.verdict.value,
            }
            for line in comparison.lines
        ],
        "targets": [
            {
                "volume": target.volume,
                "first": dict(target.first),
                "second": dict(target.second),
                "difference": dict(target.difference),
            }
            for target in comparison.targets
        ],
    }


def _line(result: ConstraintResult) -> Mapping[str, Any]:
    return {
        "id": result.published.id,
        "organs": list(result.published.organs),
        "volume": result.volume,
        "kind": result.published.kind,
        "constraint": spoken(result.constraint),
        "published": spoken(result.published),
        "rescaled": result.is_rescaled,
        "unit": unit_of(result.constraint),
        "limit": result.limit,
        "reached": result.reached,
        "bounds": list(result.bounds) if result.bounds else None,
        "verdict": result.verdict.value,
        "verified": result.published.verified,
        "citation": result.published.citation,
    }


def unit_of(constraint: Constraint) -> str:
    """The unit of the limit: %, mL or Gy."""
    return _UNITS[constraint.unit] if constraint.metric == VOLUME_AT_DOSE else "Gy"


def spoken(constraint: Constraint) -> str:
    """As planners write it: V72.0 <= 22 %, D2% <= 40.0 Gy, Dmean <= 20.0 Gy."""
    if constraint.metric == VOLUME_AT_DOSE:
        return f"V{constraint.dose_gy:.1f}Gy ≤ {constraint.limit:g} {_UNITS[constraint.unit]}"
    if constraint.metric == DOSE_AT_VOLUME:
        return f"D{constraint.volume:g}{_UNITS[constraint.unit]} ≤ {constraint.limit_gy:.1f} Gy"
    if constraint.metric == MEAN_DOSE:
        return f"Dmean ≤ {constraint.limit_gy:.1f} Gy"
    raise ValueError(constraint.metric)


def dose_warnings(found: CaseDose | None) -> list[str]:
    """What is to be said before any dose figure is read."""
    if found is None or not found.outside:
        return []
    parts = ", ".join(f"{name} {part:.1%}" for name, part in found.outside.items())
    return [
        f"Part of these lies outside the dose grid: {parts}; their dose figures are of the part inside it."
    ]
