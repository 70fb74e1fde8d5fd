"""The lines of the lesion table in words, translated, and what its keys and menu are called."""

from __future__ import annotations

from functools import cache

from ..records import Change
from . import words
from .contour_words import flag_text, fraction_text, missing_text
from .region_words import region_text, region_tooltip
from .translation import tr as _
from .view_state import LesionRow

Cell = tuple[str, str | None, str]
"""Text, key of its color or None, tooltip."""
_MOST_ENTRIES = 8
_LARGE_MM = 10.0
_TOLD_APART_ML = 0.15
_LONGEST_REMARK = 10
"""Characters; a line of the panel has room for no more, and the tooltip says it in full."""


def cells_of(row: LesionRow) -> tuple[Cell, ...]:
    """One line of the table: id, state, region, coverage with the missing margin, volume, uptake.

    The tooltip of a cell that may be cut begins with what it says.
    """
    state, region = _state_text(row), region_text(row)
    return (
        (row.id, None, _record_text(row)),
        (state, None, f"{state}\n\n{_record_text(row)}"),
        (region, None, f"{region}\n\n{region_tooltip(row)}"),
        (_coverage_text(row), row.color_key, f"{_missing_tooltip(row)}\n\n{_coverage_tooltip(row)}"),
        (_volume(row), None, _volume_tooltip(row)),
        (f"{row.suv_max:.1f}", None, _uptake_tooltip(row)),
    )


def sort_key(row: LesionRow, column: int) -> tuple:
    """What a column is sorted by: numbers as numbers, nothing known last."""
    missing = row.missing_mm if row.missing_mm is not None else float("inf")
    states = ("proposed", "undecided", "accepted", "rejected")
    classes = ("inside", "partial", "outside", "not compared", "rejected")
    return (
        _natural(row.id),
        (states.index(row.state), _natural(row.id)),
        (row.region is None, region_text(row), _natural(row.id)),
        (classes.index(row.color_key), missing),
        (row.volume_ml,),
        (row.suv_max,),
    )[column]


def _natural(lesion_id: str) -> tuple:
    """L9 before L10."""
    digits = "".join(character for character in lesion_id if character.isdigit())
    return (int(digits) if digits else 0, lesion_id)


def _state_text(row: LesionRow) -> str:
    remark = _short_remark(row)
    if len(remark) > _LONGEST_REMARK:
        remark = f"{remark[: _LONGEST_REMARK - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return f"{words.state_text(row.state)}\n{remark}".strip()


def _short_remark(row: LesionRow) -> str:
    """The one thing to know about the state; everything is in the tooltip."""
    if row.rejection_reason:
        return row.rejection_reason
    if "merged" in row.flags:
        return _("merged")
    if "split" in row.flags:
        return _("split")
    if row.is_hand_edited:
        return _("by hand")
    if row.contour_source == "threshold":
        return _("SUV {threshold}").format(threshold=f"{row.threshold_suv:g}")
    if row.is_added_by_hand:
        return _("added")
    return ""


def _record_text(row: LesionRow) -> str:
    """Remarks, then who did what and when, newest first."""
    lines = [words.remark_text(row)] if words.remark_text(row) else []
    lines += [_entry_text(entry) for entry in reversed(row.record[-_MOST_ENTRIES:])]
    if len(row.record) > _MOST_ENTRIES:
        lines.append("\N{HORIZONTAL ELLIPSIS}")
    return "\n".join(lines)


@cache
def _entry_text(entry: Change) -> str:
    when = entry.when.replace("T", " ").replace("+00:00", " UTC")
    said = _("{when}, {who}: {what}").format(when=when, who=entry.who, what=entry.what)
    return f"{said} ({entry.reason})" if entry.reason else said


def _coverage_tooltip(row: LesionRow) -> str:
    if not row.coverage:
        return _("No RT volume to compare with yet.")
    lines = []
    for cell in row.coverage:
        share = fraction_text(cell).replace("\n", " %, ")
        missing = missing_text(cell)
        line = f"{cell.volume}: {words.covered_text(cell)}"
        line += f", {share} %" if share else ""
        lines.append(f"{line}, {missing}" if missing else line)
    return "\n".join(lines)


def _coverage_text(row: LesionRow) -> str:
    """The class, and below it what margin is missing and where to."""
    text = words.coverage_text(row.color_key)
    if not row.missing_mm or row.color_key == "rejected":
        return text
    # A millimetre of thirty is of no matter, and the room is short; the tooltip has the decimal.
    digits = 1 if row.missing_mm < _LARGE_MM else 0
    margin = _("{margin} mm {direction}").format(
        margin=f"{row.missing_mm:.{digits}f}", direction=row.missing_direction
    )
    return f"{text}\n{margin.strip()}"


def _missing_tooltip(row: LesionRow) -> str:
    if row.missing_mm is None:
        return _("No target volume to compare with yet.")
    if row.missing_mm == 0:
        return _("{volume} takes all of the lesion in.").format(volume=row.missing_volume)
    return _("{volume} would have to grow by {margin} mm towards {direction} to take all of it in.").format(
        volume=row.missing_volume, margin=f"{row.missing_mm:.1f}", direction=row.missing_direction
    )


def _volume(row: LesionRow) -> str:
    volume = f"{row.volume_ml:.2f}" if row.volume_ml < 10 else f"{row.volume_ml:.1f}"
    if row.interval_ml is None:
        return volume
    low, high = row.interval_ml
    # As many decimals as tell the two apart.
    digits = 1 if high - low >= _TOLD_APART_ML else 2
    return f"{volume}\n{low:.{digits}f}\N{EN DASH}{high:.{digits}f}"


def _volume_tooltip(row: LesionRow) -> str:
    lines = [_("Volume {volume} mL").format(volume=f"{row.volume_ml:.3f}")]
    if row.interval_ml is not None:
        low, high = (f"{bound:.3f}" for bound in row.interval_ml)
        lines.append(_("between {low} and {high} mL").format(low=low, high=high))
    lines += [flag_text(flag) for flag in row.flags]
    return "\n".join(lines)


def _uptake_tooltip(row: LesionRow) -> str:
    lines = [_("SUVmax {value}").format(value=f"{row.suv_max:.2f}")]
    if row.suv_peak is not None:
        lines.append(_("SUVpeak {value}").format(value=f"{row.suv_peak:.2f}"))
    return "\n".join(lines)
