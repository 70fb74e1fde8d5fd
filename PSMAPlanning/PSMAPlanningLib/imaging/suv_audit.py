"""The record of where each value of an SUV conversion came from, and the values themselves, checked."""

from __future__ import annotations

from typing import TypeVar

from ..errors import SuvHeaderError, UnitsError
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_tables import HALF_LIVES_S, nuclide_of
from .suv_tags import ENHANCED_TAGS, LABELS, TAGS

_Value = TypeVar("_Value", str, float)
ENTERED = "entered by the user"
_MEGABECQUEREL_LIMIT = 1e5
_GRAMS_LIMIT = 1000.0
_HALF_LIFE_TOLERANCE = 0.02


class Audit:
    """Sources, warnings and missing values, gathered while a conversion is worked out.

    is_enhanced: the header is that of an enhanced object, whose values have other tags.
    """

    def __init__(self, is_enhanced: bool = False) -> None:
        self.sources: dict[str, str] = {}
        self.warnings: list[str] = []
        self._tags = {**TAGS, **ENHANCED_TAGS} if is_enhanced else TAGS
        self._missing: dict[str, str] = {}

    @property
    def missing_names(self) -> tuple[str, ...]:
        """Names of the values without which there is no conversion, in the order they are asked for."""
        return tuple(self._missing)

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def from_header(self, name: str, tag: str | None = None) -> None:
        self.sources[name] = f"header {tag or self._tags[name]}"

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
        self._missing[name] = f"{text} ({option})"

    def raise_if_missing(self) -> None:
        """Raises one error that names every missing value and the option that supplies it.

        Its attribute `missing` holds their names, as EnteredValues has them.
        """
        if self._missing:
            error = UnitsError if "units" in self._missing else SuvHeaderError
            found = error(
                "The PET lacks what its SUV is computed from; enter these values: "
                + "; ".join(self._missing.values())
                + "."
            )
            found.missing = self.missing_names
            raise found


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
    """Injected dose in Bq; a header value below 1e5 was written in MBq, as enhanced objects are to do."""
    dose = audit.choose("dose_bq", header.dose_bq, entered.dose_bq)
    if dose is None:
        audit.missing("dose_bq", "--dose-bq")
        return None
    if entered.dose_bq is None and 1.0 <= dose < _MEGABECQUEREL_LIMIT:
        if not header.is_enhanced:
            audit.warn(f"The injected dose {TAGS['dose_bq']} of {dose:g} was taken as MBq.")
        dose *= 1e6
    elif entered.dose_bq is None and header.is_enhanced:
        audit.warn(
            f"The injected dose {TAGS['dose_bq']} of {dose:g} was taken as Bq, though enhanced objects "
            "are to state MBq (PS3.3 C.8.22.4)."
        )
    if not _MEGABECQUEREL_LIMIT <= dose <= 1e11:
        raise SuvHeaderError(
            f"The injected dose {TAGS['dose_bq']} of {dose:g} cannot be, in Bq nor in MBq; "
            "give the right one with --dose-bq."
        )
    return dose


def half_life_s(header: SuvHeader, entered: EnteredValues, audit: Audit) -> float | None:
    """Half-life entered, else the header's, else the nuclide's; SuvHeaderError when they contradict."""
    nuclide = nuclide_of(header)
    tabulated = None if nuclide is None else HALF_LIVES_S[nuclide]
    value = audit.choose("half_life_s", header.half_life_s, entered.half_life_s)
    if value is None:
        if nuclide is not None:
            audit.sources["half_life_s"] = f"nuclide table, {nuclide} by header {TAGS['nuclide_code']}"
        return tabulated
    if value <= 0.0 or value > 1e9:
        raise SuvHeaderError(
            f"The half-life {TAGS['half_life_s']} of {value:g} s cannot be; "
            "give the right one with --half-life-s."
        )
    if tabulated is not None and abs(value / tabulated - 1.0) > _HALF_LIFE_TOLERANCE:
        sentence = f"The half-life of {value:g} s contradicts the nuclide {nuclide} ({tabulated:g} s)"
        if entered.half_life_s is None:
            raise SuvHeaderError(
                f"{sentence}, header {TAGS['half_life_s']} against {TAGS['nuclide_code']}; "
                "give the right one with --half-life-s."
            )
        audit.warn(f"{sentence}; the one entered by the user was used.")
    for common in ("F-18", "Ga-68"):
        in_minutes = HALF_LIVES_S[common] / 60.0
        if tabulated is None and entered.half_life_s is None and abs(value / in_minutes - 1.0) < 0.01:
            raise SuvHeaderError(
                f"The half-life {TAGS['half_life_s']} of {value:g} s looks like the minutes of {common}; "
                "give it in seconds with --half-life-s."
            )
    return value


def sex_of(header: SuvHeader, entered: EnteredValues, audit: Audit) -> str | None:
    """M, F or O; O takes the mean of the formulae for both, which is said."""
    stated = (header.sex or "").upper()
    sex = audit.choose("sex", stated if stated in ("M", "F", "O") else None, entered.sex)
    if sex is None:
        audit.missing("sex", "--sex M or F")
    elif sex == "O":
        audit.warn(
            f"The header gives the sex {TAGS['sex']} as other; the mean of the formulae for men and women "
            "was taken, --sex chooses one."
        )
    return sex
