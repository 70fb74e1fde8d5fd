"""What the lesions together mean for the plan: covered or not, impact, counts, and the parts of a sentence.

A lesion is covered when nearly all of it (0.99, a setting) lies in one target or in all targets together,
even if every surface is off by half a voxel. Impact as in the study that drew consensus volumes blinded to
the PET (Calais et al., J Nucl Med 2018;59:230, doi:10.2967/jnumed.117.201749): a lesion outside means a major
one, extrapelvic disease outranks pelvic; and as in Wu et al., Urology 2018: major when a lesion lies outside
the CTV, minor when all disease lies inside it (dose could be raised there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from .lesion_coverage import CoverageClass, LesionVolumeCoverage


class Cover(str, Enum):
    """How one lesion stands to the targets, best first."""

    COVERED = "covered"
    PARTIAL = "partial"
    SETUP_MARGIN_ONLY = "inside_setup_margin_only"
    OUTSIDE = "outside"
    NOT_COMPARED = "not_compared"


class Impact(str, Enum):
    """Impact on the plan after Calais; the later outranks the earlier."""

    NO_LESION = "no_lesion"
    COVERED = "covered"
    PELVIC_OUTSIDE = "pelvic_outside"
    EXTRAPELVIC = "extrapelvic"


@dataclass(frozen=True)
class TargetCoverage:
    """One lesion against all targets of one kind.

    by: name of the target that covers it, several joined by " + " when only together; None when none does.
    best: the coverage told by it, or by the target that holds most of the lesion; None without targets.
    nearest: name of the target `best` is about.
    """

    cover: Cover
    by: str | None
    nearest: str | None
    best: LesionVolumeCoverage | None


def target_coverage(
    clinical: Mapping[str, LesionVolumeCoverage],
    clinical_together: LesionVolumeCoverage | None,
    planning: Mapping[str, LesionVolumeCoverage],
    planning_together: LesionVolumeCoverage | None,
) -> TargetCoverage:
    """How a lesion stands to the clinical targets, and where they miss it, to the planning targets.

    clinical, planning: coverage by CTV and by PTV name; _together: by all of them taken as one.
    """
    known = {name: c for name, c in clinical.items() if c.fraction is not None}
    if not known:
        return TargetCoverage(Cover.NOT_COMPARED, None, None, None)
    for name, coverage in known.items():
        if coverage.is_covered:
            return TargetCoverage(Cover.COVERED, name, name, coverage)
    together = clinical_together if clinical_together and clinical_together.fraction is not None else None
    if together is not None and together.is_covered:
        parts = [name for name, coverage in known.items() if coverage.fraction > 0]
        return TargetCoverage(Cover.COVERED, " + ".join(parts), parts[0], together)
    nearest = min(known, key=lambda name: known[name].margin_to_100_mm)
    best = together if together is not None and len(known) > 1 else known[nearest]
    in_setup_margin = any(c.is_covered for c in planning.values()) or bool(
        planning_together and planning_together.is_covered
    )
    if best.coverage_class is not CoverageClass.OUTSIDE:
        # Inside by the published class but not covered is partial too: its lower bound leaves a doubt.
        return TargetCoverage(Cover.PARTIAL, None, nearest, best)
    cover = Cover.SETUP_MARGIN_ONLY if in_setup_margin else Cover.OUTSIDE
    return TargetCoverage(cover, None, nearest, best)


@dataclass(frozen=True)
class CountedLesion:
    """What the patient's result needs to know of a lesion.

    is_extrapelvic: None when its region is not known.
    """

    id: str
    is_accepted: bool
    is_decided: bool
    cover: Cover
    is_extrapelvic: bool | None


@dataclass(frozen=True)
class PatientImpact:
    """The patient's result over lesions; None where it cannot be told.

    calais: None when nothing was compared, or when an uncovered lesion's region is not known and no other
        one is extrapelvic.
    major: whether a lesion lies outside (None when nothing was compared); minor: all disease inside.
    provisional: a lesion is not decided on yet; not_decided lists them.
    """

    calais: Impact | None
    major: bool | None
    minor: bool | None
    counts: Mapping[str, int]
    uncovered: tuple[str, ...]
    not_decided: tuple[str, ...]

    @property
    def provisional(self) -> bool:
        return bool(self.not_decided)


def patient_impact(lesions: Sequence[CountedLesion]) -> PatientImpact:
    """The result over the accepted lesions; while some are undecided, over those too, as provisional.

    Rejected lesions are not to be among them.
    """
    counts = {cover.value: sum(lesion.cover is cover for lesion in lesions) for cover in Cover}
    not_decided = tuple(lesion.id for lesion in lesions if not lesion.is_decided)
    uncovered = tuple(lesion for lesion in lesions if lesion.cover not in (Cover.COVERED, Cover.NOT_COMPARED))
    ids = tuple(lesion.id for lesion in uncovered)
    if not lesions:
        return PatientImpact(Impact.NO_LESION, False, False, counts, ids, not_decided)
    if any(lesion.cover is Cover.NOT_COMPARED for lesion in lesions):
        return PatientImpact(None, None, None, counts, ids, not_decided)
    if not uncovered:
        return PatientImpact(Impact.COVERED, False, True, counts, ids, not_decided)
    if any(lesion.is_extrapelvic for lesion in uncovered):
        calais = Impact.EXTRAPELVIC
    elif any(lesion.is_extrapelvic is None for lesion in uncovered):
        calais = None
    else:
        calais = Impact.PELVIC_OUTSIDE
    return PatientImpact(calais, True, False, counts, ids, not_decided)
