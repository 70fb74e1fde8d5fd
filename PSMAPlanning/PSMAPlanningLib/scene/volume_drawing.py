"""One radiotherapy volume in a segmentation of its own, for the segment editor to draw on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import SceneError
from .appearance import volume_colors
from .edit_session import EditSession
from .owned_nodes import CT, PET, PLANNING_CT, VOLUMES, OwnedNodes

if TYPE_CHECKING:
    from ..imaging.image import Mask
    from ..records import CaseState, RtVolume


class VolumeDrawing:
    """At most one volume is drawn on at a time.

    on_modified: called after each change of the voxels; for whoever makes commands of them.
    """

    def __init__(self, scene: Any, nodes: OwnedNodes) -> None:
        self.on_modified: Callable[[], None] | None = None
        self._scene = scene
        self._nodes = nodes
        self._session: EditSession | None = None
        self._name = ""

    @property
    def node(self) -> Any | None:
        """The segmentation to draw on; None when there is none, or somebody deleted it."""
        return self._session.node if self._session is not None else None

    @property
    def source(self) -> Any | None:
        """The image to draw over: the planning CT, else the CT of the PET/CT, else the PET."""
        return self._nodes.get(PLANNING_CT) or self._nodes.get(CT) or self._nodes.get(PET)

    def begin(self, volume: RtVolume, state: CaseState) -> None:
        """Open a volume for drawing. Raises SceneError without an image to draw over."""
        self.end()
        image = state.planning_ct or state.ct or state.pet
        if image is None or self.source is None:
            raise SceneError("There is no CT and no PET to draw over; choose one under Patient first.")
        color = volume_colors(state.volumes)[volume.name]
        self._name = volume.name
        self._session = EditSession(
            self._scene, volume.name, volume.mask, self.source, image.grid, color, self._tell
        )
        self._hide(True)

    def drawn(self) -> Mask | None:
        """What was drawn since the last time it was asked; None when nothing."""
        return self._session.drawn() if self._session is not None else None

    def show(self, mask: Mask) -> None:
        """Put another contour on the node, as after undo."""
        if self._session is not None:
            self._session.show(mask)
            self._hide(True)

    def end(self) -> None:
        if self._session is None:
            return
        self._hide(False)
        session, self._session = self._session, None
        session.close()

    def _tell(self) -> None:
        if self.on_modified is not None:
            self.on_modified()

    def _hide(self, hidden: bool) -> None:
        """In slices the volume being drawn is shown by the editor; twice would be confusing."""
        node = self._nodes.get(VOLUMES)
        display = node.GetDisplayNode() if node is not None else None
        if display is not None and node.GetSegmentation().GetSegment(self._name) is not None:
            display.SetSegmentVisibility2DOutline(self._name, not hidden)
