"""Slice and 3D views brought to a place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .batch import one_change

_VIEW_ANGLE_DEGREES = 30.0
# Along the right and the upper edge of a slice, by its orientation.
_PLANES = {"Axial": (0, 1), "Coronal": (0, 2), "Sagittal": (1, 2)}


def look_at(scene: Any, low_ras: np.ndarray, high_ras: np.ndarray) -> None:
    """Every slice and 3D view shows the box between two corners, R, A and S, as large as it fits."""
    from slicer import vtkMRMLSliceNode

    center = (low_ras + high_ras) / 2
    with _each_one_change(scene, "vtkMRMLSliceNode") as views:
        vtkMRMLSliceNode.JumpAllSlices(scene, *center, vtkMRMLSliceNode.CenteredJumpSlice)
        for view in views:
            extent = (high_ras - low_ras)[list(_PLANES.get(view.GetOrientation(), (0, 2)))]
            width, height, _ = view.GetDimensions()
            mm_per_pixel = float(np.max(extent / (max(width, 1), max(height, 1))))
            view.SetFieldOfView(width * mm_per_pixel, height * mm_per_pixel, view.GetFieldOfView()[2])
    bounds = np.column_stack([low_ras, high_ras]).ravel()
    look_at_bounds(scene, tuple(float(value) for value in bounds))


def look_at_bounds(scene: Any, bounds_ras: tuple[float, ...]) -> None:
    """3D cameras look from the front at a box (R, A, S from, to), which fills the view."""
    low, high = np.array(bounds_ras[::2]), np.array(bounds_ras[1::2])
    # From the front a box is as large as its width and height; the near side looks larger than the far one.
    center, radius_mm = (low + high) / 2, max((high - low)[[0, 2]]) / 2
    distance_mm = radius_mm / np.tan(np.radians(_VIEW_ANGLE_DEGREES / 2)) + (high - low)[1] / 2
    with _each_one_change(scene, "vtkMRMLCameraNode") as cameras:
        for camera in cameras:
            camera.SetFocalPoint(*center)
            camera.SetPosition(*(center + np.array([0.0, distance_mm, 0.0])))
            camera.SetViewUp(0.0, 0.0, 1.0)
            camera.ResetClippingRange()


def jump_to(scene: Any, point_ras: tuple[float, float, float]) -> None:
    """All slice views to a RAS position, centered; 3D cameras turn around it from where they look now."""
    from slicer import vtkMRMLSliceNode

    vtkMRMLSliceNode.JumpAllSlices(scene, *point_ras, vtkMRMLSliceNode.CenteredJumpSlice)
    _show_crosshair_at(scene, point_ras)
    with _each_one_change(scene, "vtkMRMLCameraNode") as cameras:
        for camera in cameras:
            moved = np.array(point_ras) - np.array(camera.GetFocalPoint())
            camera.SetPosition(*(np.array(camera.GetPosition()) + moved))
            camera.SetFocalPoint(*point_ras)
            camera.ResetClippingRange()


def _show_crosshair_at(scene: Any, point_ras: Any) -> None:
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairRAS(*(float(value) for value in point_ras))


@contextmanager
def _each_one_change(scene: Any, kind: str) -> Iterator[list[Any]]:
    """All nodes of a kind; what is done to each is told once: a moved slice cuts every segment anew."""
    nodes = [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
    with ExitStack() as changes:
        for node in nodes:
            changes.enter_context(one_change(node))
        yield nodes
