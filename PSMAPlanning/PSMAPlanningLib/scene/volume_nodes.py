"""Images to volume nodes and back, with their whole geometry and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import SceneError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity
from .prepared_images import image_data

if TYPE_CHECKING:
    from vtk import vtkMatrix4x4

INVERTED_GRAY = "vtkMRMLColorTableNodeInvertedGrey"
GRAY = "vtkMRMLColorTableNodeGrey"
FUSION_COLORS = "vtkMRMLPETProceduralColorNodePET-Heat"
"""PET laid over CT."""

_CODES = {
    Quantity.SUVBW: (("126400", "DCM", "Standardized Uptake Value"), ("{SUVbw}g/ml", "UCUM", "SUVbw")),
    Quantity.HOUNSFIELD: (
        ("112031", "DCM", "Attenuation Coefficient"),
        ("[hnsf'U]", "UCUM", "Hounsfield unit"),
    ),
    Quantity.ACTIVITY: (
        ("250184007", "SCT", "Radioactivity"),
        ("Bq/ml", "UCUM", "Becquerels per milliliter"),
    ),
    Quantity.DOSE: (("113502", "DCM", "Absorbed Dose"), ("Gy", "UCUM", "Gray")),
}


def write_image(image: Image, node: Any, data: Any | None = None) -> None:
    """Put voxels, geometry and units of `image` into a vtkMRMLScalarVolumeNode.

    data: its voxels as `image_data` makes them, which the node keeps; None has them made.
    """
    data = image_data(image) if data is None else data
    node.SetAndObserveImageData(data)
    node.SetIJKToRASMatrix(vtk_matrix(image.grid.ijk_to_ras_matrix))
    if image.quantity in _CODES:
        quantity, units = _CODES[image.quantity]
        node.SetVoxelValueQuantity(_coded_entry(*quantity))
        node.SetVoxelValueUnits(_coded_entry(*units))
    if node.GetImageData() is None:
        raise SceneError("MRML did not take the voxels of an image.")


def read_image(node: Any) -> Image:
    """The image in a scalar volume node, as a copy; its quantity from the node's units code."""
    image = image_voxels(node)
    return Image(image.array.copy(), image.grid, image.quantity)


def image_voxels(node: Any) -> Image:
    """The image in a scalar volume node; its voxels are the node's own. Raises SceneError without voxels."""
    data = node.GetImageData()
    if data is None or data.GetPointData().GetScalars() is None:
        raise SceneError(f"The volume {node.GetName()!r} holds no voxels.")
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    shape = data.GetDimensions()[::-1]
    array = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(shape)
    return Image(array, grid_of_matrix(shape, numpy_matrix(matrix)), quantity_of(node))


def quantity_of(node: Any) -> Quantity:
    """What the voxels of a volume node are by its units code; UNKNOWN when it has none of ours."""
    units = node.GetVoxelValueUnits()
    code = units.GetCodeValue() if units is not None else None
    for quantity, (_, (known, _, _)) in _CODES.items():
        if code == known:
            return quantity
    return Quantity.UNKNOWN


def show_pet(node: Any, window_suv: tuple[float, float] = (0.0, 10.0), color_id: str = INVERTED_GRAY) -> None:
    """Display a PET node in a color table over a stated SUV window."""
    _show(node, window_suv[0], window_suv[1], color_id)


def show_ct(node: Any, window_hu: float = 400.0, level_hu: float = 40.0) -> None:
    """Display a CT node in gray, soft-tissue window unless told otherwise."""
    _show(node, level_hu - window_hu / 2, level_hu + window_hu / 2, GRAY)


def _show(node: Any, low: float, high: float, color_id: str) -> None:
    display = node.GetDisplayNode()
    if display is None:
        # Not CreateDefaultDisplayNodes: it works an automatic window out first (0.3 s for a CT).
        display = node.GetScene().CreateNodeByClass("vtkMRMLScalarVolumeDisplayNode")
        display.UnRegister(None)
        display.SetAutoWindowLevel(0)
        if node.GetScene().AddNode(display) is None:
            raise SceneError(f"MRML made no display node for the volume {node.GetName()!r}.")
        node.SetAndObserveDisplayNodeID(display.GetID())
    # The automatic window would be worked out again at every change of the voxels, over ours.
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(low, high)
    display.SetAndObserveColorNodeID(color_id)


def vtk_matrix(matrix: np.ndarray) -> vtkMatrix4x4:
    from vtk import vtkMatrix4x4

    result = vtkMatrix4x4()
    result.DeepCopy(matrix.ravel().tolist())
    return result


def numpy_matrix(matrix: vtkMatrix4x4) -> np.ndarray:
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def grid_of_matrix(shape_kji: tuple[int, int, int], ijk_to_ras: np.ndarray) -> VoxelGrid:
    """The grid whose voxel (I, J, K) lies at `ijk_to_ras` times (I, J, K, 1)."""
    spacing = np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    direction = ijk_to_ras[:3, :3] / spacing
    return VoxelGrid(tuple(shape_kji), tuple(spacing), tuple(ijk_to_ras[:3, 3]), tuple(map(tuple, direction)))


def _coded_entry(value: str, scheme: str, meaning: str) -> Any:
    from slicer import vtkCodedEntry

    entry = vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry
