"""What a click on the PET means: a lesion that is there, a new one, or nothing, and then why.

Unlike `lesion_finding.lesion_at`, which takes whatever stands out at a point that somebody chose with care, a
click is refused on normal uptake and below the detection threshold: it may have missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .delineation.avid_regions import AvidRegion, RegionClass
from .delineation.seeded_regions import region_at
from .errors import CaseError, RuleError
from .records import CaseState, Lesion, Point

_NEVERTHELESS = "if it is a lesion nevertheless, put the crosshair there and press Add at crosshair"


@dataclass(frozen=True)
class Aim:
    """A point on the PET: the avid region it means, and whose that is; lesion None for nobody's yet."""

    region: AvidRegion
    lesion: Lesion | None


def lesion_clicked(state: CaseState, point_ras: Point) -> str | None:
    """The id of the lesion that lies at a point; None where a new one can be contoured.

    Raises CaseError, with why in one sentence, without a PET, outside it, where nothing stands out or reaches
    the detection threshold, and on normal uptake.
    """
    inside = _lesion_around(state, point_ras)
    if inside is not None:
        return inside.id
    aim = aim_at(state, point_ras)
    if aim.lesion is not None:
        return aim.lesion.id
    require_lesion_uptake(state, aim.region)
    return None


def _lesion_around(state: CaseState, point_ras: Point) -> Lesion | None:
    """The lesion whose contour holds the point."""
    point = np.array(point_ras, dtype=float)
    if not np.isfinite(point).all():
        return None
    for lesion in state.lesions:
        mask = lesion.contour.mask
        kji = np.rint(mask.grid.kji_of(point)).astype(int)
        if ((kji >= 0) & (kji < mask.array.shape)).all() and mask.array[tuple(kji)]:
            return lesion
    return None


def aim_at(state: CaseState, point_ras: Point) -> Aim:
    """What lies at a point (RAS mm); raises CaseError outside the PET and where nothing stands out."""
    if state.pet is None:
        raise CaseError("There is no PET to grow a lesion on; choose one first.")
    point = np.array(point_ras, dtype=float)
    if not np.isfinite(point).all() or not state.pet.grid.holds(point):
        raise CaseError("The click lies outside the PET; click on a focus of uptake.")
    try:
        region = region_at(state.pet, state.regions, tuple(point_ras))
    except RuleError:
        raise CaseError("Nothing stands out where you clicked; click on a focus of uptake.") from None
    owner = next((each for each in state.lesions if region.id and each.region.id == region.id), None)
    return Aim(region, owner)


def require_lesion_uptake(state: CaseState, region: AvidRegion) -> None:
    """Raise CaseError for a region of normal uptake, or one below the detection threshold."""
    if region.region_class is RegionClass.PHYSIOLOGIC:
        organ = (region.reason or "").partition(":")[2].replace("_", " ")
        what = f"normal uptake of the {organ}" if organ else "normal uptake"
        raise CaseError(f"This is {what}; {_NEVERTHELESS}.")
    threshold_suv = detection_threshold_suv(state)
    if region.suv_max < threshold_suv:
        raise CaseError(
            f"The uptake where you clicked reaches SUV {region.suv_max:.2f}, below the detection threshold "
            f"of {threshold_suv:.2f}; {_NEVERTHELESS}."
        )


def detection_threshold_suv(state: CaseState) -> float:
    """Of the last search, else that of the settings."""
    found = state.detection_threshold
    return state.settings.detection.threshold_suv if found is None else found.lowest_suv
