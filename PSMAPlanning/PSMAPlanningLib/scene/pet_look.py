"""How the PET is shown in the slices: its SUV window, inverted gray or hot, over the CT or alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .volume_nodes import FUSION_COLORS, INVERTED_GRAY, show_pet

WINDOWS_SUV = (5.0, 10.0, 20.0)
"""Upper ends that are offered; the window begins at 0."""
_HOT_OVER_CT = 0.75
_GRAY_OVER_CT = 0.6


@dataclass(frozen=True)
class PetLook:
    """highest_suv: upper end of the window. is_inverted: dark uptake on white; else hot on black."""

    highest_suv: float = 10.0
    is_inverted: bool = False


def show_pet_look(scene: Any, pet: Any, ct: Any | None, look: PetLook) -> None:
    """Put the PET over the CT, or alone without one, into every slice view."""
    show_pet(pet, (0.0, look.highest_suv), INVERTED_GRAY if look.is_inverted else FUSION_COLORS)
    for composite in slice_composites(scene):
        former = composite.StartModify()
        composite.SetBackgroundVolumeID((ct or pet).GetID())
        composite.SetForegroundVolumeID(pet.GetID() if ct is not None else None)
        # Hot is added: where there is no uptake the CT keeps its brightness. Inverted gray would only
        # brighten it, so that is mixed.
        composite.SetCompositing(composite.Alpha if look.is_inverted else composite.Add)
        composite.SetForegroundOpacity(_GRAY_OVER_CT if look.is_inverted else _HOT_OVER_CT)
        composite.EndModify(former)


def slice_composites(scene: Any) -> list[Any]:
    """The nodes that say which volumes a slice view shows."""
    name = "vtkMRMLSliceCompositeNode"
    return [scene.GetNthNodeByClass(n, name) for n in range(scene.GetNumberOfNodesByClass(name))]
