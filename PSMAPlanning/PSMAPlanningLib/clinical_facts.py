"""What a planner needs to know beside the pictures. Everything is optional: None is not known."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from .errors import ClinicalFactsError

_HIGHEST_PSA_NG_ML = 10_000.0
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class ClinicalFacts:
    """Facts as somebody entered them; nothing is concluded from them.

    psa_ng_ml: PSA in ng/mL at the time of the PET.
    adt: whether androgen deprivation was given at the time of the PET; adt_since: ISO date, or year and
        month, or year; adt_details: drug, dose, and so on.
    margins: surgical margins, "R0" or "R1". pt3b: seminal vesicle invasion in the specimen.
    prior_radiotherapy: whether there was any; prior_radiotherapy_details: where, dose, year.

    Raises ClinicalFactsError naming the command-line option of a value that cannot be.
    """

    psa_ng_ml: float | None = None
    adt: bool | None = None
    adt_since: str | None = None
    adt_details: str | None = None
    margins: str | None = None
    pt3b: bool | None = None
    prior_radiotherapy: bool | None = None
    prior_radiotherapy_details: str | None = None

    def __post_init__(self) -> None:
        if self.psa_ng_ml is not None:
            object.__setattr__(self, "psa_ng_ml", _psa(self.psa_ng_ml))
        if self.margins not in (None, "R0", "R1"):
            raise ClinicalFactsError(f"Surgical margins must be R0 or R1, not {self.margins!r} (--margins).")
        for name, option in (
            ("adt", "--adt"),
            ("pt3b", "--pt3b"),
            ("prior_radiotherapy", "--prior-radiotherapy"),
        ):
            if getattr(self, name) not in (None, True, False):
                raise ClinicalFactsError(f"{option} must be yes, no or not given.")
        for name, option in (
            ("adt_details", "--adt"),
            ("prior_radiotherapy_details", "--prior-radiotherapy"),
        ):
            _require_short(getattr(self, name), option)
        if self.adt_since is not None:
            _require_date(self.adt_since)
            if not self.adt:
                raise ClinicalFactsError("--adt-since needs androgen deprivation: give --adt yes as well.")
        if self.prior_radiotherapy_details is not None and not self.prior_radiotherapy:
            raise ClinicalFactsError("Details of prior radiotherapy need --prior-radiotherapy yes.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was entered."""
        return all(value is None for value in vars(self).values())

    def to_document(self) -> dict[str, Any]:
        """Every fact by name as a JSON value, null when it is not known."""
        return dataclasses.asdict(self)


def yes_no_or_details(text: str | None, option: str) -> tuple[bool | None, str | None]:
    """What the command line says: "yes", "no", or words that tell more, which mean yes."""
    if text is None:
        return None, None
    words = " ".join(text.split())
    if not words:
        raise ClinicalFactsError(f"{option} is empty; give yes, no, or what and when.")
    answer = {"yes": True, "no": False}.get(words.casefold())
    if answer is not None:
        return answer, None
    said, _, rest = words.partition(":")
    if said.strip().casefold() == "no":
        raise ClinicalFactsError(f"{option} says no and gives details; give one of both.")
    return True, rest.strip() if said.strip().casefold() == "yes" and rest.strip() else words


def _psa(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ClinicalFactsError(f"--psa-ng-ml must be a number of ng/mL, not {value!r}.")
    if not 0.0 <= value <= _HIGHEST_PSA_NG_ML:
        raise ClinicalFactsError(
            f"--psa-ng-ml must lie between 0 and {_HIGHEST_PSA_NG_ML:g} ng/mL; {value:g} does not."
        )
    return float(value)


def _require_short(text: str | None, option: str) -> None:
    if text is None:
        return
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_TEXT:
        raise ClinicalFactsError(f"Details of {option} must be text of 1 to {_LONGEST_TEXT} characters.")


def _require_date(text: str) -> None:
    parts = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", text) if isinstance(text, str) else None
    try:
        if parts is None:
            raise ValueError
        date(int(parts[1]), int(parts[2] or 1), int(parts[3] or 1))
    except ValueError:
        raise ClinicalFactsError(
            f"--adt-since must be a date such as 2025-06-01, 2025-06 or 2025, not {text!r}."
        ) from None
