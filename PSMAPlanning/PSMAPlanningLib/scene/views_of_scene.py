"""What is put into the scene for looking at the case, beside the case itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .context import ContextContent, write_context
from .lesion_focus import RulerContent, show_missed_part, show_ruler
from .navigation import jump_to, look_at
from .pet_look import PetLook, show_pet_look
from .projection import SceneProjection

if TYPE_CHECKING:
    from vtk import vtkPolyData


class ViewsOfScene:
    """The part of `PlanningScene` that the views need."""

    scene: Any
    _projection: SceneProjection
    _is_ours: int

    def jump_to(self, point_ras: tuple[float, float, float]) -> None:
        jump_to(self.scene, point_ras)

    def look_at(self, low_ras: np.ndarray, high_ras: np.ndarray) -> None:
        """Every slice and 3D view shows the box between two corners; see `navigation.look_at`."""
        look_at(self.scene, low_ras, high_ras)

    def show_pet_look(self, pet: Any, ct: Any | None, look: PetLook) -> None:
        show_pet_look(self.scene, pet, ct, look)

    def show_context(self, content: ContextContent | None) -> None:
        """Show a faint surface around the lesions; None takes it away."""
        with self._ours():
            write_context(self._projection.nodes, content)

    def show_focus(self, ruler: RulerContent | None, missed: vtkPolyData | None) -> None:
        """Show the missing margin and the missed part of the selected lesion; None takes either away."""
        with self._ours():
            show_ruler(self._projection.nodes, ruler)
            show_missed_part(self._projection.nodes, missed)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """While open, nodes that come and go are ours and nobody's deletion."""
        self._is_ours += 1
        try:
            yield
        finally:
            self._is_ours -= 1
            self._remember_ids()

    def _remember_ids(self) -> None:
        raise NotImplementedError
