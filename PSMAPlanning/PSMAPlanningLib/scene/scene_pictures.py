"""Pictures and files of the scene that the case is shown in, in the desktop as well as without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SceneError
from .gl_probe import opengl_problem
from .owned_nodes import CONTEXT, LESIONS, OwnedNodes
from .picture_3d import render_3d
from .picture_mip import render_mip
from .picture_slices import render_slices
from .save import save_scene, save_segmentation


class ScenePictures:
    """What an export takes from one scene. has_views: views are on the screen, so OpenGL works."""

    def __init__(self, scene: Any, has_views: bool = False) -> None:
        self._scene, self._has_views = scene, has_views

    def picture_problem(self) -> str | None:
        """Why no picture can be taken, one sentence; None when they can."""
        return None if self._has_views else opengl_problem()

    def picture_3d(self, path: Path) -> None:
        """The bones, which the picture shows, do not stay when nobody wanted to see them before."""
        nodes = OwnedNodes(self._scene)
        had_context = nodes.get(CONTEXT) is not None
        render_3d(self._scene, path)
        if not had_context:
            nodes.remove(CONTEXT)

    def picture_mip(self, path: Path) -> None:
        render_mip(self._scene, path)

    def picture_slices(self, path: Path, position_ras: tuple[float, float, float], title: str) -> None:
        render_slices(self._scene, path, position_ras, title=title)

    def save_lesions(self, path: Path) -> None:
        """The lesions as .seg.nrrd; raises SceneError when there are none."""
        node = OwnedNodes(self._scene).get(LESIONS)
        if node is None:
            raise SceneError("There are no lesions in the scene to be saved.")
        save_segmentation(node, path)

    def save(self, path: Path) -> None:
        save_scene(self._scene, path)
