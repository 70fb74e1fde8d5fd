"""The case's volumes, lesions and contours as segmentations in the scene.

What changes in a segmentation is told to its followers once, at the end: every view goes over all of its
segments each time it hears of one. A batch of the whole scene would do too, and have every view build all
that it shows anew; that took twice as long in desktop Slicer 5.13, and all of it in one turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import appearance
from .batch import one_change
from .contour_parts import contour_parts
from .owned_nodes import CONTOURS, CT, LESIONS, PET, PLANNING_CT, VOLUMES, OwnedNodes
from .prepared_segments import take_image
from .segmentation_nodes import display_of, segmentation_of
from .segments import (
    SegmentContent,
    common_grid,
    onto_grid,
    segment_ids,
    segment_tag,
    write_segment,
)

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..imaging.grid import VoxelGrid
    from ..records import CaseState, Lesion
    from .contour_parts import ContourPart

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]

TAG = "PSMAPlanning."
CLASS_TAG = TAG + "Coverage"
_AT_ONCE = 4
"""Segments written before others may have their turn; one takes up to 4 ms with voxels and surface."""


class ShownSegments:
    """Writes the three segmentations; each method brings one of them from one state to the next in steps."""

    def __init__(self, nodes: OwnedNodes) -> None:
        self._nodes = nodes

    def volumes(self, before: CaseState | None, after: CaseState) -> Iterator[None]:
        """The radiotherapy volumes, each on voxels of its own."""
        if not after.volumes:
            self._nodes.remove(VOLUMES)
            return
        lattice = min((v.mask.grid for v in after.volumes), key=lambda grid: grid.voxel_volume_ml)
        reference = self._nodes.get(PLANNING_CT) or self._nodes.get(CT) or self._nodes.get(PET)
        node = segmentation_of(self._nodes, VOLUMES, "RT volumes", lattice)
        colors = appearance.volume_colors(after.volumes)
        shown = {volume.name: volume for volume in before.volumes} if before else {}
        with one_change(node):
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
                yield
        yield
        display = display_of(self._nodes, VOLUMES, node, reference)
        with one_change(display):
            for volume in after.volumes:
                if before is None:
                    # Loading a scene a second time in a session, Slicer 5.13 hides all segments but the last.
                    display.SetSegmentVisibility(volume.name, True)
                display.SetSegmentOpacity3D(volume.name, appearance.volume_opacity(volume, after.volumes))
                display.SetSegmentOpacity2DFill(volume.name, 0.0)

    def lesions(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> Iterator[None]:
        """The lesions' contours, colored by how well the volumes cover them."""
        if not after.lesions or after.pet is None:
            self._nodes.remove(LESIONS)
            return
        lattice = common_grid([lesion.contour.mask for lesion in after.lesions], after.pet.grid)
        node = segmentation_of(self._nodes, LESIONS, "Lesions", lattice)
        shown = {lesion.id: lesion for lesion in before.lesions} if before else {}
        written = {}
        with one_change(node):
            _drop_other_segments(node, {lesion.id for lesion in after.lesions})
            for lesion in after.lesions:
                coverage_class = appearance.coverage_class_of(lesion, after.volumes, coverage)
                former = shown.get(lesion.id)
                segment = node.GetSegmentation().GetSegment(lesion.id)
                if (
                    former is lesion
                    and segment is not None
                    and segment_tag(segment, CLASS_TAG) == coverage_class
                ):
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
                if len(written) % _AT_ONCE == 0:
                    yield
        yield
        display = display_of(self._nodes, LESIONS, node, self._nodes.get(PET))
        with one_change(display):
            for lesion_id, rejected in written.items():
                if before is None:
                    display.SetSegmentVisibility(lesion_id, True)
                display.SetSegmentOpacity3D(lesion_id, appearance.REJECTED_OPACITY if rejected else 1.0)
                display.SetSegmentOpacity2DFill(lesion_id, 0.0 if rejected else 0.3)

    def contours(self, before: CaseState | None, after: CaseState) -> Iterator[None]:
        """The candidates of every rule, and where they disagree."""
        parts = {} if after.pet is None else contour_parts(after.lesions)
        if not parts:
            self._nodes.remove(CONTOURS)
            return
        is_new = self._nodes.get(CONTOURS) is None
        former = contour_parts(before.lesions) if before else {}
        is_same = before is not None and before.pet is after.pet and _are_same_parts(former, parts)
        if not is_new and is_same and set(segment_ids(self._nodes.get(CONTOURS))) == set(parts):
            return
        lattice = common_grid([part.mask for part in parts.values()], after.pet.grid)
        node = segmentation_of(self._nodes, CONTOURS, "Contours", lattice)
        shown = {id(part.mask) for part in former.values()}
        with one_change(node):
            _drop_other_segments(node, set(parts))
            for number, (segment_id, content) in enumerate(_contour_contents(parts, lattice), start=1):
                _write_on_lattice(node, segment_id, content, id(content.mask) not in shown)
                if number % _AT_ONCE == 0:
                    yield
        yield
        display = display_of(self._nodes, CONTOURS, node, self._nodes.get(PET), is_visible=not is_new)
        with one_change(display):
            for segment_id, part in parts.items():
                # Outlines for candidates, a filled band for where they disagree.
                display.SetSegmentVisibility2DFill(segment_id, part.rule is None)
                display.SetSegmentVisibility2DOutline(segment_id, part.rule is not None)
                display.SetSegmentVisibility3D(segment_id, False)

    def show_contours_of(self, lesion_id: str | None) -> None:
        """Show the candidates and the disputed band of one lesion in the slices; None hides them all."""
        node = self._nodes.get(CONTOURS)
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


def _contour_contents(
    parts: Mapping[str, ContourPart], lattice: VoxelGrid
) -> Iterator[tuple[str, SegmentContent]]:
    colors = appearance.rule_colors([part.rule for part in parts.values() if part.rule])
    for segment_id, part in parts.items():
        tags = {
            TAG + "Id": part.lesion_id,
            TAG + "Source": part.rule or "disputed",
            TAG + "ThresholdSUV": _number_text(part.threshold_suv),
        }
        color = colors[part.rule] if part.rule else appearance.DISPUTED_COLOR
        yield (
            segment_id,
            SegmentContent(segment_id, part.mask, color, appearance.LESIONS_TERMINOLOGY, tags, lattice),
        )


def _write_on_lattice(node: Any, segment_id: str, content: SegmentContent, with_mask: bool) -> None:
    """Write a segment whose mask lies on a fine grid of its own, brought to the lattice of them all."""
    if with_mask or segment_id not in segment_ids(node):
        image = take_image(content.mask, content.lattice)
        mask = onto_grid(content.mask, content.lattice) if image is None else content.mask
        content = replace(content, mask=mask, shape=content.mask, image=image)
    write_segment(node, segment_id, content, with_mask)


def _are_same_parts(a: Mapping[str, ContourPart], b: Mapping[str, ContourPart]) -> bool:
    return list(a) == list(b) and all(a[name].mask is b[name].mask for name in a)


def _drop_other_segments(node: Any, wanted: Collection[str]) -> None:
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
