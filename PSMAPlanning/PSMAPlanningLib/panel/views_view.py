"""What the panel shows of Slicer's views, in codes and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..scene.pet_look import PetLook
    from ..scene.rotating_mip import MipOutline, RotatingMip

PELVIS, BODY, LESION = "pelvis", "body", "lesion"


@dataclass(frozen=True, eq=False)
class ViewsView:
    """look: how the PET is shown, None as the user left it. targets: what the views can be brought to.

    has_context: whether bones, or the body's outline, are shown in 3D; context_is_coming: being worked out.
    mip, outlines: the projections, None while they are worked out, and the lesions to outline in them.
    """

    look: PetLook | None = None
    targets: frozenset[str] = frozenset()
    has_context: bool = False
    context_is_coming: bool = False
    mip: RotatingMip | None = None
    outlines: tuple[MipOutline, ...] = ()
