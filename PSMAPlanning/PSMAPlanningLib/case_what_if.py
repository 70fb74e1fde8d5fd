"""The what-if table of a case: every guideline preset, its extensions, and the decisions of the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .case import PlanningCase
from .case_patient import patient_lesion, target_of
from .coverage.patient_result import PatientLesion, Target
from .coverage.regions import RegionAssignment
from .coverage.what_if import PlannedVolumes, Question, WhatIfColumn, questions, what_if
from .progress import Stage, no_progress
from .rtvolumes.guideline_files import GUIDELINES, load_guideline
from .settings import Settings
from .volume_generation import TOP_AT_L4_L5, VolumeGenerator, volume_generator

EXTENSIONS = (
    ("rtog2009_nodes", "mesorectum"),
    ("rtog2009_nodes", TOP_AT_L4_L5),
    ("nrg2021_nodes", "para_aortic"),
)
"""Each takes as long as generating one. The para-aortic part starts at the aortic bifurcation, where that of
NRG ends; from one that ends at L5/S1 it would hang apart."""


@dataclass(frozen=True, eq=False)
class WhatIfInputs:
    """What the table is made of.

    planned: the volumes that are there, each with its role ("bed", "nodes"; others are passed over).
    generator: of the patient's anatomy, None without one.
    """

    lesions: Sequence[PatientLesion]
    regions: Mapping[str, RegionAssignment]
    planned: Sequence[tuple[str | None, Target]] = ()
    generator: VolumeGenerator | None = None
    settings: Settings = field(default_factory=Settings)


def usual_questions() -> tuple[Question, ...]:
    """All presets, some extensions, and the trials' decisions."""
    return questions({name: load_guideline(name).kind for name in GUIDELINES}, EXTENSIONS)


def case_what_if(
    case: PlanningCase, asked: tuple[Question, ...] | None = None, stage: Stage | None = None
) -> tuple[WhatIfColumn, ...]:
    """The columns for a case; those that its anatomy, landmarks or volumes cannot answer say why."""
    state = case.state
    planned = [(volume.role, target_of(volume)) for volume in state.volumes]
    inputs = WhatIfInputs(
        [patient_lesion(lesion, state) for lesion in state.lesions],
        case.assigned_regions(),
        [(role, target) for role, target in planned if target is not None],
        volume_generator(state) if state.anatomy else None,
        state.settings,
    )
    return what_if_columns(inputs, asked, stage)


def what_if_columns(
    inputs: WhatIfInputs, asked: tuple[Question, ...] | None = None, stage: Stage | None = None
) -> tuple[WhatIfColumn, ...]:
    """The columns for lesions, volumes and anatomy from wherever they come."""
    asked = usual_questions() if asked is None else asked
    stage = stage or Stage(no_progress)
    to_make, made_so_far = sum(question.preset is not None for question in asked), 0
    generator = inputs.generator

    def make(preset: str, switches: Mapping[str, bool]) -> list[Target]:
        nonlocal made_so_far
        stage.report(made_so_far / to_make, f"what if: {preset.replace('_', ' ')}")
        made_so_far += 1
        made = (target_of(volume) for volume in generator.make_volumes(preset, switches))
        # Under its preset's name: the case may have a volume of the same name.
        return [replace(target, name=preset) for target in made if target is not None]

    planned = PlannedVolumes(
        *(tuple(target for role, target in inputs.planned if role == wanted) for wanted in ("bed", "nodes"))
    )
    return what_if(
        asked,
        inputs.lesions,
        inputs.regions,
        make if generator is not None else None,
        planned,
        inputs.settings.coverage,
        inputs.settings.regions,
    )


def what_if_document(columns: tuple[WhatIfColumn, ...]) -> list[dict[str, Any]]:
    """The columns as JSON values."""
    return [
        {
            "name": column.question.name,
            "preset": column.question.preset,
            "kind": column.question.kind,
            "switches": dict(column.question.switches),
            "targets": list(column.targets),
            "unverified": list(column.unverified),
            "hatched": column.is_hatched,
            "failed": column.failed,
            "impact": column.impact.value if column.impact else None,
            "missed": list(column.missed),
            "lesions": {
                id_: {
                    "standing": standing.cover.value,
                    "by": standing.by,
                    "fraction": standing.best.fraction if standing.best else None,
                    "missing_margin_mm": standing.best.margin_to_100_mm if standing.best else None,
                    "direction": (standing.best.direction or None) if standing.best else None,
                }
                for id_, standing in column.standings.items()
            },
        }
        for column in columns
    ]
