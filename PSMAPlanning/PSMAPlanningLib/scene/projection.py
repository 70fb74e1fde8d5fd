"""The planning case written into the MRML scene, one way: the case decides, the scene shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .context import context_node
from .owned_nodes import COVERAGE_TABLE, LESION_TABLE, OwnedNodes
from .prepared_segments import prepare_volumes
from .restore import CASE_PARAMETER, SETTINGS_PARAMETER
from .rotating_mip import outer_points
from .shown_images import ShownImages
from .shown_segments import CLASS_TAG, TAG, ShownSegments
from .stored_case import CaseWriter
from .tables import write_coverage_table, write_lesion_table
from .volume_outlines import VolumeOutlines

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..imaging.image import Image
    from ..records import CaseState, RtVolume

    Coverage = Mapping[str, Mapping[str, LesionVolumeCoverage]]

__all__ = ["CASE_PARAMETER", "CLASS_TAG", "SETTINGS_PARAMETER", "TAG", "SceneProjection"]


class SceneProjection:
    """Keeps the nodes of one planning case as the case is. Nobody else writes to these nodes.

    Raises SceneError when MRML refuses something.
    """

    def __init__(self, scene: Any) -> None:
        self.nodes = OwnedNodes(scene)
        self._writer = CaseWriter()
        self._images = ShownImages(self.nodes)
        self._segments = ShownSegments(self.nodes)
        self.outlines = VolumeOutlines(self.nodes)

    def remember_source(self, content: Image | RtVolume, node: Any) -> None:
        """Say which node an image, or the first of several volumes, was read from.

        An image's node then stands for it in the scene, instead of a copy.
        """
        self._images.remember_source(content, node)

    def remember_source_id(self, content: Image | RtVolume, node_id: str) -> None:
        """The same by the node's id; on any thread."""
        self._images.remember_source_id(content, node_id)

    def source_of(self, content: Image | RtVolume | None) -> Any | None:
        """The node it was read from; None when there was none or it is gone."""
        return self._images.source_of(content)

    def prepare(self, after: CaseState) -> None:
        """Make ahead of time what `update` will need; may be called on another thread."""
        self._images.prepare(after)
        self._writer.text_of(after)
        prepare_volumes(after)
        for lesion in after.lesions:
            outer_points(lesion.contour.mask)

    def update(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> None:
        """Bring the scene from `before` to `after`; None for `before` writes everything."""
        for _step in self.steps(before, after, coverage):
            pass

    def steps(self, before: CaseState | None, after: CaseState, coverage: Coverage) -> Iterator[None]:
        """What `update` does, in steps; in between the scene shows neither state.

        Records are frozen, so what is the same object in both states is left alone.
        """
        self._update_parameters(before, after)
        yield
        yield from self._images.steps(before, after)
        yield from self._segments.volumes(before, after)
        yield
        self.outlines.show(after.volumes)
        yield
        yield from self._segments.lesions(before, after, coverage)
        yield
        yield from self._segments.contours(before, after)
        yield
        self._update_tables(after, coverage)

    def show_context(self) -> None:
        """Put the bones, or without a CT the body's outline, into the scene as a faint model."""
        context_node(self.nodes)

    def show_contours_of(self, lesion_id: str | None) -> None:
        """Show the candidates and the disputed band of one lesion in the slices; None hides them all."""
        self._segments.show_contours_of(lesion_id)

    def remove(self) -> None:
        """Take everything this case put into the scene out again."""
        self.outlines.remove()
        self.nodes.remove_all()

    def _update_parameters(self, before: CaseState | None, after: CaseState) -> None:
        if before is None or before.settings is not after.settings:
            self.nodes.parameters().SetParameter(SETTINGS_PARAMETER, after.settings.to_json())
        if before is not after:
            self.nodes.parameters().SetParameter(CASE_PARAMETER, self._writer.text_of(after))

    def _update_tables(self, after: CaseState, coverage: Coverage) -> None:
        table_class = "vtkMRMLTableNode"
        write_lesion_table(
            self.nodes.get_or_create(LESION_TABLE, table_class, "Lesion table"), after, coverage
        )
        write_coverage_table(
            self.nodes.get_or_create(COVERAGE_TABLE, table_class, "Coverage table"), after, coverage
        )
