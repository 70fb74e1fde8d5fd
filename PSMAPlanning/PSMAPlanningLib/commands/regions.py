"""psma-planning regions: avid sub-regions of a PET, classified, with reference regions."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..delineation.avid_regions import AvidRegion, find_avid_regions, labels_in
from ..delineation.peak import suv_peak
from ..delineation.physiologic import classify_regions
from ..delineation.psf import default_point_spread, smallest_detectable_mm
from ..delineation.reference_regions import (
    REFERENCE_KINDS,
    ReferenceRegion,
    reference_from_mask,
)
from ..delineation.rules import RULES, patient_threshold
from ..errors import RuleError
from ..imaging.image import Image, Mask
from ..progress import Progress
from ..settings import DetectionSettings, Settings
from .delineation_arguments import (
    add_shared_arguments,
    given_numbers,
    read_shared,
    with_references,
    write_label_map,
)

NAME = "regions"
HELP = "Find the avid regions of a PET and tell physiologic uptake apart where organ masks are given."
_CONTRAST_SUV = (5.0, 10.0, 20.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threshold",
        default="3.0",
        metavar="T",
        help="SUV, or a rule with one threshold per patient: fixed_suv, percist, qpsma, liver_max, ...",
    )
    add_shared_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    rule, given = _rule_of(arguments)
    progress(0.0, "reading")
    pet_input, anatomy = read_shared(arguments)
    pet = pet_input.image
    numbers, _ = with_references(rule, given, pet, anatomy)
    threshold = patient_threshold(rule, numbers)
    progress(0.3, "finding avid regions")
    settings = Settings()
    settings = replace(settings, detection=DetectionSettings(threshold_suv=threshold))
    found = find_avid_regions(pet, settings.detection)
    regions = classify_regions(found.regions, anatomy, pet, settings)
    references = _references(pet, anatomy)
    if arguments.out is not None:
        progress(0.8, "writing")
        whole = tuple(slice(0, n) for n in pet.grid.shape_kji)
        labels = labels_in(regions, whole).astype(np.uint16)
        write_label_map(labels, pet.grid, arguments.out, arguments.force)
    fwhm_mm = default_point_spread().fwhm_mm
    document = {
        "threshold_suv": threshold,
        "threshold_rule": rule,
        "regions": [_document(region, n, pet) for n, region in enumerate(regions, start=1)],
        "references": [region.to_document() for region in references],
        "smallest_detectable_mm": {
            f"{suv:g}": smallest_detectable_mm(suv, threshold, fwhm_mm) for suv in _CONTRAST_SUV
        },
        "file": None if arguments.out is None else str(arguments.out),
        "warnings": [*pet_input.all_warnings, *_warnings(regions, references, threshold)],
    }
    progress(1.0, "done")
    return document, _text(document)


def _rule_of(arguments: argparse.Namespace) -> tuple[str, dict[str, float]]:
    if arguments.threshold in RULES:
        return arguments.threshold, given_numbers(arguments, arguments.threshold)
    try:
        suv = float(arguments.threshold)
    except ValueError:
        raise RuleError(
            f"--threshold {arguments.threshold} is neither a number nor a rule; see psma-planning rules."
        ) from None
    arguments.set = [*arguments.set, ("suv", suv)]
    return "fixed_suv", given_numbers(arguments, "fixed_suv")


def _references(pet: Image, anatomy: Mapping[str, Mask]) -> list[ReferenceRegion]:
    found = []
    for name, kind in REFERENCE_KINDS.items():
        if any(organ in anatomy for group in kind.organs for organ in group):
            try:
                found.append(reference_from_mask(pet, name, anatomy))
            except RuleError:
                # An organ outside the PET's field of view is no reference.
                continue
    return found


def _document(region: AvidRegion, label: int, pet: Image) -> dict[str, Any]:
    peak = suv_peak(pet, region.mask)
    return {
        "id": region.id,
        "label": label,
        "class": region.region_class.value,
        "reason": region.reason,
        "volume_ml": region.volume_ml,
        "suv_max": region.suv_max,
        "suv_peak": None if peak is None else peak.suv,
        "suv_mean": region.suv_mean,
        "centroid": list(region.centroid_ras),
        "peak": list(region.peak_ras),
        "flags": list(region.flags),
    }


def _warnings(
    regions: tuple[AvidRegion, ...], references: list[ReferenceRegion], threshold: float
) -> list[str]:
    warnings = [warning for reference in references for warning in reference.warnings]
    if not regions:
        warnings.append(
            f"No region found at this threshold (SUV {threshold:g}); this does not mean no disease."
        )
    return warnings


def _text(document: dict[str, Any]) -> str:
    lines = [f"threshold SUV {document['threshold_suv']:.4g} ({document['threshold_rule']})"]
    lines.append(f"{'id':<5}{'class':<13}{'mL':>9}{'max':>8}{'peak':>8}{'mean':>8}  reason")
    for r in document["regions"]:
        peak = "-" if r["suv_peak"] is None else f"{r['suv_peak']:.2f}"
        lines.append(
            f"{r['id']:<5}{r['class']:<13}{r['volume_ml']:>9.2f}{r['suv_max']:>8.2f}{peak:>8}"
            f"{r['suv_mean']:>8.2f}  {r['reason'] or ''}"
        )
    for reference in document["references"]:
        lines.append(
            f"reference {reference['name']}: mean {reference['mean']:.2f}, SD {reference['sd']:.2f}, "
            f"max {reference['max']:.2f}, {reference['volume_ml']:.1f} mL"
        )
    return "\n".join(lines)
