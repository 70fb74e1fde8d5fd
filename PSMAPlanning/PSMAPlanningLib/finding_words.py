"""What a search for lesions has to say, in sentences, for the case, the commands and the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .delineation.avid_regions import (
    ABOVE_MAXIMUM,
    CUT_BY_FIELD_OF_VIEW,
    NOT_FINITE,
    NOTHING_ABOVE_ZERO,
    AvidRegion,
    AvidRegions,
)
from .delineation.detectability import nothing_found_sentence
from .delineation.detection_threshold import needed_references
from .delineation.physiologic import FAINT
from .delineation.rule_numbers import is_liver_based
from .imaging.suv import SuvConversion
from .imaging.tracers import liver_threshold_warning
from .lesion_detection import FEW_VOXELS, RIM, Search, why_not_contoured

_AVID = {
    NOT_FINITE: "The PET holds voxels that are no number (NaN or infinity); they count as not avid.",
    ABOVE_MAXIMUM: "Nothing in the PET reaches the threshold of SUV {threshold:g}.",
    NOTHING_ABOVE_ZERO: "The PET holds no value above zero; check that it is the right image.",
}


def avid_sentences(
    codes: Iterable[str], threshold_suv: float, regions: Sequence[AvidRegion] = ()
) -> list[str]:
    """The codes of `AvidRegions.warnings` in sentences.

    regions: of the search; those that are contoured and that the edge of the image cuts are named.
    """
    said = [_AVID[code].format(threshold=threshold_suv) for code in codes if code in _AVID]
    contoured = (region for region in regions if why_not_contoured(region) is None)
    cut = [region.id for region in contoured if CUT_BY_FIELD_OF_VIEW in region.flags]
    if CUT_BY_FIELD_OF_VIEW in codes and cut:
        touch = "touches" if len(cut) == 1 else "touch"
        said.append(f"{', '.join(cut)} {touch} the edge of the PET; volumes there are lower bounds.")
    return said


def search_sentences(found: Search) -> list[str]:
    """What to beware of in what was found, and what was left aside."""
    detection, regions = found.settings.detection, found.regions
    why = [why_not_contoured(region) for region in regions]
    said = avid_sentences(found.avid.warnings, detection.threshold_suv, regions)
    said += left_out_sentences(found.avid, detection.minimum_volume_ml)
    if FAINT in why:
        said.append(
            f"{_regions(why.count(FAINT))} with a maximum below {detection.minimum_contrast:g} times the "
            "surroundings (faint): listed, not contoured."
        )
    if RIM in why:
        said.append(
            f"{_regions(why.count(RIM))} at the rim of organs without a maximum of their own: listed as "
            "undecided, not contoured."
        )
    if FEW_VOXELS in why:
        said.append(
            f"{_regions(why.count(FEW_VOXELS))} of one or two voxels barely above the threshold: listed as "
            "undecided, not contoured."
        )
    if None not in why:
        said.append(nothing_found_sentence(detection.threshold_suv))
    return said


def left_out_sentences(avid: AvidRegions, minimum_volume_ml: float) -> list[str]:
    """What was too small for the list, by the settings."""
    if not avid.left_out:
        return []
    return [f"{avid.left_out} regions smaller than {minimum_volume_ml:g} mL were left out."]


def tracer_sentences(suv: SuvConversion | None, method: str, rules: Iterable[str]) -> list[str]:
    """Where a threshold is taken from a liver that excretes the tracer.

    method: of detection; rules: names of those that contour.
    """
    from_liver = "liver" in needed_references(method) or any(is_liver_based(name) for name in rules)
    warning = liver_threshold_warning(suv.tracer_facts) if suv is not None and from_liver else None
    return [] if warning is None else [warning]


def _regions(count: int) -> str:
    return "1 region" if count == 1 else f"{count} regions"
