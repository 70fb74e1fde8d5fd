"""The MRML scene as the panel sees it: nodes in, case out, and what happens to the nodes in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity
from ..imaging.registration import RigidTransform
from ..imaging.suv import SuvConversion
from ..imaging.suv_header import SuvHeader
from ..records import CaseState, Lesion, RtVolume
from . import appearance
from .case_in_scene import CaseInScene
from .crosshair import crosshair_ras
from .edit_session import EditSession
from .inputs import read_ct_node, read_pet_node, read_rigid_transform, read_volumes_node
from .live_outline import LiveOutline
from .owned_nodes import COMPARISON_DOSE, CT, DOSE, LESIONS, PET, PLANNING_CT, ROLES, VOLUMES, helper_ids
from .pet_conversion import can_become_suv, conversion_of, convert_node, suv_header_of
from .projection import TAG, SceneProjection
from .restore import StoredCase, stored_case
from .save import save_scene
from .views_of_scene import ViewsOfScene
from .volume_nodes import quantity_of
from .volumes_of_scene import VolumesOfScene

if TYPE_CHECKING:
    from ..imaging.image import Mask


class SceneListener(Protocol):
    """Who is told what happened to the scene."""

    def scene_closing(self) -> None: ...
    def scene_closed(self) -> None: ...
    def scene_loaded(self) -> None: ...
    def scene_saving(self) -> None: ...
    def nodes_removed(self, roles: frozenset[str]) -> None: ...
    def edit_modified(self) -> None: ...
    def edit_removed(self) -> None: ...


class PlanningScene(ViewsOfScene, VolumesOfScene, CaseInScene):
    """Access to one scene for one planning case; `close` takes every observer back.

    is_removing: whether a node is just going; what a selector shows then nobody chose.
    """

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.listener: SceneListener | None = None
        self._projection = SceneProjection(scene)
        self._edit: EditSession | None = None
        self._outline: LiveOutline | None = None
        self.make_volumes_helpers()
        self._shown_ids: dict[str, str] = {}
        self._helper_ids: dict[str, list[str]] = {}
        self._is_ours = 0
        self.is_removing = False
        events = {
            scene.NodeAboutToBeRemovedEvent: self._on_node_about_to_be_removed,
            scene.StartCloseEvent: self._on_start_close,
            scene.EndCloseEvent: self._on_end_close,
            scene.EndImportEvent: self._on_end_import,
            scene.NodeRemovedEvent: self._on_node_removed,
            scene.StartSaveEvent: self._on_start_save,
        }
        # Before Slicer's node selectors, which go to another node when theirs is about to be removed.
        priority = 10.0
        self._tags = [scene.AddObserver(event, callback, priority) for event, callback in events.items()]

    def close(self) -> None:
        """Stop listening to the scene; the case's nodes stay in it."""
        self.end_edit()
        self.end_outline()
        self.end_volumes()
        self._projection.outlines.remove()
        for tag in self._tags:
            self.scene.RemoveObserver(tag)
        self._tags = []
        self.listener = None

    # Nodes in

    def read_pet(self, node: Any) -> Image:
        image = read_pet_node(node)
        self._projection.remember_source(image, node)
        return image

    def read_ct(self, node: Any) -> Image:
        image = read_ct_node(node)
        self._projection.remember_source(image, node)
        return image

    def read_transform(self, node: Any) -> RigidTransform:
        """How a linear transform node moves an image; see `read_rigid_transform`."""
        return read_rigid_transform(node)

    def can_become_suv(self, node: Any) -> bool:
        return can_become_suv(node)

    def suv_header(self, node: Any) -> tuple[SuvHeader, str | None]:
        """What is known for the SUV of a node, and its units where the header has none: "Bq/ml" or None."""
        header = suv_header_of(node)
        is_activity = quantity_of(node) is Quantity.ACTIVITY
        return header, "Bq/ml" if is_activity and header.units is None else None

    def convert_pet(self, node: Any, conversion: SuvConversion) -> SuvConversion:
        """Turn a node's voxels into SUV in place; see `convert_node`."""
        return convert_node(node, conversion)

    def conversion_of(self, node: Any) -> SuvConversion | None:
        return conversion_of(node)

    def has(self, node: Any) -> bool:
        """Whether a node is still in the scene."""
        return self.by_id(node.GetID()) is node

    def by_id(self, node_id: str | None) -> Any | None:
        return self.scene.GetNodeByID(node_id) if node_id else None

    def read_volumes(self, node: Any, pet: Image | None) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]:
        volumes, warnings = read_volumes_node(node, pet, TAG)
        self._projection.remember_source(volumes[0], node)
        # The case shows them in a node of its own; both would lie on each other.
        if node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility(False)
        return volumes, warnings

    def stored(self) -> StoredCase | None:
        """The case in the scene, for `restored_case` on any thread; None when there is none."""
        return stored_case(self._projection.nodes)

    def took_over(self, stored: StoredCase, state: CaseState) -> None:
        """Let the nodes that a state was restored from stand for its images; on any thread."""
        images = {PET: state.pet, CT: state.ct, PLANNING_CT: state.planning_ct}
        images |= {DOSE: state.dose, COMPARISON_DOSE: state.comparison_dose}
        for role, image in images.items():
            if image is not None:
                self._projection.remember_source_id(image, stored.node_ids[role])

    def node(self, role: str) -> Any | None:
        """The node that shows this part of the case; None when there is none."""
        return self._projection.nodes.get(role)

    def volumes_source(self, state: CaseState) -> Any | None:
        """The segmentation the volumes were taken from, else the one that shows them."""
        source = self._projection.source_of(state.volumes[0]) if state.volumes else None
        return source or (self.node(VOLUMES) if state.volumes else None)

    # Case out

    def save(self, path: Path) -> None:
        save_scene(self.scene, path)

    def crosshair_ras(self) -> tuple[float, float, float] | None:
        return crosshair_ras(self.scene)

    def remove_all(self) -> None:
        """Take everything the case put into the scene out of it."""
        self.end_edit()
        self.end_volumes()
        self._is_ours += 1
        try:
            self._projection.remove()
        finally:
            self._is_ours -= 1
            self._remember_ids()

    # While a threshold is dragged

    def outline(self, grid: VoxelGrid, flat: np.ndarray) -> None:
        """Outline voxels of a grid in the slices until `end_outline`; flat indices, ascending."""
        self._is_ours += 1
        try:
            if self._outline is not None and self._outline.grid is not grid:
                self.end_outline()
            if self._outline is None:
                self._outline = LiveOutline(self.scene, grid)
            self._outline.show(flat)
        finally:
            self._is_ours -= 1

    def end_outline(self) -> None:
        outline, self._outline = self._outline, None
        if outline is not None:
            self._is_ours += 1
            try:
                outline.close()
            finally:
                self._is_ours -= 1

    # Editing

    def begin_edit(self, lesion: Lesion, pet: Image, color: appearance.Color) -> Any:
        """The segmentation node in which the lesion's contour can be drawn."""
        self.end_edit()
        pet_node = self.node(PET)
        if pet_node is None:
            raise SceneError("The PET is not in the scene any more; the lesion cannot be edited.")
        self._edit = EditSession(
            self.scene, lesion.id, lesion.contour.mask, pet_node, pet.grid, color, self._on_edit_modified
        )
        self._hide_edited_lesion(True)
        return self._edit.node

    def end_edit(self) -> None:
        if self._edit is None:
            return
        edit = self._edit
        self._hide_edited_lesion(False)
        self._edit = None
        edit.close()

    def drawn(self) -> Mask | None:
        """What was drawn since the last time it was asked; None when nothing."""
        return self._edit.drawn() if self._edit is not None else None

    def show_edited(self, mask: Mask) -> None:
        if self._edit is not None:
            self._edit.show(mask)

    @property
    def edit_node(self) -> Any | None:
        return self._edit.node if self._edit is not None else None

    def _hide_edited_lesion(self, hidden: bool) -> None:
        """In slices the lesion being edited is drawn by the editor; twice would be confusing."""
        node = self.node(LESIONS)
        display = node.GetDisplayNode() if node is not None else None
        if display is not None and node.GetSegmentation().GetSegment(self._edit.lesion_id) is not None:
            display.SetSegmentVisibility2DFill(self._edit.lesion_id, not hidden)
            display.SetSegmentVisibility2DOutline(self._edit.lesion_id, not hidden)

    # Events

    def _remember_ids(self) -> None:
        nodes = {role: node for role in ROLES if (node := self.node(role)) is not None}
        self._shown_ids = {node.GetID(): role for role, node in nodes.items()}
        self._helper_ids = {node.GetID(): helper_ids(node) for node in nodes.values()}

    def _on_start_close(self, _caller: Any, _event: str) -> None:
        if self.listener is not None:
            self.listener.scene_closing()
        self.end_edit()
        self.end_outline()
        self.end_volumes(is_closing=True)
        self._projection.outlines.remove()

    def _on_end_close(self, _caller: Any, _event: str) -> None:
        self._shown_ids = {}
        if self.listener is not None:
            self.listener.scene_closed()

    def _on_end_import(self, _caller: Any, _event: str) -> None:
        if self.listener is not None:
            self.listener.scene_loaded()

    def _on_start_save(self, _caller: Any, _event: str) -> None:
        if self.listener is not None:
            self.listener.scene_saving()

    def _on_edit_modified(self) -> None:
        if self.listener is not None:
            self.listener.edit_modified()

    def _on_node_about_to_be_removed(self, _caller: Any, _event: str) -> None:
        self.is_removing = True

    def _on_node_removed(self, _caller: Any, _event: str) -> None:
        self.is_removing = False
        if self._is_ours or self.listener is None or self.scene.IsClosing():
            return
        if self._edit is not None and self._edit.node is None:
            self.listener.edit_removed()
        gone = {i: role for i, role in self._shown_ids.items() if self.scene.GetNodeByID(i) is None}
        for node_id in gone:
            del self._shown_ids[node_id]
            # Who deletes a node in Python leaves the nodes behind that only it used.
            for helper in map(self.scene.GetNodeByID, self._helper_ids.pop(node_id)):
                if helper is not None:
                    self.scene.RemoveNode(helper)
        if gone:
            self.listener.nodes_removed(frozenset(gone.values()))
