"""Lesions contoured again by other rules, with what people decided about them kept."""

from __future__ import annotations

from ..lesion_again import contoured_again
from ..lesion_finding import find_lesions
from ..progress import Stage
from ..records import CaseState, Change


def contour_again(state: CaseState, change: Change, stage: Stage) -> CaseState:
    """The state with every lesion contoured and fused by its settings as they are now.

    Decisions stay, and contours drawn by hand stay what their lesions go by.
    Raises CaseError when the settings would find other lesions than there are.
    """
    return contoured_again(state, find_lesions(state, change, stage), change)
