"""Slice and 3D views brought to a place."""

from __future__ import annotations

from typing import Any

import numpy as np

_VIEW_ANGLE_DEGREES = 30.0


def look_at_bounds(scene: Any, bounds_ras: tuple[float, ...]) -> None:
    """3D cameras look from the front at a box (R, A, S from, to), which fills the view."""
    low, high = np.array(bounds_ras[::2]), np.array(bounds_ras[1::2])
    center, radius_mm = (low + high) / 2, np.linalg.norm(high - low) / 2
    distance_mm = radius_mm / np.sin(np.radians(_VIEW_ANGLE_DEGREES / 2))
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(n, "vtkMRMLCameraNode")
        camera.SetFocalPoint(*center)
        camera.SetPosition(*(center + np.array([0.0, distance_mm, 0.0])))
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.ResetClippingRange()


def jump_to(scene: Any, point_ras: tuple[float, float, float]) -> None:
    """All slice views to a RAS position, centered; 3D cameras turn around it from where they look now."""
    from slicer import vtkMRMLSliceNode

    vtkMRMLSliceNode.JumpAllSlices(scene, *point_ras, vtkMRMLSliceNode.CenteredJumpSlice)
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(n, "vtkMRMLCameraNode")
        moved = np.array(point_ras) - np.array(camera.GetFocalPoint())
        camera.SetPosition(*(np.array(camera.GetPosition()) + moved))
        camera.SetFocalPoint(*point_ras)
        camera.ResetClippingRange()
