"""Whether files that come to a case later are its patient's; works on plain records, for a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from ..errors import PatientMismatchError
from ..imaging.known_patient import KnownPatient, check_later_files
from ..imaging.patient_identity import IdentifiedFile, check_patient
from ..records import CaseState
from .study_folder import PatientNotConfirmedError


def with_later_files(
    state: CaseState, files: Sequence[IdentifiedFile], confirmed_by: str | None = None
) -> CaseState:
    """The case with more files compared to whose it is.

    confirmed_by: who says that they are one patient's although they differ. Raises PatientNotConfirmedError
    where they do and nobody says so.
    """
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        known, check = check_later_files(state.known_patient, state.patient_check, files, confirmed_by, when)
    except PatientMismatchError as error:
        raise PatientNotConfirmedError(str(error)) from error
    if check is state.patient_check:
        return state
    warnings = tuple(dict.fromkeys((*state.warnings, *check.warnings)))
    return replace(state, known_patient=known, patient_check=check, warnings=warnings)


def with_first_files(state: CaseState, files: Sequence[IdentifiedFile]) -> CaseState:
    """The case with its patient known from these files and from no others; files: one at most."""
    check = check_patient(files) if files else None
    return replace(state, known_patient=KnownPatient.of(files), patient_check=check)


def holds_another_file(state: CaseState) -> bool:
    """Whether the case holds anything besides its PET that belongs to somebody."""
    return any((state.ct, state.planning_ct, state.dose, state.comparison_dose, state.volumes))
