"""What people stated about lesions and plan, as JSON: regions of lesions, prescriptions, constraints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..coverage.constraint_table import Constraint, ConstraintTable
from ..coverage.prescribed_dose import PrescribedDose
from ..coverage.regions import Region, RegionAssignment, RegionSource
from ..records import CaseState
from .stored_dose import dose_document


def plan_document(state: CaseState) -> dict[str, Any]:
    """The plan's fields of a state; `plan_records` is the way back. The doses' voxels are in nodes."""
    return {
        "has_dose": state.dose is not None or state.comparison_dose is not None,
        **dose_document(state),
        "prescriptions": [asdict(prescription) for prescription in state.prescriptions],
        "constraints": None if state.constraints is None else asdict(state.constraints),
    }


def plan_records(document: dict[str, Any]) -> dict[str, Any]:
    """Fields of a CaseState from a case's document; scenes from before these were stored have none of them.

    Raises KeyError, TypeError, ValueError or PrescriptionError for a damaged one.
    """
    table = document.get("constraints")
    return {
        "prescriptions": tuple(PrescribedDose(**each) for each in document.get("prescriptions") or ()),
        "constraints": None if table is None else _constraints(table),
    }


def region_document(stated: RegionAssignment | None) -> dict[str, Any] | None:
    """Where a user said that a lesion lies."""
    return None if stated is None else asdict(stated)


def region_of_document(document: dict[str, Any] | None) -> RegionAssignment | None:
    """The region of `region_document`. Raises TypeError, ValueError or RegionError for a damaged one."""
    if document is None:
        return None
    runner_up = document["runner_up"]
    return RegionAssignment(
        **{
            **document,
            "region": Region(document["region"]),
            "source": RegionSource(document["source"]),
            "runner_up": None if runner_up is None else Region(runner_up),
        }
    )


def _constraints(document: dict[str, Any]) -> ConstraintTable:
    lines = tuple(Constraint(**{**line, "organs": tuple(line["organs"])}) for line in document["lines"])
    return ConstraintTable(str(document["name"]), lines, tuple(document["off"]))
