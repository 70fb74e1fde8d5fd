"""The SUV of a PET that is being asked for: header, what was typed, and the form that comes of it. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..errors import PlanningError, SuvHeaderError
from ..imaging.suv import EnteredValues, SuvConversion
from ..imaging.suv_form import FormRow, SuvForm, suv_form
from ..imaging.suv_header import SuvHeader
from .study_folder import Study

UNITS_CODE = "units code of the volume"
_NUMBERS = ("weight_kg", "dose_bq", "half_life_s", "uptake_time_min", "height_m")
_BQ_PER_MBQ = 1e6
_ONLY_WHERE_OPEN = ("height_m", "sex")
"""They matter to lean body mass and body surface only."""
# SUV by body weight is what the panel works in.
_NEVER = ("suv_type",)


@dataclass(frozen=True)
class SuvRow:
    """One line of the form as it is shown: `text` in `unit`, suggestions as (label, text).

    problem: why what was typed cannot be; state: "needed", "asked", "wrong" or "known".
    """

    name: str
    unit: str | None
    text: str
    source: str | None
    state: str
    problem: str | None = None
    choices: tuple[str, ...] = ()
    suggestions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SuvFormView:
    """The form. title: whose SUV; needed: names of the rows without which there is none.

    problem: why there is no conversion, when not for missing values; factor: None when it differs by slice.
    """

    title: str
    rows: tuple[SuvRow, ...]
    needed: tuple[str, ...]
    problem: str | None
    can_convert: bool
    factor: float | None
    of_folder: bool


@dataclass(frozen=True, eq=False)
class SuvEntry:
    """What is known and entered so far.

    node: the volume node to be converted; study: or the folder to be read. title: its name.
    stated_units: by the node's units code, "Bq/ml" or None. typed: by row, text that could not be taken.
    """

    title: str
    header: SuvHeader
    node: Any | None = None
    study: Study | None = None
    stated_units: str | None = None
    entered: EnteredValues = field(default_factory=EnteredValues)
    typed: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def with_text(self, name: str, text: str) -> SuvEntry:
        """The entry after somebody typed `text` into a row; empty text goes back to the header's value."""
        typed = {key: value for key, value in self.typed.items() if key != name}
        try:
            entered = replace(self.entered, **{name: _value_of(name, text)})
        except PlanningError as error:
            return replace(self, typed={**typed, name: (text, str(error))})
        return replace(self, entered=entered, typed=typed)

    @property
    def conversion(self) -> SuvConversion | None:
        """How to convert, when nothing is missing and nothing that was typed is wrong."""
        found = self._form.conversion
        if found is None or self.typed:
            return None
        if self.stated_units is not None and self.entered.units is None:
            found = replace(found, sources={**found.sources, "units": UNITS_CODE})
        return found

    @property
    def view(self) -> SuvFormView:
        form = self._form
        rows = tuple(self._row(row) for row in form.rows if _is_shown(row))
        labels = {row.option: f"'{row.label}'" for row in form.rows}
        needed = tuple(row.name for row in form.rows if row.is_needed)
        return SuvFormView(
            title=self.title,
            rows=tuple(replace(row, problem=_without_options(row.problem, labels)) for row in rows),
            needed=needed,
            problem=None if needed else _without_options(form.problem, labels),
            can_convert=self.conversion is not None,
            factor=form.conversion.factor if form.conversion else None,
            of_folder=self.study is not None,
        )

    @cached_property
    def _form(self) -> SuvForm:
        entered = self.entered
        if self.stated_units is not None and entered.units is None:
            entered = replace(entered, units=self.stated_units)
        return suv_form(self.header, entered)

    def _row(self, row: FormRow) -> SuvRow:
        text, problem = self.typed.get(row.name, (_text_of(row.name, row.value), row.problem))
        source = row.source
        if row.name == "units" and self.stated_units is not None and self.entered.units is None:
            source = UNITS_CODE
        states = ((problem, "wrong"), (row.is_needed, "needed"), (row.is_asked, "asked"))
        return SuvRow(
            name=row.name,
            unit=_unit_of(row),
            text=text,
            source=source,
            state=next((state for holds, state in states if holds), "known"),
            problem=problem,
            choices=row.choices,
            suggestions=tuple((label, _text_of(row.name, value)) for label, value in row.suggestions),
        )


def _is_shown(row: FormRow) -> bool:
    if row.name in _NEVER:
        return False
    return row.name not in _ONLY_WHERE_OPEN or row.is_open or row.value is not None


def _unit_of(row: FormRow) -> str | None:
    if row.name == "dose_bq":
        return "MBq"
    return row.unit if row.name in _NUMBERS else None


def _text_of(name: str, value: float | str | None) -> str:
    if value is None:
        return ""
    if name == "dose_bq":
        return f"{value / _BQ_PER_MBQ:.6g}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _value_of(name: str, text: str) -> float | str | None:
    text = text.strip()
    if not text:
        return None
    if name not in _NUMBERS:
        return text
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise SuvHeaderError(f"{text} is no number.") from None
    return number * _BQ_PER_MBQ if name == "dose_bq" else number


def _without_options(sentence: str | None, labels: Mapping[str, str]) -> str | None:
    """A sentence that names options of the command line, in the words of the form."""
    if sentence is None:
        return None
    for option in sorted(labels, key=len, reverse=True):
        sentence = sentence.replace(option, labels[option])
    return sentence
