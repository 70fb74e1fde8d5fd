"""The case as plain numbers and text: what `psma-planning run --json` prints and report.json holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from .case import PlanningCase
from .case_prescriptions import prescriptions_of
from .case_what_if import what_if_document
from .coverage.lesion_coverage import CoverageClass, LesionVolumeCoverage
from .coverage.what_if import WhatIfColumn
from .delineation.avid_regions import AvidRegion
from .delineation.physiologic import CONFIDENCE
from .dose_document import (
    case_dose_document,
    dose_warnings,
    lesion_dose_document,
    structure_dose_document,
)
from .imaging.grid import VoxelGrid
from .imaging.uptake import measure_uptake
from .lesion_detection import why_not_contoured
from .lesion_document import lesion_document
from .patient_document import patient_document
from .records import CaseState, LesionState, RtVolume, headline_volumes
from .rtvolumes.eqd2 import Prescription, eqd2_table
from .version import VERSION
from .volume_generation import GENERATED


def case_document(case: PlanningCase, what_if: tuple[WhatIfColumn, ...] | None = None) -> dict[str, Any]:
    """The whole case as JSON values; positions RAS mm, volumes mL, uptake SUV, null for what is not known.

    what_if: the table of `case_what_if`, which takes half a minute to make; None when nobody asked for it.
    """
    state = case.state
    coverage = case.coverage()
    dose = case.dose()
    regions = case.assigned_regions()
    return {
        "version": VERSION,
        "research_use_only": True,
        "case": {
            "suv": state.suv.to_document() if state.suv else None,
            "grid": _grid_document(state.pet.grid),
            "planning_ct_grid": _grid_document(state.planning_ct.grid) if state.planning_ct else None,
            "registration": asdict(state.registration),
            "patient_check": state.patient_check.to_document() if state.patient_check else None,
            "clinical": state.clinical.to_document(),
            "landmarks": state.landmarks.to_document() if state.landmarks else None,
        },
        "settings": state.settings.to_document(),
        "reviewed": case.is_reviewed,
        **_search_document(state),
        "regions": [_region_document(region) for region in state.regions],
        "lesions": [
            {
                **lesion_document(lesion, state),
                "dose": dose and lesion_dose_document(dose.lesions[lesion.id], dose.fields[lesion.id]),
            }
            for lesion in state.lesions
        ],
        "volumes": [
            {
                **_volume_document(case, volume),
                "dose": dose and structure_dose_document(dose.volumes[number].dose),
            }
            for number, volume in enumerate(state.volumes)
        ],
        "coverage": [
            {
                "id": lesion.id,
                "region": regions[lesion.id].region.value if lesion.id in regions else None,
                "volumes": {name: coverage_document(c) for name, c in coverage[lesion.id].items()},
            }
            for lesion in state.lesions
        ],
        "patient": _patient_document(case, coverage),
        "what_if": None if what_if is None else what_if_document(what_if),
        "dose": case_dose_document(dose, state),
        "warnings": [*state.all_warnings, *dose_warnings(dose)],
    }


def _grid_document(grid: VoxelGrid) -> dict[str, Any]:
    return {
        "shape": list(reversed(grid.shape_kji)),
        "spacing_mm": list(grid.spacing_mm),
        "origin": list(grid.origin_ras),
        "direction": [list(row) for row in grid.direction_ras],
    }


def _search_document(state: CaseState) -> dict[str, Any]:
    """What the last search rested on and what it may have missed; null before any search."""
    threshold, foci, seen = state.detection_threshold, state.faint_foci, state.detectability
    return {
        "detection": None if threshold is None else threshold.to_document(),
        "references": [region.to_document() for region in state.references.values()],
        "faint_foci": None if foci is None else foci.to_document(),
        "detectability": None if seen is None else {**seen.to_document(), "sentence": seen.sentence()},
    }


def _region_document(region: AvidRegion) -> dict[str, Any]:
    confidence = next((f.removeprefix(CONFIDENCE) for f in region.flags if f.startswith(CONFIDENCE)), None)
    return {
        "id": region.id,
        "class": region.region_class.value,
        "reason": region.reason,
        "confidence": confidence,
        "not_contoured": why_not_contoured(region),
        "volume_ml": region.volume_ml,
        "suv_max": region.suv_max,
        "suv_mean": region.suv_mean,
        "centroid": list(region.centroid_ras),
        "peak": list(region.peak_ras),
        "flags": list(region.flags),
    }


def _volume_document(case: PlanningCase, volume: RtVolume) -> dict[str, Any]:
    uptake = measure_uptake(volume.mask, case.state.pet)
    return {
        "name": volume.name,
        "type": volume.kind,
        "origin": volume.origin,
        "source_file": volume.source_file,
        "status": volume.status,
        "tg263": volume.tg263,
        "role": volume.role,
        "matched_by": volume.matched_by,
        "asks": volume.asks,
        "voxels": volume.mask.voxels,
        "volume_ml": volume.mask.volume_ml,
        "contour_volume_ml": volume.occupancy and volume.occupancy.volume_ml,
        "prescription": _prescription_document(prescriptions_of(case.state).get(volume.name), case.state),
        "suv_max": uptake.suv_max,
        "suv_mean": uptake.suv_mean,
        **_generated_document(volume),
    }


def _generated_document(volume: RtVolume) -> dict[str, Any]:
    """What a volume that was generated, or grown from one, rests on; null and empty for any other."""
    record = volume.generated
    if record is None:
        nothing = {"guideline": None, "plausible_ml": None, "published": [], "steps": [], "findings": []}
        return {"verified": None, "unverified": [], **nothing}
    document = record.to_document()
    if volume.origin != GENERATED:
        # A PTV: the published volumes and steps are its CTV's.
        document |= {"guideline": None, "plausible_ml": None, "published": [], "steps": [], "findings": []}
    return document


def _prescription_document(given: Prescription | None, state: CaseState) -> dict[str, Any] | None:
    if given is None:
        return None
    (row,) = eqd2_table([given], state.settings.volumes.alpha_beta_gy)
    return {
        "dose_gy": given.dose_gy,
        "fractions": given.fractions,
        "fraction_dose_gy": given.fraction_dose_gy,
        "eqd2_gy": [{"alpha_beta_gy": ratio, "dose_gy": dose} for ratio, dose in row.eqd2_gy],
    }


def coverage_document(coverage: LesionVolumeCoverage) -> dict[str, Any]:
    """Coverage of one lesion by one volume as JSON values, null for what an empty one has not."""
    surface = coverage.surface_distance_mm
    return {
        "class": coverage.coverage_class.value if coverage.coverage_class else None,
        "covered": coverage.is_covered if coverage.fraction is not None else None,
        "fraction": coverage.fraction,
        "fraction_bounds": list(coverage.fraction_bounds) if coverage.fraction_bounds else None,
        "centroid_distance_mm": coverage.centroid_distance_mm,
        "peak_distance_mm": coverage.peak_distance_mm,
        "surface_distance_mm": {
            "min": surface.least,
            "mean": surface.mean,
            "p95": surface.percentile_95,
            "max": surface.greatest,
        }
        if surface
        else None,
        "missing_margin_mm": {"to_0.95": coverage.margin_to_95_mm, "to_1": coverage.margin_to_100_mm}
        if surface
        else None,
        "direction": coverage.direction or None,
    }


def _patient_document(
    case: PlanningCase, coverage: dict[str, dict[str, LesionVolumeCoverage]]
) -> dict[str, Any]:
    """Counts over the lesions that are not rejected; provisional while any of them is undecided."""
    counted = [lesion for lesion in case.state.lesions if lesion.state is not LesionState.REJECTED]
    best = Counter(best_class(case, coverage[lesion.id]) for lesion in counted)
    return {
        **patient_document(case.patient()),
        "provisional": not case.is_reviewed,
        "not_reviewed": [lesion.id for lesion in counted if not lesion.is_decided],
        "rejected": [lesion.id for lesion in case.state.lesions if lesion.state is LesionState.REJECTED],
        "compared_with": [volume.name for volume in headline_volumes(case.state.volumes)],
        "lesions": len(counted),
        **{f"lesions_{c.value}": best[c] for c in CoverageClass},
        "lesions_without_class": best[None],
    }


def best_class(case: PlanningCase, by_volume: dict[str, LesionVolumeCoverage]) -> CoverageClass | None:
    """A lesion's best class over the headline volumes; None when there is nothing to compare with."""
    classes = {by_volume[volume.name].coverage_class for volume in headline_volumes(case.state.volumes)}
    return next((best for best in CoverageClass if best in classes), None)
