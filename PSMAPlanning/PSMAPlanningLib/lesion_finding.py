"""Lesions of a case: avid regions found, contoured by every rule of the settings, fused."""

from __future__ import annotations

from dataclasses import replace

from .consensus.fusion import fuse
from .delineation.avid_regions import AvidRegion, AvidRegions, RegionClass, find_avid_regions
from .delineation.lesion_crop import lesion_crop
from .delineation.physiologic import FAINT, classify_regions
from .delineation.rules import Delineation, checked_parameters, delineate
from .imaging.grid import Box, bounding_box
from .imaging.image import Image, Mask
from .progress import Stage
from .records import CaseState, Change, Contour, Lesion, LesionState
from .settings import Settings


def find_lesions(state: CaseState, found: Change, stage: Stage) -> CaseState:
    """The state with the lesions of its PET, contoured by every rule of its settings and fused.

    found: the first entry of each lesion's record. Regions that are physiologic or faint stay in the
    state's regions, with their reason, and are not contoured.
    """
    settings = state.settings
    for rule in settings.contours.rules:
        checked_parameters(rule.name, rule.parameters)
    stage.report(0.0, "finding avid regions")
    avid = find_avid_regions(state.pet, settings.detection)
    regions = classify_regions(
        avid.regions, state.anatomy, state.pet, settings, lambda: stage.report(0.1, "classifying")
    )
    contoured = [region for region in regions if is_candidate(region)]
    lesions = []
    for number, region in enumerate(contoured, start=1):
        stage.report(0.2 + 0.8 * number / len(contoured), f"contouring {number} of {len(contoured)}")
        lesions.append(_lesion(f"L{number}", state.pet, regions, region, settings, found))
    stage.report(1.0, "contoured")
    return replace(
        state,
        regions=regions,
        lesions=tuple(lesions),
        finding_warnings=tuple(_warnings(avid, regions, settings)),
    )


def is_candidate(region: AvidRegion) -> bool:
    """Whether a region is contoured as a lesion."""
    return region.region_class is not RegionClass.PHYSIOLOGIC and region.reason != FAINT


def _warnings(avid: AvidRegions, regions: tuple[AvidRegion, ...], settings: Settings) -> list[str]:
    detection = settings.detection
    warnings = []
    if avid.left_out:
        warnings.append(
            f"{avid.left_out} regions smaller than {detection.minimum_volume_ml:g} mL were left out."
        )
    faint = sum(region.reason == FAINT for region in regions)
    if faint:
        warnings.append(
            f"{faint} faint regions (maximum below {detection.minimum_contrast:g} times their surroundings) "
            "are listed but not contoured."
        )
    if not any(is_candidate(region) for region in regions):
        warnings.append(
            f"No lesion found at this threshold (SUV {detection.threshold_suv:g}); "
            "this does not mean no disease."
        )
    return warnings


def _lesion(
    lesion_id: str,
    pet: Image,
    regions: tuple[AvidRegion, ...],
    region: AvidRegion,
    settings: Settings,
    found: Change,
) -> Lesion:
    crop = lesion_crop(pet, regions, region, settings.contours)
    candidates = _on_common_box(
        tuple(delineate(crop, rule.name, rule.parameters) for rule in settings.contours.rules)
    )
    fusion = fuse([candidate.mask for candidate in candidates], settings.consensus.method)
    used = [candidates[n] for n in fusion.used]
    contour = Contour(
        mask=fusion.mask,
        source="consensus",
        method=fusion.method,
        inputs=tuple(candidate.rule for candidate in used),
        flags=tuple(sorted({flag for candidate in used for flag in candidate.flags})),
    )
    state = LesionState.PROPOSED if region.region_class is RegionClass.LESION else LesionState.UNDECIDED
    return Lesion(lesion_id, region, candidates, contour, state, (found,))


def _on_common_box(candidates: tuple[Delineation, ...]) -> tuple[Delineation, ...]:
    """The contours cropped to the box that holds them all, so that a case does not keep empty space."""
    boxes = [box for c in candidates if (box := bounding_box(c.mask.array, 1)) is not None]
    if not boxes:
        return candidates
    common: Box = tuple(
        slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True)
    )
    grid = candidates[0].mask.grid.crop(common)
    return tuple(replace(c, mask=Mask(c.mask.array[common].copy(), grid)) for c in candidates)
