"""The planning case written into the MRML scene, one way: the case decides, the scene shows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from . import appearance
from .batch import batch
from .context import context_node
from .contour_parts import contour_parts
from .owned_nodes import (
    CONTEXT,
    CONTOURS,
    COVERAGE_TABLE,
    CT,
    LESION_TABLE,
    LESIONS,
    PET,
    PLANNING_CT,
    REGISTRATION,
    VOLUMES,
    OwnedNodes,
)
from .restore import CASE_PARAMETER, SETTINGS_PARAMETER
from .segments import (
    SegmentContent,
    common_grid,
    onto_grid,
    segment_ids,
    segment_tag,
    set_lattice,
    write_segment,
)
from .stored_case import CaseWriter
from .tables import write_coverage_table, write_lesion_table
from .volume_nodes import show_ct, show_pet, vtk_matrix, write_image

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..imaging.grid import VoxelGrid
    from ..imaging.image import Image
    from ..records import CaseState, Lesion, RtVolume

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]

TAG = "PSMAPlanning."
_FEW_LESIONS = 2


class SceneProjection:
    """Keeps the nodes of one planning case as the case is. Nobody else writes to these nodes.

    Raises SceneError when MRML refuses something.
    """

    def __init__(self, scene: Any) -> None:
        self.nodes = OwnedNodes(scene)
        self._writer = CaseWriter()
        self._sources: WeakKeyDictionary[Image | RtVolume, str] = WeakKeyDictionary()

    def remember_source(self, content: Image | RtVolume, node: Any) -> None:
        """Say which node an image, or the first of several volumes, was read from.

        An image's node then stands for it in the scene, instead of a copy.
        """
        self._sources[content] = node.GetID()

    def source_of(self, content: Image | RtVolume | None) -> Any | None:
        """The node it was read from; None when there was none or it is gone."""
        node_id = self._sources.get(content) if content is not None else None
        return self.nodes.scene.GetNodeByID(node_id) if node_id else None

    def update(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> None:
        """Bring the scene from `before` to `after`; None for `before` writes everything.

        Records are frozen, so what is the same object in both states is left alone.
        """
        # After a batch every view builds everything it shows anew: 0.4 s of a desktop's time, too much
        # for a decision about one lesion, little for many new segments.
        with batch(self.nodes.scene) if _changes_much(before, after) else nullcontext():
            self._update_parameters(before, after)
            self._update_images(before, after)
            self._update_registration(before, after)
            self._update_volumes(before, after)
            self._update_lesions(before, after, coverage)
            self._update_contours(before, after)
            self._update_tables(after, coverage)

    def show_context(self) -> None:
        """Put the bones, or without a CT the body's outline, into the scene as a faint model."""
        context_node(self.nodes)

    def remove(self) -> None:
        """Take everything this case put into the scene out again."""
        self.nodes.remove_all()

    def _update_parameters(self, before: CaseState | None, after: CaseState) -> None:
        if before is None or before.settings is not after.settings:
            self.nodes.parameters().SetParameter(SETTINGS_PARAMETER, after.settings.to_json())
        if before is not after:
            self.nodes.parameters().SetParameter(CASE_PARAMETER, self._writer.text_of(after))

    def _update_images(self, before: CaseState | None, after: CaseState) -> None:
        for role, name, image, former in (
            (PET, "PET", after.pet, before and before.pet),
            (CT, "CT", after.ct, before and before.ct),
            (PLANNING_CT, "Planning CT", after.planning_ct, before and before.planning_ct),
        ):
            if image is former and (image is None or self.nodes.get(role) is not None):
                continue
            if before is not None:
                self.nodes.remove(CONTEXT)
            if image is None:
                self.nodes.remove(role)
                continue
            source, shown = self.source_of(image), self.nodes.get(role)
            if shown is not None and shown is not source and (source or not self.nodes.is_ours(shown)):
                self.nodes.remove(role)
            if source is not None:
                self.nodes.adopt(role, source)
                continue
            node = self.nodes.get_or_create(role, "vtkMRMLScalarVolumeNode", name)
            write_image(image, node)
            if role == PET:
                show_pet(node)
            else:
                show_ct(node)

    def _update_registration(self, before: CaseState | None, after: CaseState) -> None:
        """The transform that was applied to PET and CT, to look at; nothing lies under it."""
        matrix = after.registration.planning_from_pet
        if matrix is None:
            self.nodes.remove(REGISTRATION)
            return
        if before is not None and before.registration is after.registration and self.nodes.get(REGISTRATION):
            return
        name = "PET to planning CT (already applied)"
        node = self.nodes.get_or_create(REGISTRATION, "vtkMRMLLinearTransformNode", name)
        node.SetMatrixTransformToParent(vtk_matrix(np.array(matrix)))

    def _update_volumes(self, before: CaseState | None, after: CaseState) -> None:
        if not after.volumes:
            self.nodes.remove(VOLUMES)
            return
        lattice = min((v.mask.grid for v in after.volumes), key=lambda grid: grid.voxel_volume_ml)
        reference = self.nodes.get(PLANNING_CT) or self.nodes.get(CT) or self.nodes.get(PET)
        node = self._segmentation(VOLUMES, "RT volumes", reference, lattice)
        colors = appearance.volume_colors(after.volumes)
        shown = {volume.name: volume for volume in before.volumes} if before else {}
        _drop_other_segments(node, set(colors))
        display = node.GetDisplayNode()
        for volume in after.volumes:
            tags = {
                TAG + "Kind": volume.kind or "",
                TAG + "Origin": volume.origin,
                TAG + "SourceFile": volume.source_file,
                TAG + "Status": volume.status,
                TAG + "TG263": volume.tg263 or "",
                TAG + "MatchedBy": volume.matched_by or "",
            }
            content = SegmentContent(
                volume.name,
                volume.mask,
                colors[volume.name],
                appearance.VOLUMES_TERMINOLOGY,
                tags,
                volume.mask.grid,
            )
            former = shown.get(volume.name)
            write_segment(node, volume.name, content, former is None or former.mask is not volume.mask)
            if before is None:
                # Loading a scene a second time in one session, Slicer 5.13 hides all segments but the last.
                display.SetSegmentVisibility(volume.name, True)
            opacity = appearance.volume_opacity(volume, after.volumes)
            display.SetSegmentOpacity3D(volume.name, opacity)
            display.SetSegmentOpacity2DFill(volume.name, 0.0)

    def _update_lesions(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> None:
        if not after.lesions or after.pet is None:
            self.nodes.remove(LESIONS)
            return
        lattice = common_grid([lesion.contour.mask for lesion in after.lesions], after.pet.grid)
        node = self._segmentation(LESIONS, "Lesions", self.nodes.get(PET), lattice)
        shown = {lesion.id: lesion for lesion in before.lesions} if before else {}
        _drop_other_segments(node, {lesion.id for lesion in after.lesions})
        display = node.GetDisplayNode()
        for lesion in after.lesions:
            coverage_class = appearance.coverage_class_of(lesion, after.volumes, coverage)
            content = SegmentContent(
                lesion.id,
                lesion.contour.mask,
                appearance.COVERAGE_COLORS[coverage_class],
                appearance.LESIONS_TERMINOLOGY,
                {**_lesion_tags(lesion), TAG + "Coverage": coverage_class},
                lattice,
            )
            former = shown.get(lesion.id)
            is_same = former is not None and former.contour is lesion.contour
            _write_on_lattice(node, lesion.id, content, not is_same)
            if before is None:
                display.SetSegmentVisibility(lesion.id, True)
            rejected = coverage_class == appearance.REJECTED
            display.SetSegmentOpacity3D(lesion.id, appearance.REJECTED_OPACITY if rejected else 1.0)
            display.SetSegmentOpacity2DFill(lesion.id, 0.0 if rejected else 0.3)

    def _update_contours(self, before: CaseState | None, after: CaseState) -> None:
        parts = {} if after.pet is None else contour_parts(after.lesions)
        if not parts:
            self.nodes.remove(CONTOURS)
            return
        is_new = self.nodes.get(CONTOURS) is None
        lattice = common_grid([part.mask for part in parts.values()], after.pet.grid)
        node = self._segmentation(CONTOURS, "Contours", self.nodes.get(PET), lattice)
        display = node.GetDisplayNode()
        if is_new:
            display.SetVisibility(False)
        colors = appearance.rule_colors([part.rule for part in parts.values() if part.rule])
        shown = {id(part.mask) for part in contour_parts(before.lesions).values()} if before else set()
        _drop_other_segments(node, set(parts))
        for segment_id, part in parts.items():
            tags = {
                TAG + "Id": part.lesion_id,
                TAG + "Source": part.rule or "disputed",
                TAG + "ThresholdSUV": _number_text(part.threshold_suv),
            }
            content = SegmentContent(
                segment_id,
                part.mask,
                colors[part.rule] if part.rule else appearance.DISPUTED_COLOR,
                appearance.LESIONS_TERMINOLOGY,
                tags,
                lattice,
            )
            _write_on_lattice(node, segment_id, content, id(part.mask) not in shown)
            # Outlines for candidates, a filled band for where they disagree.
            display.SetSegmentVisibility2DFill(segment_id, part.rule is None)
            display.SetSegmentVisibility2DOutline(segment_id, part.rule is not None)
            display.SetSegmentVisibility3D(segment_id, False)

    def show_contours_of(self, lesion_id: str | None) -> None:
        """Show the candidates and the disputed band of one lesion in the slices; None hides them all."""
        node = self.nodes.get(CONTOURS)
        if node is None:
            return
        display = node.GetDisplayNode()
        for segment_id in segment_ids(node):
            segment = node.GetSegmentation().GetSegment(segment_id)
            display.SetSegmentVisibility(segment_id, segment_tag(segment, TAG + "Id") == lesion_id)
        display.SetVisibility(lesion_id is not None)

    def _update_tables(self, after: CaseState, coverage: Coverage) -> None:
        table_class = "vtkMRMLTableNode"
        write_lesion_table(
            self.nodes.get_or_create(LESION_TABLE, table_class, "Lesion table"), after, coverage
        )
        write_coverage_table(
            self.nodes.get_or_create(COVERAGE_TABLE, table_class, "Coverage table"), after, coverage
        )

    def _segmentation(self, role: str, name: str, reference: Any | None, lattice: VoxelGrid) -> Any:
        is_new = self.nodes.get(role) is None
        node = self.nodes.get_or_create(role, "vtkMRMLSegmentationNode", name)
        if is_new:
            node.CreateDefaultDisplayNodes()
            if reference is not None:
                node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
        set_lattice(node, lattice)
        return node


def _changes_much(before: CaseState | None, after: CaseState) -> bool:
    """Whether more than a few lesions change."""
    if before is None or before.volumes is not after.volumes or before.pet is not after.pet:
        return True
    former = {lesion.id: lesion for lesion in before.lesions}
    changed = sum(former.get(lesion.id) is not lesion for lesion in after.lesions)
    return changed > _FEW_LESIONS or before.ct is not after.ct or len(former) != len(after.lesions)


def _write_on_lattice(node: Any, segment_id: str, content: SegmentContent, with_mask: bool) -> None:
    """Write a segment whose mask lies on a fine grid of its own, brought to the lattice of them all."""
    if with_mask or segment_id not in segment_ids(node):
        content = replace(content, mask=onto_grid(content.mask, content.lattice), shape=content.mask)
    write_segment(node, segment_id, content, with_mask)


def _drop_other_segments(node: Any, wanted: set[str]) -> None:
    for segment_id in segment_ids(node):
        if segment_id not in wanted:
            node.GetSegmentation().RemoveSegment(segment_id)


def _lesion_tags(lesion: Lesion) -> dict[str, str]:
    contour = lesion.contour
    return {
        TAG + "Id": lesion.id,
        TAG + "State": str(lesion.state.value),
        TAG + "RejectionReason": lesion.rejection_reason or "",
        TAG + "HandEdited": "1" if lesion.is_hand_edited else "0",
        TAG + "Source": contour.source,
        TAG + "Method": contour.method or "",
        TAG + "ThresholdSUV": _number_text(contour.threshold_suv),
    }


def _number_text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
