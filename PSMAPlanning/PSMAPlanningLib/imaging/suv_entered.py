"""What the user supplies because the header lacks it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..errors import SuvHeaderError, UnitsError
from .suv_times import parse_entered

_UNITS_ENTERED = {"suvbw": "SUVbw", "bq/ml": "Bq/ml"}
_DECAY_CORRECTIONS = ("START", "ADMIN", "NONE")
_DOSE_RANGE_BQ = (1e6, 1e11)
_WEIGHT_RANGE_KG = (1.0, 500.0)
_HEIGHT_RANGE_M = (0.3, 2.6)
_SEXES = ("M", "F")
SUV_TYPES: dict[str, str] = {
    "bw": "BW",
    "lbm": "LBM",
    "lbm_james": "LBMJAMES128",
    "lbm_janma": "LBMJANMA",
    "ibw": "IBW",
    "bsa": "BSA",
}
"""What an SUV can be normalised by, as users ask for it, and the DICOM SUV type (0054,1006)."""
_ANY_DAY = date(2000, 1, 2)


@dataclass(frozen=True)
class EnteredValues:
    """What the user supplies because the header lacks it or is wrong; recorded as entered by the user.

    injection_time, reference_time: 2025-01-31T10:00:00, or 10:00:00 on the day of the scan.
    units: "SUVbw" or "Bq/ml". decay_correction: START, ADMIN or NONE. sex: M or F.
    uptake_time_min: from injection to scan, for the record where the times do not tell it; changes no number.
    suv_type: what the SUV is to be normalised by, a key of SUV_TYPES; body weight unless asked otherwise.

    Raises SuvHeaderError or UnitsError naming the command-line option of a value that cannot be.
    """

    weight_kg: float | None = None
    height_m: float | None = None
    dose_bq: float | None = None
    injection_time: str | None = None
    half_life_s: float | None = None
    decay_correction: str | None = None
    reference_time: str | None = None
    tracer: str | None = None
    units: str | None = None
    sex: str | None = None
    uptake_time_min: float | None = None
    suv_type: str = "bw"

    def __post_init__(self) -> None:
        for name, option, (low, high), unit in (
            ("weight_kg", "--weight-kg", _WEIGHT_RANGE_KG, "kg"),
            ("height_m", "--height-m", _HEIGHT_RANGE_M, "m"),
            ("dose_bq", "--dose-bq", _DOSE_RANGE_BQ, "Bq"),
            ("half_life_s", "--half-life-s", (1.0, 1e9), "s"),
            ("uptake_time_min", "--uptake-min", (0.0, 20160.0), "minutes"),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _entered_number(value, option, low, high, unit))
        if self.decay_correction is not None:
            object.__setattr__(self, "decay_correction", _entered_decay(self.decay_correction))
        if self.units is not None:
            object.__setattr__(self, "units", normal_units(self.units))
        if self.sex is not None:
            object.__setattr__(self, "sex", _entered_sex(self.sex))
        object.__setattr__(self, "suv_type", _entered_suv_type(self.suv_type))
        if self.tracer is not None and not (isinstance(self.tracer, str) and self.tracer.strip()):
            raise SuvHeaderError("--tracer must be the name of a radiopharmaceutical, such as PSMA-11.")
        for name, option in (("injection_time", "--injection-time"), ("reference_time", "--reference-time")):
            value = getattr(self, name)
            if value is not None:
                if not isinstance(value, str):
                    raise SuvHeaderError(f"{option} must be text such as 2025-01-31T10:30:00.")
                parse_entered(value, option, _ANY_DAY)


def normal_units(units: str) -> str:
    """ "SUVbw" or "Bq/ml" whatever the case; raises UnitsError for anything else."""
    found = _UNITS_ENTERED.get(units.strip().lower()) if isinstance(units, str) else None
    if found is None:
        raise UnitsError(f"Units must be SUVbw or Bq/ml, not '{units}'; give --units SUVbw or --units Bq/ml.")
    return found


def _entered_number(value: Any, option: str, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SuvHeaderError(f"{option} must be a number of {unit}, not {value!r}.")
    if not low <= value <= high:
        raise SuvHeaderError(f"{option} must lie between {low:g} and {high:g} {unit}; {value:g} does not.")
    return float(value)


def _entered_decay(value: Any) -> str:
    word = value.strip().upper() if isinstance(value, str) else None
    if word not in _DECAY_CORRECTIONS:
        raise SuvHeaderError(f"--decay must be START, ADMIN or NONE, not {value!r}.")
    return word


def _entered_sex(value: Any) -> str:
    word = value.strip().upper() if isinstance(value, str) else None
    if word not in _SEXES:
        raise SuvHeaderError(
            f"--sex must be M or F, which the formulae of lean body mass need, not {value!r}."
        )
    return word


def _entered_suv_type(value: Any) -> str:
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in SUV_TYPES:
        raise SuvHeaderError(f"--suv-type must be one of {', '.join(SUV_TYPES)}, not {value!r}.")
    return word
