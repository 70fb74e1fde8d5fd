"""The patient's result as plain numbers and text, for the case's document and the coverage command."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .coverage.expression_score import ExpressionScore
from .coverage.patient_result import LesionResult, PatientResult
from .coverage.patient_sentence import patient_notes, patient_sentence, region_words, sentence_parts
from .coverage.regions import RegionAssignment, stage_of


def patient_document(result: PatientResult) -> dict[str, Any]:
    """The result as JSON values, null for what cannot be told."""
    return _plain(_document(result))


def _document(result: PatientResult) -> dict[str, Any]:
    impact = result.impact
    return {
        "impact": impact.calais.value if impact.calais else None,
        "major": impact.major,
        "minor": impact.minor,
        "provisional": result.is_provisional,
        "not_decided": list(impact.not_decided),
        "counts": dict(impact.counts),
        "uncovered": list(impact.uncovered),
        "setup_margin_only": list(result.setup_margin_only),
        "targets": list(result.compared_with),
        "setup_margins": list(result.setup_margins),
        "not_counted": {name: list(numbers) for name, numbers in result.not_counted.items()},
        "sentence": patient_sentence(result),
        "sentence_parts": [
            {**asdict(part), "region": part.region.value, "cover": part.cover.value}
            for part in (*sentence_parts(result).missed, *sentence_parts(result).setup_margin)
        ],
        "notes": patient_notes(result),
        "mitnm_v1": result.mitnm.v1,
        "mitnm_v2": result.mitnm.v2,
        "mitnm": asdict(result.mitnm),
        "stage_group": asdict(result.stage_group),
        "labels": asdict(result.labels),
        "registration": {
            "uncertainty_mm": dict(result.shift.uncertainty_mm),
            "stated": dict(result.shift.is_stated),
            "directions": result.shift.directions,
            "changes": {id_: [c.value for c in covers] for id_, covers in result.shift.changes.items()},
            "impacts": {group: list(codes) for group, codes in result.shift.impacts.items()},
        },
        "switches": {
            "common_iliac_stage": result.regions.common_iliac_stage,
            "pelvic_bone_group": result.regions.pelvic_bone_group,
        },
        "by_lesion": [_lesion_document(each, result) for each in result.lesions],
    }


def region_document(region: RegionAssignment) -> dict[str, Any]:
    """A lesion's region as JSON values."""
    return {
        "code": region.region.value,
        "side": region.side,
        "structure": region.structure,
        "confidence": region.confidence,
        "source": region.source.value,
        "why": region.why,
        "verified": region.is_verified,
        "runner_up": region.runner_up.value if region.runner_up else None,
        "numbers": dict(region.numbers),
        "words": region_words(region),
    }


def _lesion_document(lesion: LesionResult, result: PatientResult) -> dict[str, Any]:
    stage = stage_of(lesion.region, result.regions)
    standing = lesion.standing
    return {
        "id": lesion.id,
        "region": region_document(lesion.region),
        "stage": stage.value if stage else None,
        "extrapelvic": lesion.is_extrapelvic,
        "standing": standing.cover.value,
        "by": standing.by,
        "nearest_target": standing.nearest,
        "missing_margin_mm": standing.best.margin_to_100_mm if standing.best else None,
        "direction": (standing.best.direction or None) if standing.best else None,
        "in_the_way": [asdict(each) for each in lesion.in_the_way],
        "may_become": [cover.value for cover in lesion.may_become],
        "expression": expression_document(lesion.expression),
    }


def expression_document(score: ExpressionScore) -> dict[str, Any]:
    """A lesion's expression score as JSON values."""
    return {**asdict(score), "means_suv": dict(score.means_suv)}


def _plain(value: Any) -> Any:
    """Tuples as lists, all the way down, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
