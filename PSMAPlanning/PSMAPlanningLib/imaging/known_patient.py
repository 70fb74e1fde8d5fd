"""Whose case it is, kept so that files that come later can be compared, and that nobody can read.

Kept are salted digests of what the first files stated. They are no anonymity: whoever has the scene and a
list of patients can try them out. A birth date alone is one of some 40,000, so it is kept with the name only.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .patient_identity import (
    Difference,
    IdentifiedFile,
    PatientCheck,
    check_patient,
    normal_id,
    normal_name,
    not_compared_warnings,
)

_ROUNDS = 20_000
"""About 8 ms for each digest, three of them on the main thread; each guess costs as much."""
_ATTRIBUTES = {"patient_id": "patient ID", "name": "name", "birth_date": "birth date"}


@dataclass(frozen=True)
class KnownPatient:
    """Digests (hexadecimal) of patient ID, of name, and of name with birth date; None where not stated."""

    salt: str
    patient_id: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, files: Sequence[IdentifiedFile]) -> KnownPatient | None:
        """The patient of files that were found to be one patient's; None when none of them says who."""
        return cls(secrets.token_hex(16)).with_files(files).if_stated

    @property
    def if_stated(self) -> KnownPatient | None:
        """Itself; None where nothing is stated."""
        return self if any(getattr(self, name) for name in _ATTRIBUTES) else None

    def with_files(self, files: Sequence[IdentifiedFile]) -> KnownPatient:
        """With what it lacked, where one of the files states it."""
        known = self
        for file in files:
            found = {name: digest for name, digest in self._digests(file).items() if digest is not None}
            lacking = {name: digest for name, digest in found.items() if getattr(known, name) is None}
            known = replace(known, **lacking)
        return known

    def differences(self, files: Sequence[IdentifiedFile]) -> tuple[Difference, ...]:
        """Where files name another patient than the case; birth dates count where the names agree."""
        found = []
        by_role = {file.role: self._digests(file) for file in files}
        for name, attribute in _ATTRIBUTES.items():
            mine = getattr(self, name)
            others = tuple(
                role
                for role, digests in by_role.items()
                if mine is not None and digests[name] not in (None, mine)
                if name != "birth_date" or digests["name"] == self.name
            )
            if others:
                found.append(Difference(attribute, (("case",), others)))
        return tuple(found)

    def to_document(self) -> dict[str, Any]:
        """As JSON values; for the scene file only, never for a report or a log."""
        return {"salt": self.salt, **{name: getattr(self, name) for name in _ATTRIBUTES}}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> KnownPatient:
        """The inverse of `to_document`; raises TypeError or ValueError for anything else."""
        known = cls(**document)
        bytes.fromhex(known.salt)
        return known

    def _digests(self, file: IdentifiedFile) -> dict[str, str | None]:
        patient_id, name = normal_id(file.patient.patient_id), normal_name(file.patient.name)
        born = re.sub(r"\D", "", file.patient.birth_date or "")
        texts = {
            "patient_id": patient_id,
            "name": name,
            "birth_date": f"{name}|{born}" if name and born else "",
        }
        return {what: self._digest(what, text) if text else None for what, text in texts.items()}

    def _digest(self, what: str, text: str) -> str:
        salt = bytes.fromhex(self.salt) + what.encode("ascii")
        return hashlib.pbkdf2_hmac("sha256", text.encode("utf-8"), salt, _ROUNDS).hex()[:32]


def check_later_files(
    known: KnownPatient | None,
    check: PatientCheck | None,
    files: Sequence[IdentifiedFile],
    confirmed_by: str | None = None,
    when: str = "",
) -> tuple[KnownPatient | None, PatientCheck | None]:
    """Whose case it is, and its check, once more files have come to it; as they were without any file.

    known, check: of the case. confirmed_by: who says that they are one patient's all the same; when: ISO
    8601, UTC. Raises PatientMismatchError where the files name another patient and nobody says so.
    """
    if not files:
        return known, check
    before = check or PatientCheck()
    files = _with_free_roles(files, before.compared)
    now = check_patient(files)
    differences = (*(known.differences(files) if known is not None else ()), *now.differences)
    if not now.differences and known is None:
        known = KnownPatient.of(files)
    elif known is not None and not differences:
        known = known.with_files(files)
    if not confirmed_by:
        # What somebody confirmed before stays confirmed; what these files bring has to be.
        PatientCheck(differences=differences).require_one_patient()
    merged = PatientCheck(
        (*before.compared, *now.compared),
        (*before.differences, *differences),
        (*before.not_stated, *now.not_stated),
        tuple(dict.fromkeys((*before.warnings, *now.warnings, *not_compared_warnings(files)))),
        before.confirmed,
    )
    return known, merged.confirm(confirmed_by, when) if confirmed_by and differences else merged


def _with_free_roles(files: Sequence[IdentifiedFile], taken: Sequence[str]) -> tuple[IdentifiedFile, ...]:
    """The files under roles that tell them from those that were compared before: "RTSTRUCT 2"."""
    used, found = set(taken), []
    for file in files:
        kind = re.sub(r" \d+$", "", file.role)
        role, number = file.role, 2
        while role in used:
            role, number = f"{kind} {number}", number + 1
        used.add(role)
        found.append(replace(file, role=role))
    return tuple(found)
