"""Reference regions for a patient: from masks, else from spheres proposed by what the PET itself shows.

A proposal is a place to start from: its source says "proposed" until the user has moved or confirmed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..errors import RuleError
from ..imaging.image import Image, Mask
from ..imaging.resampling import values_at
from .body_frame import BodyFrame
from .organ_search import OrganByPosition
from .position_rules import organs_by_position
from .reference_regions import (
    PROPOSED,
    REFERENCE_KINDS,
    ReferenceRegion,
    proposed_sphere,
    reference_from_mask,
    reference_from_sphere,
)

_ORGAN_OF = {"liver": "liver", "spleen": "spleen", "parotid": "parotid_gland_right"}
_LOWER_THRESHOLD = 0.5
_BUTTOCK_ABOVE_CROTCH_MM = 110.0
_BUTTOCK_ASIDE = 0.45
_BUTTOCK_DEEP_MM = (20.0, 70.0)
_AORTA_LEFT_MM = 10.0
_AORTA_BEFORE_KIDNEYS_MM = 45.0
"""The abdominal aorta runs left of the midline, in front of the spine, at the kidneys' level."""


def reference_regions(
    pet: Image,
    anatomy: Mapping[str, Mask],
    placed: Mapping[str, tuple[tuple[float, float, float], float]] | None = None,
    organs: Sequence[OrganByPosition] | None = None,
    frame: BodyFrame | None = None,
    threshold_suv: float = 3.0,
    go_on: Callable[[], None] = lambda: None,
) -> dict[str, ReferenceRegion]:
    """Every reference region there is a mask, a placed sphere or a proposal for, by name.

    placed: centre (RAS mm) and radius (mm) of spheres the user moved; they go before masks.
    organs, frame: of `organs_by_position`, which is asked when they are not given and a mask is missing.
    """
    placed = placed or {}
    found: dict[str, ReferenceRegion] = {}
    missing = []
    for name in REFERENCE_KINDS:
        if name in placed:
            found[name] = reference_from_sphere(pet, name, *placed[name])
        elif (region := _of_mask(pet, name, anatomy)) is not None:
            found[name] = region
        else:
            missing.append(name)
    if missing and (organs is None or frame is None):
        frame, organs = organs_by_position(pet, threshold_suv, go_on=go_on)
    if {"liver", "spleen"} & set(missing) and "liver" not in {organ.name for organ in organs or ()}:
        # A liver below the threshold is none of the avid organs, and a reference all the same.
        lower = organs_by_position(pet, _LOWER_THRESHOLD * threshold_suv, go_on=go_on)[1]
        organs = (*(organs or ()), *(organ for organ in lower if organ.name in ("liver", "spleen")))
    for name in missing:
        region = proposal(pet, name, organs or (), frame)
        if region is not None:
            found[name] = region
    return {name: found[name] for name in REFERENCE_KINDS if name in found}


def proposal(
    pet: Image, name: str, organs: Sequence[OrganByPosition], frame: BodyFrame | None
) -> ReferenceRegion | None:
    """A proposed sphere; None where the PET shows no place for it."""
    by_name = {organ.name: organ for organ in organs}
    if frame is None:
        return None
    if name in _ORGAN_OF:
        organ = by_name.get(_ORGAN_OF[name])
        if organ is None:
            return None
        centre, radius_mm = proposed_sphere(pet, name, organ.mask)
    else:
        place = _gluteus(pet, frame) if name == "gluteus" else _aorta(by_name, frame)
        if place is None:
            return None
        centre, radius_mm = place, REFERENCE_KINDS[name].radius_mm
    try:
        region = reference_from_sphere(pet, name, centre, radius_mm, PROPOSED)
    except RuleError:
        # A place outside the PET is no proposal.
        return None
    note = f"{name}: the sphere is proposed from the PET alone; look at it and move it where needed."
    return replace(region, warnings=(note, *region.warnings))


def _of_mask(pet: Image, name: str, anatomy: Mapping[str, Mask]) -> ReferenceRegion | None:
    if not any(organ in anatomy for group in REFERENCE_KINDS[name].organs for organ in group):
        return None
    try:
        return reference_from_mask(pet, name, anatomy)
    except RuleError:
        # An organ outside the PET's field of view is no reference.
        return None


def _gluteus(pet: Image, frame: BodyFrame) -> tuple[float, float, float] | None:
    """In the right buttock, at the depth under the skin with most uptake: muscle has more than fat."""
    if frame.crotch_mm is None:
        return None
    level_mm = frame.crotch_mm + _BUTTOCK_ABOVE_CROTCH_MM
    k = frame.level(level_mm)
    right_mm = float(frame.midline_mm[k] + _BUTTOCK_ASIDE * frame.half_width_mm)
    depths_mm = np.arange(*_BUTTOCK_DEEP_MM, 5.0)
    places = np.array([(right_mm, frame.back_mm[k] + depth, level_mm) for depth in depths_mm])
    around = np.array([(r, a, s) for r in (-6, 0, 6) for a in (-6, 0, 6) for s in (-6, 0, 6)], dtype=float)
    suv = np.array([float(np.mean(values_at(pet, place + around))) for place in places])
    usable = np.isfinite(suv) & (suv < 2.0 * frame.soft_suv)
    if not usable.any():
        return None
    return tuple(float(x) for x in places[int(np.where(usable, suv, -np.inf).argmax())])


def _aorta(organs: Mapping[str, OrganByPosition], frame: BodyFrame) -> tuple[float, float, float] | None:
    if not {"kidney_right", "kidney_left"} <= set(organs):
        return None
    kidneys = [np.array(organs[f"kidney_{side}"].mask.centroid_ras()) for side in ("right", "left")]
    middle = (kidneys[0] + kidneys[1]) / 2
    k = frame.level(float(middle[2]))
    return (
        float(frame.midline_mm[k] - _AORTA_LEFT_MM),
        float(middle[1] + _AORTA_BEFORE_KIDNEYS_MM),
        float(middle[2]),
    )
