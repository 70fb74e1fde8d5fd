"""What a form for the SUV of a PET shows: every value known with where it came from, and what is missing.

The form is filled in as `EnteredValues` and the conversion is worked out again; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import PlanningError
from .suv import converted
from .suv_audit import ENTERED, Audit, dose_bq, half_life_s, height_m, sex_of, weight_kg
from .suv_decay import uptake_facts
from .suv_entered import SUV_TYPES, EnteredValues
from .suv_header import SuvHeader
from .suv_record import SuvConversion
from .suv_tables import HALF_LIVES_S
from .suv_tracer import is_to_be_asked_for, tracer_of
from .tracers import tracer_table

Value = float | str | None


@dataclass(frozen=True)
class FormRow:
    """One line of the form.

    name: field of EnteredValues; option: of the command line. unit: None for text.
    value: known from the header or entered, None when it is not; source: where it came from.
    is_needed: there is no SUV without it. is_asked: it changes no number and should be known all the same.
    choices: the only values allowed; suggestions: (label, value) to choose from or to overwrite.
    problem: what is wrong with the value known.
    """

    name: str
    option: str
    label: str
    unit: str | None
    value: Value = None
    source: str | None = None
    is_needed: bool = False
    is_asked: bool = False
    choices: tuple[str, ...] = ()
    suggestions: tuple[tuple[str, Value], ...] = ()
    problem: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the user has something to fill in here."""
        return self.is_needed or self.is_asked or self.problem is not None


@dataclass(frozen=True)
class SuvForm:
    """rows: in the order to show them. conversion: when nothing that is needed is missing.

    problem: the refusal, as one sentence, when there is no conversion.
    """

    rows: tuple[FormRow, ...]
    conversion: SuvConversion | None
    problem: str | None

    def row(self, name: str) -> FormRow:
        return next(row for row in self.rows if row.name == name)


_ROWS: tuple[tuple[str, str, str, str | None], ...] = (
    ("units", "--units", "Units of the voxels", None),
    ("weight_kg", "--weight-kg", "Body weight", "kg"),
    ("dose_bq", "--dose-bq", "Injected activity", "Bq"),
    ("injection_time", "--injection-time", "Injection", "ISO date and time, or HH:MM:SS"),
    ("half_life_s", "--half-life-s", "Half-life", "s"),
    ("decay_correction", "--decay", "Decay correction", None),
    ("reference_time", "--reference-time", "Decayed to", "ISO date and time, or HH:MM:SS"),
    ("tracer", "--tracer", "Tracer", None),
    ("uptake_time_min", "--uptake-min", "Uptake time", "min"),
    ("suv_type", "--suv-type", "Normalised by", None),
    ("height_m", "--height-m", "Body height", "m"),
    ("sex", "--sex", "Sex", None),
)
_CHOICES: dict[str, tuple[str, ...]] = {
    "units": ("SUVbw", "Bq/ml"),
    "decay_correction": ("START", "ADMIN", "NONE"),
    "sex": ("M", "F"),
    "suv_type": tuple(SUV_TYPES),
}
_KNOWN: dict[str, Callable[[SuvHeader, EnteredValues, Audit], Value]] = {
    "weight_kg": weight_kg,
    "dose_bq": dose_bq,
    "half_life_s": half_life_s,
    "height_m": height_m,
    "sex": sex_of,
}
"""Values that are checked one by one, so that one that cannot be does not hide the others."""
_STATED_UNITS = {"BQML": "Bq/ml", "GML": "SUVbw"}


def suv_form(header: SuvHeader, entered: EnteredValues | None = None) -> SuvForm:
    """The form for a header and what was entered so far; never raises for what the header holds."""
    entered = entered or EnteredValues()
    conversion, problem, audit = _attempt(header, entered)
    wrong = {}
    if conversion is None:
        wrong = {name: sentence for name in _KNOWN if (sentence := _checked(name, header, entered)[2])}
        # A value that cannot be stops the conversion before it has seen what else is missing.
        header = replace(header, **dict.fromkeys(wrong))
        audit = _attempt(header, entered)[2]
    asked = _asked(header, entered, audit) if conversion is None else conversion.missing
    rows = []
    for name, option, label, unit in _ROWS:
        value, source = _known(name, header, entered, audit, conversion)
        rows.append(
            FormRow(
                name,
                option,
                label,
                unit,
                value=value,
                source=source,
                is_needed=name in audit.missing_names,
                is_asked=name in asked,
                choices=_CHOICES.get(name, ()),
                suggestions=_suggestions(name),
                problem=wrong.get(name),
            )
        )
    return SuvForm(tuple(rows), conversion, problem)


def questions(header: SuvHeader, entered: EnteredValues | None = None) -> tuple[FormRow, ...]:
    """The rows of the form that the user has to fill in: missing, asked for, or wrong in the header."""
    return tuple(row for row in suv_form(header, entered).rows if row.is_open)


def _attempt(header: SuvHeader, entered: EnteredValues) -> tuple[SuvConversion | None, str | None, Audit]:
    audit = Audit(header.is_enhanced)
    try:
        return converted(header, entered, audit), None, audit
    except PlanningError as error:
        return None, str(error), audit


def _asked(header: SuvHeader, entered: EnteredValues, audit: Audit) -> tuple[str, ...]:
    """What `SuvConversion.missing` will hold once the values that are needed are there."""
    asked = ("tracer",) if is_to_be_asked_for(tracer_of(header, entered)) else ()
    # An injection time that is asked for will tell the uptake time.
    known = entered.uptake_time_min is not None or "injection_time" in audit.missing_names
    if known or uptake_facts(header, entered, Audit(), None):
        return asked
    return (*asked, "uptake_time_min")


def _checked(name: str, header: SuvHeader, entered: EnteredValues) -> tuple[Value, str | None, str | None]:
    """Value, source and what is wrong with one of _KNOWN."""
    audit = Audit(header.is_enhanced)
    try:
        value = _KNOWN[name](header, entered, audit)
    except PlanningError as error:
        return None, None, str(error)
    return value, audit.sources.get(name), None


def _known(
    name: str, header: SuvHeader, entered: EnteredValues, audit: Audit, conversion: SuvConversion | None
) -> tuple[Value, str | None]:
    """Value and source of a row."""
    if name in _KNOWN:
        return _checked(name, header, entered)[:2]
    source = audit.sources.get(name)
    if name == "units":
        stated = None if header.units is None else header.units.upper()
        return entered.units or _STATED_UNITS.get(stated, stated), source
    if conversion is not None and name != "suv_type":
        return getattr(conversion, name), source
    stated = {
        "tracer": header.tracer or header.tracer_meaning,
        "decay_correction": header.decay_correction,
        "injection_time": header.injection_datetime or header.injection_time,
    }
    given = getattr(entered, name)
    if given is not None:
        return given, None if name == "suv_type" else ENTERED
    return stated.get(name), source


def _suggestions(name: str) -> tuple[tuple[str, Value], ...]:
    if name == "half_life_s":
        return tuple(HALF_LIVES_S.items())
    if name == "tracer":
        return tuple((facts.name, facts.name) for facts in tracer_table().values() if not facts.is_generic)
    return ()
