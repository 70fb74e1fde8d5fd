"""The planning case written into the MRML scene, one way: the case decides, the scene shows."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from . import appearance
from .batch import batch, one_change
from .context import context_node
from .contour_parts import contour_parts
from .owned_nodes import (
    COMPARISON_DOSE,
    CONTEXT,
    CONTOURS,
    COVERAGE_TABLE,
    CT,
    DOSE,
    LESION_TABLE,
    LESIONS,
    PET,
    PLANNING_CT,
    REGISTRATION,
    VOLUMES,
    OwnedNodes,
)
from .prepared_segments import take_image
from .restore import CASE_PARAMETER, SETTINGS_PARAMETER
from .segmentation_nodes import display_of, segmentation_of
from .segments import (
    SegmentContent,
    common_grid,
    onto_grid,
    segment_ids,
    segment_tag,
    write_segment,
)
from .stored_case import CaseWriter
from .stored_dose import DOSE_ROLES, show_dose
from .tables import write_coverage_table, write_lesion_table
from .volume_nodes import show_ct, show_pet, vtk_matrix, write_image

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..imaging.image import Image
    from ..records import CaseState, Lesion, RtVolume
    from .contour_parts import ContourPart

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]

TAG = "PSMAPlanning."
CLASS_TAG = TAG + "Coverage"
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
        # After a batch every view builds everything it shows anew, 0.4 s in a desktop. New segmentations
        # do without: they are filled before they enter the scene.
        changed = [VOLUMES] if before is None or before.volumes is not after.volumes else []
        changed += [LESIONS, CONTOURS] if _changes_much(before, after) else []
        is_rewritten = after.pet is not None and any(map(self.nodes.get, changed))
        with batch(self.nodes.scene) if is_rewritten else nullcontext():
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
            (DOSE, "Dose", after.dose, before and before.dose),
            (COMPARISON_DOSE, "Dose, other plan", after.comparison_dose, before and before.comparison_dose),
        ):
            if image is former and (image is None or self.nodes.get(role) is not None):
                continue
            if before is not None and role not in DOSE_ROLES:
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
            elif role in DOSE_ROLES:
                show_dose(image, node)
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
        node = segmentation_of(self.nodes, VOLUMES, "RT volumes", lattice)
        colors = appearance.volume_colors(after.volumes)
        shown = {volume.name: volume for volume in before.volumes} if before else {}
        _drop_other_segments(node, set(colors))
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
        display = display_of(self.nodes, VOLUMES, node, reference)
        with one_change(display):
            for volume in after.volumes:
                if before is None:
                    # Loading a scene a second time in a session, Slicer 5.13 hides all segments but the last.
                    display.SetSegmentVisibility(volume.name, True)
                display.SetSegmentOpacity3D(volume.name, appearance.volume_opacity(volume, after.volumes))
                display.SetSegmentOpacity2DFill(volume.name, 0.0)

    def _update_lesions(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> None:
        if not after.lesions or after.pet is None:
            self.nodes.remove(LESIONS)
            return
        lattice = common_grid([lesion.contour.mask for lesion in after.lesions], after.pet.grid)
        node = segmentation_of(self.nodes, LESIONS, "Lesions", lattice)
        shown = {lesion.id: lesion for lesion in before.lesions} if before else {}
        _drop_other_segments(node, {lesion.id for lesion in after.lesions})
        written = {}
        for lesion in after.lesions:
            coverage_class = appearance.coverage_class_of(lesion, after.volumes, coverage)
            former = shown.get(lesion.id)
            segment = node.GetSegmentation().GetSegment(lesion.id)
            if former is lesion and segment is not None and segment_tag(segment, CLASS_TAG) == coverage_class:
                continue
            content = SegmentContent(
                lesion.id,
                lesion.contour.mask,
                appearance.COVERAGE_COLORS[coverage_class],
                appearance.LESIONS_TERMINOLOGY,
                {**_lesion_tags(lesion), CLASS_TAG: coverage_class},
                lattice,
            )
            is_same = former is not None and former.contour is lesion.contour
            _write_on_lattice(node, lesion.id, content, not is_same)
            written[lesion.id] = coverage_class == appearance.REJECTED
        display = display_of(self.nodes, LESIONS, node, self.nodes.get(PET))
        with one_change(display):
            for lesion_id, rejected in written.items():
                if before is None:
                    display.SetSegmentVisibility(lesion_id, True)
                display.SetSegmentOpacity3D(lesion_id, appearance.REJECTED_OPACITY if rejected else 1.0)
                display.SetSegmentOpacity2DFill(lesion_id, 0.0 if rejected else 0.3)

    def _update_contours(self, before: CaseState | None, after: CaseState) -> None:
        parts = {} if after.pet is None else contour_parts(after.lesions)
        if not parts:
            self.nodes.remove(CONTOURS)
            return
        is_new = self.nodes.get(CONTOURS) is None
        former = contour_parts(before.lesions) if before else {}
        is_same = before is not None and before.pet is after.pet and _are_same_parts(former, parts)
        if not is_new and is_same and set(segment_ids(self.nodes.get(CONTOURS))) == set(parts):
            return
        lattice = common_grid([part.mask for part in parts.values()], after.pet.grid)
        node = segmentation_of(self.nodes, CONTOURS, "Contours", lattice)
        colors = appearance.rule_colors([part.rule for part in parts.values() if part.rule])
        shown = {id(part.mask) for part in former.values()}
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
        display = display_of(self.nodes, CONTOURS, node, self.nodes.get(PET), is_visible=not is_new)
        with one_change(display):
            for segment_id, part in parts.items():
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
        with one_change(display):
            for segment_id in segment_ids(node):
                segment = node.GetSegmentation().GetSegment(segment_id)
                is_shown = segment_tag(segment, TAG + "Id") == lesion_id
                if bool(display.GetSegmentVisibility(segment_id)) != is_shown:
                    display.SetSegmentVisibility(segment_id, is_shown)
            display.SetVisibility(lesion_id is not None)

    def _update_tables(self, after: CaseState, coverage: Coverage) -> None:
        table_class = "vtkMRMLTableNode"
        write_lesion_table(
            self.nodes.get_or_create(LESION_TABLE, table_class, "Lesion table"), after, coverage
        )
        write_coverage_table(
            self.nodes.get_or_create(COVERAGE_TABLE, table_class, "Coverage table"), after, coverage
        )


def _changes_much(before: CaseState | None, after: CaseState) -> bool:
    """Whether more than a few lesions or volumes change."""
    if before is None or before.pet is not after.pet or bool(before.volumes) is not bool(after.volumes):
        return True
    shown = {id(volume) for volume in before.volumes}
    if sum(id(volume) not in shown for volume in after.volumes) > _FEW_LESIONS:
        return True
    former = {lesion.id: lesion for lesion in before.lesions}
    changed = sum(former.get(lesion.id) is not lesion for lesion in after.lesions)
    return changed > _FEW_LESIONS or before.ct is not after.ct or len(former) != len(after.lesions)


def _write_on_lattice(node: Any, segment_id: str, content: SegmentContent, with_mask: bool) -> None:
    """Write a segment whose mask lies on a fine grid of its own, brought to the lattice of them all."""
    if with_mask or segment_id not in segment_ids(node):
        image = take_image(content.mask, content.lattice)
        mask = onto_grid(content.mask, content.lattice) if image is None else content.mask
        content = replace(content, mask=mask, shape=content.mask, image=image)
    write_segment(node, segment_id, content, with_mask)


def _are_same_parts(a: Mapping[str, ContourPart], b: Mapping[str, ContourPart]) -> bool:
    return list(a) == list(b) and all(a[name].mask is b[name].mask for name in a)


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
