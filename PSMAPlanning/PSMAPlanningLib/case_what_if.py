"""The what-if table of a case: every guideline preset, its extensions, and the decisions of the trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .case import PlanningCase
from .case_patient import patient_lesion, target_of
from .coverage.patient_result import Target
from .coverage.what_if import PlannedVolumes, Question, WhatIfColumn, questions, what_if
from .rtvolumes.guideline_files import GUIDELINES, load_guideline
from .volume_generation import TOP_AT_L4_L5, volume_generator

EXTENSIONS = (
    ("rtog2009_nodes", "mesorectum"),
    ("rtog2009_nodes", TOP_AT_L4_L5),
    ("nrg2021_nodes", "para_aortic"),
)
"""Each takes as long as generating one. The para-aortic part starts at the aortic bifurcation, where that of
NRG ends; from one that ends at L5/S1 it would hang apart."""


def usual_questions() -> tuple[Question, ...]:
    """All presets, some extensions, and the trials' decisions."""
    return questions({name: load_guideline(name).kind for name in GUIDELINES}, EXTENSIONS)


def case_what_if(case: PlanningCase, asked: tuple[Question, ...] | None = None) -> tuple[WhatIfColumn, ...]:
    """The columns for a case; those that its anatomy, landmarks or volumes cannot answer say why."""
    state = case.state
    targets = [(v, target) for v in state.volumes if (target := target_of(v)) is not None]
    planned = PlannedVolumes(
        tuple(target for volume, target in targets if volume.role == "bed"),
        tuple(target for volume, target in targets if volume.role == "nodes"),
    )
    generator = volume_generator(state) if state.anatomy else None

    def make(preset: str, switches: Mapping[str, bool]) -> list[Target]:
        made = (target_of(volume) for volume in generator.make_volumes(preset, switches))
        # Under its preset's name: the case may have a volume of the same name.
        return [replace(target, name=preset) for target in made if target is not None]

    return what_if(
        usual_questions() if asked is None else asked,
        [patient_lesion(lesion, state) for lesion in state.lesions],
        case.assigned_regions(),
        make if generator is not None else None,
        planned,
        state.settings.coverage,
        state.settings.regions,
    )


def what_if_document(columns: tuple[WhatIfColumn, ...]) -> list[dict[str, Any]]:
    """The columns as JSON values."""
    return [
        {
            "name": column.question.name,
            "preset": column.question.preset,
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
