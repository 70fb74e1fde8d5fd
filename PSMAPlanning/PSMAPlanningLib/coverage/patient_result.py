"""The patient's result: every lesion against the targets with its region, and what follows for the plan.

Counts and impact use accepted lesions, and while some are undecided those too, as provisional; rejected ones
are left out and listed. Targets that rest on numbers nobody verified are compared but never counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..imaging.image import Mask
from ..imaging.tracers import TracerFacts
from ..settings import CoverageSettings, RegionSettings
from .expression_score import ExpressionScore, expression_score
from .lesion_coverage import CoverageCache
from .mitnm import MiTnm, propose_mitnm
from .patient import (
    CountedLesion,
    Cover,
    Impact,
    PatientImpact,
    TargetCoverage,
    patient_impact,
    target_coverage,
)
from .regions import BED, Region, RegionAssignment, is_extrapelvic
from .registration_shift import MovedLesion, ShiftResult, Targets, shifted_standings
from .solid import Filled
from .stage_groups import StageGroup, stage_group
from .trial_labels import TrialLabels, trial_labels
from .what_stands_between import Crossed, what_stands_between

NOT_ASSIGNED = RegionAssignment(Region.UNKNOWN, why="not_assigned")


@dataclass(frozen=True, eq=False)
class PatientLesion:
    """One lesion as the patient's result needs it. is_decided: accepted or rejected by somebody."""

    id: str
    contour: Mask
    peak_ras: tuple[float, float, float]
    is_accepted: bool = False
    is_rejected: bool = False
    suv_mean: float | None = None

    @property
    def is_decided(self) -> bool:
        return self.is_accepted or self.is_rejected


@dataclass(frozen=True, eq=False)
class Target:
    """One target volume. kind: "CTV" or "PTV"; unverified: names of the numbers it rests on."""

    name: str
    mask: Filled
    kind: str
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PatientFacts:
    """What else is known of the patient.

    structures: anatomy by name, for what stands in the way; reference_suv: SUVmean by organ.
    bed_uncertainty_mm, nodes_uncertainty_mm: of the registration, None where nobody stated it.
    """

    structures: Mapping[str, Mask] = field(default_factory=dict)
    tracer: TracerFacts | None = None
    reference_suv: Mapping[str, float] = field(default_factory=dict)
    bed_uncertainty_mm: float | None = None
    nodes_uncertainty_mm: float | None = None


@dataclass(frozen=True)
class LesionResult:
    """in_the_way: structures between the nearest target and the lesion's farthest uncovered point.

    may_become: other standings within the registration's uncertainty (or the illustrated 3 mm).
    """

    id: str
    region: RegionAssignment
    is_extrapelvic: bool | None
    standing: TargetCoverage
    is_decided: bool
    in_the_way: tuple[Crossed, ...]
    expression: ExpressionScore
    may_become: tuple[Cover, ...] = ()


@dataclass(frozen=True)
class PatientResult:
    """All that is concluded about one patient; codes and numbers, no words.

    compared_with, setup_margins: names of the clinical and planning targets that count.
    not_counted: by name, the unverified numbers of targets that were left out of the headline.
    """

    lesions: tuple[LesionResult, ...]
    impact: PatientImpact
    compared_with: tuple[str, ...]
    setup_margins: tuple[str, ...]
    not_counted: Mapping[str, tuple[str, ...]]
    rejected: tuple[str, ...]
    shift: ShiftResult
    mitnm: MiTnm
    stage_group: StageGroup
    labels: TrialLabels
    regions: RegionSettings

    @property
    def is_provisional(self) -> bool:
        return self.impact.provisional

    @property
    def setup_margin_only(self) -> tuple[str, ...]:
        """Lesions that no clinical target covers and a planning target does; never counted as covered."""
        return tuple(each.id for each in self.lesions if each.standing.cover is Cover.SETUP_MARGIN_ONLY)


def patient_result(
    lesions: Sequence[PatientLesion],
    targets: Sequence[Target],
    regions: Mapping[str, RegionAssignment],
    facts: PatientFacts,
    coverage_settings: CoverageSettings,
    region_settings: RegionSettings,
    cache: CoverageCache | None = None,
) -> PatientResult:
    """The result over all lesions that are not rejected.

    regions: by lesion id; a lesion without one is in an unknown region. Impact, miTNM, stage group and labels
    are those of the counted lesions.
    """
    cache = cache or CoverageCache()
    counting = [target for target in targets if not target.unverified]
    chosen = Targets(
        {t.name: t.mask for t in counting if t.kind == "CTV"},
        {t.name: t.mask for t in counting if t.kind == "PTV"},
    )
    counted = [lesion for lesion in lesions if not lesion.is_rejected]
    standings = {each.id: standing_of(each, chosen, coverage_settings, cache) for each in counted}
    region_of = {each.id: regions.get(each.id, NOT_ASSIGNED) for each in counted}
    outside = {id_: is_extrapelvic(region, region_settings) for id_, region in region_of.items()}

    def impact_with(covers: Mapping[str, Cover]) -> PatientImpact:
        return patient_impact(
            [CountedLesion(e.id, e.is_accepted, e.is_decided, covers[e.id], outside[e.id]) for e in counted]
        )

    shift = shifted_standings(
        [MovedLesion(e.id, e.contour, e.peak_ras, _group(region_of[e.id]), standings[e.id]) for e in counted],
        chosen,
        {"bed": facts.bed_uncertainty_mm, "nodes": facts.nodes_uncertainty_mm},
        coverage_settings,
        cache,
        lambda covers: impact_code(impact_with(covers).calais),
    )
    known_regions = list(region_of.values())
    return PatientResult(
        lesions=tuple(
            LesionResult(
                each.id,
                region_of[each.id],
                outside[each.id],
                standings[each.id],
                each.is_decided,
                _in_the_way(each, standings[each.id], facts.structures),
                expression_score(each.suv_mean, facts.reference_suv, facts.tracer),
                shift.changes.get(each.id, ()),
            )
            for each in counted
        ),
        impact=impact_with({id_: standing.cover for id_, standing in standings.items()}),
        compared_with=tuple(chosen.clinical),
        setup_margins=tuple(chosen.planning),
        not_counted={t.name: t.unverified for t in targets if t.unverified},
        rejected=tuple(lesion.id for lesion in lesions if lesion.is_rejected),
        shift=shift,
        mitnm=propose_mitnm(known_regions, facts.tracer, region_settings),
        stage_group=stage_group(known_regions, region_settings),
        labels=trial_labels(known_regions, region_settings),
        regions=region_settings,
    )


def standing_of(
    lesion: PatientLesion, targets: Targets, settings: CoverageSettings, cache: CoverageCache
) -> TargetCoverage:
    """How one lesion stands to the targets."""
    sides = []
    for volumes in (targets.clinical, targets.planning):
        single = {n: cache.of(lesion.contour, lesion.peak_ras, v, settings) for n, v in volumes.items()}
        # Volumes that hold none of the lesion add nothing to those that do.
        near = tuple(v for n, v in volumes.items() if (single[n].fraction_bounds or (0, 0))[1] > 0)
        together = None
        if len(near) > 1:
            together = cache.of_union(lesion.contour, lesion.peak_ras, near, settings)
        sides += [single, together]
    return target_coverage(*sides)


def impact_code(impact: Impact | None) -> str:
    """The code of an impact, "unknown" for one that cannot be told."""
    return "unknown" if impact is None else impact.value


def _group(region: RegionAssignment) -> str:
    return "bed" if region.region in BED else "nodes"


def _in_the_way(
    lesion: PatientLesion, standing: TargetCoverage, structures: Mapping[str, Mask]
) -> tuple[Crossed, ...]:
    if standing.best is None or standing.cover is Cover.COVERED:
        return ()
    return what_stands_between(standing.best, structures, lesion.contour)
