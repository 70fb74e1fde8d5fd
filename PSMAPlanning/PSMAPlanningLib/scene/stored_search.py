"""What the last search for lesions rested on and found aside, and what is known about contours, as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from ..delineation.contour_facts import ContourFacts, VolumeInterval
from ..delineation.detectability import Detectability
from ..delineation.detection_threshold import DetectionThreshold
from ..delineation.faint_foci import FaintFoci, FaintFocus
from ..delineation.peak import PeakKernel, SuvPeak
from ..delineation.reference_regions import ReferenceRegion
from ..imaging.image import Mask
from ..records import CandidateConsensus, CaseState


def search_document(state: CaseState) -> dict[str, Any]:
    """The search's fields of a state; `search_records` is the way back."""
    threshold, foci, seen = state.detection_threshold, state.faint_foci, state.detectability
    return {
        "reference_spheres": {
            name: [*centre, radius] for name, (centre, radius) in state.reference_spheres.items()
        },
        "references": [region.to_document() for region in state.references.values()],
        "detection_threshold": None if threshold is None else threshold.to_document(),
        "faint_foci": None if foci is None else asdict(foci),
        "detectability": None if seen is None else asdict(seen),
    }


def search_records(document: dict[str, Any]) -> dict[str, Any]:
    """Fields of a CaseState from a case's document; scenes from before these were stored have none of them.

    Raises KeyError, TypeError, ValueError or RuleError for a damaged one.
    """
    regions = [ReferenceRegion.from_document(region) for region in document.get("references") or ()]
    threshold, foci, seen = (
        document.get(name) for name in ("detection_threshold", "faint_foci", "detectability")
    )
    return {
        "reference_spheres": {
            str(name): ((float(r), float(a), float(s)), float(radius))
            for name, (r, a, s, radius) in (document.get("reference_spheres") or {}).items()
        },
        "references": {region.name: region for region in regions},
        "detection_threshold": None if threshold is None else _threshold(threshold),
        "faint_foci": None if foci is None else _foci(foci),
        "detectability": None if seen is None else _seen(seen),
    }


def facts_document(facts: ContourFacts | None) -> dict[str, Any] | None:
    """Facts about a contour, all of their fields."""
    return None if facts is None else asdict(facts)


def facts_of_document(document: dict[str, Any] | None) -> ContourFacts | None:
    """The facts of `facts_document`. Raises KeyError, TypeError or ValueError for a damaged one."""
    if document is None:
        return None
    interval, peak = document["interval"], document["suv_peak"]
    if interval is not None:
        by_cause = {cause: tuple(bounds) for cause, bounds in interval["by_cause"].items()}
        interval = VolumeInterval(**{**interval, "by_cause": by_cause})
    if peak is not None:
        place = tuple(peak["position_ras"])
        peak = SuvPeak(**{**peak, "position_ras": place, "kernel": PeakKernel(peak["kernel"])})
    return ContourFacts(
        **{**document, "interval": interval, "suv_peak": peak, "flags": tuple(document["flags"])}
    )


def consensus_document(
    consensus: CandidateConsensus | None, packed: Callable[[Mask], dict[str, Any]]
) -> dict[str, Any] | None:
    """A lesion's consensus, its masks packed."""
    if consensus is None:
        return None
    document = {field.name: getattr(consensus, field.name) for field in fields(consensus)}
    masks = {name: document[name] for name in ("mask", "disputed")}
    return {
        **document,
        "left_out": dict(consensus.left_out),
        **{name: None if mask is None else packed(mask) for name, mask in masks.items()},
    }


def consensus_of_document(
    document: dict[str, Any] | None, unpacked: Callable[[dict[str, Any]], Mask]
) -> CandidateConsensus | None:
    """The consensus of `consensus_document`. Raises KeyError, TypeError or ValueError for a damaged one."""
    if document is None:
        return None
    lists = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
    masks = {
        name: None if document[name] is None else unpacked(document[name]) for name in ("mask", "disputed")
    }
    return CandidateConsensus(**{**document, **lists, **masks})


def _threshold(document: dict[str, Any]) -> DetectionThreshold:
    references = tuple(ReferenceRegion.from_document(region) for region in document["references"])
    return DetectionThreshold(**{**document, "references": references})


def _foci(document: dict[str, Any]) -> FaintFoci:
    foci = tuple(
        FaintFocus(**{**focus, "position_ras": tuple(focus["position_ras"])}) for focus in document["foci"]
    )
    return FaintFoci(foci, int(document["left_out"]))


def _seen(document: dict[str, Any]) -> Detectability:
    return Detectability(**{**document, "smallest_mm": tuple(map(tuple, document["smallest_mm"]))})
