"""Whether the files of a case belong to one patient, told without ever repeating who that is.

Attributes and roles of files are named (patient ID; PET, RTSTRUCT), values never: what is written here
goes into messages, reports and logs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ..errors import PatientMismatchError
from .read import PatientIdentity, StudyInfo

LONG_AGO_DAYS = 60
"""Our own convention, not a published limit: within two months of a PSMA PET salvage radiotherapy is
usually planned; later the bladder's filling, androgen deprivation or the disease may have changed."""

PET, PET_CT, PLANNING_CT = "PET", "CT", "planning CT"


@dataclass(frozen=True)
class IdentifiedFile:
    """The identity in one file's header. role: "PET", "CT", "planning CT", "RTSTRUCT", "RTSTRUCT 2" ..."""

    role: str
    patient: PatientIdentity = field(repr=False)
    study: StudyInfo = field(repr=False)


@dataclass(frozen=True)
class Difference:
    """An attribute that differs. groups: roles that agree with each other, in the order they were given."""

    attribute: str
    groups: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        return f"{self.attribute} ({' differs from '.join(' and '.join(group) for group in self.groups)})"


@dataclass(frozen=True)
class Confirmation:
    """Somebody said that the files are one patient's all the same. when: ISO 8601, UTC."""

    who: str
    when: str
    what_differed: tuple[str, ...]


@dataclass(frozen=True)
class PatientCheck:
    """What was compared, what differs, and who confirmed it.

    compared: roles of the files that have a DICOM header; not_stated: "birth date (RTSTRUCT)" and so on.
    warnings: plain sentences about study dates, which differ without a mistake being likely, and about
        files without patient ID and name.
    """

    compared: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    not_stated: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    confirmed: Confirmation | None = None

    def to_document(self) -> dict[str, Any]:
        """The check as JSON values: attributes and roles of files, no identity."""
        return {
            "compared": list(self.compared),
            "differences": [
                {"attribute": d.attribute, "groups": [list(group) for group in d.groups]}
                for d in self.differences
            ],
            "not_stated": list(self.not_stated),
            "warnings": list(self.warnings),
            "confirmed": None
            if self.confirmed is None
            else {
                "who": self.confirmed.who,
                "when": self.confirmed.when,
                "what_differed": list(self.confirmed.what_differed),
            },
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PatientCheck:
        """The inverse of `to_document`; raises KeyError or TypeError for anything else."""
        confirmed = document["confirmed"]
        return cls(
            tuple(document["compared"]),
            tuple(
                Difference(d["attribute"], tuple(map(tuple, d["groups"]))) for d in document["differences"]
            ),
            tuple(document["not_stated"]),
            tuple(document["warnings"]),
            confirmed
            and Confirmation(confirmed["who"], confirmed["when"], tuple(confirmed["what_differed"])),
        )

    def confirm(self, who: str, when: str) -> PatientCheck:
        """The check with the confirmation on record; itself where nothing differs."""
        if not self.differences:
            return self
        return replace(self, confirmed=Confirmation(who, when, tuple(d.text for d in self.differences)))

    def require_one_patient(self) -> None:
        """Raises PatientMismatchError when something differs that nobody confirmed."""
        if self.differences and self.confirmed is None:
            raise PatientMismatchError(
                f"The files name different patients: {'; '.join(d.text for d in self.differences)}. Check "
                "that they belong to one patient, and then confirm it with --confirm-same-patient."
            )


def check_patient(files: Sequence[IdentifiedFile]) -> PatientCheck:
    """Compare patient ID, name, birth date and study date of every file that has a DICOM header.

    Spelling is levelled out first: capitals, accents, spaces, the separators of names. An attribute that a
    file leaves empty is not a difference, and is said. Differing study dates only warn: a planning CT is
    taken on another day.
    """
    readings: tuple[tuple[str, Callable[[PatientIdentity], str]], ...] = (
        ("patient ID", lambda patient: normal_id(patient.patient_id)),
        ("name", lambda patient: normal_name(patient.name)),
        ("birth date", lambda patient: re.sub(r"\D", "", patient.birth_date or "")),
    )
    differences, not_stated = [], []
    for attribute, read in readings:
        groups: dict[str, list[str]] = {}
        for file in files:
            value = read(file.patient)
            if value:
                groups.setdefault(value, []).append(file.role)
            else:
                not_stated.append(f"{attribute} ({file.role})")
        if len(groups) > 1:
            differences.append(Difference(attribute, tuple(map(tuple, groups.values()))))
    return PatientCheck(
        tuple(file.role for file in files),
        tuple(differences),
        tuple(not_stated),
        (*_nameless(files), *_date_warnings(files)),
    )


def normal_id(text: str) -> str:
    """A patient ID without case and spaces; leading zeros stay, they tell numbers apart."""
    return re.sub(r"\s", "", text).casefold()


def normal_name(text: str) -> str:
    """A DICOM person name without case, accents, separators and empty parts.

    Only the alphabetic group counts (PS3.5 6.2.1): ideographic ones are other spellings of it.
    """
    alphabetic = text.split("=")[0]
    plain = "".join(c for c in unicodedata.normalize("NFKD", alphabetic) if not unicodedata.combining(c))
    return " ".join(part for part in re.split(r"[\^,\s]+", plain.casefold()) if part)


def _nameless(files: Sequence[IdentifiedFile]) -> list[str]:
    return not_compared_warnings(files) if len(files) > 1 else []


def not_compared_warnings(files: Sequence[IdentifiedFile]) -> list[str]:
    """A sentence for every file that states neither patient ID nor name."""
    return [
        f"The {file.role} states neither patient ID nor name, so whose it is was not compared."
        for file in files
        if not normal_id(file.patient.patient_id) and not normal_name(file.patient.name)
    ]


def _date_warnings(files: Sequence[IdentifiedFile]) -> list[str]:
    dates = {file.role: _date(file.study.study_date) for file in files}
    warnings = []
    days = _days_between(dates.get(PET), dates.get(PET_CT))
    if days:
        warnings.append(f"The PET and its CT were taken {_days(days)} apart; check that they are one study.")
    days = _days_between(dates.get(PET), dates.get(PLANNING_CT))
    if days and days > LONG_AGO_DAYS:
        warnings.append(
            f"The PET and the planning CT were taken {_days(days)} apart; the disease may have changed since."
        )
    image = PLANNING_CT if PLANNING_CT in dates else PET_CT
    for role, day in dates.items():
        if role.startswith(("RTSTRUCT", "RTDOSE")):
            days = _days_between(day, dates.get(image))
            if days:
                warnings.append(
                    f"The {role} and the {image} differ by {_days(days)} in their study dates; "
                    "check that it was drawn on that CT."
                )
    return warnings


def _date(text: str | None) -> date | None:
    digits = re.sub(r"\D", "", text or "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) if len(digits) == 8 else None
    except ValueError:
        return None


def _days_between(a: date | None, b: date | None) -> int | None:
    return None if a is None or b is None else abs((a - b).days)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
