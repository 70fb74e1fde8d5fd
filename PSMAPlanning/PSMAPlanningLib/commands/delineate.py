"""psma-planning delineate: contours of the lesions of a PET by one rule."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..delineation.avid_regions import AvidRegion, RegionClass, find_avid_regions
from ..delineation.contour_facts import ContourFacts, contour_facts
from ..delineation.lesion_crop import LesionCrop, lesion_crop
from ..delineation.peak import PeakKernel
from ..delineation.physiologic import classify_regions
from ..delineation.psf import LARGEST_FWHM_MM, SMALLEST_FWHM_MM, PointSpread, default_point_spread
from ..delineation.reference_regions import ReferenceRegion
from ..delineation.rules import RULES, Delineation, checked_parameters, delineate, missing_liver_sentence
from ..delineation.seeded_regions import region_at, with_focus
from ..errors import GridError, RuleError
from ..finding_words import avid_sentences, tracer_sentences
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Mask
from ..imaging.label_file import read_labels
from ..imaging.resampling import occupancy_at, refine_labels
from ..progress import Progress
from ..settings import DetectionSettings, Settings
from .delineation_arguments import (
    add_shared_arguments,
    given_numbers,
    position,
    read_shared,
    with_references,
    write_label_map,
)
from .pet_arguments import existing

NAME = "delineate"
HELP = "Contour the lesions of a PET by one rule and say what is known about each contour."
DEFAULT_RULE = "background_percent"
_MOST_OUTPUT_VOXELS = 400_000_000


@dataclass(frozen=True, eq=False)
class _Contoured:
    region: AvidRegion
    delineation: Delineation
    facts: ContourFacts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rule",
        default=DEFAULT_RULE,
        metavar="NAME",
        help=f"see psma-planning rules; default {DEFAULT_RULE}",
    )
    parser.add_argument(
        "--seed",
        type=position,
        action="append",
        default=[],
        metavar="R,A,S",
        help="contour only the lesion here (RAS mm); a focus below the threshold is added",
    )
    parser.add_argument(
        "--within", type=existing, metavar="LABELS", help="keep contours inside the labels of this file"
    )
    parser.add_argument(
        "--threshold", type=float, default=3.0, metavar="SUV", help="detection threshold, default 3.0"
    )
    parser.add_argument("--fwhm-mm", type=float, metavar="MM", help="resolution of the PET, FWHM")
    parser.add_argument(
        "--peak-kernel",
        choices=[kernel.value for kernel in PeakKernel],
        default=PeakKernel.FRACTIONAL.value,
        help="which voxels the 1 cm³ sphere of SUVpeak holds",
    )
    add_shared_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    checked_parameters(arguments.rule, {})
    given = given_numbers(arguments, arguments.rule)
    point_spread = _point_spread(arguments.fwhm_mm, given)
    progress(0.0, "reading")
    pet_input, anatomy = read_shared(arguments)
    pet = pet_input.image
    numbers, references = with_references(arguments.rule, given, pet, anatomy)
    if any(parameter.name == "fwhm_mm" for parameter in RULES[arguments.rule].parameters):
        numbers.setdefault("fwhm_mm", point_spread.fwhm_mm)
    settings = replace(Settings(), detection=DetectionSettings(threshold_suv=arguments.threshold))
    within = None if arguments.within is None else _union(arguments.within, pet.grid)
    progress(0.2, "finding lesions")
    avid = find_avid_regions(_only_within(pet, within), settings.detection)
    regions = classify_regions(avid.regions, anatomy, pet, settings)
    cautions = [
        *tracer_sentences(pet_input.suv, settings.detection.method, [arguments.rule]),
        *avid_sentences(avid.warnings, arguments.threshold, regions),
    ]
    regions, chosen, warnings = _chosen(pet, regions, arguments.seed, arguments.threshold)
    contoured = []
    for number, region in enumerate(chosen, start=1):
        progress(0.2 + 0.7 * number / len(chosen), f"contouring {number} of {len(chosen)}")
        crop = _kept_within(lesion_crop(pet, regions, region, settings.contours), within)
        delineation = delineate(crop, arguments.rule, numbers)
        if "no_liver" in delineation.flags:
            raise RuleError(missing_liver_sentence(arguments.rule))
        facts = contour_facts(
            delineation.mask,
            crop,
            pet,
            point_spread,
            kernel=PeakKernel(arguments.peak_kernel),
            background_suv=numbers.get("background_suv"),
        )
        contoured.append(_Contoured(region, delineation, facts))
    if arguments.out is not None:
        progress(0.95, "writing")
        labels, grid = _label_map(contoured, pet.grid)
        write_label_map(labels, grid, arguments.out, arguments.force)
    document = {
        "rule": arguments.rule,
        "parameters": checked_parameters(arguments.rule, numbers),
        "verified": RULES[arguments.rule].verified,
        "detection_threshold_suv": arguments.threshold,
        "point_spread": {
            "fwhm_mm": point_spread.fwhm_mm,
            "source": point_spread.source,
            "note": point_spread.note,
        },
        "peak_kernel": arguments.peak_kernel,
        "lesions": [_document(n, each) for n, each in enumerate(contoured, start=1)],
        "references": [region.to_document() for region in references],
        "file": None if arguments.out is None else str(arguments.out),
        "warnings": [*pet_input.all_warnings, *cautions, *warnings, *_warnings(contoured, references)],
    }
    progress(1.0, "done")
    return document, _text(document)


def _point_spread(fwhm_mm: float | None, given: dict[str, float]) -> PointSpread:
    value = given.get("fwhm_mm") if fwhm_mm is None else fwhm_mm
    if value is None:
        return default_point_spread()
    if not SMALLEST_FWHM_MM <= value <= LARGEST_FWHM_MM:
        raise RuleError(
            f"--fwhm-mm is {value}; it must lie between {SMALLEST_FWHM_MM:g} and {LARGEST_FWHM_MM:g} mm."
        )
    return PointSpread(value, "entered", "entered by the user")


def _union(path: Any, grid: VoxelGrid) -> Mask:
    """All labels of a file as one mask on the PET's grid."""
    masks = [label.mask for label in read_labels(path) if not label.mask.is_empty]
    if not masks or not any(mask.grid.overlaps(grid) for mask in masks):
        raise GridError(f"{path} shares no space with the PET; give labels that lie on it.")
    if all(mask.grid.same_as(grid) for mask in masks):
        return Mask(np.any([mask.array for mask in masks], axis=0), grid)
    inside = np.zeros(grid.shape_kji, dtype=bool)
    for k in range(grid.shape_kji[0]):
        plane = np.moveaxis(np.indices((1, *grid.shape_kji[1:])), 0, -1).reshape(-1, 3)
        points = grid.ras_of(plane + np.array([k, 0, 0]))
        for mask in masks:
            inside[k] |= (occupancy_at(mask, points) >= 0.5).reshape(grid.shape_kji[1:])
    return Mask(inside, grid)


def _only_within(pet: Image, within: Mask | None) -> Image:
    if within is None:
        return pet
    return replace(pet, array=np.where(within.array, pet.array, np.float32(min(0.0, float(pet.array.min())))))


def _kept_within(crop: LesionCrop, within: Mask | None) -> LesionCrop:
    if within is None:
        return crop
    start = np.rint(within.grid.kji_of(crop.grid.ras_of(np.zeros(3)))).astype(int)
    factors = np.rint(np.array(within.grid.spacing_kji_mm) / crop.grid.spacing_kji_mm).astype(int)
    shape = np.array(crop.suv.shape) // factors
    box = tuple(slice(int(a), int(a + n)) for a, n in zip(start, shape, strict=True))
    fine = refine_labels(within.array[box], tuple(int(f) for f in factors))
    return replace(crop, territory=crop.territory & fine)


def _chosen(
    pet: Image,
    regions: tuple[AvidRegion, ...],
    seeds: list[tuple[float, float, float]],
    threshold: float,
) -> tuple[tuple[AvidRegion, ...], list[AvidRegion], list[str]]:
    """All regions (foci of seeds among them), those to contour, and what to warn of."""
    warnings: list[str] = []
    if not seeds:
        chosen = [region for region in regions if region.region_class is not RegionClass.PHYSIOLOGIC]
        if not chosen:
            warnings.append(
                f"No lesion found at this threshold (SUV {threshold:g}); this does not mean no disease."
            )
        return regions, chosen, warnings
    names: list[str] = []
    for seed in seeds:
        region = region_at(pet, regions, seed)
        regions = with_focus(regions, region)
        name = regions[-1].id if region.id == "" else region.id
        where = ",".join(f"{x:g}" for x in seed)
        if name in names:
            warnings.append(f"The seed {where} lies in the same lesion as one before it and was left out.")
            continue
        names.append(name)
        if region.id == "":
            warnings.append(f"The focus at {where} lies below the threshold (SUV {threshold:g}).")
        if region.region_class is RegionClass.PHYSIOLOGIC:
            warnings.append(f"The seed {where} lies in physiologic uptake ({region.reason}).")
    return regions, [region for name in names for region in regions if region.id == name], warnings


def _label_map(contoured: list[_Contoured], pet_grid: VoxelGrid) -> tuple[np.ndarray, VoxelGrid]:
    """Labels 1, 2, ... on the fine voxels of the contours, over the part of the PET that holds them."""
    filled = [each.delineation.mask for each in contoured if not each.delineation.mask.is_empty]
    if not filled:
        return np.zeros(pet_grid.shape_kji, dtype=np.uint16), pet_grid
    coarse = np.array(pet_grid.spacing_kji_mm)
    factors = np.max([np.rint(coarse / mask.grid.spacing_kji_mm) for mask in filled], axis=0).astype(int)
    corners = np.concatenate([pet_grid.kji_of(mask.cropped(1).grid.corners_ras()) for mask in filled])
    low = np.maximum(np.floor(corners.min(axis=0) + 0.5).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0) + 0.5).astype(int), pet_grid.shape_kji)
    if math.prod(high - low) * math.prod(factors) > _MOST_OUTPUT_VOXELS:
        factors = np.ones(3, dtype=int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    grid = pet_grid.crop(box).refine(tuple(int(f) for f in factors))
    labels = np.zeros(grid.shape_kji, dtype=np.uint16)
    for number, each in enumerate(contoured, start=1):
        if not each.delineation.mask.is_empty:
            _paint(labels, grid, each.delineation.mask.cropped(1), number)
    return labels, grid


def _paint(labels: np.ndarray, grid: VoxelGrid, mask: Mask, number: int) -> None:
    corners = grid.kji_of(mask.grid.corners_ras())
    low = np.maximum(np.rint(corners.min(axis=0) + 0.5).astype(int), 0)
    high = np.minimum(np.rint(corners.max(axis=0) + 0.5).astype(int), grid.shape_kji)
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    indices = np.moveaxis(np.indices(tuple(high - low)), 0, -1).reshape(-1, 3) + low
    inside = (occupancy_at(mask, grid.ras_of(indices)) >= 0.5).reshape(tuple(high - low))
    part = labels[window]
    part[inside & (part == 0)] = number


def _document(number: int, contoured: _Contoured) -> dict[str, Any]:
    facts, mask = contoured.facts, contoured.delineation.mask
    flags = {*contoured.delineation.flags, *contoured.region.flags, *facts.flags}
    interval = facts.interval
    return {
        "id": f"L{number}",
        "label": number,
        "region": contoured.region.id,
        "threshold_suv": contoured.delineation.threshold_suv,
        "equivalent_threshold_suv": facts.equivalent_threshold_suv,
        "volume_ml": facts.volume_ml,
        "volume_interval_ml": None if interval is None else [interval.low_ml, interval.high_ml],
        "volume_interval_by_cause_ml": {}
        if interval is None
        else {cause: list(bounds) for cause, bounds in interval.by_cause.items()},
        "diameter_mm": facts.diameter_mm,
        "suv_max": facts.suv_max,
        "suv_peak": None if facts.suv_peak is None else facts.suv_peak.suv,
        "suv_mean": facts.suv_mean,
        "tlu": facts.tlu,
        "centroid": None if mask.is_empty else list(mask.centroid_ras()),
        "peak": list(contoured.region.peak_ras),
        "below_resolution": facts.below_resolution,
        "resolution_diameter_mm": facts.resolution_diameter_mm,
        "resolution_source": facts.resolution_source,
        "details": dict(contoured.delineation.details),
        "flags": sorted(flags),
    }


def _warnings(contoured: list[_Contoured], references: list[ReferenceRegion]) -> list[str]:
    warnings = [warning for region in references for warning in region.warnings]
    words = {
        "empty": "the rule gives no contour at its hottest voxel",
        "no_background": "there is no free background around it; give --set background_suv=",
        "no_contrast": "it does not stand out from its background",
        "leaks": "the contour runs into its surroundings",
        "collapsed": "the contour holds only a hot spot of the lesion",
        "cut_by_field_of_view": "the edge of the image cuts it",
        "not_converged": "the rule's iteration did not come to rest",
    }
    for number, each in enumerate(contoured, start=1):
        flags = {*each.delineation.flags, *each.region.flags, *each.facts.flags}
        if "no_background" in flags or "no_contrast" in flags:
            flags.discard("empty")
        warnings += [f"L{number}: {text}." for flag, text in words.items() if flag in flags]
    return warnings


def _text(document: dict[str, Any]) -> str:
    lines = [f"rule {document['rule']}" + ("" if document["verified"] else " (NOT VERIFIED)")]
    lines.append(
        f"{'id':<5}{'threshold':>10}{'mL':>9}{'interval mL':>18}{'max':>8}{'peak':>8}{'mean':>8}  flags"
    )
    for lesion in document["lesions"]:
        interval = lesion["volume_interval_ml"]
        span = "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
        numbers = [_number(lesion[key]) for key in ("suv_max", "suv_peak", "suv_mean")]
        lines.append(
            f"{lesion['id']:<5}{_number(lesion['threshold_suv']):>10}{lesion['volume_ml']:>9.2f}{span:>18}"
            + "".join(f"{number:>8}" for number in numbers)
            + f"  {', '.join(lesion['flags'])}"
        )
    point_spread = document["point_spread"]
    lines.append(f"FWHM {point_spread['fwhm_mm']:g} mm ({point_spread['source']}: {point_spread['note']})")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
