"""Where the case's numbers come from: SUV, patient and registration, as keys and values for a small table."""

from __future__ import annotations

from dataclasses import dataclass

from ..imaging.registration import RigidTransform
from ..imaging.suv import SuvConversion
from ..imaging.suv_audit import ENTERED
from ..records import CaseState, Registration
from .view_state import AuditRow

_SUV_KEYS = (
    "tracer",
    "nuclide",
    "uptake_time_min",
    "units_in",
    "factor",
    "branch",
    "decay_correction",
    "injection_time",
    "reference_time",
    "dose_bq",
    "half_life_s",
    "weight_kg",
    "height_m",
    "sex",
)
_SOURCE_NAMES = {"units_in": "units"}
_ONLY_WHERE_KNOWN = ("height_m", "sex", "nuclide")


@dataclass(frozen=True)
class AuditCard:
    """rows: what to show; warnings: what was said about the conversion, as sentences or codes of cautions."""

    rows: tuple[AuditRow, ...] = ()
    warnings: tuple[str, ...] = ()


def audit_card(state: CaseState) -> AuditCard:
    """The card of a case; empty without a PET."""
    if state.pet is None:
        return AuditCard()
    rows = [AuditRow("given_in_suv", None)] if state.suv is None else _suv_rows(state.suv)
    check = state.patient_check
    if check is None:
        rows.append(AuditRow("patient", "not_compared"))
    elif check.confirmed is not None:
        rows.append(AuditRow("patient", "confirmed", check.confirmed.who))
    elif len(check.compared) < 2:
        rows.append(AuditRow("patient", "not_compared"))
    else:
        rows.append(AuditRow("patient", "same", ", ".join(check.compared)))
    rows += _registration_rows(state.registration)
    return AuditCard(tuple(rows), _warnings(state.suv))


def _suv_rows(suv: SuvConversion) -> list[AuditRow]:
    rows = []
    for key in _SUV_KEYS:
        value = getattr(suv, key)
        if value is None and key in _ONLY_WHERE_KNOWN:
            continue
        rows.append(AuditRow(key, value, suv.sources.get(_SOURCE_NAMES.get(key, key), "")))
    entered = tuple(name for name, source in suv.sources.items() if source == ENTERED)
    rows.append(AuditRow("entered", entered))
    return rows


def _registration_rows(registration: Registration) -> list[AuditRow]:
    rows = [AuditRow("registration", registration.source, registration.transform_file or "")]
    if registration.planning_from_pet is not None:
        rows.append(AuditRow("rotation", RigidTransform(registration.planning_from_pet).angle_degrees))
    rows.append(AuditRow("residual_mm", registration.residual_mm))
    if registration.uncertainty_bed_mm is None and registration.uncertainty_nodes_mm is None:
        return [*rows, AuditRow("uncertainty_mm", registration.uncertainty_mm)]
    return [
        *rows,
        AuditRow("uncertainty_bed_mm", registration.bed_uncertainty_mm),
        AuditRow("uncertainty_nodes_mm", registration.nodes_uncertainty_mm),
    ]


def _warnings(suv: SuvConversion | None) -> tuple[str, ...]:
    if suv is None:
        return ()
    facts = suv.tracer_facts
    return (*suv.warnings, *(facts.to_document().get("cautions") or () if facts is not None else ()))
