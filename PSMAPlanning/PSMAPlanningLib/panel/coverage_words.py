"""What the volumes miss, in the words a planner would use, translated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache

from ..coverage.patient import Cover, Impact
from ..coverage.patient_result import PatientResult
from ..coverage.patient_sentence import MissedPart, SentenceParts, sentence_parts
from ..coverage.regions import BED, Region, RegionAssignment
from .translation import tr as _
from .view_state import ViewState

_SINGLE_BONES = ("vertebra", "sacrum", "sternum", "coccyx")


def waiting_text(view: ViewState) -> str:
    """Where the sentence will stand, while there is none."""
    if view.plan.problem:
        return _("There is no result: {problem}").format(problem=view.plan.problem)
    return _("The patient's result is being computed\N{HORIZONTAL ELLIPSIS}")


def status_text(view: ViewState) -> str:
    """Under the coverage table: what it waits for, else how many lesions are in each published class."""
    if not view.lesions:
        return _("Waits for lesions.")
    if not view.coverage_rows:
        return _("Waits for RT volumes.")
    counts = Counter(row.color_key for row in view.lesions if row.state != "rejected")
    said = _(
        "by volume {inside} inside (over 90 %), {partial} partial, {outside} outside (under 10 %)."
    ).format(**{name: counts[name] for name in ("inside", "partial", "outside")})
    if view.is_reviewed:
        return said[:1].upper() + said[1:]
    return _("Provisional: {said}").format(said=said)


@cache
def cover_text(cover: str) -> str:
    """How a lesion stands to the targets."""
    return {
        "covered": _("covered"),
        "partial": _("partial"),
        "inside_setup_margin_only": _("inside setup margin only"),
        "outside": _("outside"),
        "not_compared": _("no target"),
    }[cover]


@cache
def short_cover_text(cover: Cover) -> str:
    """The same where there is little room."""
    return _("margin only") if cover is Cover.SETUP_MARGIN_ONLY else cover_text(cover.value)


def region_text(region: RegionAssignment) -> str:
    """Where a lesion lies, with its side, or the name of its bone or organ."""
    if region.region in (Region.BONE, Region.VISCERAL) and region.structure:
        name = organ_text(region.structure)
        sided = not name.startswith(_SINGLE_BONES)
    else:
        name = _region_name(region.region)
        sided = region.region not in BED and region.is_known
    if not sided or region.side not in ("left", "right"):
        return name
    side = _("left") if region.side == "left" else _("right")
    return _("{side} {region}").format(side=side, region=name)


@cache
def _region_name(region: Region) -> str:
    return {
        Region.ANASTOMOSIS: _("anastomosis"),
        Region.BLADDER_NECK: _("bladder neck"),
        Region.RETROVESICAL: _("retrovesical"),
        Region.INTERNAL_ILIAC: _("internal iliac"),
        Region.EXTERNAL_ILIAC: _("external iliac"),
        Region.COMMON_ILIAC: _("common iliac"),
        Region.OBTURATOR: _("obturator"),
        Region.PRESACRAL: _("presacral"),
        Region.MESORECTAL: _("mesorectal"),
        Region.RETROPERITONEAL: _("retroperitoneal"),
        Region.SUPRADIAPHRAGMATIC: _("supradiaphragmatic"),
        Region.INGUINAL: _("inguinal (M1a not verified)"),
        Region.BONE: _("bone"),
        Region.VISCERAL: _("visceral"),
        Region.UNKNOWN: _("region unknown"),
    }[region]


def organ_text(name: str) -> str:
    """A structure's name as people write it."""
    return name.replace("_", " ")


@cache
def direction_text(direction: str) -> str:
    """Patient axes as a clinician says them: "above and behind"."""
    where = {
        "S": _("above"),
        "I": _("below"),
        "A": _("in front"),
        "P": _("behind"),
        "L": _("to the left"),
        "R": _("to the right"),
    }
    return _(" and ").join(where[letter] for letter in direction)


def sentence_text(result: PatientResult) -> str:
    """The headline: how many lesions which targets miss, where and by how much."""
    parts = sentence_parts(result)
    said = _sentence(parts)
    return _("PROVISIONAL: {sentence}").format(sentence=said) if result.is_provisional else said


def _sentence(parts: SentenceParts) -> str:
    if parts.total == 0:
        return _("No lesion to compare.")
    if not parts.targets:
        return _("{total} lesions; no verified clinical target volume to compare with.").format(
            total=parts.total
        )
    targets = _(" and ").join(parts.targets)
    missed = [part for part in (*parts.missed, *parts.setup_margin) if not part.is_doubtful]
    doubtful = [part.id for part in parts.missed if part.is_doubtful]
    doubt = ""
    if doubtful:
        doubt = " " + _("Cover of {ids} is not certain to half a voxel.").format(ids=", ".join(doubtful))
    if not missed and not doubtful:
        if parts.total == 1:
            return _("The lesion is covered by {targets}.").format(targets=targets)
        return _("All {total} lesions are covered by {targets}.").format(total=parts.total, targets=targets)
    if not missed:
        return _("No lesion outside {targets}.").format(targets=targets) + doubt
    is_outside = any(part.cover is not Cover.PARTIAL for part in missed)
    words = {"count": len(missed), "total": parts.total, "targets": targets}
    words["listed"] = "; ".join(_missed(part, is_outside) for part in missed)
    if is_outside:
        said = _("{count} of {total} lesions outside {targets}: {listed}.").format(**words)
    else:
        said = _("{count} of {total} lesions partly outside {targets}: {listed}.").format(**words)
    return said + doubt


def _missed(part: MissedPart, says_outside: bool) -> str:
    words = region_text(RegionAssignment(part.region, part.side, part.structure or "bone"))
    if part.distance_mm is not None:
        distance = _("{margin} mm {where}").format(
            margin=f"{part.distance_mm:.0f}", where=direction_text(part.direction)
        )
        words = f"{words}, {distance.strip()}"
    remarks = [part.id]
    if part.cover is Cover.PARTIAL and says_outside:
        remarks.append(_("partly outside"))
    if part.cover is Cover.SETUP_MARGIN_ONLY:
        remarks.append(_("inside setup margin only"))
    return f"{words} ({', '.join(remarks)})"


def registration_text(result: PatientResult) -> str:
    """What the registration's uncertainty could change; said beside the headline in every case."""
    shift = result.shift
    names = {"bed": _("bed"), "nodes": _("nodes and bone")}
    stated = [
        _("{group} {mm} mm").format(group=names[group], mm=f"{shift.uncertainty_mm[group]:g}")
        for group in names
        if shift.is_stated[group]
    ]
    unstated = [names[group] for group in names if not shift.is_stated[group]]
    said = []
    if stated:
        said.append(_("Registration uncertainty: {stated}.").format(stated=", ".join(stated)))
    if len(unstated) == len(names):
        said.append(_("Registration uncertainty: not stated; 3 mm taken as an illustration."))
    elif unstated:
        said.append(
            _("Not stated for {groups}; 3 mm taken as an illustration.").format(groups=", ".join(unstated))
        )
    if shift.changes:
        said.append(_("Within it {ids} would change class.").format(ids=", ".join(shift.changes)))
    else:
        said.append(_("Within it no class changes."))
    return " ".join(said)


def patient_rows(result: PatientResult) -> list[tuple[str, str, str]]:
    """The patient's result as lines of a table: what, its value, and an explanation."""
    rows = [
        (_("Lesions"), _counts(result), _("Every counted lesion stands in one class.")),
        (
            _("Impact, Calais"),
            _calais(result.impact.calais),
            _("After Calais et al., J Nucl Med 2018;59:230: a lesion outside them has a major impact."),
        ),
        (
            _("Impact, Wu"),
            _wu(result),
            _("After Wu et al., Urology 2018: major: a lesion outside the CTV; minor: all inside it."),
        ),
        (_("Registration"), registration_text(result), _("Every group of lesions moved in 26 directions.")),
    ]
    rows += _left_out(result)
    rows += _staging(result)
    rows.append((_("In trials' words"), _labels(result), _("Description of where disease lies, no advice.")))
    rows.append((_("Conventions"), _conventions(result), _("Settings; both are disputed in the literature.")))
    return rows


def _counts(result: PatientResult) -> str:
    counts = result.impact.counts
    said = [f"{counts[c.value]} {cover_text(c.value)}" for c in Cover if counts[c.value]]
    return ", ".join(said) or _("none counted")


def _calais(impact: Impact | None) -> str:
    return {
        None: _("cannot be told: a region is unknown, or nothing was compared"),
        Impact.NO_LESION: _("none, no lesion"),
        Impact.COVERED: _("none, all lesions covered"),
        Impact.PELVIC_OUTSIDE: _("major: pelvic lesion outside the volumes"),
        Impact.EXTRAPELVIC: _("major: extrapelvic lesion"),
    }[impact]


def _wu(result: PatientResult) -> str:
    if result.impact.major is None:
        return _("nothing was compared")
    if result.impact.major:
        return _("major")
    return _("minor") if result.impact.minor else _("none")


def _left_out(result: PatientResult) -> list[tuple[str, str, str]]:
    rows = []
    if result.impact.not_decided:
        explained = _("While a lesion is not decided on, every result is provisional.")
        rows.append((_("Not decided"), _listed(result.impact.not_decided), explained))
    if result.rejected:
        rows.append((_("Rejected"), _listed(result.rejected), _("Not counted.")))
    if result.setup_margin_only:
        explained = _("Only the PTV reaches them; that is not counted as covered.")
        rows.append((_("Setup margin only"), _listed(result.setup_margin_only), explained))
    for name, numbers in result.not_counted.items():
        said = _("{volume}: rests on unverified numbers").format(volume=name)
        rows.append((_("Not counted"), said, _listed(organ_text(number) for number in numbers)))
    return rows


def _staging(result: PatientResult) -> list[tuple[str, str, str]]:
    rows = []
    mitnm, group = result.mitnm, result.stage_group
    if mitnm.v1 is None:
        said = {"not_a_psma_ligand": _("none: the tracer is no PSMA ligand")}.get(mitnm.why, _("none"))
        rows.append((_("miTNM, proposed"), said, mitnm.rule_v1))
    elif mitnm.v1 == mitnm.v2:
        rows.append((_("miTNM, proposed"), mitnm.v1, f"{mitnm.rule_v1}\n{mitnm.rule_v2}"))
    else:
        rows.append((_("miTNM V1, proposed"), mitnm.v1, mitnm.rule_v1))
        rows.append((_("miTNM V2, proposed"), mitnm.v2, mitnm.rule_v2))
    if group.group is None:
        rows.append((_("Stage group"), _("cannot be told: a region is unknown"), group.citation))
    else:
        observed = "; ".join(group.observed)
        explained = "\n\n".join(filter(None, (observed, group.note)))
        rows.append((_("Stage group"), f"{group.group}\n{group.citation}", explained))
    return rows


def _labels(result: PatientResult) -> str:
    labels = result.labels
    extent = {
        "no_lesion": _("no lesion"),
        "fossa_confined": _("fossa-confined"),
        "extra_fossa": _("extra-fossa"),
        None: _("extent unknown"),
    }[labels.extent]
    kinds = {
        "pelvis_added": _("pelvis added"),
        "node_boost": _("node boost"),
        "bed_boost": _("bed boost"),
        "metastasis_directed": _("metastasis-directed"),
    }
    if labels.at_most_3:
        number = _("at most 3 lesions")
    else:
        number = _("4 or 5 lesions") if labels.at_most_5 else _("more than 5 lesions")
    return "; ".join((extent, *(kinds[kind] for kind in labels.kinds), number))


def _conventions(result: PatientResult) -> str:
    regions = result.regions
    iliac = _("N (PROMISE)") if regions.common_iliac_stage == "N" else _("M1a (AJCC)")
    bone = _("extrapelvic") if regions.pelvic_bone_group == "extrapelvic" else _("pelvic")
    return _("common iliac nodes {iliac}; pelvic bone {bone}").format(iliac=iliac, bone=bone)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
