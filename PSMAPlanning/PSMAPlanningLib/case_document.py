"""The case as plain numbers and text: what `psma-planning run --json` prints and report.json holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .case import PlanningCase
from .coverage.lesion_coverage import CoverageClass, LesionVolumeCoverage
from .delineation.avid_regions import AvidRegion
from .imaging.grid import VoxelGrid
from .imaging.uptake import measure_uptake
from .records import Lesion, LesionState, RtVolume, headline_volumes
from .version import VERSION


def case_document(case: PlanningCase) -> dict[str, Any]:
    """The whole case as JSON values; positions RAS mm, volumes mL, uptake SUV, null for what is not known."""
    state = case.state
    coverage = case.coverage()
    return {
        "version": VERSION,
        "research_use_only": True,
        "case": {
            "suv": state.suv.to_document() if state.suv else None,
            "grid": _grid_document(state.pet.grid),
            "registration": {
                "source": state.registration.source,
                "residual_mm": state.registration.residual_mm,
                "uncertainty_mm": state.registration.uncertainty_mm,
            },
        },
        "settings": state.settings.to_document(),
        "reviewed": case.is_reviewed,
        "regions": [_region_document(region) for region in state.regions],
        "lesions": [_lesion_document(case, lesion) for lesion in state.lesions],
        "volumes": [_volume_document(case, volume) for volume in state.volumes],
        "coverage": [
            {
                "id": lesion.id,
                "volumes": {name: _coverage_document(c) for name, c in coverage[lesion.id].items()},
            }
            for lesion in state.lesions
        ],
        "patient": _patient_document(case, coverage),
        "warnings": list(state.all_warnings),
    }


def _grid_document(grid: VoxelGrid) -> dict[str, Any]:
    return {
        "shape": list(reversed(grid.shape_kji)),
        "spacing_mm": list(grid.spacing_mm),
        "origin": list(grid.origin_ras),
        "direction": [list(row) for row in grid.direction_ras],
    }


def _region_document(region: AvidRegion) -> dict[str, Any]:
    return {
        "id": region.id,
        "class": region.region_class.value,
        "reason": region.reason,
        "volume_ml": region.volume_ml,
        "suv_max": region.suv_max,
        "suv_mean": region.suv_mean,
        "centroid": list(region.centroid_ras),
        "peak": list(region.peak_ras),
        "flags": list(region.flags),
    }


def _lesion_document(case: PlanningCase, lesion: Lesion) -> dict[str, Any]:
    uptake = measure_uptake(lesion.contour.mask, case.state.pet)
    empty = lesion.contour.mask.is_empty
    return {
        "id": lesion.id,
        "region": lesion.region.id,
        "state": lesion.state.value,
        "hand_edited": lesion.is_hand_edited,
        "rejection_reason": lesion.rejection_reason,
        "history": [vars(change) for change in lesion.history],
        "class": lesion.region.region_class.value,
        "reason": lesion.region.reason,
        "volume_ml": uptake.volume_ml,
        "suv_max": lesion.region.suv_max,
        "suv_mean": uptake.suv_mean,
        "tlu": uptake.total_uptake,
        "centroid": None if empty else list(lesion.contour.mask.centroid_ras()),
        "peak": list(lesion.region.peak_ras),
        "contour": {
            "source": lesion.contour.source,
            "method": lesion.contour.method,
            "inputs": list(lesion.contour.inputs),
            "threshold_suv": lesion.contour.threshold_suv,
            "flags": list(lesion.contour.flags),
        },
        "candidates": [
            {
                "rule": candidate.rule,
                "parameters": dict(candidate.parameters),
                "threshold_suv": candidate.threshold_suv,
                "volume_ml": candidate.mask.volume_ml,
                "flags": list(candidate.flags),
            }
            for candidate in lesion.candidates
        ],
        "flags": list(lesion.region.flags),
    }


def _volume_document(case: PlanningCase, volume: RtVolume) -> dict[str, Any]:
    uptake = measure_uptake(volume.mask, case.state.pet)
    return {
        "name": volume.name,
        "type": volume.kind,
        "origin": volume.origin,
        "source_file": volume.source_file,
        "status": volume.status,
        "voxels": volume.mask.voxels,
        "volume_ml": volume.mask.volume_ml,
        "suv_max": uptake.suv_max,
        "suv_mean": uptake.suv_mean,
    }


def _coverage_document(coverage: LesionVolumeCoverage) -> dict[str, Any]:
    return {
        "class": coverage.coverage_class.value if coverage.coverage_class else None,
        "fraction": coverage.fraction,
        "centroid_distance_mm": coverage.centroid_distance_mm,
        "peak_distance_mm": coverage.peak_distance_mm,
    }


def _patient_document(
    case: PlanningCase, coverage: dict[str, dict[str, LesionVolumeCoverage]]
) -> dict[str, Any]:
    """Counts over the lesions that are not rejected; provisional while any of them is undecided."""
    counted = [lesion for lesion in case.state.lesions if lesion.state is not LesionState.REJECTED]
    best = Counter(best_class(case, coverage[lesion.id]) for lesion in counted)
    return {
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
