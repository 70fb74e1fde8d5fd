"""The patient's result in the words a planner would use, in English; the panel has words of its own.

"2 of 5 lesions outside CTVn: left common iliac, 11 mm above; mesorectal, 6 mm behind." The parts come first,
as codes and numbers, so that other words can be put to them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .lesion_coverage import CoverageClass
from .patient import Cover, Impact
from .patient_result import LesionResult, PatientResult
from .regions import BED, Region, RegionAssignment, RegionSource

_WHERE = {"S": "above", "I": "below", "A": "in front", "P": "behind", "L": "to the left", "R": "to the right"}
_REGION = {
    Region.BLADDER_NECK: "bladder neck",
    Region.INTERNAL_ILIAC: "internal iliac",
    Region.EXTERNAL_ILIAC: "external iliac",
    Region.COMMON_ILIAC: "common iliac",
    Region.INGUINAL: "inguinal (M1a not verified)",
    Region.UNKNOWN: "region unknown",
}
_IMPACT = {
    None: "Impact after Calais cannot be told: the region of an uncovered lesion is unknown, or nothing was "
    "compared.",
    Impact.NO_LESION: "Impact after Calais: none, no lesion.",
    Impact.COVERED: "Impact after Calais: all lesions covered.",
    Impact.PELVIC_OUTSIDE: "Impact after Calais: major, pelvic lesion outside the volumes.",
    Impact.EXTRAPELVIC: "Impact after Calais: major, extrapelvic lesion.",
}


@dataclass(frozen=True)
class MissedPart:
    """One lesion that is not covered: what the sentence says of it.

    distance_mm: smallest growth of the nearest target that would take it in; direction: patient axes.
    is_doubtful: inside by the published class, and covered or not by what half a voxel does.
    """

    id: str
    region: Region
    side: str | None
    structure: str | None
    cover: Cover
    target: str | None
    distance_mm: float | None
    direction: str
    low_confidence: bool
    is_doubtful: bool = False


@dataclass(frozen=True)
class SentenceParts:
    """missed: lesions outside or partly outside; setup_margin: those inside the setup margin only."""

    total: int
    targets: tuple[str, ...]
    missed: tuple[MissedPart, ...]
    setup_margin: tuple[MissedPart, ...]
    not_decided: tuple[str, ...]
    rejected: tuple[str, ...]


def sentence_parts(result: PatientResult) -> SentenceParts:
    """What there is to say, farthest first; nothing that rests on an unverified number is in it."""
    parts = sorted(
        (_part(each) for each in result.lesions if each.standing.cover in (Cover.OUTSIDE, Cover.PARTIAL)),
        key=lambda part: -(part.distance_mm or 0.0),
    )
    margin = tuple(_part(each) for each in result.lesions if each.standing.cover is Cover.SETUP_MARGIN_ONLY)
    return SentenceParts(
        len(result.lesions),
        result.compared_with,
        tuple(parts),
        margin,
        result.impact.not_decided,
        result.rejected,
    )


def patient_sentence(result: PatientResult) -> str:
    """The headline: how many lesions which targets miss, where and by how much."""
    parts = sentence_parts(result)
    prefix = "PROVISIONAL: " if result.is_provisional else ""
    if parts.total == 0:
        return f"{prefix}No lesion to compare."
    if not parts.targets:
        return f"{prefix}{_lesions(parts.total)}; no verified clinical target volume to compare with."
    targets = " and ".join(parts.targets)
    missed = [part for part in (*parts.missed, *parts.setup_margin) if not part.is_doubtful]
    doubtful = [part.id for part in parts.missed if part.is_doubtful]
    doubt = f" Cover of {', '.join(doubtful)} is not certain to half a voxel." if doubtful else ""
    if not missed and not doubtful:
        subject = "The lesion is" if parts.total == 1 else f"All {parts.total} lesions are"
        return f"{prefix}{subject} covered by {targets}."
    if not missed:
        return f"{prefix}No lesion outside {targets}.{doubt}"
    how = "outside" if any(p.cover is not Cover.PARTIAL for p in missed) else "partly outside"
    listed = "; ".join(_missed_words(part, how == "outside") for part in missed)
    return f"{prefix}{len(missed)} of {_lesions(parts.total)} {how} {targets}: {listed}.{doubt}"


def patient_notes(result: PatientResult) -> list[str]:
    """What must stand beside the headline: review, switches, registration, unverified targets."""
    notes = [_IMPACT[result.impact.calais], _wu(result)]
    if result.impact.not_decided:
        notes.append(f"Provisional: not decided on {', '.join(result.impact.not_decided)}.")
    if result.rejected:
        notes.append(f"Rejected and not counted: {', '.join(result.rejected)}.")
    if result.setup_margin_only:
        ids = ", ".join(result.setup_margin_only)
        notes.append(f"Inside setup margin only, which is no cover: {ids}.")
    for name, unverified in result.not_counted.items():
        notes.append(f"{name} rests on unverified numbers ({', '.join(unverified)}) and does not count.")
    notes.append(_registration_words(result))
    stage = "N (PROMISE)" if result.regions.common_iliac_stage == "N" else "M1a (AJCC)"
    notes.append(
        f"Common iliac nodes count as {stage}; pelvic bone counts as {result.regions.pelvic_bone_group}."
    )
    if result.mitnm.v1:
        notes.append(f"Proposed miTNM: {result.mitnm.v1} (V1), {result.mitnm.v2} (V2).")
    if result.stage_group.group and result.stage_group.observed:
        seen = "; ".join(result.stage_group.observed)
        notes.append(
            f"Stage group {result.stage_group.group}. Observed in it by {result.stage_group.citation}: "
            f"{seen}. {result.stage_group.note}"
        )
    return notes


def region_words(region: RegionAssignment) -> str:
    """A region with its side, or the bone's or organ's name."""
    if region.region in (Region.BONE, Region.VISCERAL) and region.structure:
        name = region.structure
        sided = not name.startswith(("vertebra", "sacrum", "sternum", "coccyx"))
    else:
        name = _REGION.get(region.region, region.region.value)
        sided = region.region not in BED and region.region is not Region.UNKNOWN
    return f"{region.side} {name}" if sided and region.side in ("left", "right") else name


def direction_words(direction: str) -> str:
    """Axis letters as a clinician says them: "above and behind"."""
    return " and ".join(_WHERE[letter] for letter in direction)


def _part(lesion: LesionResult) -> MissedPart:
    region, best = lesion.region, lesion.standing.best
    return MissedPart(
        lesion.id,
        region.region,
        region.side,
        region.structure,
        lesion.standing.cover,
        lesion.standing.nearest,
        None if best is None else best.margin_to_100_mm,
        "" if best is None else best.direction,
        region.source is RegionSource.AUTOMATIC and region.confidence < 0.5,
        lesion.standing.cover is Cover.PARTIAL
        and best is not None
        and best.coverage_class is CoverageClass.INSIDE,
    )


def _missed_words(part: MissedPart, says_outside: bool) -> str:
    words = region_words(RegionAssignment(part.region, part.side, part.structure or "bone"))
    if part.distance_mm is not None:
        words += f", {part.distance_mm:.0f} mm {direction_words(part.direction)}".rstrip()
    remarks = []
    if part.cover is Cover.PARTIAL and says_outside:
        remarks.append("partly outside")
    if part.cover is Cover.SETUP_MARGIN_ONLY:
        remarks.append("inside setup margin only")
    return f"{words} ({', '.join(remarks)})" if remarks else words


def _wu(result: PatientResult) -> str:
    if result.impact.major is None:
        return "Impact after Wu: nothing was compared."
    kind = "major" if result.impact.major else "minor" if result.impact.minor else "none"
    return f"Impact after Wu: {kind}."


def _registration_words(result: PatientResult) -> str:
    shift = result.shift
    names = {"bed": "bed", "nodes": "nodes and bone"}
    said = [
        f"{names[group]} {shift.uncertainty_mm[group]:g} mm"
        if shift.is_stated[group]
        else f"{names[group]} not stated ({shift.uncertainty_mm[group]:g} mm as an illustration)"
        for group in shift.uncertainty_mm
    ]
    changed = ", ".join(shift.changes) or "no lesion"
    return f"Registration uncertainty: {'; '.join(said)}; within it {changed} would stand otherwise."


def _lesions(count: int) -> str:
    return "1 lesion" if count == 1 else f"{count} lesions"
