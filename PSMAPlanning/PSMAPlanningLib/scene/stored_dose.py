"""The doses of a case in volume nodes, in Gy, and back; what nodes cannot hold of them is in the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import SceneError
from ..imaging.image import Image
from .owned_nodes import COMPARISON_DOSE, DOSE
from .taken_images import Taken
from .volume_nodes import show_pet

if TYPE_CHECKING:
    from ..records import CaseState

DOSE_ROLES = (DOSE, COMPARISON_DOSE)
_FIELDS = {DOSE: ("dose", "dose"), COMPARISON_DOSE: ("comparison_dose", "dose of the other plan")}
"""By role: the field of a state, and its name to people."""
_COLORS = "vtkMRMLColorTableNodeRainbow"


def dose_document(state: CaseState) -> dict[str, Any]:
    """Which doses a state has, with their frames of reference; `read_doses` takes it back."""
    return {field: _described(getattr(state, field)) for field, _ in _FIELDS.values()}


def show_dose(image: Image, node: Any) -> None:
    """Display a dose node from 0 to its greatest dose."""
    show_pet(node, (0.0, max(float(image.array.max()), 1e-3)), _COLORS)


def read_doses(
    taken: Mapping[str, Taken], document: dict[str, Any], notes: list[str]
) -> dict[str, Image | None]:
    """Fields of a CaseState; a sentence in notes for each dose that the case had and the scene has not.

    taken: by role. Scenes from before doses were stored have no nodes; they say only whether there was one.
    Raises SceneError for a document that is damaged.
    """
    found: dict[str, Image | None] = {}
    for role, (field, name) in _FIELDS.items():
        told, node, image = _told(document, field), taken[role], None
        if told is not None and node is not None:
            image = node.image(name, notes)
            if image is not None:
                # The node of a dose that was read from a file does not know it.
                uid = image.frame_of_reference_uid or told.get("frame_of_reference_uid")
                image = replace(image, frame_of_reference_uid=uid)
        elif told is not None:
            notes.append(f"The {name} was not restored, its voxels are not in the scene; load it again.")
        found[field] = image
    if document.get("has_dose") and "dose" not in document:
        notes.append("The dose was not restored, this scene does not hold it; load it again.")
    return found


def _described(image: Image | None) -> dict[str, Any] | None:
    return None if image is None else {"frame_of_reference_uid": image.frame_of_reference_uid}


def _told(document: dict[str, Any], field: str) -> dict[str, Any] | None:
    told = document.get(field)
    if told is None or isinstance(told, dict):
        return told
    raise SceneError(f"The planning case in this scene is damaged ({field} {told!r}); it was not opened.")
