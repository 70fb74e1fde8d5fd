"""What the Coverage and Export sections show, in codes and numbers, and how it is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..case import PlanningCase
from ..case_dose import CaseDose
from ..coverage.patient_result import PatientResult
from ..coverage.prescribed_dose import PrescribedDose
from ..coverage.what_if import WhatIfColumn
from ..errors import PlanningError
from ..records import CaseState


@dataclass(frozen=True, eq=False)
class PlanFacts:
    """What follows from one state of the case. dose_problem: why there is no dose result though a dose is."""

    patient: PatientResult
    dose: CaseDose | None = None
    dose_problem: str = ""


@dataclass(frozen=True)
class TargetRow:
    """A target, and what it is prescribed: entered by somebody, else read in its name, else nothing."""

    name: str
    prescribed: PrescribedDose | None = None


@dataclass(frozen=True, eq=False)
class PlanView:
    """facts: None while they are worked out, or when that failed: problem is then a sentence.

    what_if: the last table asked for; what_if_is_old: the case has changed since.
    dose_name, comparison_name, constraints_name: what is loaded, "" for nothing or where the name is gone.
    dose_node, comparison_node: volume nodes they were read from, None for files.
    written_in: folder of the last export; written: its files; export_notes: what must be known about it.
    """

    facts: PlanFacts | None = None
    problem: str = ""
    is_computing: bool = False
    what_if: tuple[WhatIfColumn, ...] = ()
    what_if_is_old: bool = False
    targets: tuple[TargetRow, ...] = ()
    has_dose: bool = False
    dose_name: str = ""
    dose_node: Any | None = None
    comparison_name: str = ""
    comparison_node: Any | None = None
    constraints_name: str = ""
    written_in: str = ""
    written: tuple[str, ...] = ()
    export_notes: tuple[str, ...] = ()

    @property
    def patient(self) -> PatientResult | None:
        return None if self.facts is None else self.facts.patient

    @property
    def dose(self) -> CaseDose | None:
        return None if self.facts is None else self.facts.dose


def plan_facts(case: PlanningCase, state: CaseState) -> PlanFacts:
    """Everything that follows from a state; may be called on another thread. Raises PlanningError."""
    patient = case.patient_of(state)
    try:
        return PlanFacts(patient, case.dose_of(state))
    except PlanningError as error:
        return PlanFacts(patient, dose_problem=str(error))
