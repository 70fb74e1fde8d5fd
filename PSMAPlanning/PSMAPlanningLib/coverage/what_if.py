"""What if: the same lesions against every guideline, against its extensions, and against what trials decide.

Description, never advice. A column whose volumes rest on numbers nobody read in their source says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import GenerationError, GuidelineError, LandmarkError
from ..settings import CoverageSettings, RegionSettings
from .lesion_coverage import CoverageCache
from .patient import CountedLesion, Cover, Impact, TargetCoverage, patient_impact
from .patient_result import NOT_ASSIGNED, PatientLesion, Target, standing_of
from .regions import RegionAssignment, Stage, is_extrapelvic, stage_of
from .registration_shift import Targets

MakeVolumes = Callable[[str, Mapping[str, bool]], Iterable[Target]]
"""The targets of a preset with some switches set; raises GenerationError, LandmarkError or GuidelineError."""

OWN_VOLUME = "own volume"
_DISTANT = (Stage.DISTANT_NODAL, Stage.DISTANT_BONE, Stage.DISTANT_VISCERAL)


@dataclass(frozen=True)
class Question:
    """One column: a preset with switches, or a decision about volumes that are there.

    name: its code, such as "rtog2009_nodes", "rtog2009_nodes+mesorectum" or "bed_only".
    kind: "nodes" or "bed", what the preset makes; None for a decision.
    """

    name: str
    preset: str | None = None
    kind: str | None = None
    switches: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class WhatIfColumn:
    """One question answered.

    standings: by lesion id; empty when it could not be answered, failed then says why, with the remedy.
    targets: names of the volumes compared with; unverified: numbers that some of them rest on.
    """

    question: Question
    targets: tuple[str, ...] = ()
    standings: Mapping[str, TargetCoverage] = field(default_factory=dict)
    impact: Impact | None = None
    unverified: tuple[str, ...] = ()
    failed: str | None = None

    @property
    def is_hatched(self) -> bool:
        """Whether it rests on unverified numbers, and is shown so that nobody overlooks it."""
        return bool(self.unverified)

    @property
    def missed(self) -> tuple[str, ...]:
        """Lesions that are not covered."""
        return tuple(id_ for id_, s in self.standings.items() if s.cover is not Cover.COVERED)


def questions(presets: Mapping[str, str], extensions: Sequence[tuple[str, str]]) -> tuple[Question, ...]:
    """The usual columns: every preset, extensions of some, and the decisions of the trials.

    presets: name to kind ("nodes", "bed"); extensions: preset and the switch that is set in it.
    """
    found = [Question(name, name, kind) for name, kind in presets.items()]
    found += [
        Question(f"{name}+{switch}", name, presets[name], {switch: True}) for name, switch in extensions
    ]
    decisions = ("bed_only", "bed_and_pelvis", "nodes_only", "metastasis_directed")
    return (*found, *(Question(name) for name in decisions))


@dataclass(frozen=True, eq=False)
class PlannedVolumes:
    """What is there already: the case's own volumes of bed and pelvic nodes, CTV and PTV."""

    bed: tuple[Target, ...] = ()
    nodes: tuple[Target, ...] = ()


def what_if(
    asked: Sequence[Question],
    lesions: Sequence[PatientLesion],
    regions: Mapping[str, RegionAssignment],
    make_volumes: MakeVolumes | None,
    planned: PlannedVolumes,
    coverage_settings: CoverageSettings,
    region_settings: RegionSettings,
    cache: CoverageCache | None = None,
) -> tuple[WhatIfColumn, ...]:
    """One column per question over the lesions that are not rejected.

    A nodal preset stands beside the planned bed, a bed preset beside the planned nodes.
    "metastasis_directed": bed and pelvis, and every distant lesion a volume of its own.
    make_volumes: None without anatomy.
    """
    cache = cache or CoverageCache()
    counted = [lesion for lesion in lesions if not lesion.is_rejected]
    columns = []
    for question in asked:
        try:
            targets = _targets(question, make_volumes, planned)
        except (GenerationError, GuidelineError, LandmarkError) as error:
            columns.append(WhatIfColumn(question, failed=str(error)))
            continue
        columns.append(
            _column(question, targets, counted, regions, coverage_settings, region_settings, cache)
        )
    return tuple(columns)


def _targets(
    question: Question, make_volumes: MakeVolumes | None, planned: PlannedVolumes
) -> tuple[Target, ...]:
    if question.preset is not None:
        if make_volumes is None:
            raise GenerationError("A guideline's volume needs labelled anatomy; give it first.")
        made = tuple(make_volumes(question.preset, question.switches))
        return (*made, *(planned.bed if question.kind == "nodes" else planned.nodes))
    chosen = {
        "bed_only": planned.bed,
        "nodes_only": planned.nodes,
        "bed_and_pelvis": (*planned.bed, *planned.nodes),
        "metastasis_directed": (*planned.bed, *planned.nodes),
    }[question.name]
    missing = [
        what
        for what, there, asked in (
            ("bed", planned.bed, question.name != "nodes_only"),
            ("nodal", planned.nodes, question.name != "bed_only"),
        )
        if asked and not there
    ]
    if missing and question.name != "metastasis_directed":
        raise GenerationError(f"There is no {missing[0]} volume; import or generate one.")
    return chosen


def _column(
    question: Question,
    targets: Sequence[Target],
    lesions: Sequence[PatientLesion],
    regions: Mapping[str, RegionAssignment],
    coverage_settings: CoverageSettings,
    region_settings: RegionSettings,
    cache: CoverageCache,
) -> WhatIfColumn:
    chosen = Targets(
        {t.name: t.mask for t in targets if t.kind == "CTV"},
        {t.name: t.mask for t in targets if t.kind == "PTV"},
    )
    standings, counted = {}, []
    for lesion in lesions:
        region = regions.get(lesion.id, NOT_ASSIGNED)
        standing = standing_of(lesion, chosen, coverage_settings, cache)
        if question.name == "metastasis_directed" and stage_of(region, region_settings) in _DISTANT:
            standing = TargetCoverage(Cover.COVERED, OWN_VOLUME, OWN_VOLUME, None)
        standings[lesion.id] = standing
        outside = is_extrapelvic(region, region_settings)
        counted.append(
            CountedLesion(lesion.id, lesion.is_accepted, lesion.is_decided, standing.cover, outside)
        )
    unverified = tuple(dict.fromkeys(name for target in targets for name in target.unverified))
    names = tuple(target.name for target in targets)
    return WhatIfColumn(question, names, standings, patient_impact(counted).calais, unverified)
