"""What is avid in a case's PET, what of it is contoured, and what was not seen: the search before contouring.

Nothing is deleted: a region that is not contoured stays in the case's list with its reason, and a click
(`lesion_finding.lesion_at`) makes a lesion of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .delineation.avid_regions import AvidRegion, AvidRegions, RegionClass
from .delineation.body_frame import BodyFrame, body_frame
from .delineation.detectability import Detectability, detectability
from .delineation.detection_threshold import DetectionThreshold, detect_regions
from .delineation.faint_foci import FaintFoci, faint_foci
from .delineation.physiologic import BEYOND, FAINT, classify_regions
from .delineation.position_rules import organs_by_position
from .delineation.reference_proposals import reference_regions
from .delineation.reference_regions import ReferenceRegion
from .imaging.grid import grow_box
from .imaging.image import Image
from .lesion_facts import point_spread_of
from .progress import Stage
from .records import CaseState
from .settings import Settings

PHYSIOLOGIC, RIM, FEW_VOXELS = "physiologic", "rim", "few_voxels"
DELETED = "deleted_by_hand"
"""Reason of a region whose lesion a user had added and took out again."""
_RIM_MAY_RECUR = ("urinary_bladder",)
"""A recurrence behind the bladder often has no maximum of its own: what reaches beyond it is contoured."""
_FEW_VOXELS = 3
_BARELY_ABOVE = 1.15
"""Of the threshold. A 6 mm node of SUV 10 peaks at 3.6 (6 mm FWHM), 1.2 thresholds, and is contoured."""


@dataclass(frozen=True, eq=False)
class Search:
    """What the search found.

    settings: those of the case with the threshold in SUV that the detection method gave; regions: classified,
    with the flag "rim" or "few_voxels" where that keeps an undecided one from being contoured.
    """

    avid: AvidRegions
    threshold: DetectionThreshold
    settings: Settings
    regions: tuple[AvidRegion, ...]
    references: Mapping[str, ReferenceRegion]
    foci: FaintFoci
    seen: Detectability


def search(state: CaseState, stage: Stage) -> Search:
    """Avid regions with their classes, reference regions, faint foci and what is too small to be seen.

    Raises RuleError when the detection method needs a reference region that is not there.
    """

    def going(fraction: float, doing: str) -> Callable[[], None]:
        return lambda: stage.report(fraction, doing)

    pet, placed = state.pet, state.reference_spheres
    stage.report(0.0, "finding avid regions")
    detection = detect_regions(
        pet,
        state.settings.detection,
        state.anatomy,
        state.ct,
        placed=placed,
        go_on=going(0.0, "finding avid regions"),
    )
    settings = replace(state.settings, detection=detection.settings)
    threshold_suv = detection.settings.threshold_suv
    classified = classify_regions(
        detection.avid.regions, state.anatomy, pet, settings, going(0.3, "classifying"), ct=state.ct
    )
    regions = tuple(_flagged(region, pet, threshold_suv) for region in classified)
    measuring = going(0.6, "measuring reference regions")
    frame, organs = organs_by_position(pet, threshold_suv, state.ct, measuring)
    references = reference_regions(pet, state.anatomy, placed, organs, frame, threshold_suv, measuring)
    foci = faint_foci(pet, regions, threshold_suv, go_on=going(0.8, "looking for faint foci"))
    seen = detectability(threshold_suv, point_spread_of(settings), background_suv(frame, threshold_suv))
    return Search(
        avid=detection.avid,
        threshold=detection.threshold,
        settings=settings,
        regions=regions,
        # What the threshold was taken from is what is shown.
        references={**references, **detection.references},
        foci=foci,
        seen=seen,
    )


def why_not_contoured(region: AvidRegion) -> str | None:
    """The code of why a region is no candidate for a lesion; None when it is contoured."""
    if region.region_class is RegionClass.PHYSIOLOGIC:
        return PHYSIOLOGIC
    if region.reason in (FAINT, DELETED):
        return region.reason
    return next((code for code in (RIM, FEW_VOXELS) if code in region.flags), None)


def body_background_suv(pet: Image, threshold_suv: float) -> float:
    """The body's median uptake; 0 where no body is made out or it is avid itself."""
    return background_suv(body_frame(pet), threshold_suv)


def background_suv(frame: BodyFrame | None, threshold_suv: float) -> float:
    """The median uptake of a body; 0 where none is made out or it is avid itself."""
    return 0.0 if frame is None or frame.soft_suv >= threshold_suv else frame.soft_suv


def _flagged(region: AvidRegion, pet: Image, threshold_suv: float) -> AvidRegion:
    """The region, with the reason why it is not contoured where it has one that is not its class."""
    if region.region_class is not RegionClass.UNDECIDED or region.reason == FAINT:
        return region
    if _is_rim(region, pet):
        return replace(region, flags=(*region.flags, RIM))
    if region.mask.voxels < _FEW_VOXELS and region.suv_max < _BARELY_ABOVE * threshold_suv:
        return replace(region, flags=(*region.flags, FEW_VOXELS))
    return region


def _is_rim(region: AvidRegion, pet: Image) -> bool:
    """Whether a piece beyond an organ has no maximum of its own: its uptake only falls away from the organ.

    In ten digital patients without organ masks all lesions had a maximum of their own.
    """
    reason = region.reason or ""
    if not reason.startswith(BEYOND) or reason.removeprefix(BEYOND) in _RIM_MAY_RECUR:
        return False
    peak = np.rint(pet.grid.kji_of(np.array(region.peak_ras))).astype(int)
    at_peak = tuple(slice(int(n), int(n) + 1) for n in peak)
    around = pet.array[grow_box(at_peak, (1, 1, 1), pet.grid.shape_kji)]
    return bool(np.nanmax(np.where(np.isposinf(around), np.nan, around)) > region.suv_max)
