"""What is known about a lesion's contour and about the consensus of its candidates, kept or worked out anew.

A contour made by a rule carries its facts; one drawn by hand, or from a saved scene, gets them when they are
first asked for (some 30 ms for a node) and keeps them as long as it lives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from .delineation.contour_facts import ContourFacts, contour_facts
from .delineation.lesion_crop import LesionCrop, lesion_crop
from .delineation.psf import PointSpread, default_point_spread
from .imaging.image import Image, Mask
from .lesion_consensus import fuse_candidates
from .records import CandidateConsensus, CaseState, Contour, Lesion
from .settings import ContourSettings, Settings

_DEFAULT_FWHM_MM = default_point_spread().fwhm_mm
_facts: WeakKeyDictionary[Contour, tuple[Settings, Image, ContourFacts]] = WeakKeyDictionary()
_crops: WeakKeyDictionary[Image, list[tuple]] = WeakKeyDictionary()
_MOST_CROPS = 2
"""Kept of each PET: whoever edits a lesion needs its crop again after every stroke; one takes some MB."""
_consensus: WeakKeyDictionary[Lesion, tuple[Settings, Image, CandidateConsensus]] = WeakKeyDictionary()


def point_spread_of(settings: Settings) -> PointSpread:
    """The PET's resolution by the settings; the default says that it was not measured."""
    if settings.detection.fwhm_mm == _DEFAULT_FWHM_MM:
        return default_point_spread()
    return PointSpread(settings.detection.fwhm_mm, "entered", "from the settings")


def measured_facts(
    mask: Mask, crop: LesionCrop, pet: Image, settings: Settings, others: Sequence[Mask] = ()
) -> ContourFacts:
    """Facts about a contour of the lesion in `crop`; see `contour_facts`."""
    return contour_facts(mask, crop, pet, point_spread_of(settings), others)


def facts_of(lesion: Lesion, state: CaseState) -> ContourFacts:
    """Facts about the contour that a lesion of this state goes by; the state must have a PET.

    Raises RuleError when no part of the contour lies on the PET.
    """
    contour = lesion.contour
    if contour.facts is not None:
        return contour.facts
    kept = _facts.get(contour)
    if kept is not None and kept[0] == state.settings and kept[1] is state.pet:
        return kept[2]
    crop = crop_of(lesion, state)
    others = [candidate.mask for candidate in lesion.candidates]
    facts = measured_facts(contour.mask, crop, state.pet, state.settings, others)
    _facts[contour] = (state.settings, state.pet, facts)
    return facts


def consensus_of(lesion: Lesion, state: CaseState) -> CandidateConsensus | None:
    """The consensus of a lesion's candidates; None for a lesion without any."""
    if lesion.consensus is not None or not lesion.candidates:
        return lesion.consensus
    kept = _consensus.get(lesion)
    if kept is not None and kept[0] == state.settings and kept[1] is state.pet:
        return kept[2]
    answer = fuse_candidates(lesion.candidates, state.settings.consensus, state.pet)
    _consensus[lesion] = (state.settings, state.pet, answer)
    return answer


def crop_of(lesion: Lesion, state: CaseState) -> LesionCrop:
    """The lesion's surroundings on fine voxels, wide enough for its contour; some 10 ms for a node."""
    regions = state.regions
    region = next((each for each in regions if each.id == lesion.region.id), None)
    if region is None:
        region, regions = lesion.region, (lesion.region,)
    settings = _reaching(state.settings.contours, lesion, state.pet)
    recent = _crops.setdefault(state.pet, [])
    for known_region, known_regions, known_settings, crop in recent:
        if known_region is region and known_regions is regions and known_settings == settings:
            return crop
    crop = lesion_crop(state.pet, regions, region, settings)
    recent.insert(0, (region, regions, settings, crop))
    del recent[_MOST_CROPS:]
    return crop


def _reaching(settings: ContourSettings, lesion: Lesion, pet: Image) -> ContourSettings:
    if lesion.contour.mask.is_empty:
        return settings
    corners = pet.grid.kji_of(lesion.contour.mask.cropped().grid.corners_ras())
    box = lesion.region.box
    beyond = np.maximum(
        [s.start for s in box] - corners.min(axis=0), corners.max(axis=0) - [s.stop for s in box]
    )
    needed_mm = math.ceil(float((beyond * pet.grid.spacing_kji_mm).max())) + 2.0
    largest_mm = 200.0
    return replace(settings, crop_margin_mm=min(max(settings.crop_margin_mm, needed_mm), largest_mm))
