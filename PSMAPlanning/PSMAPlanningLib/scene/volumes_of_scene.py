"""What the scene has for making and drawing radiotherapy volumes, beside the volumes themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .landmark_planes import LandmarkNodes
from .organ_layers import organ_reader
from .projection import SceneProjection
from .volume_drawing import VolumeDrawing

if TYPE_CHECKING:
    from ..imaging.image import Mask


class VolumesOfScene:
    """The part of `PlanningScene` that the RT volumes section needs.

    landmarks: planes and points in the views. drawing: the volume that is drawn on.
    """

    scene: Any
    landmarks: LandmarkNodes
    drawing: VolumeDrawing
    _projection: SceneProjection

    def make_volumes_helpers(self) -> None:
        self.landmarks = LandmarkNodes(self.scene)
        self.drawing = VolumeDrawing(self.scene, self._projection.nodes)

    def read_organs(self, node: Any) -> Callable[[Mapping[str, str]], dict[str, Mask]]:
        """A function that makes organ masks of a segmentation, on any thread; see `organ_reader`."""
        return organ_reader(node)

    def end_volumes(self, is_closing: bool = False) -> None:
        """Take drawing and landmarks out of the scene; a scene that closes takes the landmarks itself."""
        self.drawing.end()
        if is_closing:
            self.landmarks.forget()
        else:
            self.landmarks.remove()
