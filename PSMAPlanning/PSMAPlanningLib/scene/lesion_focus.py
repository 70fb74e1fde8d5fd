"""What is drawn in 3D for the lesion that is selected: what the volumes miss of it, and by how much.

Both nodes belong to the case and go when nothing is selected any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import vtk

from ..errors import SceneError
from ..records import headline_volumes
from .appearance import MISSED_COLOR, RULER_COLOR
from .owned_nodes import MISSED_PART, RULER, OwnedNodes

if TYPE_CHECKING:
    from ..coverage.lesion_coverage import LesionVolumeCoverage
    from ..records import Lesion, RtVolume

_OCCLUDED_OPACITY = 0.7
_TEXT_SCALE = 2.8


@dataclass(frozen=True)
class RulerContent:
    """From the lesion's farthest uncovered point to the volume's next one, RAS; `length_mm` apart."""

    lesion_id: str
    volume: str
    lesion_ras: tuple[float, float, float]
    volume_ras: tuple[float, float, float]
    length_mm: float


def ruler_of(
    lesion: Lesion, volumes: Sequence[RtVolume], coverage: Mapping[str, LesionVolumeCoverage]
) -> RulerContent | None:
    """To the headline volume that would have to grow least; None when one of them holds all of the lesion.

    Its length is the margin to 100 % of the coverage table.
    """
    found = [
        (coverage[volume.name], volume.name)
        for volume in headline_volumes(volumes)
        if volume.name in coverage and coverage[volume.name].margin_to_100_mm is not None
    ]
    if not found:
        return None
    least, name = min(found, key=lambda pair: (pair[0].margin_to_100_mm, pair[1]))
    if least.farthest_ras is None or least.is_covered:
        return None
    start, end = np.array(least.farthest_ras), np.array(least.nearest_ras)
    length = float(np.linalg.norm(end - start))
    if length == 0:
        return None
    # The nearest point is known to half a gap of the sampled surface, the distance to its plane better.
    end = start + (end - start) * least.margin_to_100_mm / length
    return RulerContent(
        lesion.id,
        name,
        tuple(float(v) for v in start),
        tuple(float(v) for v in end),
        least.margin_to_100_mm,
    )


def show_ruler(nodes: OwnedNodes, content: RulerContent | None) -> None:
    """Draw the ruler with its length in mm, or take it away."""
    if content is None:
        nodes.remove(RULER)
        return
    node = nodes.get(RULER)
    if node is None:
        node = nodes.get_or_create(RULER, "vtkMRMLMarkupsLineNode", "Missing margin")
        # Views draw anew at each change of the node: 0.3 s apiece without a graphics card.
        former = node.StartModify()
        node.CreateDefaultDisplayNodes()
        _set_up_ruler(node)
    else:
        former = node.StartModify()
    name = f"{content.lesion_id} to {content.volume}: {content.length_mm:.1f} mm"
    if node.GetName() != name:
        node.SetName(name)
    ends = np.array([content.lesion_ras, content.volume_ras])
    if node.GetNumberOfControlPoints() != 2:
        node.RemoveAllControlPoints()
        for end in ends:
            node.AddControlPoint(vtk.vtkVector3d(*end))
    for n, end in enumerate(ends):
        node.SetNthControlPointPosition(n, *end)
    node.EndModify(former)


def show_missed_part(nodes: OwnedNodes, surface: vtk.vtkPolyData | None) -> None:
    """Draw what the volumes miss of the selected lesion, or take it away."""
    if surface is None or surface.GetNumberOfPolys() == 0:
        nodes.remove(MISSED_PART)
        return
    node = nodes.get(MISSED_PART)
    if node is None:
        node = nodes.get_or_create(MISSED_PART, "vtkMRMLModelNode", "Missed part")
        node.SetAndObservePolyData(surface)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetColor(*MISSED_COLOR)
        display.SetVisibility2D(False)
        display.SetAmbient(0.25)
        # Cut open at its rim by a hundredth of a millimetre, it must not show a dark inside there.
        display.SetBackfaceCulling(False)
    elif node.GetPolyData() is not surface:
        node.SetAndObservePolyData(surface)


def _set_up_ruler(node: Any) -> None:
    node.SetLocked(True)
    # It would be written behind the name with as many digits as the scene's unit of length has.
    node.GetMeasurement("length").SetEnabled(False)
    display = node.GetDisplayNode()
    if display is None:
        raise SceneError("MRML made no display node for the ruler.")
    former = display.StartModify()
    for write in (display.SetColor, display.SetSelectedColor, display.SetActiveColor):
        write(*RULER_COLOR)
    display.SetPropertiesLabelVisibility(True)
    display.SetPointLabelsVisibility(False)
    display.SetTextScale(_TEXT_SCALE)
    display.SetGlyphScale(1.2)
    display.SetHandlesInteractive(False)
    # Inside of a lesion or a volume it would not be seen.
    display.SetOccludedVisibility(True)
    display.SetOccludedOpacity(_OCCLUDED_OPACITY)
    # In the slices it would lie over the lesion's outline.
    display.SetVisibility2D(False)
    display.EndModify(former)
