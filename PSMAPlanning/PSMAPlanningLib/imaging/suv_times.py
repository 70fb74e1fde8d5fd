"""When the tracer was injected, when the scan began, and the moment the voxel values are decayed to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from ..errors import SuvHeaderError
from .suv_header import SuvHeader
from .suv_tags import LABELS, TAGS

SHORT_LIVED_S = 3 * 3600.0
"""Nuclides below this half-life are never imaged more than a day after injection."""
LONGEST_WAIT_SHORT_LIVED = timedelta(hours=12)
"""Six half-lives of F-18: a longer wait, found only by shifting the date, is an error and not a scan."""
_DAY = timedelta(days=1)
_NO_DATE = date(2000, 1, 2)
_DATE_PATTERN = re.compile(r"(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})", re.ASCII)
_TIME_PATTERN = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?", re.ASCII)
_OFFSET_PATTERN = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)


@dataclass(frozen=True)
class Moment:
    """A point in time; `dated` is False when only the clock time is known."""

    at: datetime
    dated: bool = True

    def iso(self) -> str:
        """ISO 8601 text, without a date when none is known."""
        return self.at.isoformat() if self.dated else self.at.time().isoformat()


@dataclass(frozen=True)
class ScanTimes:
    """The clock of a series: start of every slice's acquisition and the series' own time, where known."""

    acquisitions: tuple[Moment, ...] | None
    series: Moment | None
    ge_reference: Moment | None
    day: date | None
    stated_reference: Moment | None = None

    @property
    def start(self) -> Moment | None:
        """Earliest acquisition, else the GE scan time, else the stated time of decay correction."""
        if self.acquisitions is not None:
            return min(self.acquisitions, key=lambda moment: moment.at)
        return self.ge_reference or self.stated_reference


def scan_times(header: SuvHeader) -> ScanTimes:
    """Times of a series; raises SuvHeaderError for a date or time that cannot be read.

    A slice without an acquisition time makes all of them unknown: the earliest could be the missing one.
    """
    series_day = _day(header.series_date, "series_date")
    slice_days = [_day(s.acquisition_date, "acquisition_date") for s in header.slices]
    day = min((d for d in slice_days if d is not None), default=series_day)
    acquisitions = None
    if all(s.acquisition_time is not None for s in header.slices):
        acquisitions = tuple(
            _on_day(own_day or day, parse_clock(s.acquisition_time, _name("acquisition_time")))
            for s, own_day in zip(header.slices, slice_days, strict=True)
        )
    series = None
    if header.series_time is not None:
        series = _on_day(series_day or day, parse_clock(header.series_time, _name("series_time")))
    return ScanTimes(
        acquisitions,
        series,
        _stated_moment(header, "ge_reference_datetime"),
        day,
        _stated_moment(header, "reference_datetime"),
    )


def _stated_moment(header: SuvHeader, name: str) -> Moment | None:
    text = getattr(header, name)
    return None if text is None else Moment(parse_datetime(text, _name(name), header.timezone_offset))


def same_scan_day(moment: Moment, start: Moment, warn: Callable[[str], None], label: str) -> Moment:
    """`moment` moved by whole days to within half a day of the scan when its date cannot belong to it.

    De-identification shifts dates of different tags by different amounts but leaves the clock.
    """
    gap = moment.at - start.at
    if abs(gap) <= _DAY:
        return moment
    days = round(gap / _DAY)
    warn(
        f"The date of {label} is {abs(gap) / _DAY:.0f} days from the scan; dates were probably altered by "
        "de-identification, so only its clock time was used."
    )
    return Moment(moment.at - days * _DAY, moment.dated)


def header_injection(
    header: SuvHeader, times: ScanTimes, start: Moment, half_life_s: float | None, warn: Callable[[str], None]
) -> tuple[Moment, str]:
    """Injection from the header and the tag it came from; the scan starts at `start`.

    DateTime (0018,1078) is preferred, else Time (0018,1072) on the series date, a day earlier when that
    is later than the scan. Dates that put a short-lived tracer more than a day from the scan are replaced
    by the clock difference, with a warning. Raises SuvHeaderError for an injection after the scan.
    """
    if header.injection_datetime is not None:
        name = "injection_datetime"
        moment = Moment(parse_datetime(header.injection_datetime, _name(name), header.timezone_offset))
        _compare_clocks(header, moment, warn)
        if not start.dated:
            moment = _on_day(start.at.date(), moment.at.time(), dated=False)
    elif header.injection_time is not None:
        name = "injection_time"
        series_day = _day(header.series_date, "series_date")
        moment = _on_day(series_day or times.day, parse_clock(header.injection_time, _name(name)))
        if not moment.dated:
            moment = _on_day(start.at.date(), moment.at.time(), dated=start.dated)
    else:
        raise SuvHeaderError("The header has no injection time; give --injection-time.")
    return _before_scan(moment, start, half_life_s, warn, name), TAGS[name]


def entered_injection(
    text: str, start: Moment, half_life_s: float | None, warn: Callable[[str], None]
) -> Moment:
    """Injection as the user gave it: a clock time is on the scan's day, or the day before over midnight."""
    moment, has_date = parse_entered(text, "--injection-time", start.at.date())
    if has_date and start.dated:
        if moment > start.at:
            raise SuvHeaderError(
                f"The injection entered ({moment.isoformat()}) is after the start of the scan "
                f"({start.iso()}); correct --injection-time."
            )
        if start.at - moment > _DAY and (half_life_s is None or half_life_s < SHORT_LIVED_S):
            warn(
                "The injection entered is more than a day before the scan, which is unusual for this nuclide."
            )
        return Moment(moment)
    if has_date:
        moment = datetime.combine(start.at.date(), moment.time())
    return _before_scan(Moment(moment, start.dated), start, half_life_s, warn, "injection_time")


def parse_entered(text: str, option: str, day: date) -> tuple[datetime, bool]:
    """A date and time (2025-01-31T10:00:00) or a clock time (10:00:00), and whether it had a date."""
    plain = text.strip()
    clock = _TIME_PATTERN.fullmatch(plain)
    if clock is not None:
        return datetime.combine(day, time()) + parse_clock(plain, option), False
    pieces = re.split(r"[T ]", plain, maxsplit=1)
    if len(pieces) == 2:
        found = parse_day(pieces[0], option)
        return datetime.combine(found, time()) + parse_clock(pieces[1], option), True
    if re.fullmatch(r"\d{12,14}(\.\d+)?", plain):
        return parse_datetime(plain, option, None), True
    raise SuvHeaderError(
        f"{option} must be a time such as 10:30:00 or a date and time such as 2025-01-31T10:30:00, "
        f"not '{text}'."
    )


def parse_day(text: str, label: str) -> date:
    """A DICOM or ISO date; raises SuvHeaderError naming `label`."""
    match = _DATE_PATTERN.fullmatch(text.strip())
    try:
        if match is None or not 1900 <= int(match[1]) <= 2200:
            raise ValueError
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise SuvHeaderError(
            f"{label} holds no date of the form YYYYMMDD; correct it or export the series again."
        ) from None


def parse_clock(text: str, label: str) -> timedelta:
    """A DICOM or ISO clock time as time since midnight; raises SuvHeaderError naming `label`."""
    match = _TIME_PATTERN.fullmatch(text.strip())
    if match is not None:
        hours, minutes, seconds = int(match[1]), int(match[2] or 0), int(match[3] or 0)
        if hours < 24 and minutes < 60 and seconds <= 60:
            fraction = float(f"0.{match[4] or 0}")
            return timedelta(hours=hours, minutes=minutes, seconds=seconds + fraction)
    raise SuvHeaderError(f"{label} holds no time of the form HHMMSS; correct it or export the series again.")


def parse_datetime(text: str, label: str, timezone_offset: str | None) -> datetime:
    """A DICOM date and time (YYYYMMDDHHMMSS.FFFFFF&ZZXX), in the time zone of the series.

    timezone_offset: (0008,0201). Where the series states none, its clock is that of the date and time.
    """
    plain = text.strip()
    offset = _OFFSET_PATTERN.search(plain[8:])
    if offset is not None:
        plain = plain[: 8 + offset.start()] + plain[8 + offset.end() :]
    if len(plain) < 10:
        raise SuvHeaderError(
            f"{label} holds no date and time of the form YYYYMMDDHHMMSS; correct it or export the "
            "series again."
        )
    moment = datetime.combine(parse_day(plain[:8], label), time()) + parse_clock(plain[8:], label)
    if offset is None or timezone_offset is None:
        return moment
    own, series = _offset(offset[0], label), _offset(timezone_offset, _name("timezone_offset"))
    return moment.replace(tzinfo=own).astimezone(series).replace(tzinfo=None)


def _offset(text: str, label: str) -> timezone:
    match = _OFFSET_PATTERN.fullmatch(text.strip())
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        raise SuvHeaderError(f"{label} holds no time zone of the form +0100; export the series again.")
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def _before_scan(
    moment: Moment, start: Moment, half_life_s: float | None, warn: Callable[[str], None], name: str
) -> Moment:
    gap = start.at - moment.at
    short_lived = half_life_s is None or half_life_s < SHORT_LIVED_S
    only_clock = name == "injection_time"
    if not short_lived:
        if only_clock:
            warn(
                "The header gives no date of injection for a long-lived nuclide; the day of the scan, or the "
                "day before, was taken: give --injection-time with its date if that is wrong."
            )
            gap = gap + _DAY if gap < timedelta(0) else gap
        if gap < timedelta(0):
            raise _after_scan(moment, start, name)
        return Moment(start.at - gap, moment.dated)
    if timedelta(0) <= gap <= _DAY:
        return moment
    wait = gap % _DAY
    if wait > LONGEST_WAIT_SHORT_LIVED:
        raise _after_scan(moment, start, name)
    if only_clock and -_DAY <= gap < timedelta(0):
        warn("The injection's clock time is later than the scan's; it was taken to be on the day before.")
    else:
        side = "before" if gap > timedelta(0) else "after"
        warn(
            f"The dates put the injection {abs(gap) / _DAY:.1f} days {side} the scan, which cannot be for "
            "this nuclide; dates were probably altered by de-identification, so the clock times were used."
        )
    return Moment(start.at - wait, moment.dated)


def _after_scan(moment: Moment, start: Moment, name: str) -> SuvHeaderError:
    return SuvHeaderError(
        f"The injection {TAGS[name]} at {moment.iso()} does not fit a scan that starts at {start.iso()}: "
        "it is after the scan or far too long before it; give --injection-time with its date."
    )


def _compare_clocks(header: SuvHeader, moment: Moment, warn: Callable[[str], None]) -> None:
    if header.injection_time is None:
        return
    clock = parse_clock(header.injection_time, _name("injection_time"))
    mine = moment.at - datetime.combine(moment.at.date(), time())
    if abs(clock - mine) > timedelta(seconds=60):
        warn(
            f"The header gives two injection times, {TAGS['injection_datetime']} {moment.at.time()} and "
            f"{TAGS['injection_time']} {header.injection_time}; the first was used."
        )


def _on_day(day: date | None, clock: timedelta | time, dated: bool = True) -> Moment:
    if isinstance(clock, time):
        return Moment(datetime.combine(day or _NO_DATE, clock), dated and day is not None)
    return Moment(datetime.combine(day or _NO_DATE, time()) + clock, dated and day is not None)


def _day(text: str | None, name: str) -> date | None:
    return None if text is None else parse_day(text, _name(name))


def _name(name: str) -> str:
    return f"{LABELS[name]} {TAGS[name]}"
