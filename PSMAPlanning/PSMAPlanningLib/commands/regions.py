"""psma-planning regions: avid sub-regions of a PET, classified, with reference regions and faint foci."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..delineation.avid_regions import AvidRegion, RegionClass, labels_in
from ..delineation.detectability import Detectability, detectability, nothing_found_sentence
from ..delineation.detection_threshold import Detection, detect_regions
from ..delineation.faint_foci import FaintFoci, faint_foci
from ..delineation.peak import suv_peak
from ..delineation.physiologic import CONFIDENCE, classify_regions
from ..delineation.psf import PointSpread, default_point_spread
from ..delineation.reference_proposals import reference_regions
from ..delineation.reference_regions import REFERENCE_KINDS, ReferenceRegion
from ..delineation.rules import RULES, patient_threshold
from ..errors import RuleError
from ..finding_words import avid_sentences, left_out_sentences, tracer_sentences
from ..imaging.image import Image
from ..imaging.read import PetInput, read_ct
from ..lesion_detection import body_background_suv
from ..progress import Progress
from ..settings import DETECTION_METHODS, DetectionSettings, Settings
from .delineation_arguments import add_shared_arguments, given_numbers, read_shared, write_label_map
from .pet_arguments import existing

NAME = "regions"
HELP = "Find the avid regions of a PET and tell physiologic uptake apart."
_BLOOD_POOL_NUMBERS = ("blood_pool_mean", "blood_pool_sd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threshold",
        default="3.0",
        metavar="T",
        help=f"SUV, or where it comes from: {', '.join(DETECTION_METHODS)}",
    )
    parser.add_argument("--ct", type=existing, metavar="C", help="CT of the PET/CT: tells urine and bone")
    parser.add_argument(
        "--reference",
        type=_reference,
        action="append",
        default=[],
        metavar="NAME=R,A,S[,MM]",
        help=f"sphere (centre, radius) for {', '.join(REFERENCE_KINDS)}",
    )
    parser.add_argument(
        "--faint", type=int, default=20, metavar="N", help="list up to N faint foci; 0 for none"
    )
    parser.add_argument("--fwhm-mm", type=float, metavar="MM", help="resolution of the PET")
    add_shared_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    method, given = _method_of(arguments)
    point_spread = _point_spread(arguments.fwhm_mm)
    placed = _placed(arguments)
    progress(0.0, "reading")
    pet_input, anatomy = read_shared(arguments)
    pet = pet_input.image
    ct = None if arguments.ct is None else read_ct(arguments.ct)
    progress(0.3, "finding avid regions")
    wanted = DetectionSettings(
        threshold_suv=given.get("suv", 3.0), fwhm_mm=point_spread.fwhm_mm, method=method
    )
    detection = detect_regions(pet, wanted, anatomy, ct, placed, given)
    settings = replace(Settings(), detection=detection.settings)
    threshold = detection.threshold.lowest_suv
    progress(0.5, "classifying")
    regions = classify_regions(detection.avid.regions, anatomy, pet, settings, ct=ct)
    references = reference_regions(pet, anatomy, placed, threshold_suv=threshold)
    progress(0.7, "looking for faint foci")
    foci = faint_foci(pet, regions, threshold, arguments.faint) if arguments.faint > 0 else FaintFoci((), 0)
    seen = detectability(threshold, point_spread, body_background_suv(pet, threshold))
    if arguments.out is not None:
        progress(0.8, "writing")
        whole = tuple(slice(0, n) for n in pet.grid.shape_kji)
        labels = labels_in(regions, whole).astype(np.uint16)
        write_label_map(labels, pet.grid, arguments.out, arguments.force)
    document = {
        "threshold_suv": detection.threshold.threshold_suv,
        "threshold_rule": method,
        "detection": detection.threshold.to_document(),
        "regions": [_document(region, n, pet) for n, region in enumerate(regions, start=1)],
        "references": [region.to_document() for region in references.values()],
        "faint_foci": foci.to_document(),
        "detectability": seen.to_document(),
        "smallest_detectable_mm": {f"{suv:g}": size for suv, size in seen.smallest_mm},
        "file": None if arguments.out is None else str(arguments.out),
        "warnings": _warnings(pet_input, detection, regions, references, foci),
    }
    progress(1.0, "done")
    return document, _text(document, seen)


def _method_of(arguments: argparse.Namespace) -> tuple[str, dict[str, float]]:
    """The detection method and the numbers given for it, checked."""
    wanted = arguments.threshold
    if wanted == "blood_pool":
        return wanted, _blood_pool_numbers(arguments)
    if wanted in DETECTION_METHODS:
        return wanted, given_numbers(arguments, wanted)
    if wanted in RULES:
        # Says why a rule for one lesion finds no regions.
        patient_threshold(wanted, given_numbers(arguments, wanted))
    try:
        suv = float(wanted)
    except ValueError:
        raise RuleError(f"--threshold {wanted} is neither a number nor a rule; see --help.") from None
    arguments.set = [*arguments.set, ("suv", suv)]
    return "fixed_suv", given_numbers(arguments, "fixed_suv")


def _blood_pool_numbers(arguments: argparse.Namespace) -> dict[str, float]:
    given = dict(arguments.set)
    unknown = sorted(set(given) - set(_BLOOD_POOL_NUMBERS))
    if unknown:
        raise RuleError(
            f"blood_pool has no parameter {unknown[0]!r}; it takes {', '.join(_BLOOD_POOL_NUMBERS)}."
        )
    return given


def _point_spread(fwhm_mm: float | None) -> PointSpread:
    if fwhm_mm is None:
        return default_point_spread()
    try:
        return PointSpread(fwhm_mm, "entered", "entered by the user")
    except ValueError as error:
        raise RuleError(f"--fwhm-mm: {error}") from error


def _reference(text: str) -> tuple[str, tuple[float, ...]]:
    name, equals, place = text.partition("=")
    try:
        values = tuple(float(part) for part in place.split(","))
    except ValueError:
        values = ()
    if not equals or len(values) not in (3, 4) or not all(math.isfinite(value) for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is no sphere; write --reference=liver=R,A,S or R,A,S,MM")
    return name, values


def _placed(arguments: argparse.Namespace) -> dict[str, tuple[tuple[float, float, float], float]]:
    """Centre and radius of the spheres the user placed, by name; raises RuleError for an unknown name."""
    placed = {}
    for name, values in arguments.reference:
        if name not in REFERENCE_KINDS:
            raise RuleError(f"There is no reference region {name!r}; known: {', '.join(REFERENCE_KINDS)}.")
        radius_mm = values[3] if len(values) == 4 else REFERENCE_KINDS[name].radius_mm
        placed[name] = (values[:3], radius_mm)
    return placed


def _document(region: AvidRegion, label: int, pet: Image) -> dict[str, Any]:
    peak = suv_peak(pet, region.mask)
    confidence = next((f.removeprefix(CONFIDENCE) for f in region.flags if f.startswith(CONFIDENCE)), None)
    return {
        "id": region.id,
        "label": label,
        "class": region.region_class.value,
        "reason": region.reason,
        "confidence": confidence,
        "volume_ml": region.volume_ml,
        "suv_max": region.suv_max,
        "suv_peak": None if peak is None else peak.suv,
        "suv_mean": region.suv_mean,
        "centroid": list(region.centroid_ras),
        "peak": list(region.peak_ras),
        "flags": list(region.flags),
    }


def _warnings(
    pet_input: PetInput,
    detection: Detection,
    regions: tuple[AvidRegion, ...],
    references: Mapping[str, ReferenceRegion],
    foci: FaintFoci,
) -> list[str]:
    threshold, avid = detection.threshold, detection.avid
    warnings = [
        *pet_input.all_warnings,
        *tracer_sentences(pet_input.suv, threshold.method, ()),
        *avid_sentences(avid.warnings, threshold.lowest_suv, regions),
        *left_out_sentences(avid, detection.settings.minimum_volume_ml),
        *(warning for reference in references.values() for warning in reference.warnings),
    ]
    if all(region.region_class is RegionClass.PHYSIOLOGIC for region in regions):
        warnings.append(nothing_found_sentence(threshold.lowest_suv))
    if foci.left_out:
        warnings.append(f"{foci.left_out} more faint foci are not listed; --faint raises the limit.")
    return warnings


def _text(document: dict[str, Any], seen: Detectability) -> str:
    detection = document["detection"]
    bone = detection["bone_threshold_suv"]
    lines = [
        f"threshold SUV {detection['threshold_suv']:.4g} ({detection['method']})"
        + ("" if bone is None else f", in bone SUV {bone:.4g}")
    ]
    lines.append(f"{'id':<5}{'class':<13}{'mL':>9}{'max':>8}{'peak':>8}{'mean':>8}  reason")
    for r in document["regions"]:
        peak = "-" if r["suv_peak"] is None else f"{r['suv_peak']:.2f}"
        confidence = "" if r["confidence"] is None else f" ({r['confidence']} confidence)"
        lines.append(
            f"{r['id']:<5}{r['class']:<13}{r['volume_ml']:>9.2f}{r['suv_max']:>8.2f}{peak:>8}"
            f"{r['suv_mean']:>8.2f}  {r['reason'] or ''}{confidence}"
        )
    for reference in document["references"]:
        cov = "-" if reference["cov"] is None else f"{100 * reference['cov']:.0f} %"
        lines.append(
            f"reference {reference['name']} ({reference['source']}): mean {reference['mean']:.2f}, "
            f"SD {reference['sd']:.2f}, COV {cov}, max {reference['max']:.2f}, "
            f"{reference['volume_ml']:.1f} mL"
        )
    for focus in document["faint_foci"]["foci"]:
        place = ",".join(f"{x:.0f}" for x in focus["position"])
        lines.append(
            f"faint focus at {place}: SUV {focus['suv_max']:.2f} over {focus['background_suv']:.2f} "
            f"({focus['spreads']:.1f} SD)"
        )
    lines.append(seen.sentence())
    return "\n".join(lines)
