"""The RT volumes section's codes in words, translated."""

from __future__ import annotations

from functools import cache

from ..scene.landmark_markups import NODE_NAMES
from .translation import tr as _
from .view_state import Action, Reason, ViewState
from .volume_uses import USES
from .volumes_view import GeneratedRow, GuidelineChoice, MappingRow, VolumesView

TOTALSEGMENTATOR_MISSING = _(
    "The TotalSegmentator extension is not installed: get it in Slicer's Extensions Manager "
    "(View, Extensions Manager, search for TotalSegmentator), and restart Slicer."
)

_FEW_SERIES = 2


def in_words(sentence: str) -> str:
    """A sentence that names landmarks by their codes, with what they are called in the views."""
    for code in sorted(NODE_NAMES, key=len, reverse=True):
        if "_" in code:
            sentence = sentence.replace(code, NODE_NAMES[code])
    return sentence


@cache
def reason_texts() -> dict[Reason, str]:
    """Why something of this section cannot be done now; kept, because translating each anew is slow."""
    return {
        Reason.NO_VOLUMES: _("Import, choose or generate volumes first."),
        Reason.NO_VOLUME_SELECTED: _("Select a volume first."),
        Reason.NOTHING_ASKED: _("Nothing waits for your answer."),
        Reason.NOT_CLINICAL: _("Select a CTV or a GTV; a PTV is grown from it."),
        Reason.MARGINS_INCOMPLETE: _(
            "There is no PTV without a margin: give six values in mm, or your institution's file."
        ),
        Reason.NO_ACCEPTED: _("Accept lesions first; boosts are made of accepted lesions."),
        Reason.BOOST_INCOMPLETE: _("Give both margins of the boost in mm first; none has a default."),
        Reason.NO_ORGANS: _("Take organ masks from a segmentation first."),
        Reason.NO_LANDMARKS: _("Find the landmarks first."),
        Reason.NO_BED_LANDMARKS: _("Place the four landmarks first; without them there is no bed."),
    }


@cache
def use_text(use: str | None) -> str:
    """What a structure is for."""
    return {
        "ctv_bed": _("bed CTV"),
        "ctv_nodes": _("nodal CTV"),
        "ctv_other": _("other CTV"),
        "ptv_bed": _("bed PTV"),
        "ptv_nodes": _("nodal PTV"),
        "ptv_other": _("other PTV"),
        "boost": _("boost"),
        "lesion": _("lesion (GTV)"),
        "organ": _("organ"),
        "external": _("body outline"),
        "ignored": _("not used"),
        None: _("choose..."),
    }[use]


USE_CODES = (None, *USES)


def told_by_text(row: MappingRow) -> str:
    """What told what a structure is; a question mark where somebody has to answer."""
    told = _told_by(row.matched_by)
    if row.is_generated and row.matched_by is None:
        told = _("generated")
    elif row.matched_by is None and not row.asks:
        told = ""
    return f"{told} ?" if row.asks else told


@cache
def _told_by(matched_by: str | None) -> str:
    return {
        "user": _("you"),
        "exact": _("name"),
        "alias": _("alias"),
        "interpreted_type": _("type"),
        "geometry": _("place"),
        None: _("nothing"),
    }[matched_by]


def row_tooltip(row: MappingRow) -> str:
    """Everything about one structure."""
    lines = [
        _("{name}: {volume} mL").format(name=row.name, volume=f"{row.volume_ml:.1f}"),
        _("from {source}: {origin}").format(source=row.source, origin=row.origin),
    ]
    if row.status != "ok":
        lines.append(_("a proposal, to be looked at and corrected before use"))
    if row.unverified:
        lines.append(
            _("rests on numbers nobody read in their source: {names}").format(names=_plain(row.unverified))
        )
    if row.is_outdated:
        lines.append(_("the volume it was grown from has changed since: make it again"))
    if row.asks:
        lines.append(_("not certain: confirm it or choose what it is"))
    return "\n".join(lines)


def name_text(row: MappingRow) -> str:
    """The structure's name in the file, with a mark for proposals and for what is out of date."""
    marks = [_("proposal")] if row.is_generated else []
    marks += [_("out of date")] if row.is_outdated else []
    return f"{row.name} ({', '.join(marks)})" if marks else row.name


def status_text(view: ViewState) -> str:
    """On top of the section."""
    rt = view.rt
    if not rt.rows:
        return _("Waits for volumes: import or choose them here, or have them proposed below.")
    targets = sum(row.use in ("ctv_bed", "ctv_nodes", "ctv_other") for row in rt.rows)
    said = _("{count} structures, {targets} of them CTVs.").format(count=len(rt.rows), targets=targets)
    if rt.asking:
        said += " " + _("{count} wait for your answer under 'What each structure is'.").format(
            count=len(rt.asking)
        )
    outdated = [row.name for row in rt.rows if row.is_outdated]
    if outdated:
        said += " " + _("Out of date, make again: {names}.").format(names=", ".join(outdated))
    if rt.edited is not None:
        said += " " + _("Drawing on {name}; coverage follows when the mouse is released.").format(
            name=rt.edited
        )
    return said


def mapping_text(rt: VolumesView) -> str:
    """Under the mapping table."""
    if not rt.asking:
        return ""
    return _("Not certain, so it waits for you: {names}.").format(names=", ".join(rt.asking))


def margin_text(view: ViewState) -> str:
    """Above the six margins."""
    reason = view.blocked.get(Action.GROW)
    if reason is not None and reason in reason_texts():
        return reason_texts()[reason]
    said = _("Margins for {name}, in mm.").format(name=view.rt.selected or "")
    if view.rt.margin_file:
        said += " " + _("From the file of {institution}.").format(institution=view.rt.margin_file)
    return said


def boost_text(view: ViewState) -> str:
    """Under the boost's margins."""
    reason = view.blocked.get(Action.BOOST)
    if reason is not None and reason in reason_texts():
        return reason_texts()[reason]
    crop = view.rt.crop_by
    if not crop:
        return _("Nothing is kept free: no organ is ticked under the PTV's margins.")
    return _("Kept out of: {names} (ticked under the PTV's margins).").format(names=", ".join(crop))


def organs_text(view: ViewState) -> str:
    """Under the organs' selector."""
    if not view.rt.organ_count:
        return reason_texts()[Reason.NO_ORGANS]
    return _("{count} organ masks in the case.").format(count=view.rt.organ_count)


def guideline_text(choice: GuidelineChoice) -> str:
    """One guideline in the list."""
    if not choice.unverified:
        return _("{title} (verified)").format(title=choice.title)
    return _("{title} ({count} of {all} unverified)").format(
        title=choice.title, count=len(choice.unverified), all=choice.numbers
    )


def unverified_text(choice: GuidelineChoice) -> str:
    """Under a guideline that rests on numbers nobody read in their source."""
    if not choice.unverified:
        return _("Every number was read in the guideline itself.")
    return _("Not verified in the source: {names}.").format(names=_plain(choice.unverified))


def level_text(rt: VolumesView) -> str:
    """The question about a transitional vertebra."""
    levels = ", ".join(f"S {s:.0f} mm" for s in rt.asked_levels)
    return _(
        "This spine has a lumbar vertebra more or less than usual. Which level is L5/S1? "
        "It is not assumed. ({levels})"
    ).format(levels=levels)


def landmark_text(rt: VolumesView, name: str) -> str:
    """Whether a landmark of the bed is there, and by whom."""
    if rt.placing == name:
        return _("click in a slice")
    row = next((row for row in rt.landmarks if row.name == name), None)
    if row is None or row.superior_mm is None:
        return _("not placed")
    source = _("placed") if row.source == "user" else _("found")
    return f"{source}, S {row.superior_mm:.0f}"


def bed_text(view: ViewState) -> str:
    """Above the button of the bed."""
    reason = view.blocked.get(Action.GENERATE_BED)
    if reason is not None and reason in reason_texts():
        return reason_texts()[reason]
    return _("The lower border follows the anastomosis.")


def proposals_text(rows: tuple[GeneratedRow, ...]) -> str:
    """Each generated volume beside the published series: a note, no verdict."""
    lines = []
    for row in rows:
        verified = _("not verified") if row.unverified else _("verified")
        lines.append(
            _("{name}: proposal by {guideline} ({verified}), {volume} mL. Published: {series}.").format(
                name=row.name,
                guideline=row.guideline,
                verified=verified,
                volume=f"{row.volume_ml:.0f}",
                series=_series(row),
            )
        )
    return "\n".join(lines)


def proposals_tooltip(rows: tuple[GeneratedRow, ...]) -> str:
    """How each generated volume was made, step by step."""
    parts = []
    for row in rows:
        lines = (f"{row.name} ({row.guideline})", *row.steps, *row.findings)
        parts.append("\n".join(map(in_words, lines)))
        series = [f"{each[0]}: {_volume(each)}" for each in row.published]
        if series:
            parts.append("\n".join((_("Published volumes:"), *series)))
        if row.unverified:
            parts.append(_("Not verified in the source: {names}.").format(names=_plain(row.unverified)))
    return "\n\n".join(parts)


def _series(row: GeneratedRow) -> str:
    """One or two series as they are, more by their range; the tooltip names them all."""
    said = tuple(dict.fromkeys(_volume(each) for each in row.published))
    if not said:
        return _("none known")
    if len(said) <= _FEW_SERIES:
        return ", ".join(said)
    volumes = [value for _what, *numbers in row.published for value in numbers if value is not None]
    return _("{count} series, {low} to {high} mL").format(
        count=len(row.published), low=f"{min(volumes):.0f}", high=f"{max(volumes):.0f}"
    )


def _volume(published: tuple[str, float | None, float | None, float | None]) -> str:
    _what, mean, low, high = published
    if low is not None and high is not None:
        return _("{low} to {high} mL").format(low=f"{low:.0f}", high=f"{high:.0f}")
    return _("mean {mean} mL").format(mean=f"{mean:.0f}") if mean is not None else _("volume not told")


def _plain(names: tuple[str, ...]) -> str:
    return ", ".join(name.replace("_", " ") for name in names)
