"""The tables of the Dose part line by line."""

from __future__ import annotations

from ..case_dose import CaseDose
from ..coverage.constraint_table import AIM
from ..coverage.constraints import ConstraintResult, Verdict
from ..coverage.dose_coverage import DoseField, LesionField
from ..dose_document import spoken, unit_of
from .coverage_lines import TableCell
from .coverage_words import organ_text
from .translation import tr as _

_FIELD_KEYS = {
    DoseField.IN_FIELD: "inside",
    DoseField.MARGINAL: "partial",
    DoseField.OUT_OF_FIELD: "outside",
    None: None,
}
_VERDICT_KEYS = {Verdict.PASS: "inside", Verdict.FAIL: "outside", Verdict.NOT_DETERMINED: "partial"}


def lesion_dose_lines(dose: CaseDose) -> list[tuple[str, tuple[TableCell, ...]]]:
    """One line per lesion: its id, and its cells."""
    return [
        (
            lesion_id,
            (
                TableCell(lesion_id, "", None, True),
                _field_cell(dose.fields[lesion_id]),
                *(
                    TableCell(_number(value))
                    for value in (each.dose_to_percent(98), each.dose_to_percent(95), each.mean_gy)
                ),
            ),
        )
        for lesion_id, each in dose.lesions.items()
    ]


def constraint_lines(dose: CaseDose) -> list[tuple[TableCell, ...]]:
    """One line per constraint that an organ of the case has; with two plans both are in the cells."""
    seconds = [None] * len(dose.constraints)
    if dose.comparison is not None:
        seconds = [line.second for line in dose.comparison.lines]
    return [
        _constraint(first, second)
        for first, second in zip(dose.constraints, seconds, strict=True)
        if first.volume is not None
    ]


def constraint_text(dose: CaseDose) -> str:
    """Under the table: which table, what was not checked, how it was rescaled, what two plans mean."""
    said = [_("Table {name}.").format(name=dose.table.name)]
    if dose.fractions is None:
        said.append(
            _("The number of fractions is not stated, or not one: limits are as published, for 2 Gy each.")
        )
    else:
        said.append(
            _("Limits rescaled to {count} fractions (linear-quadratic model).").format(count=dose.fractions)
        )
    missing = dict.fromkeys(
        organ_text("/".join(each.published.organs)) for each in dose.constraints if each.volume is None
    )
    if missing:
        said.append(_("Not checked, no such structure: {organs}.").format(organs=", ".join(missing)))
    if dose.table.off:
        said.append(_("Switched off: {sets}.").format(sets=", ".join(dose.table.off)))
    if dose.comparison is not None:
        said.append(
            {
                True: _("Isotoxic: the second plan breaks no limit that the first keeps."),
                False: _("Not isotoxic: the second plan breaks a limit that the first keeps."),
                None: _("Whether the two plans are isotoxic cannot be told."),
            }[dose.comparison.is_isotoxic]
        )
    return " ".join(said)


def target_text(dose: CaseDose) -> str:
    """D98, D95 and mean of the targets, and what they are in the second plan."""
    if dose.comparison is None:
        return ""
    said = []
    for target in dose.comparison.targets:
        first, second = target.first, target.second
        said.append(
            _("{name}: D95 {a} and {b} Gy, mean {c} and {d} Gy").format(
                name=target.volume,
                a=_number(first["d95_gy"]),
                b=_number(second["d95_gy"]),
                c=_number(first["mean_gy"]),
                d=_number(second["mean_gy"]),
            )
        )
    return "\n".join(said)


def _field_cell(field: LesionField) -> TableCell:
    if field.field is None:
        reason = {
            "no_prescription": _("no prescription"),
            "outside_dose_grid": _("outside the dose grid"),
        }[field.reason]
        told = _("Not classified: no target with a prescription holds it, or its dose is not known.")
        return TableCell(reason, told)
    text = {
        DoseField.IN_FIELD: _("in-field"),
        DoseField.MARGINAL: _("marginal"),
        DoseField.OUT_OF_FIELD: _("out-of-field"),
    }[field.field]
    low, high = (f"{100 * part:.0f}" for part in field.fraction_bounds)
    part = low if low == high else f"{low}\N{EN DASH}{high}"
    told = _("{part} % of it gets at least {dose} Gy, 95 % of the prescription of {target}.").format(
        part=part,
        dose=f"{field.isodose_gy:.1f}",
        target=field.prescription.volume or _("lesions outside the targets"),
    )
    return TableCell(f"{text}\n{part} %", told, _FIELD_KEYS[field.field], True)


def _constraint(first: ConstraintResult, second: ConstraintResult | None) -> tuple[TableCell, ...]:
    limit = spoken(first.constraint)
    if first.published.kind == AIM:
        # On a line of its own: beside a long organ's name the column has room for no more than the limit.
        limit += "\n" + _("(aim)")
    told = _("Published: {limit}. {citation}").format(
        limit=spoken(first.published), citation=first.published.citation
    )
    if not first.published.verified:
        told += " " + _("NOT VERIFIED: not read in its source.")
        limit += " *"
    results = [first] if second is None else [first, second]
    reached = "\n".join(f"{_number(each.reached)} {unit_of(each.constraint)}" for each in results)
    verdict = "\n".join(_verdict(each.verdict) for each in results)
    worst = max((each.verdict for each in results), key=_badness)
    return (
        TableCell(first.volume or "", "", None, True),
        TableCell(limit, told),
        TableCell(reached),
        TableCell(verdict, told, _VERDICT_KEYS.get(worst), True),
    )


def _badness(verdict: Verdict) -> int:
    return [Verdict.NO_STRUCTURE, Verdict.PASS, Verdict.NOT_DETERMINED, Verdict.FAIL].index(verdict)


def _verdict(verdict: Verdict) -> str:
    return {
        Verdict.PASS: _("pass"),
        Verdict.FAIL: _("fail"),
        Verdict.NOT_DETERMINED: _("not told"),
        Verdict.NO_STRUCTURE: "",
    }[verdict]


def _number(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.1f}"
