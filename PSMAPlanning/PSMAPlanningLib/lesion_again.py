"""Lesions found or contoured anew: what people did to the former ones stays.

A new search starts from the PET alone. A lesion it finds at the peak of a former one keeps that one's id,
record, decision and stated region, and its contour where a person made it; lesions that a person added,
merged or split stay as they are, and what the search finds in their place goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .delineation.avid_regions import AvidRegion
from .errors import CaseError
from .lesion_contours import contour_by
from .lesion_finding import lesion_of_region, next_lesion_id
from .lesion_revision import HAND_MADE, THRESHOLD
from .records import CaseState, Change, Contour, Lesion

CHOSEN = "contour by "
"""What an entry of a lesion's record says when a user chose which contour it goes by, before its name."""
_SAME_PEAK_MM = 1e-3


def with_revisions(before: CaseState, after: CaseState, change: Change) -> CaseState:
    """The state after a new search, with what people did to the lesions before it.

    before: the state the search started from; after: what it found; change: the entry for its record.
    """
    made = [lesion for lesion in before.lesions if is_hand_made(lesion)]
    # What was found anew in the place of a lesion that a person made is that lesion, and with it the former
    # ones that a lower threshold has drawn into its region.
    taken = [region for region in after.regions if any(_overlap(region, m.region) for m in made)]
    drawn_in = [
        lesion
        for lesion in before.lesions
        if not is_hand_made(lesion) and any(_overlap(lesion.region, region) for region in taken)
    ]
    kept_regions = {id(region) for region in taken}
    regions = [region for region in after.regions if id(region) not in kept_regions]
    found = [lesion for lesion in after.lesions if id(lesion.region) not in kept_regions]
    made = _with_free_region_ids([*drawn_in, *made], regions)
    regions = (*regions, *(lesion.region for lesion in made))
    former = {_peak_key(lesion): lesion for lesion in before.lesions}
    for lesion in made:
        former.pop(_peak_key(lesion), None)
    state = replace(after, regions=regions, lesions=())
    lesions: list[Lesion] = []
    numbered = [*before.lesions]
    for lesion in found:
        match = former.get(_peak_key(lesion))
        if match is None:
            lesion = replace(lesion, id=next_lesion_id(numbered) if before.lesions else lesion.id)
            numbered.append(lesion)
        else:
            lesion = _continued(match, lesion, state, change)
        lesions.append(lesion)
    after_ids = {lesion.id for lesion in (*lesions, *made)}
    return replace(
        state,
        lesions=(*lesions, *made),
        finding_warnings=(*state.finding_warnings, *_not_found(before.lesions, after_ids)),
    )


def contoured_again(before: CaseState, after: CaseState, change: Change) -> CaseState:
    """The state after a new search with the same detection: every lesion contoured by the rules as they are.

    Raises CaseError when the search found other lesions than there are.
    """
    state = with_revisions(before, after, change)
    if {lesion.id for lesion in state.lesions} != {lesion.id for lesion in before.lesions} or not _same_sizes(
        before.lesions, state.lesions
    ):
        raise CaseError(
            "Detection was changed since the lesions were found, and would find others now; press Find "
            "lesions, or undo the change."
        )
    by_id = {lesion.id: lesion for lesion in state.lesions}
    lesions = [by_id[lesion.id] for lesion in before.lesions]
    for number, lesion in enumerate(lesions):
        if is_hand_made(lesion):
            anew = lesion_of_region(state, state.regions, lesion.region, lesion.id, change)
            lesions[number] = _continued(lesion, anew, state, change)
    return replace(state, lesions=tuple(lesions))


def is_hand_made(lesion: Lesion) -> bool:
    """Whether a person added, merged or split it."""
    return bool(HAND_MADE.intersection(lesion.region.flags))


def _not_found(before: Sequence[Lesion], after_ids: set[str]) -> list[str]:
    """A sentence about lesions that people had worked on and that the search does not find any more."""
    gone = [lesion for lesion in before if lesion.id not in after_ids and len(lesion.history) > 1]
    if not gone:
        return []
    names = ", ".join(f"{lesion.id} ({lesion.state.value})" for lesion in gone)
    return [f"Not found any more: {names}. Undo brings back what was decided about them."]


def _continued(former: Lesion, lesion: Lesion, state: CaseState, change: Change) -> Lesion:
    """A lesion as it was contoured anew, with record, decision and choices of the former one."""
    # The last entry of a rejected lesion's record tells why it was rejected.
    entry = replace(change, reason=former.rejection_reason)
    continued = replace(
        lesion,
        id=former.id,
        state=former.state if former.is_decided else lesion.state,
        history=(*former.history, entry),
        stated_region=former.stated_region,
    )
    return replace(continued, contour=_contour(former, continued, state))


def _contour(former: Lesion, lesion: Lesion, state: CaseState) -> Contour:
    """What a person drew or set stays; a candidate that was chosen is chosen again where there is one."""
    if former.is_hand_edited or former.contour.source == THRESHOLD:
        return former.contour
    chosen = [entry.what for entry in former.history if entry.what.startswith(CHOSEN)]
    if not chosen:
        return lesion.contour
    try:
        return contour_by(lesion, state, chosen[-1].removeprefix(CHOSEN))
    except CaseError:
        # The rule is not one of those chosen any more.
        return lesion.contour


def _with_free_region_ids(made: Sequence[Lesion], regions: Sequence[AvidRegion]) -> list[Lesion]:
    """Lesions a person made, whose regions have no id that a new one has."""
    used = {region.id for region in regions}
    kept = []
    for lesion in made:
        region_id, number = lesion.region.id, len(used)
        while region_id in used:
            number += 1
            region_id = f"R{number}"
        used.add(region_id)
        same = region_id == lesion.region.id
        kept.append(lesion if same else replace(lesion, region=replace(lesion.region, id=region_id)))
    return kept


def _overlap(a: AvidRegion, b: AvidRegion) -> bool:
    """Whether two regions of one PET share a voxel."""
    shared = tuple(
        slice(max(one.start, other.start), min(one.stop, other.stop))
        for one, other in zip(a.box, b.box, strict=True)
    )
    if any(s.start >= s.stop for s in shared):
        return False
    inside = [
        region.mask.array[
            tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(shared, region.box, strict=True))
        ]
        for region in (a, b)
    ]
    return bool(np.any(inside[0] & inside[1]))


def _peak_key(lesion: Lesion) -> tuple[int, ...]:
    """The hottest voxel: the same for two lesions of one PET when they are one focus."""
    return tuple(round(x / _SAME_PEAK_MM) for x in lesion.region.peak_ras)


def _same_sizes(before: Sequence[Lesion], after: Sequence[Lesion]) -> bool:
    voxels = {lesion.id: lesion.region.mask.voxels for lesion in after}
    return all(lesion.region.mask.voxels == voxels[lesion.id] for lesion in before)
