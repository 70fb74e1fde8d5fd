"""The what-if table line by line: one per guideline or decision, one column per lesion."""

from __future__ import annotations

import re

from ..coverage.patient import Cover, TargetCoverage
from ..coverage.what_if import OWN_VOLUME, WhatIfColumn
from .coverage_lines import SETUP_MARGIN, TableCell
from .coverage_words import cover_text, organ_text
from .translation import tr as _

_KEYS = {
    Cover.COVERED: "inside",
    Cover.PARTIAL: "partial",
    Cover.SETUP_MARGIN_ONLY: SETUP_MARGIN,
    Cover.OUTSIDE: "outside",
    Cover.NOT_COMPARED: "not compared",
}


def what_if_heads(columns: tuple[WhatIfColumn, ...]) -> tuple[str, ...]:
    """The lesions' ids, one per column of the table."""
    told = next((column for column in columns if column.failed is None), None)
    return tuple(told.standings) if told is not None else ()


def what_if_lines(columns: tuple[WhatIfColumn, ...]) -> tuple[tuple[TableCell, ...], ...]:
    """One line per question, those without an answer last; their tooltips say why."""
    ids = what_if_heads(columns)
    return tuple(_line(column, ids) for column in sorted(columns, key=lambda each: each.failed is not None))


def question_text(column: WhatIfColumn) -> str:
    """A guideline with its switches, or a decision."""
    question = column.question
    if question.preset is None:
        return {
            "bed_only": _("bed only"),
            "bed_and_pelvis": _("bed + pelvis"),
            "nodes_only": _("nodes only"),
            "metastasis_directed": _("bed + pelvis\n+ distant lesions"),
        }[question.name]
    known = re.fullmatch(r"([a-z]+)(\d{4})_([a-z]+)", question.preset)
    name = f"{known[1].upper()} {known[2]} {known[3]}" if known else organ_text(question.preset)
    switches = {
        "mesorectum": _("mesorectum"),
        "top_at_L4_L5": _("top at L4/5"),
        "para_aortic": _("para-aortic"),
    }
    on = [switches.get(switch, organ_text(switch)) for switch, value in question.switches.items() if value]
    return "\n+ ".join((name, *on))


def _line(column: WhatIfColumn, ids: tuple[str, ...]) -> tuple[TableCell, ...]:
    name = question_text(column)
    if column.failed is not None:
        told = _("Not answered: {reason}").format(reason=column.failed)
        return TableCell(name, told), TableCell(_("no answer"), told), *(TableCell("", told) for _id in ids)
    told = _("Compared with {targets}.").format(targets=", ".join(column.targets) or _("nothing"))
    if column.is_hatched:
        name += " *"
        numbers = ", ".join(organ_text(number) for number in column.unverified)
        told += " " + _("NOT VERIFIED, these numbers were not read in their source: {numbers}.").format(
            numbers=numbers
        )
    missed = f"{len(column.missed)} / {len(column.standings)}"
    return (
        TableCell(name, told, None, True),
        TableCell(missed, told),
        *(_cell(column, id_) for id_ in ids),
    )


def _cell(column: WhatIfColumn, id_: str) -> TableCell:
    standing = column.standings.get(id_)
    if standing is None:
        return TableCell("")
    text, told = _short(standing), f"{id_}: {cover_text(standing.cover.value)}"
    if standing.by == OWN_VOLUME:
        told = _("{lesion}: a target of its own").format(lesion=id_)
    elif standing.best is not None and standing.best.margin_to_100_mm and standing.cover is not Cover.COVERED:
        text += f"\n{standing.best.margin_to_100_mm:.0f} {standing.best.direction}"
        told += ", " + _("{margin} mm {direction} missing").format(
            margin=f"{standing.best.margin_to_100_mm:.1f}", direction=standing.best.direction
        )
    if column.is_hatched:
        told += " " + _("(NOT VERIFIED)")
    return TableCell(text, told, _KEYS[standing.cover], is_hatched=column.is_hatched)


def _short(standing: TargetCoverage) -> str:
    if standing.by == OWN_VOLUME:
        return _("own")
    return {
        Cover.COVERED: _("in"),
        Cover.PARTIAL: _("part"),
        Cover.SETUP_MARGIN_ONLY: _("margin"),
        Cover.OUTSIDE: _("out"),
        Cover.NOT_COMPARED: "\N{EN DASH}",
    }[standing.cover]
