"""Lesions contoured again by other rules, with what people decided about them kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import CaseError
from ..lesion_finding import find_lesions
from ..progress import Stage
from ..records import CaseState, Change, Lesion

_SAME_PEAK_MM = 1e-3


def contour_again(state: CaseState, change: Change, stage: Stage) -> CaseState:
    """The state with every lesion contoured and fused by its settings as they are now.

    Decisions stay, and contours drawn by hand stay what their lesions go by.
    Raises CaseError when the settings would find other lesions than there are.
    """
    after = find_lesions(state, change, stage)
    former = {lesion.id: lesion for lesion in state.lesions}
    are_same = list(former) == [lesion.id for lesion in after.lesions] and all(
        _is_same(former[lesion.id], lesion) for lesion in after.lesions
    )
    if not are_same:
        raise CaseError(
            "Detection was changed since the lesions were found, and would find others now; press Find "
            "lesions, or undo the change."
        )
    lesions = tuple(_kept(former[lesion.id], lesion, change) for lesion in after.lesions)
    return replace(after, lesions=lesions)


def _is_same(former: Lesion, lesion: Lesion) -> bool:
    distance = np.linalg.norm(np.subtract(former.region.peak_ras, lesion.region.peak_ras))
    same_size = former.region.mask.voxels == lesion.region.mask.voxels
    return bool(distance < _SAME_PEAK_MM) and same_size


def _kept(former: Lesion, lesion: Lesion, change: Change) -> Lesion:
    contour = former.contour if former.is_hand_edited else lesion.contour
    # The last entry of a rejected lesion's record tells why it was rejected.
    entry = replace(change, reason=former.rejection_reason)
    return replace(lesion, contour=contour, state=former.state, history=(*former.history, entry))
