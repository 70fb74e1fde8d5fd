"""Outlines of the RT volumes in 3D: lines where their surfaces turn away from the viewer.

A translucent surface alone has no edge that the eye could hold on to. The lines depend on where one looks
from, so they are found anew for every picture: where the normals, from corner to corner of each triangle,
become square to the line of sight (Hertzmann and Zorin 2000, doi:10.1145/344779.345074). This is done on
surfaces made for it: on the one that shows a volume each step between two slices would be a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import vtk
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..errors import SceneError
from ..imaging.grid import bounding_box
from ..imaging.image import Mask
from .appearance import Color, outline_color, volume_colors
from .owned_nodes import VOLUMES, OwnedNodes
from .surfaces import polydata, triangles_of

if TYPE_CHECKING:
    from ..records import RtVolume

OUTLINES_ATTRIBUTE = "PSMAPlanning.VolumeOutlines"
OUTLINE_PIXELS = 1.5
_CELL_MM = 2.5
_BLUR_MM = 2.0
"""Steps between slices 3 mm apart are gone; a wall stays where it is to half a millimetre."""
_COLORS = "Colors"

_made: WeakKeyDictionary[Mask, vtk.vtkPolyData] = WeakKeyDictionary()


def outline_surface(mask: Mask) -> vtk.vtkPolyData:
    """The surface whose outline is drawn, RAS, wound outward, made once; empty for an empty mask.

    Work beside the interface calls this ahead of time: 0.1 s for pelvic nodes.
    """
    if mask not in _made:
        _made[mask] = _coarse_surface(mask)
    return _made[mask]


def outline_lines(
    surface: vtk.vtkPolyData, toward: np.ndarray | None = None, eye_ras: np.ndarray | None = None
) -> np.ndarray:
    """Lines, (N, 2, 3) RAS, where a surface turns away from a viewer.

    toward: along which all rays run in a parallel view. eye_ras: where they start in a perspective one.
    """
    if surface.GetNumberOfPolys() == 0:
        return np.empty((0, 2, 3))
    points = vtk_to_numpy(surface.GetPoints().GetData())
    normals = vtk_to_numpy(surface.GetPointData().GetNormals())
    corners = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    sight = points - np.asarray(eye_ras, np.float32) if toward is None else np.asarray(toward, np.float32)
    facing = np.einsum("ni,ni->n", normals, np.broadcast_to(sight, normals.shape))
    is_away = facing > 0
    away = is_away[corners].sum(axis=1)
    crossed, count = corners[(away == 1) | (away == 2)], away[(away == 1) | (away == 2)]
    # The corner that is alone on its side; the line cuts the two edges that meet there.
    alone = np.argmax(is_away[crossed] == (count == 1)[:, None], axis=1)
    rows = np.arange(len(crossed))
    start = crossed[rows, alone]
    ends = []
    for turn in (1, 2):
        end = crossed[rows, (alone + turn) % 3]
        share = facing[start] / (facing[start] - facing[end])
        ends.append(points[start] + share[:, None] * (points[end] - points[start]))
    return np.stack(ends, axis=1).astype(float)


def ribbons(lines: np.ndarray, toward: np.ndarray, width_mm: float) -> tuple[np.ndarray, ...]:
    """Lines as bands that face the viewer: points, (4 N, 3), corners of triangles, (2 N, 3), and normals.

    lines: (N, 2, 3) RAS. toward: unit vector along which the viewer looks.
    """
    across = np.cross(lines[:, 1] - lines[:, 0], toward)
    across *= width_mm / 2 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    sides = (lines[:, 0] - across, lines[:, 0] + across, lines[:, 1] + across, lines[:, 1] - across)
    points = np.stack(sides, axis=1).reshape(-1, 3)
    first = 4 * np.arange(len(lines))[:, None]
    corners = np.concatenate([first + np.array(three) for three in ((0, 1, 2), (0, 2, 3))])
    return points, corners, np.tile(-np.asarray(toward, dtype=float), (len(points), 1))


class VolumeOutlines:
    """The lines in the scene's 3D view: one model that goes with the RT volumes, and into no scene file."""

    def __init__(self, nodes: OwnedNodes) -> None:
        self._nodes = nodes
        self._surfaces: dict[str, tuple[vtk.vtkPolyData, Color]] = {}
        self._shown: tuple[str, ...] = ()
        self._camera: vtk.vtkCamera | None = None
        self._observed: list[tuple[Any, int]] = []
        self._filter: Any = None

    @property
    def node(self) -> Any | None:
        """The model of the lines; None without RT volumes."""
        scene = self._nodes.scene
        models = (
            scene.GetNthNodeByClass(n, "vtkMRMLModelNode")
            for n in range(scene.GetNumberOfNodesByClass("vtkMRMLModelNode"))
        )
        return next((model for model in models if model.GetAttribute(OUTLINES_ATTRIBUTE)), None)

    def show(self, volumes: Sequence[RtVolume]) -> None:
        """Outline these volumes as far as the segmentation that shows them lets each be seen in 3D."""
        node = self._nodes.get(VOLUMES)
        display = node.GetDisplayNode() if node is not None else None
        if not volumes or display is None:
            self.remove()
            return
        colors = volume_colors(volumes)
        self._surfaces = {
            volume.name: (outline_surface(volume.mask), outline_color(colors[volume.name]))
            for volume in volumes
        }
        self._shown = _seen(display, self._surfaces)
        if self.node is None:
            self._add_node()
        self._follow(display)
        self._changed()

    def remove(self) -> None:
        """Take the lines out of the scene, and follow nothing any more."""
        self._follow(None)
        node = self.node
        for each in (node, node.GetDisplayNode()) if node is not None else ():
            if each is not None:
                self._nodes.scene.RemoveNode(each)
        self._surfaces, self._shown, self._filter = {}, (), None

    def _follow(self, display: Any | None) -> None:
        """Follow what the volumes' display shows, and the camera of the first 3D view."""
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed, self._camera = [], None
        if display is None:
            return
        tag = display.AddObserver("ModifiedEvent", lambda _node, _event: self._display_changed(display))
        self._observed.append((display, tag))
        camera = self._nodes.scene.GetFirstNodeByClass("vtkMRMLCameraNode")
        if camera is not None:
            self._camera = camera.GetCamera()
            tag = self._camera.AddObserver("ModifiedEvent", lambda _camera, _event: self._changed())
            self._observed.append((self._camera, tag))

    def _display_changed(self, display: Any) -> None:
        shown = _seen(display, self._surfaces)
        if shown != self._shown:
            self._shown = shown
            self._changed()
            if self.node is not None:
                self.node.GetDisplayNode().SetVisibility(bool(shown))

    def _changed(self) -> None:
        """The next picture of the view finds new lines; nothing is worked out before."""
        if self._filter is not None:
            self._filter.Modified()

    def _add_node(self) -> None:
        scene = self._nodes.scene
        self._filter = vtk.vtkProgrammableFilter()
        self._filter.SetInputData(vtk.vtkPolyData())
        self._filter.SetExecuteMethod(self._write_lines)
        display = _added(scene, "vtkMRMLModelDisplayNode")
        display.SetVisibility2D(False)
        display.SetLighting(False)
        display.SetLineWidth(OUTLINE_PIXELS)
        display.SetActiveScalarName(_COLORS)
        display.SetScalarRangeFlag(display.UseDirectMapping)
        display.SetScalarVisibility(True)
        view = scene.GetFirstNodeByClass("vtkMRMLViewNode")
        if view is not None:
            # Seen through another view's camera they would lie somewhere on the surface.
            display.AddViewNodeID(view.GetID())
        node = _added(scene, "vtkMRMLModelNode")
        node.SetName("Outlines of the RT volumes")
        node.SetAttribute(OUTLINES_ATTRIBUTE, "1")
        node.SetSelectable(False)
        node.SetPolyDataConnection(self._filter.GetOutputPort())
        node.SetAndObserveDisplayNodeID(display.GetID())

    def _write_lines(self) -> None:
        camera = self._camera
        parts, colors = [np.empty((0, 2, 3))], [np.empty((0, 3), dtype=np.uint8)]
        for surface, color in (self._surfaces[name] for name in self._shown):
            if camera is None or camera.GetParallelProjection():
                toward = camera.GetDirectionOfProjection() if camera is not None else (0.0, -1.0, 0.0)
                lines = outline_lines(surface, toward=np.array(toward))
            else:
                lines = outline_lines(surface, eye_ras=np.array(camera.GetPosition()))
            parts.append(lines)
            colors.append(np.tile(np.round(255 * np.array(color)).astype(np.uint8), (2 * len(lines), 1)))
        _write(self._filter.GetPolyDataOutput(), np.concatenate(parts), np.concatenate(colors))


def _added(scene: Any, kind: str) -> Any:
    """A node that nobody sees in lists, and that no scene file keeps."""
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    added = scene.AddNode(node)
    if added is None:
        raise SceneError("MRML did not take the outlines of the RT volumes.")
    return added


def _seen(display: Any, names: Any) -> tuple[str, ...]:
    if not (display.GetVisibility() and display.GetVisibility3D()):
        return ()
    return tuple(
        name for name in names if display.GetSegmentVisibility(name) and display.GetSegmentVisibility3D(name)
    )


def _write(output: vtk.vtkPolyData, lines: np.ndarray, colors: np.ndarray) -> None:
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(lines.reshape(-1, 3).astype(np.float32), deep=True))
    cells = vtk.vtkCellArray()
    numbers = np.arange(2 * len(lines) + 1, dtype=np.int64)
    cells.SetData(numpy_to_vtk(numbers[::2].copy(), deep=True), numpy_to_vtk(numbers[:-1].copy(), deep=True))
    output.SetPoints(points)
    output.SetLines(cells)
    array = numpy_to_vtk(colors, deep=True)
    array.SetName(_COLORS)
    output.GetPointData().SetScalars(array)


def _coarse_surface(mask: Mask) -> vtk.vtkPolyData:
    box = bounding_box(mask.array)
    if box is None:
        return vtk.vtkPolyData()
    grid = mask.grid.crop(box)
    spacing = np.array(grid.spacing_kji_mm)
    steps = np.maximum(np.round(_CELL_MM / spacing).astype(int), 1)
    padding = np.ceil(4 * _BLUR_MM / spacing).astype(int) + steps
    padded = np.pad(mask.array[box], [(int(n), int(n)) for n in padding]).astype(np.float32)
    field = ndimage.gaussian_filter(padded, np.maximum(_BLUR_MM, spacing / 2) / spacing)
    coarse = np.ascontiguousarray(field[tuple(slice(None, None, int(n)) for n in steps)])
    # As many voxels inside as the mask has; something thin would be lost at one half.
    voxels = max(1, round(mask.voxels / int(steps.prod())))
    level = min(float(np.partition(coarse.ravel(), -voxels)[-voxels]), 0.5)
    triangles = triangles_of(coarse, tuple((spacing * steps)[::-1]), level)
    if triangles.GetNumberOfPolys() == 0:
        return vtk.vtkPolyData()
    points_mm = vtk_to_numpy(triangles.GetPoints().GetData()).astype(float)
    corners = vtk_to_numpy(triangles.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    if np.linalg.det(np.array(grid.direction_ras)) < 0:
        corners = corners[:, ::-1]
    return polydata(grid.ras_of(points_mm[:, ::-1] / spacing - padding), corners)
