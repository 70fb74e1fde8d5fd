"""What an export takes from the scene that the case is shown in, in the desktop as well as without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SceneError
from .owned_nodes import LESIONS, OwnedNodes
from .picture_content import PictureContent, picture_content
from .save import save_scene, save_segmentation


class ScenePictures:
    """Access to one scene for the main thread, each call one step of an export."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    def content(self) -> PictureContent:
        """What pictures show; they are drawn of it on any thread, without OpenGL."""
        return picture_content(self._scene)

    def save_lesions(self, path: Path) -> None:
        """The lesions as .seg.nrrd; raises SceneError when there are none."""
        node = OwnedNodes(self._scene).get(LESIONS)
        if node is None:
            raise SceneError("There are no lesions in the scene to be saved.")
        save_segmentation(node, path)

    def save(self, path: Path) -> None:
        save_scene(self._scene, path)
