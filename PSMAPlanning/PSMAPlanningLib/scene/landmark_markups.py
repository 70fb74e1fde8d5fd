"""The markups that show landmarks: planes with a handle for up and down, and points with a name."""

from __future__ import annotations

from typing import Any

from ..records import Point
from ..rtvolumes.landmarks import Landmark

POINTS = ("anastomosis", "penile_bulb_top", "seminal_vesicle_bed_top")
"""Landmarks whose place matters and not only their level."""
NODE_NAMES = {
    "L2_L3": "L2/L3",
    "aortic_bifurcation": "Aortic bifurcation",
    "L4_L5": "L4/L5",
    "L5_S1": "L5/S1",
    "S1_top": "Top of S1",
    "S3_bottom": "Bottom of S3",
    "femoral_head_top": "Top of femoral heads",
    "symphysis_top": "Top of symphysis",
    "anastomosis": "Anastomosis",
    "penile_bulb_top": "Top of penile bulb",
    "seminal_vesicle_bed_top": "Top of seminal vesicle bed",
}
_SIZE_MM = (180.0, 120.0)
"""About as wide as the inlet of a male pelvis and as deep, so that a plane stands out of bone."""
_NAMED_ON_THE_LEFT = frozenset({"aortic_bifurcation", "S1_top", "symphysis_top"})
"""Levels within two centimetres of the next: their names would lie on each other."""
_COLORS = {"automatic": (0.95, 0.95, 0.60), "user": (1.0, 1.0, 1.0)}
_HANDLE_PERCENT = 1.5
"""Of the view's size; Slicer's own 3 covers a vertebra."""
_FILL = 0.08


def position_of(node: Any) -> Point:
    """Where a landmark's node lies, RAS mm."""
    if node.IsA("vtkMRMLMarkupsPlaneNode"):
        return tuple(node.GetOriginWorld())
    return tuple(node.GetNthControlPointPositionWorld(0))


def plane_of(name: str, mark: Landmark) -> tuple[Any, Any]:
    """A plane with handles for up and down only and little fill, and its display node; in no scene yet."""
    from slicer import vtkMRMLMarkupsPlaneDisplayNode, vtkMRMLMarkupsPlaneNode

    node, display = vtkMRMLMarkupsPlaneNode(), vtkMRMLMarkupsPlaneDisplayNode()
    node.SetPlaneType(node.PlaneTypePointNormal)
    node.SetNormalWorld(*mark.normal_ras)
    node.SetOriginWorld(*mark.point_ras)
    node.SetSizeMode(node.SizeModeAbsolute)
    node.SetSize(*_SIZE_MM)
    _text(display)
    if name in _NAMED_ON_THE_LEFT:
        display.GetTextProperty().SetJustificationToRight()
    display.SetFillOpacity(_FILL)
    display.SetOutlineOpacity(0.9)
    display.SetNormalVisibility(False)
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetInteractionHandleScale(_HANDLE_PERCENT)
    display.SetRotationHandleVisibility(False)
    display.SetScaleHandleVisibility(False)
    display.SetTranslationHandleComponentVisibility(False, False, True, False)
    return node, display


def point_of(name: str, mark: Landmark) -> tuple[Any, Any]:
    """A point with its name, and its display node; not in a scene yet."""
    from slicer import vtkMRMLMarkupsFiducialDisplayNode, vtkMRMLMarkupsFiducialNode

    node, display = vtkMRMLMarkupsFiducialNode(), vtkMRMLMarkupsFiducialDisplayNode()
    node.SetMaximumNumberOfControlPoints(1)
    node.SetControlPointLabelFormat(NODE_NAMES[name])
    node.AddControlPointWorld(*mark.point_ras)
    _text(display)
    return node, display


def _text(display: Any) -> None:
    """Labels that can be read without covering the anatomy."""
    display.SetTextScale(2.5)
    display.SetGlyphScale(1.5)


def color_by_source(display: Any, mark: Landmark) -> None:
    """Tell what was found from what somebody placed."""
    color = _COLORS[mark.source.value]
    display.SetColor(*color)
    display.SetSelectedColor(*color)
