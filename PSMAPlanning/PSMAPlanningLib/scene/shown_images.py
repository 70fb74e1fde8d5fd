"""The case's images and their registration in the scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from .owned_nodes import (
    COMPARISON_DOSE,
    CONTEXT,
    CT,
    DOSE,
    PET,
    PLANNING_CT,
    REGISTRATION,
    OwnedNodes,
)
from .prepared_images import image_data, prepare_image
from .stored_dose import DOSE_ROLES, show_dose
from .volume_nodes import show_ct, show_pet, vtk_matrix, write_image

if TYPE_CHECKING:
    from ..imaging.image import Image
    from ..records import CaseState, RtVolume


@dataclass(frozen=True)
class _Written:
    """What was written into which node, and when; no two changes of anything in VTK have the same time."""

    image: ref[Image]
    node_id: str
    time: int


class ShownImages:
    """Writes images and registration; an image that was read from a node is shown by that node."""

    def __init__(self, nodes: OwnedNodes) -> None:
        self._nodes = nodes
        self._sources: WeakKeyDictionary[Image | RtVolume, str] = WeakKeyDictionary()
        self._written: dict[str, _Written] = {}

    def remember_source(self, content: Image | RtVolume, node: Any) -> None:
        """Say which node an image, or the first of several volumes, was read from."""
        self.remember_source_id(content, node.GetID())

    def remember_source_id(self, content: Image | RtVolume, node_id: str) -> None:
        """The same by the node's id, which asks no node; on any thread."""
        self._sources[content] = node_id

    def source_of(self, content: Image | RtVolume | None) -> Any | None:
        """The node it was read from; None when there was none or it is gone."""
        node_id = self._sources.get(content) if content is not None else None
        return self._nodes.scene.GetNodeByID(node_id) if node_id else None

    def prepare(self, state: CaseState) -> None:
        """Make ahead of time what showing a state's images needs; may be called on another thread."""
        written = {written.image() for written in self._written.values()}
        for image in (state.pet, state.ct, state.planning_ct, state.dose, state.comparison_dose):
            if image is not None and image not in self._sources and image not in written:
                prepare_image(image)

    def steps(self, before: CaseState | None, after: CaseState) -> Iterator[None]:
        """Bring images and registration from `before` to `after`, one node at a time."""
        for role, name, image, former in (
            (PET, "PET", after.pet, before and before.pet),
            (CT, "CT", after.ct, before and before.ct),
            (PLANNING_CT, "Planning CT", after.planning_ct, before and before.planning_ct),
            (DOSE, "Dose", after.dose, before and before.dose),
            (COMPARISON_DOSE, "Dose, other plan", after.comparison_dose, before and before.comparison_dose),
        ):
            if image is former and (image is None or self._nodes.get(role) is not None):
                continue
            if before is not None and role not in DOSE_ROLES:
                self._nodes.remove(CONTEXT)
            self._show(role, name, image)
            yield
        self._show_registration(before, after)

    def _show(self, role: str, name: str, image: Image | None) -> None:
        nodes = self._nodes
        if image is None:
            nodes.remove(role)
            return
        source, shown = self.source_of(image), nodes.get(role)
        if shown is not None and shown is not source and (source or not nodes.is_ours(shown)):
            nodes.remove(role)
        if source is not None:
            nodes.adopt(role, source)
            return
        node = nodes.get_or_create(role, "vtkMRMLScalarVolumeNode", name)
        # Copying the voxels of a PET/CT takes 0.1 s, and what was deleted may have been something else.
        if self._holds(role, node, image):
            return
        write_image(image, node, image_data(image))
        self._written[role] = _Written(ref(image), node.GetID(), node.GetImageData().GetMTime())
        if role == PET:
            show_pet(node)
        elif role in DOSE_ROLES:
            show_dose(image, node)
        else:
            show_ct(node)

    def _holds(self, role: str, node: Any, image: Image) -> bool:
        """Whether the node still has the voxels of the image, and nobody touched them."""
        known = self._written.get(role)
        return (
            known is not None
            and known.image() is image
            and known.node_id == node.GetID()
            and node.GetImageData() is not None
            and node.GetImageData().GetMTime() == known.time
            and node.GetDisplayNode() is not None
        )

    def _show_registration(self, before: CaseState | None, after: CaseState) -> None:
        """The transform that was applied to PET and CT, to look at; nothing lies under it."""
        matrix, nodes = after.registration.planning_from_pet, self._nodes
        if matrix is None:
            nodes.remove(REGISTRATION)
            return
        if before is not None and before.registration is after.registration and nodes.get(REGISTRATION):
            return
        name = "PET to planning CT (already applied)"
        node = nodes.get_or_create(REGISTRATION, "vtkMRMLLinearTransformNode", name)
        node.SetMatrixTransformToParent(vtk_matrix(np.array(matrix)))
