"""The coverage table line by line: each lesion against its targets together, then against every volume."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from ..coverage.lesion_coverage import CoverageClass
from ..coverage.patient import Cover
from ..coverage.patient_result import LesionResult
from ..coverage.regions import RegionSource
from . import words
from .contour_words import fraction_text, missing_text
from .coverage_words import cover_text, organ_text, region_text, short_cover_text
from .translation import tr as _
from .view_state import LesionRow, ViewState, VolumeCoverage

SETUP_MARGIN = "setup margin only"
_TARGETS = ("GTV", "CTV", "PTV", "ITV")
_MOST_LETTERS = 13
"""Of what stands in the way; the tooltip has all of it."""
_LARGE_MM = 20.0
"""From here on tenths of a millimetre only take room; the tooltips have them."""
_UNSURE = 0.5
"""Below this confidence a region found automatically is shown with a question mark."""


class Shown(Enum):
    """Which lines of the coverage table are shown."""

    TARGETS = "targets"
    NOT_COVERED = "not_covered"
    ALL = "all"
    LESIONS = "lesions"


@dataclass(frozen=True)
class TableCell:
    """One cell: text, what it says when the mouse rests on it, and how it is marked."""

    text: str
    tooltip: str = ""
    color_key: str | None = None
    is_bold: bool = False
    is_hatched: bool = False


@dataclass(frozen=True)
class CoverageLine:
    """One line: lesion or volume, class, percentage, distance, what is missing."""

    lesion_id: str
    cells: tuple[TableCell, ...]
    is_summary: bool = False


def coverage_lines(view: ViewState, shown: Shown) -> tuple[CoverageLine, ...]:
    """The lines for a view state; none before there are lesions and volumes."""
    if not view.coverage_rows:
        return ()
    patient = view.plan.patient
    results = {} if patient is None else {each.id: each for each in patient.lesions}
    lines = []
    for row in view.lesions:
        result = results.get(row.id)
        if shown is Shown.NOT_COVERED and (result is None or result.standing.cover is Cover.COVERED):
            continue
        lines.append(_summary(row, result, view.plan.is_computing))
        if shown is Shown.LESIONS:
            continue
        for cell in row.coverage:
            if shown is Shown.ALL or cell.kind in _TARGETS:
                lines.append(_single(row, cell))
    return tuple(lines)


def _summary(row: LesionRow, result: LesionResult | None, is_computing: bool) -> CoverageLine:
    if result is None:
        said, key = "", None
        if row.state == "rejected":
            said, key = _("rejected"), "rejected"
        elif is_computing:
            said = _("computing\N{HORIZONTAL ELLIPSIS}")
        cells = (_bold(row.id), TableCell(said, said, key), *(TableCell("") for _n in range(3)))
        return CoverageLine(row.id, cells, True)
    standing = result.standing
    covered = _standing_cell(result)
    if standing.by:
        covered = _with_tooltip(covered, _("Covered by {target}.").format(target=standing.by))
    return CoverageLine(row.id, (_region_cell(result), covered, *_numbers_of(result)), True)


def _region_cell(result: LesionResult) -> TableCell:
    region = result.region
    name = f"{result.id} {region_text(region)}"
    if region.source is RegionSource.USER:
        return _bold(name, _("Region as somebody stated it."))
    told = _("Region told by the anatomy, confidence {percent} %.").format(
        percent=f"{100 * region.confidence:.0f}"
    )
    if region.is_known and region.confidence < _UNSURE:
        name += " ?"
        if region.runner_up is not None:
            told += " " + _("Else: {region}.").format(region=organ_text(region.runner_up.value))
    return _bold(name, told)


def _standing_cell(result: LesionResult) -> TableCell:
    cover, best = result.standing.cover, result.standing.best
    key = {
        Cover.COVERED: "inside",
        Cover.PARTIAL: "partial",
        Cover.SETUP_MARGIN_ONLY: SETUP_MARGIN,
        Cover.OUTSIDE: "outside",
        Cover.NOT_COMPARED: "not compared",
    }[cover]
    text, told = short_cover_text(cover), _("Against all clinical targets together.")
    if cover is Cover.PARTIAL and best is not None and best.coverage_class is CoverageClass.INSIDE:
        text = _("not certain")
        told += " " + _("Whether 99 % of it is inside depends on half a voxel; it counts as partial.")
    if result.may_become:
        others = _(" or ").join(cover_text(each.value) for each in result.may_become)
        short = short_cover_text(result.may_become[0])
        text += "\n" + (
            _("or {cover}").format(cover=short)
            if len(result.may_become) == 1
            else _("or {count} others").format(count=len(result.may_become))
        )
        told += " " + _(
            "Within the registration's uncertainty it may be {classes} instead (see Registration)."
        ).format(classes=others)
    return TableCell(text, told, key, True)


def _numbers_of(result: LesionResult) -> tuple[TableCell, TableCell, TableCell]:
    """Percentage, distance and what is missing, against the nearest target or all of them together."""
    best = result.standing.best
    if best is None or best.fraction is None:
        return TableCell(""), TableCell(""), TableCell("")
    found = VolumeCoverage(
        result.standing.nearest or "",
        None,
        None,
        best.fraction,
        best.centroid_distance_mm,
        best.fraction_bounds,
        best.is_covered,
        best.margin_to_100_mm,
        best.direction,
    )
    if best.is_covered:
        return _fraction(found), _distance(found), TableCell("")
    missing = _missing(found)
    told = _("{target} would have to grow by this to take in all of it.").format(target=found.volume)
    if best.margin_to_95_mm is not None:
        told += " " + _("For 95 % of it: {mm} mm.").format(mm=f"{best.margin_to_95_mm:.1f}")
    if result.in_the_way:
        names = ", ".join(organ_text(each.name) for each in result.in_the_way)
        missing += "\n" + _shortened(_("past {organs}").format(organs=names))
        lengths = ", ".join(f"{organ_text(e.name)} {e.length_mm:.0f} mm" for e in result.in_the_way)
        told += " " + _("In the way: {organs}.").format(organs=lengths)
    return _fraction(found), _distance(found), TableCell(missing, told)


def _single(row: LesionRow, cell: VolumeCoverage) -> CoverageLine:
    kind = cell.kind or _("no type")
    covered = words.covered_text(cell)
    cells = (
        TableCell(f"    {cell.volume}", f"{row.id}, {cell.volume} ({kind})"),
        TableCell(covered, "", cell.coverage_class),
        _fraction(cell),
        _distance(cell),
        TableCell(_missing(cell), missing_text(cell)),
    )
    return CoverageLine(row.id, cells)


def _fraction(cell: VolumeCoverage) -> TableCell:
    text = fraction_text(cell)
    if cell.fraction is None:
        return TableCell("")
    told = _templates()["inside"].format(percent=f"{100 * cell.fraction:.1f}")
    if cell.fraction_bounds is not None:
        low, high = (f"{100 * bound:.1f}" for bound in cell.fraction_bounds)
        told += " " + _templates()["bounds"].format(low=low, high=high)
    return TableCell(text, told)


def _distance(cell: VolumeCoverage) -> TableCell:
    if cell.distance_mm is None:
        return TableCell("")
    told = _templates()["distance"].format(mm=f"{cell.distance_mm:+.1f}")
    digits = 1 if abs(cell.distance_mm) < _LARGE_MM else 0
    return TableCell(f"{cell.distance_mm:+.{digits}f}".replace("-", "\N{MINUS SIGN}"), told)


@cache
def _templates() -> dict[str, str]:
    """What every line says; kept, because Slicer looks up who asks for each translation."""
    return {
        "inside": _("{percent} % of the lesion's volume is inside."),
        "bounds": _("With surfaces half a voxel off: {low} to {high} %."),
        "distance": _("From the lesion's middle to the volume's surface: {mm} mm, negative inside."),
    }


def _missing(cell: VolumeCoverage) -> str:
    if not cell.margin_mm:
        return ""
    digits = 1 if cell.margin_mm < _LARGE_MM else 0
    return f"{cell.margin_mm:.{digits}f} {cell.direction}".strip()


def _shortened(text: str) -> str:
    return (
        text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    )


def _bold(text: str, tooltip: str = "") -> TableCell:
    return TableCell(text, tooltip, None, True)


def _with_tooltip(cell: TableCell, more: str) -> TableCell:
    return TableCell(cell.text, f"{cell.tooltip} {more}".strip(), cell.color_key, cell.is_bold)
