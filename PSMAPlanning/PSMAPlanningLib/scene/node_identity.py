"""Whose a volume node is, as far as Slicer's DICOM database knows; for comparing, never to be shown."""

from __future__ import annotations

from typing import Any

from ..imaging.patient_identity import IdentifiedFile
from ..imaging.read import PatientIdentity, StudyInfo

_PATIENT_ID, _NAME, _BIRTH_DATE, _STUDY_DATE = "0010,0020", "0010,0010", "0010,0030", "0008,0020"


def identified_node(node: Any | None, role: str) -> tuple[IdentifiedFile, ...]:
    """The identity behind a node under this role; empty for a volume that did not come from the database.

    role: "PET", "CT", "planning CT" or "RTDOSE".
    """
    import slicer

    database = getattr(slicer, "dicomDatabase", None)
    uids = [] if node is None else (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if database is None or not uids:
        return ()

    def value(tag: str) -> str:
        return str(database.instanceValue(uids[0], tag) or "").strip()

    patient = PatientIdentity(value(_PATIENT_ID), value(_NAME), value(_BIRTH_DATE) or None)
    if not patient.patient_id and not patient.name:
        # A node whose files have left the database says nothing.
        return ()
    return (IdentifiedFile(role, patient, StudyInfo("", study_date=value(_STUDY_DATE) or None)),)
