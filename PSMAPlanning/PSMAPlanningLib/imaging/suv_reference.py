"""The moment that the voxels of a series are decayed to, and where in the header it is found."""

from __future__ import annotations

import math
from datetime import date, timedelta

from ..errors import SuvHeaderError
from .suv_audit import ENTERED, Audit
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_tags import TAGS
from .suv_times import Moment, ScanTimes, parse_entered, same_scan_day

_LONGEST_MS = 30 * 86400e3
_ANY_DAY = date(2000, 1, 2)


def average_decay_time_s(duration_s: float, half_life: float) -> float:
    """Time after the start of a frame at which the activity equals the frame's mean."""
    rate = math.log(2.0) / half_life
    return math.log(rate * duration_s / -math.expm1(-rate * duration_s)) / rate


def reference_rule(
    header: SuvHeader, entered: EnteredValues, audit: Audit, times: ScanTimes, correction: str | None
) -> str | None:
    """Which rule gives the reference time: entered, none, stated, ge_private, series_time or back_computed.

    stated: the header names the moment itself (enhanced objects only, which have none of the other rules).
    None when the header allows none of them, which is recorded in `audit` as missing.
    """
    if entered.reference_time is not None:
        audit.sources["reference_time"] = ENTERED
        return "entered"
    frames = all(s.frame_duration_ms is not None for s in header.slices)
    if correction == "NONE":
        if times.acquisitions is not None and frames:
            audit.sources["reference_time"] = (
                f"acquisition and frame duration, header {TAGS['acquisition_time']}, "
                f"{TAGS['frame_duration_ms']}"
            )
            return "none"
    elif times.stated_reference is not None:
        audit.from_header("reference_time", TAGS["reference_datetime"])
        return "stated"
    elif header.is_enhanced:
        pass
    elif times.ge_reference is not None:
        audit.from_header("reference_time", TAGS["ge_reference_datetime"])
        return "ge_private"
    elif times.acquisitions is not None:
        series = (
            None
            if times.series is None
            else same_scan_day(times.series, times.start, audit.warn, "the reference time")
        )
        if series is not None and series.at <= times.start.at:
            audit.from_header("reference_time", TAGS["series_time"])
            return "series_time"
        if frames and all(s.frame_reference_time_ms is not None for s in header.slices):
            audit.sources["reference_time"] = (
                f"back-computed from header {TAGS['acquisition_time']}, {TAGS['frame_duration_ms']} and "
                f"{TAGS['frame_reference_time_ms']}"
            )
            return "back_computed"
    audit.missing(
        "reference_time",
        "--reference-time",
        f"the time the voxels are decayed to {TAGS['reference_datetime']}"
        if header.is_enhanced
        else f"the time the voxels are decayed to (series time {TAGS['series_time']}, acquisition time "
        f"{TAGS['acquisition_time']}, frame duration {TAGS['frame_duration_ms']}, frame reference time "
        f"{TAGS['frame_reference_time_ms']})",
    )
    return None


def entered_reference(entered: EnteredValues, times: ScanTimes, audit: Audit) -> Moment:
    """The reference time the user gave, on the day of the scan when it has no date."""
    day = times.start.at.date() if times.start is not None else times.day
    dated = times.start.dated if times.start is not None else times.day is not None
    if day is None and entered.injection_time is not None:
        injected, dated = parse_entered(entered.injection_time, "--injection-time", _ANY_DAY)
        day = injected.date()
    at, has_date = parse_entered(entered.reference_time, "--reference-time", day or _ANY_DAY)
    if times.start is not None and times.start.dated and abs(at - times.start.at) > timedelta(days=1):
        raise SuvHeaderError(
            f"--reference-time ({at.isoformat()}) is more than a day from the start of the scan "
            f"({times.start.iso()}); correct it."
        )
    if times.start is None and times.series is None:
        audit.warn(
            "The header has no time of the scan; the uptake time is counted to the reference time entered."
        )
    return Moment(at, dated or has_date)


def reference_lags(header: SuvHeader, times: ScanTimes, half_life: float) -> list[float]:
    """Seconds from the scan's start to t_acq + T_average - frame reference time, for each slice."""
    lags = []
    for acquisition, each in zip(times.acquisitions, header.slices, strict=True):
        duration = frame_milliseconds(each.frame_duration_ms, "frame_duration_ms") / 1000.0
        reference = (
            frame_milliseconds(each.frame_reference_time_ms, "frame_reference_time_ms", zero=True) / 1000.0
        )
        lags.append(
            seconds_between(times.start, acquisition) + average_decay_time_s(duration, half_life) - reference
        )
    return lags


def frame_milliseconds(value: float, name: str, zero: bool = False) -> float:
    """A duration of the header that is possible; SuvHeaderError naming its tag when it is not."""
    if not (value > 0.0 or (zero and value == 0.0)) or value > _LONGEST_MS:
        raise SuvHeaderError(
            f"{name.replace('_ms', '').replace('_', ' ').capitalize()} {TAGS[name]} of {value:g} ms cannot "
            "be; give --reference-time."
        )
    return value


def seconds_between(earlier: Moment, later: Moment) -> float:
    """Seconds from the first to the second moment."""
    return (later.at - earlier.at).total_seconds()
