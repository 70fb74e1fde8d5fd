"""What pictures of the case show, taken from the scene in a moment on the main thread.

Pictures are then composed of it on any thread, and the scene stays as it is: no view draws, nothing flickers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import SceneError
from ..imaging.image import Image, Mask
from .appearance import Color
from .context import ContextContent, context_of
from .labels import LesionBall
from .legend import LegendEntry, context_entry, legend_entries
from .node_contents import SegmentVoxels, segment_voxels
from .owned_nodes import CONTEXT, CT, LESIONS, MISSED_PART, PET, PLANNING_CT, VOLUMES, OwnedNodes
from .surfaces import polydata, surface_for_display
from .volume_nodes import FUSION_COLORS, image_voxels

_STEPS = 256
_VOLUME_LEGEND_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class Triangles:
    """A surface as arrays: points and normals, (N, 3), in RAS; point numbers of the corners, (M, 3)."""

    points_ras: np.ndarray
    corners: np.ndarray
    normals: np.ndarray

    @property
    def is_empty(self) -> bool:
        return len(self.corners) == 0

    @property
    def bounds_ras(self) -> np.ndarray:
        """Lowest and highest corner, (2, 3)."""
        return np.array([self.points_ras.min(axis=0), self.points_ras.max(axis=0)])


@dataclass(frozen=True, eq=False)
class ShownSegment:
    """A segment as it is shown: its name, color, voxels, surface, and how opaque it is in 3D.

    in_slices, in_3d: where it is visible. The mask is worked out when it is asked for.
    """

    name: str
    color: Color
    voxels: SegmentVoxels | None
    surface: vtk.vtkPolyData | None
    opacity_3d: float
    in_slices: bool
    in_3d: bool
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def mask(self) -> Mask | None:
        """None for a segment without voxels."""
        if "mask" not in self._made:
            mask = self.voxels.mask() if self.voxels is not None else None
            self._made["mask"] = None if mask is None or mask.is_empty else mask
        return self._made["mask"]

    @property
    def triangles(self) -> Triangles | None:
        """None where there is no surface and no voxels to make one of."""
        if "triangles" not in self._made:
            surface = self.surface
            if surface is None and self.mask is not None:
                surface = surface_for_display(self.mask)
            self._made["triangles"] = triangles_of_surface(surface) if surface is not None else None
        return self._made["triangles"]


@dataclass(frozen=True, eq=False)
class ShownModel:
    """A surface beside the segments: what the volumes miss of the selected lesion."""

    triangles: Triangles
    color: Color
    opacity: float


@dataclass(frozen=True, eq=False)
class PictureContent:
    """Images, segments and colors of one moment.

    ct_window_hu: from black to white. pet_colors: RGB from 0 to 1, (256, 3), of PET laid over CT.
    context: the bones or the body, where they are in the scene already. legend, legend_3d: without context.
    """

    pet: Image | None
    ct: Image | None
    ct_window_hu: tuple[float, float]
    pet_colors: np.ndarray
    lesions: tuple[ShownSegment, ...]
    volumes: tuple[ShownSegment, ...]
    missed: ShownModel | None
    context: ContextContent | None
    legend: tuple[LegendEntry, ...]
    legend_3d: tuple[LegendEntry, ...]

    def balls(self) -> dict[str, LesionBall]:
        """Place and size of each lesion, by its id; an empty contour has neither."""
        masks = {lesion.name: lesion.mask for lesion in self.lesions}
        return {name: ball_of(mask) for name, mask in masks.items() if mask is not None}

    def surroundings(self) -> ContextContent | None:
        """The bones or the body's outline; worked out, in a second or two, when the scene shows neither."""
        content = self.context or context_of(self.ct, self.pet)
        return None if content is None or content.surface.GetNumberOfPolys() == 0 else content

    def entries_3d(self, context: ContextContent | None) -> list[LegendEntry]:
        """The legend of a 3D picture with these surroundings."""
        around = [] if context is None else [context_entry(context.name, context.color)]
        return [*self.legend_3d, *around]


def picture_content(scene: Any) -> PictureContent:
    """What a scene that a SceneProjection wrote to shows of the case; for the main thread."""
    nodes = OwnedNodes(scene)
    pet, ct = nodes.get(PET), nodes.get(CT) or nodes.get(PLANNING_CT)
    window = (-160.0, 240.0)
    if ct is not None and ct.GetDisplayNode() is not None:
        display = ct.GetDisplayNode()
        window = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
    return PictureContent(
        image_voxels(pet) if pet is not None else None,
        image_voxels(ct) if ct is not None else None,
        window,
        _colors_of(scene, FUSION_COLORS),
        _segments_of(nodes.get(LESIONS)),
        _segments_of(nodes.get(VOLUMES)),
        _missed_of(nodes.get(MISSED_PART)),
        _context_in(nodes.get(CONTEXT)),
        tuple(legend_entries(nodes)),
        tuple(legend_entries(nodes, volume_opacity=_VOLUME_LEGEND_OPACITY)),
    )


def triangles_of_surface(surface: vtk.vtkPolyData) -> Triangles:
    """A surface as arrays; what has more than three corners or no normals gets them."""
    cells = surface.GetPolys()
    if surface.GetNumberOfStrips() or cells.GetNumberOfConnectivityIds() != 3 * cells.GetNumberOfCells():
        triangulation = vtk.vtkTriangleFilter()
        triangulation.SetInputData(surface)
        triangulation.PassLinesOff()
        triangulation.PassVertsOff()
        triangulation.Update()
        surface = triangulation.GetOutput()
    if surface.GetNumberOfPolys() == 0:
        nothing = np.empty((0, 3))
        return Triangles(nothing, nothing.astype(int), nothing)
    points = vtk_to_numpy(surface.GetPoints().GetData())
    corners = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    normals = surface.GetPointData().GetNormals()
    if normals is None:
        normals = polydata(points.astype(float), corners).GetPointData().GetNormals()
    return Triangles(points, corners, vtk_to_numpy(normals))


def ball_of(mask: Mask) -> LesionBall:
    """The ball as large as a mask, around its center."""
    return LesionBall(mask.centroid_ras(), (mask.volume_ml * 1000 * 0.75 / math.pi) ** (1 / 3))


def _segments_of(node: Any | None) -> tuple[ShownSegment, ...]:
    if node is None:
        return ()
    display, segmentation = node.GetDisplayNode(), node.GetSegmentation()
    return tuple(_segment_of(segmentation, display, name) for name in segmentation.GetSegmentIDs())


def _segment_of(segmentation: Any, display: Any, segment_id: str) -> ShownSegment:
    from slicer import vtkSegmentationConverter

    segment = segmentation.GetSegment(segment_id)
    is_visible = bool(display.GetVisibility() and display.GetSegmentVisibility(segment_id))
    return ShownSegment(
        segment_id,
        segment.GetColor(),
        segment_voxels(segment),
        segment.GetRepresentation(vtkSegmentationConverter.GetClosedSurfaceRepresentationName()),
        display.GetSegmentOpacity3D(segment_id) * display.GetOpacity3D(),
        is_visible and bool(display.GetVisibility2D() and display.GetSegmentVisibility2DOutline(segment_id)),
        is_visible and bool(display.GetVisibility3D() and display.GetSegmentVisibility3D(segment_id)),
    )


def _missed_of(node: Any | None) -> ShownModel | None:
    display = node.GetDisplayNode() if node is not None else None
    if display is None or not display.GetVisibility() or node.GetPolyData() is None:
        return None
    triangles = triangles_of_surface(node.GetPolyData())
    return None if triangles.is_empty else ShownModel(triangles, display.GetColor(), display.GetOpacity())


def _context_in(node: Any | None) -> ContextContent | None:
    if node is None or node.GetPolyData() is None or node.GetDisplayNode() is None:
        return None
    display = node.GetDisplayNode()
    return ContextContent(node.GetPolyData(), node.GetName(), display.GetColor(), display.GetOpacity())


def _colors_of(scene: Any, node_id: str) -> np.ndarray:
    node = scene.GetNodeByID(node_id)
    if node is None:
        raise SceneError(f"The scene lacks Slicer's color table {node_id}; restart Slicer.")
    table = node.GetScalarsToColors()
    first, last = table.GetRange()
    colors, color = [], [0.0, 0.0, 0.0]
    for value in np.linspace(first, last, _STEPS):
        table.GetColor(value, color)
        colors.append(tuple(color))
    return np.array(colors, dtype=np.float32)


def all_bounds(surfaces: Sequence[Triangles]) -> np.ndarray | None:
    """The RAS box, (2, 3), around surfaces; None around nothing."""
    boxes = [surface.bounds_ras for surface in surfaces if not surface.is_empty]
    if not boxes:
        return None
    return np.array([np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)])
