"""A planning case out of a loaded scene. What cannot be restored is said; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import PlanningError, SceneError, SettingsError
from ..imaging.image import Image
from ..records import CaseState, Lesion, RtVolume
from ..settings import Settings
from .inputs import read_ct_node, read_pet_node
from .owned_nodes import CT, LESIONS, PET, PLANNING_CT, VOLUMES, OwnedNodes
from .segments import onto_grid, read_segment, segment_ids
from .stored_case import read_document, records_of
from .stored_dose import read_doses
from .stored_volumes import volume_fields

CASE_PARAMETER = "case"
SETTINGS_PARAMETER = "settings"
_SAME_ML = 1e-6


@dataclass(frozen=True)
class Restored:
    """A case state from a scene, and a sentence for each thing that is not as it was."""

    state: CaseState
    notes: tuple[str, ...] = ()


def restore_case(nodes: OwnedNodes) -> Restored | None:
    """The case stored in a scene; None when the scene holds none.

    Raises SceneError when there is one that cannot be understood.
    """
    parameters = nodes.existing_parameters()
    text = parameters.GetParameter(CASE_PARAMETER) if parameters is not None else ""
    if not text:
        return None
    document = read_document(text)
    notes: list[str] = []
    settings = _settings(parameters.GetParameter(SETTINGS_PARAMETER), notes)
    records = records_of(document)
    pet = _image(nodes.get(PET), read_pet_node, "PET", notes)
    ct = _image(nodes.get(CT), read_ct_node, "CT", notes)
    planning_ct = _image(nodes.get(PLANNING_CT), read_ct_node, "planning CT", notes)
    had_images = document.get("volumes") or records["lesions"] or records["regions"]
    if pet is None and records["lesions"]:
        notes.append(
            f"{len(records['lesions'])} lesions were not restored because their PET is missing; "
            "load the PET again and find them anew."
        )
    without_pet = pet is None and had_images
    if not without_pet:
        _compare_with_segments(nodes, records["lesions"], notes)
    volumes = _volumes(nodes.get(VOLUMES), document["volumes"], notes)
    doses = read_doses(nodes, document, notes)
    images = {"pet": pet, "ct": ct, "planning_ct": planning_ct, **doses}
    state = CaseState(settings=settings, volumes=volumes, **images, **records)
    if without_pet:
        state = replace(state.without_findings(), suv=None)
    return Restored(state, tuple(notes))


def _settings(text: str, notes: list[str]) -> Settings:
    try:
        return Settings.from_json(text)
    except SettingsError as error:
        notes.append(f"The settings were not restored, the defaults are used: {error}")
        return Settings()


def _image(node: Any | None, read: Any, name: str, notes: list[str]) -> Image | None:
    if node is None:
        return None
    try:
        return read(node)
    except PlanningError as error:
        notes.append(f"The {name} was not restored: {error}")
        return None


def _volumes(node: Any | None, documents: list[dict[str, Any]], notes: list[str]) -> tuple[RtVolume, ...]:
    present = set(segment_ids(node)) if node is not None else set()
    volumes = []
    for document in documents:
        name = document["name"]
        try:
            mask = read_segment(node, name) if name in present else None
        except SceneError:
            mask = None
        if mask is None or mask.is_empty:
            notes.append(f"The volume {name} was not restored; its voxels are not in the scene.")
            continue
        fields = volume_fields(document)
        if abs(mask.volume_ml - document["volume_ml"]) > max(_SAME_ML, 1e-4 * document["volume_ml"]):
            fields["occupancy"] = None
            notes.append(
                f"The volume {name} had {document['volume_ml']:.2f} mL and has {mask.volume_ml:.2f} mL "
                "in the scene; the scene's is used."
            )
        volumes.append(
            RtVolume(
                name,
                mask,
                document["kind"],
                document["origin"],
                document["source_file"],
                document["status"],
                **fields,
            )
        )
    return tuple(volumes)


def _compare_with_segments(nodes: OwnedNodes, lesions: tuple[Lesion, ...], notes: list[str]) -> None:
    """Say which segments show something else than the case: somebody changed them outside the panel."""
    node = nodes.get(LESIONS)
    present = set(segment_ids(node)) if node is not None else set()
    for lesion in lesions:
        if lesion.contour.mask.is_empty:
            continue
        try:
            shown = read_segment(node, lesion.id) if lesion.id in present else None
        except SceneError:
            shown = None
        if shown is None:
            notes.append(f"The segment of lesion {lesion.id} was missing; it was drawn anew.")
            continue
        expected = onto_grid(lesion.contour.mask, shown.grid)
        if expected.grid.shape_kji != shown.grid.shape_kji or not np.array_equal(expected.array, shown.array):
            notes.append(
                f"The segment of lesion {lesion.id} was changed outside the panel; "
                "the contour of the case was drawn again."
            )
