"""The patient around the lesions: bones from the CT, or the body's outline from the PET, as a faint model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import vtk
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Image
from .lighter_surfaces import lighter
from .owned_nodes import CONTEXT, CT, PET, PLANNING_CT, OwnedNodes
from .surfaces import polydata, triangles_of
from .volume_nodes import read_image

if TYPE_CHECKING:
    from .appearance import Color

BONE_HU = 200.0
BODY_SUV = 0.3
_BODY_FRACTION_OF_MEDIAN = 0.4
_CELL_MM = 2.5
_MOST_TRIANGLES = 30_000
"""Bones stay within 0.07 mm of themselves on average."""
_SMALLEST_PART_ML = 3.0
_BONE_CLOSING_MM = 6.0
_AROUND_BONES_VOXELS = 4
_BONE_COLOR: Color = (0.80, 0.76, 0.68)
_BODY_COLOR: Color = (0.72, 0.74, 0.78)


@dataclass(frozen=True, eq=False)
class ContextContent:
    """A faint surface around the lesions and how it is shown."""

    surface: vtk.vtkPolyData
    name: str
    color: Color
    opacity: float


def context_of(ct: Image | None, pet: Image | None) -> ContextContent | None:
    """Bones from the CT, else the body's outline from the PET; None without images. Takes two seconds."""
    if ct is not None:
        return ContextContent(bone_surface(ct), "Bones (CT)", _BONE_COLOR, 0.25)
    if pet is not None:
        return ContextContent(body_surface(pet), "Body outline (PET)", _BODY_COLOR, 0.14)
    return None


def context_node(nodes: OwnedNodes) -> Any | None:
    """The case's context model, made when there is none yet; None without images."""
    node = nodes.get(CONTEXT)
    if node is not None:
        return node
    ct, pet = nodes.get(CT) or nodes.get(PLANNING_CT), nodes.get(PET)
    content = context_of(
        read_image(ct) if ct is not None else None,
        read_image(pet) if ct is None and pet is not None else None,
    )
    return write_context(nodes, content)


def write_context(nodes: OwnedNodes, content: ContextContent | None) -> Any | None:
    """Show a surface around the lesions; None, or one without triangles, takes it away."""
    if content is None or content.surface.GetNumberOfPolys() == 0:
        nodes.remove(CONTEXT)
        return None
    node = nodes.get_or_create(CONTEXT, "vtkMRMLModelNode", content.name)
    node.SetAndObservePolyData(content.surface)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetColor(*content.color)
    display.SetOpacity(content.opacity)
    display.SetAmbient(0.2)
    display.SetDiffuse(0.8)
    display.SetVisibility2D(False)
    return node


def bone_surface(ct: Image) -> vtk.vtkPolyData:
    """The outside of the bones: what exceeds 200 HU, closed and filled, without specks."""
    coarse, grid = _coarser(ct)
    # The air around the patient would take most of the time.
    box = bounding_box(coarse >= BONE_HU, _AROUND_BONES_VOXELS)
    if box is None:
        return vtk.vtkPolyData()
    coarse, grid = coarse[box], grid.crop(box)
    hard = ndimage.gaussian_filter(coarse.astype(np.float32), 0.5) >= BONE_HU
    # The marrow of old patients is below the threshold and their cortex has gaps; left open, the surface
    # would be twice as many and ragged layers.
    reach = max(1, round(_BONE_CLOSING_MM / min(grid.spacing_mm)))
    closed = ndimage.binary_closing(np.pad(hard, reach), iterations=reach)
    closed = closed[reach:-reach, reach:-reach, reach:-reach]
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in closed])
    bones = _without_specks(filled, grid)
    return _surface(ndimage.gaussian_filter(bones.astype(np.float32), 0.8), 0.5, grid)


def body_surface(pet: Image) -> vtk.vtkPolyData:
    """Surface of the patient where uptake rises above that of air."""
    coarse, grid = _coarser(pet)
    field = ndimage.gaussian_filter(coarse.astype(np.float32), 1.2)
    positive = field[field > BODY_SUV / 3]
    # Scans differ in how much background there is; half-way to typical tissue is the skin in each.
    typical_suv = float(np.median(positive)) if positive.size else np.inf
    level = min(BODY_SUV, _BODY_FRACTION_OF_MEDIAN * typical_suv)
    body = ndimage.binary_fill_holes(field >= level)
    labels, count = ndimage.label(body)
    if count:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        body = labels == sizes.argmax()
    return _surface(ndimage.gaussian_filter(body.astype(np.float32), 1.0), 0.5, grid)


def _coarser(image: Image) -> tuple[np.ndarray, VoxelGrid]:
    """Every n-th voxel, so that a whole-body CT becomes a surface in a second."""
    steps = [max(1, int(_CELL_MM // spacing)) for spacing in image.grid.spacing_kji_mm]
    array = image.array[:: steps[0], :: steps[1], :: steps[2]]
    spacing = tuple(s * n for s, n in zip(image.grid.spacing_mm, steps[::-1], strict=True))
    return array, VoxelGrid(array.shape, spacing, image.grid.origin_ras, image.grid.direction_ras)


def _without_specks(mask: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    labels, _ = ndimage.label(mask)
    kept = np.bincount(labels.ravel()) * grid.voxel_volume_ml >= _SMALLEST_PART_ML
    kept[0] = False
    return kept[labels]


def _surface(field: np.ndarray, level: float, grid: VoxelGrid) -> vtk.vtkPolyData:
    padded = np.pad(field, 1, constant_values=float(field.min()))
    triangles = triangles_of(padded, grid.spacing_mm, level)
    if triangles.GetNumberOfPolys() == 0:
        return vtk.vtkPolyData()
    points_mm = vtk_to_numpy(triangles.GetPoints().GetData()).astype(float)
    corners = vtk_to_numpy(triangles.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    if np.linalg.det(np.array(grid.direction_ras)) < 0:
        corners = corners[:, ::-1]
    return lighter(
        polydata(grid.ras_of((points_mm / grid.spacing_mm)[:, ::-1] - 1), corners), _MOST_TRIANGLES
    )
