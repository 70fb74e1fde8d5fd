"""Tables of dose constraints: data that a department edits, each line with its source.

A file is JSON, {"about", "schema_version": 1, "sets": [{"id", "name", "enabled", "lines": [...]}]}, with
lines as in data/constraints.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import ConstraintError

VOLUME_AT_DOSE, DOSE_AT_VOLUME, MEAN_DOSE = "volume_at_dose", "dose_at_volume", "mean_dose"
PERCENT, ML = "percent", "ml"
LIMIT, AIM = "limit", "aim"
_COMMON = {"id", "organs", "kind", "metric", "fraction_dose_gy", "alpha_beta_gy", "citation", "verified"}
_OWN = {
    VOLUME_AT_DOSE: {"dose_gy", "limit", "unit"},
    DOSE_AT_VOLUME: {"volume", "unit", "limit_gy"},
    MEAN_DOSE: {"limit_gy"},
}
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Constraint:
    """One limit that an organ's dose must not exceed.

    organs: TG-263 names it holds for. kind: LIMIT, or AIM, which is wished for.
    metric: VOLUME_AT_DOSE: at most `limit` (in `unit`) of the organ gets `dose_gy`; DOSE_AT_VOLUME: `volume`
    (in `unit`) of it gets at most `limit_gy`; MEAN_DOSE: at most `limit_gy`.
    fraction_dose_gy, alpha_beta_gy: for what fractionation the dose holds, and the ratio to rescale it by;
    None: not stated, then it is not rescaled. verified: the numbers were read in `citation`.
    """

    id: str
    organs: tuple[str, ...]
    kind: str
    metric: str
    citation: str
    verified: bool
    dose_gy: float | None = None
    volume: float | None = None
    unit: str | None = None
    limit: float | None = None
    limit_gy: float | None = None
    fraction_dose_gy: float | None = None
    alpha_beta_gy: float | None = None

    @property
    def can_be_rescaled(self) -> bool:
        return self.fraction_dose_gy is not None and self.alpha_beta_gy is not None

    def rescaled(self, fractions: int) -> Constraint:
        """The same constraint for a plan of so many fractions; itself where it cannot be rescaled."""
        if not self.can_be_rescaled:
            return self
        dose = self.dose_gy if self.metric == VOLUME_AT_DOSE else self.limit_gy
        scaled = rescaled_dose_gy(dose, self.fraction_dose_gy, self.alpha_beta_gy, fractions)
        if self.metric == VOLUME_AT_DOSE:
            return replace(self, dose_gy=scaled)
        return replace(self, limit_gy=scaled)


@dataclass(frozen=True)
class ConstraintTable:
    """The lines of the sets in use, and the names of those that are switched off."""

    name: str
    lines: tuple[Constraint, ...]
    off: tuple[str, ...] = ()


def rescaled_dose_gy(dose_gy: float, fraction_dose_gy: float, alpha_beta_gy: float, fractions: int) -> float:
    """The dose in `fractions` equal parts with the effect of `dose_gy` in fractions of `fraction_dose_gy`.

    Linear-quadratic model: D (1 + D / (n a/b)) equal on both sides (Withers 1983,
    doi:10.1016/0360-3016(83)90011-0), so for 2 Gy fractions their EQD2 are equal.
    """
    effect_gy = dose_gy * (1.0 + fraction_dose_gy / alpha_beta_gy)
    scale_gy = fractions * alpha_beta_gy
    return 0.5 * scale_gy * (math.sqrt(1.0 + 4.0 * effect_gy / scale_gy) - 1.0)


@cache
def default_constraints() -> ConstraintTable:
    """The table that comes with the program."""
    text = (files("PSMAPlanningLib.data") / "constraints.json").read_text(encoding="utf-8")
    return table_of_document(json.loads(text), "constraints.json")


def read_constraints(path: Path) -> ConstraintTable:
    """A department's own table; raises ConstraintError, naming file and line, for anything impossible."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConstraintError(f"{path} cannot be read as text ({error}); check the path.") from None
    except ValueError:
        raise ConstraintError(f"{path} is no JSON file; edit a copy of data/constraints.json.") from None
    return table_of_document(document, path.name)


def table_of_document(document: Any, name: str) -> ConstraintTable:
    """The table in a JSON document; raises ConstraintError."""
    sets = document.get("sets") if isinstance(document, dict) else None
    if not isinstance(sets, list) or not all(isinstance(each, dict) for each in sets):
        raise ConstraintError(f"{name} has no list of sets; edit a copy of data/constraints.json.")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise ConstraintError(f"{name} must have schema_version {SCHEMA_VERSION}; update it or the program.")
    lines: list[Constraint] = []
    off = []
    for each in sets:
        if not isinstance(each.get("enabled"), bool) or not isinstance(each.get("lines"), list):
            raise ConstraintError(
                f"{name}: the set {each.get('id')!r} needs enabled, true or false, and its lines."
            )
        # Lines of a set that is switched off are checked too: whoever switches it on should not be surprised.
        found = [_line(row, name) for row in each["lines"]]
        if each["enabled"]:
            lines += found
        else:
            off.append(str(each.get("name") or each.get("id")))
    ids = [line.id for line in lines]
    twice = next((i for i in ids if ids.count(i) > 1), None)
    if twice is not None:
        raise ConstraintError(f"{name} has two lines with the id {twice!r}; give each its own.")
    return ConstraintTable(name, tuple(lines), tuple(off))


def _line(row: Any, name: str) -> Constraint:
    if not isinstance(row, Mapping) or not isinstance(row.get("id"), str) or row.get("metric") not in _OWN:
        raise ConstraintError(
            f"{name} has a line without id or with an unknown metric; it must be one of {', '.join(_OWN)}."
        )
    where = f"{name}: {row['id']}"
    wanted = _COMMON | _OWN[row["metric"]]
    wrong = sorted(wanted ^ set(row))
    if wrong:
        raise ConstraintError(f"{where} needs exactly {', '.join(sorted(wanted))}; look at {wrong[0]}.")
    organs = row["organs"]
    if not isinstance(organs, list) or not organs or not all(isinstance(each, str) for each in organs):
        raise ConstraintError(f"{where} needs organs, a list of TG-263 names.")
    if not isinstance(row["verified"], bool) or not isinstance(row["citation"], str):
        raise ConstraintError(f"{where} needs a citation and verified, true or false.")
    if row["kind"] not in (LIMIT, AIM):
        raise ConstraintError(f"{where} has the kind {row['kind']!r}; it must be {LIMIT} or {AIM}.")
    if "unit" in wanted and row["unit"] not in (PERCENT, ML):
        raise ConstraintError(f"{where} has the unit {row['unit']!r}; it must be {PERCENT} or {ML}.")
    numbers = {}
    for key in ("dose_gy", "volume", "limit", "limit_gy", "fraction_dose_gy", "alpha_beta_gy"):
        if key not in wanted:
            continue
        value = row[key]
        if value is None and key in ("fraction_dose_gy", "alpha_beta_gy"):
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or value <= 0:
            raise ConstraintError(f"{where} has {key} {value!r}; it must be a number above 0.")
        numbers[key] = float(value)
    if row.get("unit") == PERCENT and max(numbers.get("volume", 0), numbers.get("limit", 0)) > 100:
        raise ConstraintError(f"{where} names more than 100 percent of the organ.")
    return Constraint(
        row["id"],
        tuple(organs),
        row["kind"],
        row["metric"],
        row["citation"],
        row["verified"],
        unit=row.get("unit"),
        **numbers,
    )
