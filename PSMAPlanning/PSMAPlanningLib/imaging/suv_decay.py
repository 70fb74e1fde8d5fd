"""From the decay correction of a series to the gain that brings its activity back to the injection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..errors import SuvHeaderError
from .suv_audit import ENTERED, Audit, half_life_s
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_reference import (
    average_decay_time_s,
    entered_reference,
    frame_milliseconds,
    reference_lags,
    reference_rule,
    seconds_between,
)
from .suv_tags import TAGS
from .suv_times import Moment, ScanTimes, entered_injection, header_injection, same_scan_day, scan_times

_CORRECTIONS = ("START", "ADMIN", "NONE")
_MOST_HALF_LIVES = 30.0
_REFERENCE_SPREAD_WARNED_S = 1.0
_REFERENCE_SPREAD_REFUSED_S = 60.0
_SERIES_TIME_DOUBT_S = 300.0
_LONGEST_SESSION_S = 6 * 3600.0
_CLOCK_ROUNDING_S = 1.0
"""A header's clocks are often rounded to whole seconds; of F-18 a second is 0.01 % of the activity."""


@dataclass(frozen=True)
class DecayGains:
    """gains: activity at injection per activity of the voxels, one per slice; and the facts behind them."""

    gains: tuple[float, ...]
    branch: str
    correction: str
    half_life_s: float | None
    injection_time: str | None
    reference_time: str | None
    uptake_time_min: float | None


def activity_factors(header: SuvHeader, entered: EnteredValues, audit: Audit, times: ScanTimes) -> DecayGains:
    """Gains for voxels in Bq/ml whose decay correction is START, ADMIN or NONE.

    START: the reference time is the one an enhanced object states, else the GE private tag's, else the
    series time unless that is later than the earliest acquisition, else acquisition + average decay time
    - frame reference time, per slice.
    ADMIN: none. NONE: decay during the frame, lambda T / (1 - exp(-lambda T)), and since injection.

    Raises the error of `audit` for everything missing so far, SuvHeaderError for what cannot be.
    """
    correction = _correction(header, entered, audit)
    half_life = half_life_s(header, entered, audit)
    if correction != "ADMIN":
        if half_life is None:
            audit.missing("half_life_s", "--half-life-s")
        if (
            entered.injection_time is None
            and header.injection_datetime is None
            and header.injection_time is None
        ):
            audit.missing("injection_time", "--injection-time")
        rule = reference_rule(header, entered, audit, times, correction)
    audit.raise_if_missing()
    if correction == "ADMIN":
        return _decayed_to_injection(header, entered, audit, half_life)
    start = times.start
    if rule == "entered":
        reference = entered_reference(entered, times, audit)
        start = start or reference
    injection = _injection(header, entered, audit, start, half_life)
    if rule == "entered":
        waits = [seconds_between(injection, reference)] * len(header.slices)
        gains, shown = _gains(waits, half_life), reference.iso()
    elif rule == "none":
        gains, shown = _undecayed_gains(header, times, injection, half_life), None
    else:
        waits, shown = _start_waits(header, audit, times, rule, injection, half_life)
        gains = _gains(waits, half_life)
    branch = "none" if rule == "none" else f"{correction.lower()}_{rule}"
    return DecayGains(
        gains, branch, correction, half_life, injection.iso(), shown, seconds_between(injection, start) / 60.0
    )


def reported_facts(header: SuvHeader, entered: EnteredValues, audit: Audit) -> dict[str, Any]:
    """Times and dose of voxels that already are an SUV; contradictions are warnings, no number changes."""
    facts: dict[str, Any] = {}
    idle = []
    for name, stated, given in (
        ("decay_correction", header.decay_correction, entered.decay_correction),
        ("dose_bq", header.dose_bq, entered.dose_bq),
        ("weight_kg", header.weight_kg, entered.weight_kg),
        ("half_life_s", header.half_life_s, entered.half_life_s),
    ):
        facts[name] = stated if given is None else given
        if given is not None:
            if audit.sources.get(name) != ENTERED:
                idle.append(name)
            audit.sources[name] = ENTERED
        elif stated is not None:
            audit.from_header(name)
    idle += [name for name in ("injection_time", "reference_time") if getattr(entered, name) is not None]
    if idle:
        audit.warn(
            f"The voxels already are an SUV, so these values entered by the user change no "
            f"number: {', '.join(idle)}."
        )
    facts |= uptake_facts(header, entered, audit, facts["half_life_s"])
    return facts


def _correction(header: SuvHeader, entered: EnteredValues, audit: Audit) -> str | None:
    stated = None if header.decay_correction is None else header.decay_correction.upper()
    correction = audit.choose("decay_correction", stated, entered.decay_correction)
    if correction is None:
        audit.missing("decay_correction", "--decay START, ADMIN or NONE")
        return None
    if correction not in _CORRECTIONS:
        raise SuvHeaderError(
            f"The decay correction {TAGS['decay_correction']} is {correction}, which DICOM does not know; "
            "give --decay START, ADMIN or NONE."
        )
    listed = "DECY" in (header.corrected_image or ())
    if header.from_dicom and listed == (correction == "NONE"):
        audit.warn(
            f"The decay correction is {correction}, but the corrections {TAGS['corrected_image']} "
            f"{'list' if listed else 'do not list'} decay (DECY); check with the scanner."
        )
    return correction


def _start_waits(
    header: SuvHeader, audit: Audit, times: ScanTimes, rule: str, injection: Moment, half_life: float
) -> tuple[list[float], str | None]:
    """Seconds from injection to the reference time of each slice, and that time where it is one."""
    start = times.start
    if rule == "back_computed":
        waits = [seconds_between(injection, start) + lag for lag in reference_lags(header, times, half_life)]
        spread = max(waits) - min(waits)
        if spread > _REFERENCE_SPREAD_REFUSED_S:
            raise SuvHeaderError(
                f"Acquisition time {TAGS['acquisition_time']} and frame reference time "
                f"{TAGS['frame_reference_time_ms']} put the reference time of the slices {spread:.0f} s "
                "apart; give --reference-time."
            )
        if spread > _REFERENCE_SPREAD_WARNED_S:
            audit.warn(
                f"The reference times of the slices lie {spread:.1f} s apart; each slice used its own."
            )
        if max(waits) > seconds_between(injection, start) + _REFERENCE_SPREAD_WARNED_S:
            audit.warn(
                "The reference time computed from the frame reference time is after the start of the "
                "acquisition, which is unusual for the decay correction START."
            )
        moment = Moment(injection.at + timedelta(seconds=waits[0]), injection.dated)
        return waits, moment.iso() if spread <= _REFERENCE_SPREAD_WARNED_S else None
    stated = {
        "stated": times.stated_reference,
        "ge_private": times.ge_reference,
        "series_time": times.series,
    }[rule]
    reference = same_scan_day(stated, start, audit.warn, "the reference time")
    distance_s = abs(seconds_between(start, reference))
    if distance_s > _LONGEST_SESSION_S:
        raise SuvHeaderError(
            f"The reference time {reference.iso()} is {distance_s / 3600:.1f} hours "
            f"from the start of the scan at {start.iso()}; give --reference-time."
        )
    if rule == "series_time":
        _compare_with_back_computed(header, audit, times, reference, half_life)
    return [seconds_between(injection, reference)] * len(header.slices), reference.iso()


def _compare_with_back_computed(
    header: SuvHeader, audit: Audit, times: ScanTimes, reference: Moment, half_life: float
) -> None:
    if any(s.frame_duration_ms is None or s.frame_reference_time_ms is None for s in header.slices):
        return
    series_lag = seconds_between(times.start, reference)
    doubt = min(abs(lag - series_lag) for lag in reference_lags(header, times, half_life))
    if doubt > _SERIES_TIME_DOUBT_S:
        audit.warn(
            f"The series time, which was used as reference time, and the one computed from the frame "
            f"reference time lie {doubt / 60.0:.0f} min apart; check with the scanner."
        )


def _undecayed_gains(
    header: SuvHeader, times: ScanTimes, injection: Moment, half_life: float
) -> tuple[float, ...]:
    waits = []
    for acquisition, each in zip(times.acquisitions, header.slices, strict=True):
        duration = frame_milliseconds(each.frame_duration_ms, "frame_duration_ms") / 1000.0
        waits.append(seconds_between(injection, acquisition) + average_decay_time_s(duration, half_life))
    return _gains(waits, half_life)


def _gains(waits_s: Sequence[float], half_life: float) -> tuple[float, ...]:
    """2^(wait / half-life) of each slice; the reference may not be before the injection."""
    if min(waits_s) < -_CLOCK_ROUNDING_S:
        raise SuvHeaderError(
            f"The time the voxels are decayed to is {-min(waits_s):.0f} s before the injection "
            f"{TAGS['injection_time']}; give --injection-time or --reference-time."
        )
    if max(waits_s) > _MOST_HALF_LIVES * half_life:
        raise SuvHeaderError(
            f"The scan is {max(waits_s) / half_life:.3g} half-lives after the injection "
            f"{TAGS['injection_time']}, so no activity is left; check --injection-time, "
            "--reference-time and --half-life-s."
        )
    return tuple(2.0 ** (wait / half_life) for wait in waits_s)


def _decayed_to_injection(
    header: SuvHeader, entered: EnteredValues, audit: Audit, half_life: float | None
) -> DecayGains:
    if entered.reference_time is not None:
        audit.warn(
            "The reference time entered was not used: the voxels are decayed to the injection (ADMIN)."
        )
    facts = uptake_facts(header, entered, audit, half_life)
    return DecayGains(
        gains=(1.0,) * len(header.slices),
        branch="admin",
        correction="ADMIN",
        half_life_s=half_life,
        injection_time=facts.get("injection_time"),
        reference_time=facts.get("injection_time"),
        uptake_time_min=facts.get("uptake_time_min"),
    )


def uptake_facts(
    header: SuvHeader, entered: EnteredValues, audit: Audit, half_life: float | None
) -> dict[str, Any]:
    """Injection and uptake time, where known, by the names of the record.

    For voxels whose number they do not change: a contradiction is a warning in `audit`, not a refusal.
    """
    try:
        times = scan_times(header)
        start = times.start or times.series
        if start is None:
            return {}
        injection = _injection(header, entered, audit, start, half_life)
    except SuvHeaderError as error:
        if header.injection_datetime or header.injection_time or entered.injection_time:
            audit.warn(f"The uptake time is not known: {error}")
        return {}
    return {"injection_time": injection.iso(), "uptake_time_min": seconds_between(injection, start) / 60.0}


def _injection(
    header: SuvHeader, entered: EnteredValues, audit: Audit, start: Moment, half_life: float | None
) -> Moment:
    if entered.injection_time is not None:
        audit.sources["injection_time"] = ENTERED
        if header.injection_datetime is not None or header.injection_time is not None:
            audit.warn("The injection time entered by the user was used instead of the header's.")
        return entered_injection(entered.injection_time, start, half_life, audit.warn)
    moment, tag = header_injection(header, scan_times(header), start, half_life, audit.warn)
    audit.from_header("injection_time", tag)
    return moment
