"""The record of where each value of an SUV conversion came from, and the values themselves, checked."""

from __future__ import annotations

from typing import TypeVar

from ..errors import SuvHeaderError, UnitsError
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_tags import LABELS, TAGS

_Value = TypeVar("_Value", str, float)
ENTERED = "entered by the user"
_MEGABECQUEREL_LIMIT = 1e5
_GRAMS_LIMIT = 1000.0


class Audit:
    """Sources, warnings and missing values, gathered while a conversion is worked out."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.warnings: list[str] = []
        self._missing: list[str] = []
        self._units_missing = False

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def from_header(self, name: str, tag: str | None = None) -> None:
        self.sources[name] = f"header {tag or TAGS[name]}"

    def choose(self, name: str, header_value: _Value | None, entered_value: _Value | None) -> _Value | None:
        """The entered value, else the header's; a header value that was set aside is named in a warning."""
        if entered_value is not None:
            self.sources[name] = ENTERED
            if header_value is not None and header_value != entered_value:
                self.warn(
                    f"{LABELS[name]} entered by the user ({entered_value}) was used instead of the header's "
                    f"{TAGS[name]} ({header_value})."
                )
            return entered_value
        if header_value is not None:
            self.from_header(name)
        return header_value

    def missing(self, name: str, option: str, label: str | None = None) -> None:
        text = label or f"{LABELS[name][0].lower()}{LABELS[name][1:]} {TAGS[name]}"
        self._missing.append(f"{text} ({option})")
        self._units_missing |= name == "units"

    def raise_if_missing(self) -> None:
        """Raises one error that names every missing value and the option that supplies it."""
        if self._missing:
            error = UnitsError if self._units_missing else SuvHeaderError
            raise error(
                "The PET lacks what its SUV is computed from; enter these values: "
                + "; ".join(self._missing)
                + "."
            )


def weight_kg(header: SuvHeader, entered: EnteredValues, audit: Audit) -> float | None:
    """Body weight in kg; a header value above 1000 is grams, zero is not known."""
    known = header.weight_kg if header.weight_kg != 0.0 else None
    weight = audit.choose("weight_kg", known, entered.weight_kg)
    if weight is None:
        audit.missing("weight_kg", "--weight-kg")
        return None
    if entered.weight_kg is None and weight > _GRAMS_LIMIT:
        audit.warn(f"The patient's weight {TAGS['weight_kg']} of {weight:g} was taken as grams.")
        weight /= 1000.0
    if not 1.0 <= weight <= 500.0:
        raise SuvHeaderError(
            f"The patient's weight {TAGS['weight_kg']} of {weight:g} kg cannot be; "
            "give the right one with --weight-kg."
        )
    return weight


def height_m(header: SuvHeader, entered: EnteredValues, audit: Audit) -> float | None:
    """Body height in metres; a header value above 3 is centimetres, zero is not known."""
    known = header.height_m if header.height_m != 0.0 else None
    height = audit.choose("height_m", known, entered.height_m)
    if height is None:
        audit.missing("height_m", "--height-m")
        return None
    if entered.height_m is None and height > 3.0:
        audit.warn(f"The patient's height {TAGS['height_m']} of {height:g} was taken as centimetres.")
        height /= 100.0
    if not 0.3 <= height <= 2.6:
        raise SuvHeaderError(
            f"The patient's height {TAGS['height_m']} of {height:g} m cannot be; "
            "give the right one with --height-m."
        )
    return height


def dose_bq(header: SuvHeader, entered: EnteredValues, audit: Audit) -> float | None:
    """Injected dose in Bq; a header value below 1e5 was written in MBq."""
    dose = audit.choose("dose_bq", header.dose_bq, entered.dose_bq)
    if dose is None:
        audit.missing("dose_bq", "--dose-bq")
        return None
    if entered.dose_bq is None and 1.0 <= dose < _MEGABECQUEREL_LIMIT:
        audit.warn(f"The injected dose {TAGS['dose_bq']} of {dose:g} was taken as MBq.")
        dose *= 1e6
    if not _MEGABECQUEREL_LIMIT <= dose <= 1e11:
        raise SuvHeaderError(
            f"The injected dose {TAGS['dose_bq']} of {dose:g} cannot be, in Bq nor in MBq; "
            "give the right one with --dose-bq."
        )
    return dose


def sex_of(header: SuvHeader, suv_type: str) -> str:
    """M, F or O; a lean body mass needs it and no option supplies it."""
    sex = (header.sex or "").upper()
    if sex not in ("M", "F", "O"):
        raise SuvHeaderError(
            f"The SUV type {suv_type} {TAGS['suv_type']} depends on the patient's sex {TAGS['sex']}, which "
            "the header lacks; export the PET in BQML (Bq/ml)."
        )
    return sex
