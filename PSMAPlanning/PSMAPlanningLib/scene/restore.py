"""A planning case out of a loaded scene. What cannot be restored is said; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..progress import Stage, no_progress
from ..records import CaseState, Lesion, RtVolume
from ..settings import Settings
from .dose_nodes import take_dose_node
from .inputs import take_ct_node, take_pet_node
from .node_contents import SegmentVoxels, segment_voxels
from .owned_nodes import COMPARISON_DOSE, CT, DOSE, LESIONS, PET, PLANNING_CT, VOLUMES, OwnedNodes
from .segments import onto_grid
from .stored_case import frame_uid_of, read_document, records_of
from .stored_dose import read_doses
from .stored_volumes import volume_fields
from .taken_images import Taken, taken

CASE_PARAMETER = "case"
SETTINGS_PARAMETER = "settings"
_SAME_ML = 1e-6
_DOING = "taking over the case"
_IMAGES = {PET: ("pet", "PET"), CT: ("ct", "CT"), PLANNING_CT: ("planning_ct", "planning CT")}
"""By role: the field of a state, and its name to people."""
_TAKE = {
    PET: take_pet_node,
    CT: take_ct_node,
    PLANNING_CT: take_ct_node,
    DOSE: take_dose_node,
    COMPARISON_DOSE: take_dose_node,
}
_ROLES = (*_TAKE, LESIONS, VOLUMES)


@dataclass(frozen=True)
class Restored:
    """A case state from a scene, and a sentence for each thing that is not as it was."""

    state: CaseState
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class StoredCase:
    """What a scene holds of a case, taken from its nodes and still to be understood.

    text, settings: JSON. node_ids, images: of the nodes it was taken from, by role. lesions, volumes:
    label images by segment, None for a segment without one.
    """

    text: str
    settings: str
    node_ids: Mapping[str, str]
    images: Mapping[str, Taken | None]
    lesions: Mapping[str, SegmentVoxels | None]
    volumes: Mapping[str, SegmentVoxels | None]


def restore_case(nodes: OwnedNodes) -> Restored | None:
    """The case stored in a scene; None when the scene holds none.

    Raises SceneError when there is one that cannot be understood.
    """
    stored = stored_case(nodes)
    return restored_case(stored, Stage(no_progress)) if stored is not None else None


def stored_case(nodes: OwnedNodes) -> StoredCase | None:
    """The first half of `restore_case`: it takes a moment, and alone asks the nodes."""
    parameters = nodes.existing_parameters()
    text = parameters.GetParameter(CASE_PARAMETER) if parameters is not None else ""
    if not text:
        return None
    return StoredCase(
        text,
        parameters.GetParameter(SETTINGS_PARAMETER),
        {role: node.GetID() for role in _ROLES if (node := nodes.get(role)) is not None},
        {role: taken(nodes.get(role), take) for role, take in _TAKE.items()},
        _segments(nodes.get(LESIONS)),
        _segments(nodes.get(VOLUMES)),
    )


def restored_case(stored: StoredCase, stage: Stage) -> Restored:
    """The second half of `restore_case`, for any thread."""
    stage.report(0.0, _DOING)
    document = read_document(stored.text)
    notes: list[str] = []
    settings = _settings(stored.settings, notes)
    records = records_of(document)
    images = {}
    for role, (field, name) in _IMAGES.items():
        stage.report(0.2, _DOING)
        node = stored.images[role]
        image = node.image(name, notes) if node is not None else None
        if image is not None and image.frame_of_reference_uid is None:
            # A node that was made from a file does not know it, nor does one without its DICOM database.
            image = replace(image, frame_of_reference_uid=frame_uid_of(document, field))
        images[field] = image
    pet = images["pet"]
    had_images = document.get("volumes") or records["lesions"] or records["regions"]
    if pet is None and records["lesions"]:
        notes.append(
            f"{len(records['lesions'])} lesions were not restored because their PET is missing; "
            "load the PET again and find them anew."
        )
    without_pet = pet is None and had_images
    stage.report(0.5, _DOING)
    if not without_pet:
        _compare_with_segments(stored.lesions, records["lesions"], notes)
    stage.report(0.7, _DOING)
    volumes = _volumes(stored.volumes, document["volumes"], notes)
    stage.report(0.9, _DOING)
    doses = read_doses(stored.images, document, notes)
    state = CaseState(settings=settings, volumes=volumes, **images, **doses, **records)
    if without_pet:
        state = replace(state.without_findings(), suv=None)
    return Restored(state, tuple(notes))


def _segments(node: Any | None) -> dict[str, SegmentVoxels | None]:
    if node is None:
        return {}
    segmentation = node.GetSegmentation()
    return {name: segment_voxels(segmentation.GetSegment(name)) for name in segmentation.GetSegmentIDs()}


def _settings(text: str, notes: list[str]) -> Settings:
    try:
        return Settings.from_json(text)
    except SettingsError as error:
        notes.append(f"The settings were not restored, the defaults are used: {error}")
        return Settings()


def _volumes(
    segments: Mapping[str, SegmentVoxels | None], documents: list[dict[str, Any]], notes: list[str]
) -> tuple[RtVolume, ...]:
    volumes = []
    for document in documents:
        name = document["name"]
        voxels = segments.get(name)
        mask = voxels.mask() if voxels is not None else None
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


def _compare_with_segments(
    segments: Mapping[str, SegmentVoxels | None], lesions: tuple[Lesion, ...], notes: list[str]
) -> None:
    """Say which segments show something else than the case: somebody changed them outside the panel."""
    for lesion in lesions:
        if lesion.contour.mask.is_empty:
            continue
        voxels = segments.get(lesion.id)
        shown = voxels.mask() if voxels is not None else None
        if shown is None:
            notes.append(f"The segment of lesion {lesion.id} was missing; it was drawn anew.")
            continue
        expected = onto_grid(lesion.contour.mask, shown.grid)
        if expected.grid.shape_kji != shown.grid.shape_kji or not np.array_equal(expected.array, shown.array):
            notes.append(
                f"The segment of lesion {lesion.id} was changed outside the panel; "
                "the contour of the case was drawn again."
            )
