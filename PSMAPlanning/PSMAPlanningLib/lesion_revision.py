"""What people change about the list of lesions: merge, split, delete, and which contour one goes by.

Each function makes a new state of an old one; who did it and when comes as a `Change`. A lesion that the
search found is never deleted, only rejected with a reason, so that no uptake leaves the list in silence;
one that a user added by hand can be taken out again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from .consensus.common_grid import on_common_grid
from .delineation.avid_regions import AvidRegion, part_of
from .delineation.lesion_crop import LesionCrop
from .delineation.rules import delineate
from .delineation.saddle_split import parts_at_saddles
from .delineation.seeded_regions import BELOW_THRESHOLD
from .errors import CaseError, PlanningError, RuleError
from .imaging.grid import Box
from .imaging.image import Image, Mask
from .lesion_contours import contour_by
from .lesion_detection import DELETED
from .lesion_facts import crop_of, measured_facts
from .lesion_finding import BY_HAND, lesion_of_region, next_lesion_id
from .records import CaseState, Change, Contour, Lesion, LesionState

MERGED, SPLIT = "merged_by_hand", "split_by_hand"
HAND_MADE = frozenset({BY_HAND, MERGED, SPLIT})
"""Flags of regions that a person made; a new search keeps them."""
THRESHOLD = "threshold"
"""Source of a contour by a threshold that was set for one lesion."""
_SURFACE_POINTS = 4000


def is_added_by_hand(lesion: Lesion) -> bool:
    """Whether no part of the lesion came from the search, so that it may be deleted."""
    return BY_HAND in lesion.region.flags


def merged(state: CaseState, lesion_ids: Sequence[str], change: Change) -> CaseState:
    """The state with several lesions made one, under the id of the first of the list.

    It goes by the union of their contours; contours by the rules are its candidates. The decision stays when
    it was the same for all, else the lesion is proposed again. Raises CaseError for fewer than two, and for
    lesions farther apart than a rule looks around a lesion.
    """
    wanted = set(lesion_ids)
    chosen = [lesion for lesion in state.lesions if lesion.id in wanted]
    if len(chosen) < 2 or len(chosen) != len(wanted):
        raise CaseError("Select two lesions or more of the table to merge them.")
    _require_near(chosen, state)
    region = _united_region([lesion.region for lesion in chosen], state.pet)
    first = chosen[0]
    regions = _with_regions(state.regions, [lesion.region for lesion in chosen], [region])
    contoured = lesion_of_region(state, regions, region, first.id, change)
    decisions = {lesion.state for lesion in chosen}
    is_stated_alike = all(lesion.stated_region == first.stated_region for lesion in chosen)
    history = [entry for lesion in chosen for entry in lesion.history]
    # The last entry of a rejected lesion's record tells why it was rejected.
    entry = replace(change, reason=first.rejection_reason if len(decisions) == 1 else None)
    lesion = replace(
        contoured,
        contour=_drawn(united([lesion.contour.mask for lesion in chosen]), "merged"),
        state=decisions.pop() if len(decisions) == 1 else LesionState.PROPOSED,
        history=(*sorted(history, key=lambda each: each.when), entry),
        stated_region=first.stated_region if is_stated_alike else None,
    )
    kept = [
        lesion if each is first else each for each in state.lesions if each is first or each.id not in wanted
    ]
    return replace(state, regions=regions, lesions=tuple(kept))


def split(state: CaseState, lesion_id: str, change: Change) -> CaseState:
    """The state with a lesion cut along the saddles of its uptake; the hottest part keeps its id.

    The parts together are the contour it went by; decision and stated region go to all of them. Raises
    CaseError when the uptake has one peak only, or a part is smaller than a voxel of the PET.
    """
    former = _lesion(state, lesion_id)
    try:
        parts = parts_at_saddles(state.pet, former.contour.mask)
    except RuleError as error:
        raise CaseError(f"Lesion {lesion_id}: {error}") from None
    pieces = _region_pieces(former.region, parts, state.pet)
    free = _free_region_ids(state.regions)
    named = [
        replace(pieces[0], id=former.region.id),
        *(replace(piece, id=next(free)) for piece in pieces[1:]),
    ]
    regions = _with_regions(state.regions, [former.region], named)
    entry = replace(change, reason=former.rejection_reason)
    lesions = list(state.lesions)
    for number, (region, part) in enumerate(zip(named, parts, strict=True)):
        part_id = lesion_id if number == 0 else next_lesion_id(lesions)
        lesion = replace(
            lesion_of_region(state, regions, region, part_id, change),
            contour=_drawn(part, "split"),
            state=former.state,
            history=(*former.history, entry),
            stated_region=former.stated_region,
        )
        if number == 0:
            position = lesions.index(former)
            lesions[position] = lesion
        else:
            position += 1
            lesions.insert(position, lesion)
    return replace(state, regions=regions, lesions=tuple(lesions))


def deleted(state: CaseState, lesion_id: str) -> CaseState:
    """The state without a lesion that was added by hand; raises CaseError for one that the search found."""
    lesion = _lesion(state, lesion_id)
    if not is_added_by_hand(lesion):
        raise CaseError(
            f"Lesion {lesion_id} was found in the PET and cannot be deleted; reject it with a reason instead."
        )
    flags = tuple(flag for flag in lesion.region.flags if flag not in HAND_MADE)
    back = replace(lesion.region, reason=DELETED, flags=flags)
    regions = _with_regions(
        state.regions, [lesion.region], [] if BELOW_THRESHOLD in lesion.region.flags else [back]
    )
    return replace(
        state, regions=regions, lesions=tuple(each for each in state.lesions if each is not lesion)
    )


def going_by(state: CaseState, lesion_id: str, name: str, change: Change) -> Lesion:
    """The lesion going by "consensus" or by one of its candidates; raises CaseError for any other name."""
    lesion = _lesion(state, lesion_id)
    return _with_contour(lesion, contour_by(lesion, state, name), change)


def at_threshold(state: CaseState, lesion_id: str, threshold_suv: float, change: Change) -> Lesion:
    """The lesion going by what is at or above a threshold (SUV) and connected to its hottest voxel.

    Raises CaseError when nothing is.
    """
    lesion = _lesion(state, lesion_id)
    crop = crop_of(lesion, state)
    contour = threshold_contour(crop, threshold_suv)
    if contour.mask.is_empty:
        raise CaseError(
            f"Nothing of lesion {lesion_id} reaches SUV {threshold_suv:g}; its hottest voxel has "
            f"{crop.suv_max:.2f}."
        )
    facts = measured_facts(contour.mask, crop, state.pet, state.settings, [c.mask for c in lesion.candidates])
    flags = tuple(sorted({*contour.flags, *facts.flags}))
    return _with_contour(lesion, replace(contour, facts=facts, flags=flags), change)


def threshold_contour(crop: LesionCrop, threshold_suv: float) -> Contour:
    """What of a lesion's crop is at or above a threshold (SUV) and connected to its hottest voxel."""
    try:
        found = delineate(crop, "fixed_suv", {"suv": threshold_suv})
    except RuleError as error:
        raise CaseError(str(error)) from None
    return Contour(found.mask.cropped(1), THRESHOLD, None, threshold_suv, flags=found.flags)


def _with_contour(lesion: Lesion, contour: Contour, change: Change) -> Lesion:
    # The last entry of a rejected lesion's record tells why it was rejected.
    return lesion.with_contour(contour, replace(change, reason=lesion.rejection_reason))


def _lesion(state: CaseState, lesion_id: str) -> Lesion:
    for lesion in state.lesions:
        if lesion.id == lesion_id:
            return lesion
    raise CaseError(f"There is no lesion {lesion_id!r} in this case; its list may have been recomputed.")


def _drawn(mask: Mask, flag: str) -> Contour:
    """A contour that a person made, which nothing automatic replaces."""
    return Contour(mask.cropped(), "hand", flags=(flag,))


def united(masks: Sequence[Mask]) -> Mask:
    """All voxels of several masks, on a grid that holds them; raises CaseError where there is none."""
    try:
        common = on_common_grid(masks)
    except PlanningError as error:
        raise CaseError(str(error)) from None
    return Mask(np.logical_or.reduce([mask.array for mask in common.masks]), common.grid)


def _require_near(chosen: Sequence[Lesion], state: CaseState) -> None:
    """Each lesion must touch the others within what a rule sees around one lesion."""
    reach_mm = state.settings.contours.crop_margin_mm
    trees = [cKDTree(_thinned(lesion.contour.mask.points_ras())) for lesion in chosen]
    joined, waiting = [trees[0]], list(zip(chosen[1:], trees[1:], strict=True))
    while waiting:
        gaps = [min(float(tree.query(other.data)[0].min()) for other in joined) for _, tree in waiting]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] > reach_mm:
            raise CaseError(
                f"Lesion {waiting[nearest][0].id} lies {gaps[nearest]:.0f} mm from the others; lesions more "
                f"than {reach_mm:g} mm apart are not one focus and stay separate."
            )
        joined.append(waiting.pop(nearest)[1])


def _thinned(points: np.ndarray) -> np.ndarray:
    return points[:: max(1, len(points) // _SURFACE_POINTS)]


def _united_region(regions: Sequence[AvidRegion], pet: Image) -> AvidRegion:
    """The regions as one, named after the first of them."""
    box: Box = tuple(
        slice(min(s.start for s in axis), max(s.stop for s in axis))
        for axis in zip(*(region.box for region in regions), strict=True)
    )
    inside = np.zeros(tuple(s.stop - s.start for s in box), dtype=bool)
    for region in regions:
        inside[
            tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(region.box, box, strict=True))
        ] |= region.mask.array
    first = regions[0]
    whole = part_of(replace(first, box=box, mask=Mask(inside, pet.grid.crop(box))), inside, pet)
    flags = {flag for region in regions for flag in region.flags} - {BY_HAND}
    if all(BY_HAND in region.flags for region in regions):
        flags.add(BY_HAND)
    return replace(
        whole,
        id=first.id,
        region_class=first.region_class,
        reason=first.reason,
        flags=tuple(sorted({*flags, *whole.flags, MERGED})),
    )


def _region_pieces(region: AvidRegion, parts: Sequence[Mask], pet: Image) -> list[AvidRegion]:
    """The voxels of a region shared out to the nearest of the parts, one piece for each."""
    voxels = np.argwhere(region.mask.array)
    centres = region.mask.grid.ras_of(voxels)
    distances = np.stack([cKDTree(part.points_ras()).query(centres)[0] for part in parts])
    nearest = distances.argmin(axis=0)
    pieces = []
    for number in range(len(parts)):
        own = voxels[nearest == number]
        if len(own) == 0:
            raise CaseError("A part would be smaller than a voxel of the PET; draw it by hand instead.")
        inside = np.zeros(region.mask.array.shape, dtype=bool)
        inside[tuple(own.T)] = True
        piece = part_of(region, inside, pet)
        flags = tuple(sorted({*region.flags, *piece.flags, SPLIT}))
        pieces.append(replace(piece, region_class=region.region_class, reason=region.reason, flags=flags))
    return pieces


def _with_regions(
    regions: tuple[AvidRegion, ...], gone: Sequence[AvidRegion], come: Sequence[AvidRegion]
) -> tuple[AvidRegion, ...]:
    """The regions with others in the place of the first that goes; told apart by their ids."""
    ids = {region.id for region in gone}
    position = next((n for n, region in enumerate(regions) if region.id in ids), len(regions))
    before = [region for region in regions[:position] if region.id not in ids]
    after = [region for region in regions[position:] if region.id not in ids]
    return (*before, *come, *after)


def _free_region_ids(regions: Sequence[AvidRegion]) -> Iterator[str]:
    used = {region.id for region in regions}
    number = len(regions)
    while True:
        number += 1
        if f"R{number}" not in used:
            yield f"R{number}"
