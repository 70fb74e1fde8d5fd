"""Rules, consensus methods and flags of contours in words, translated."""

from __future__ import annotations

from slicer.i18n import tr as _

from .view_state import LesionRow, RuleChoice, VolumeCoverage

METHODS = (
    "majority",
    "at_least",
    "staple",
    "simple",
    "probability",
    "mean_distance",
    "union",
    "intersection",
)


def method_text(name: str) -> str:
    """A consensus method."""
    return {
        "majority": _("Majority"),
        "at_least": _("At least k contours"),
        "staple": _("STAPLE"),
        "simple": _("SIMPLE"),
        "probability": _("Weighted probability"),
        "mean_distance": _("Mean signed distance"),
        "union": _("Union"),
        "intersection": _("Intersection"),
    }[name]


def rule_text(rule: RuleChoice) -> str:
    """A rule as a line of the list."""
    name = rule.name.replace("_", " ")
    return name if rule.verified else _("{rule} (unverified)").format(rule=name)


def rule_tooltip(rule: RuleChoice) -> str:
    """Formula and source of a rule."""
    verified = (
        _("Verified: the primary text of every number in it was read.")
        if rule.verified
        else _("Unverified: not every number in it was read in the primary text.")
    )
    return "\n\n".join((rule.formula, rule.citation, verified))


def flag_text(flag: str) -> str:
    """A flag of a contour, in few words."""
    return {
        "below_resolution": _("below resolution"),
        "leaks": _("leaks"),
        "cut_by_field_of_view": _("cut by field of view"),
        "substitute": _("substitute rule"),
        "collapsed": _("collapsed"),
        "no_background": _("no background"),
        "no_liver": _("liver not known"),
        "no_contrast": _("no contrast"),
        "not_converged": _("not converged"),
        "empty": _("empty"),
    }.get(flag, flag.replace("_", " "))


def volume_text(row: LesionRow) -> str:
    """Volume of a lesion in mL, and below it its interval."""
    volume = f"{row.volume_ml:.2f}"
    if row.interval_ml is None:
        return volume
    low, high = row.interval_ml
    # As many decimals as tell the two apart.
    digits = 2 if high < 10 else 1
    return f"{volume}\n{low:.{digits}f}\N{EN DASH}{high:.{digits}f}"


def uptake_text(row: LesionRow) -> str:
    """SUVmax, and below it SUVpeak."""
    highest = f"{row.suv_max:.1f}"
    return highest if row.suv_peak is None else f"{highest}\n{row.suv_peak:.1f}"


def fraction_text(cell: VolumeCoverage) -> str:
    """Part of the lesion inside, in %, and below it what it can be."""
    if cell.fraction is None:
        return ""
    text = f"{cell.fraction * 100:.0f}"
    if cell.fraction_bounds is None:
        return text
    low, high = (f"{bound * 100:.0f}" for bound in cell.fraction_bounds)
    return text if low == high == text else f"{text}\n{low}\N{EN DASH}{high}"


def missing_text(cell: VolumeCoverage) -> str:
    """How far the volume would have to grow and where to; nothing when the lesion is inside."""
    if not cell.margin_mm:
        return ""
    return (
        _("{margin} mm {direction}").format(margin=f"{cell.margin_mm:.1f}", direction=cell.direction).strip()
    )
