"""Rules, consensus methods and flags of contours in words, translated."""

from __future__ import annotations

from functools import cache

from .contours_view import CandidateRow, ContoursView, ThresholdPreview
from .translation import tr as _
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


@cache
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


@cache
def rule_text(rule: RuleChoice) -> str:
    """A rule as a line of the list."""
    name = rule.name.replace("_", " ")
    return name if rule.verified else _("{rule} (unverified)").format(rule=name)


@cache
def rule_tooltip(rule: RuleChoice) -> str:
    """Formula and source of a rule."""
    verified = (
        _("Verified: the primary text of every number in it was read.")
        if rule.verified
        else _("Unverified: not every number in it was read in the primary text.")
    )
    return "\n\n".join((rule.formula, rule.citation, verified))


@cache
def source_text(source: str) -> str:
    """What a contour was made by."""
    own = {
        "consensus": _("the consensus of the rules"),
        "hand": _("a contour made by hand"),
        "threshold": _("a threshold of its own"),
        "region": _("the avid region itself"),
    }
    return own.get(source, source.replace("_", " "))


def candidate_cells(row: CandidateRow) -> tuple[str, str, str]:
    """A line of the candidates: name, threshold in SUV, volume in mL."""
    name = _("Consensus") if row.rule is None else row.name.replace("_", " ")
    threshold = "" if row.threshold_suv is None else f"{row.threshold_suv:.2f}"
    return name, threshold, f"{row.volume_ml:.2f}"


def candidate_tooltip(row: CandidateRow) -> str:
    """What clicking the line does, and whether the contour has a vote."""
    said = _("Click to let the lesion go by this contour.")
    if row.is_chosen:
        said = _("The lesion goes by this contour.")
    if row.left_out is not None:
        left = _("It is left out of the consensus: {reason}.").format(reason=flag_text(row.left_out))
        said = f"{said}\n{left}"
    return said


def goes_by_text(contours: ContoursView, preview: ThresholdPreview | None) -> str:
    """Which contour the selected lesion goes by, or would while its threshold is dragged."""
    if contours.lesion_id is None:
        return ""
    if preview is not None:
        return _("Lesion {id} at SUV {threshold}: {volume} mL.").format(
            id=preview.lesion_id, threshold=f"{preview.threshold_suv:.2f}", volume=f"{preview.volume_ml:.2f}"
        )
    return _("Lesion {id} goes by {source}.").format(
        id=contours.lesion_id, source=source_text(contours.source)
    )


def growing_text(edited: str | None) -> str:
    """What clicks in the slices do now."""
    if edited is not None:
        said = _("Click uptake in a slice: lesion {id} grows from there.").format(id=edited)
    else:
        said = _("Click a focus in a slice: a lesion is contoured there, or the one there selected.")
    drag = _("Press and drag up or down: the threshold of the selected lesion.")
    return " ".join((said, drag, _("Esc ends it.")))


@cache
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
        "grown": _("grown by clicks"),
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
    text = _margin_template().format(margin=f"{cell.margin_mm:.1f}", direction=cell.direction)
    return text.strip()


@cache
def _margin_template() -> str:
    return _("{margin} mm {direction}")
