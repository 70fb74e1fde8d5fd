"""Label maps and 3D Slicer segmentations as named masks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import GridError, InputError
from .grid import VoxelGrid
from .image import Mask
from .image_file import grid_of, read_sitk, stem_of

_LPS_FLIP = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class NamedMask:
    """One label of a file. value: its number in the file. kind: GTV, CTV and so on; such files say none."""

    name: str
    mask: Mask
    value: int
    kind: str | None = None


def read_labels(path: Path | str, names: Mapping[int, str] | None = None) -> tuple[NamedMask, ...]:
    """The labels of a label map (.nii.gz, .nii, .nrrd, .mha) or a 3D Slicer segmentation (.seg.nrrd).

    names: label value to name. Without it a mask of one label bears the file's name, several are
    label_1, label_2 and so on; segments of a .seg.nrrd bear their own names.
    An empty segment is returned empty; a label map without any label is refused.

    Raises InputError, naming the file, when it holds anything but whole numbers, or geometry that cannot be.
    """
    path = Path(path)
    image = read_sitk(path)
    try:
        if path.name.lower().endswith(".seg.nrrd") or image.HasMetaDataKey("Segment0_ID"):
            return _segments(path, image)
        return _label_map(path, image, names or {})
    except GridError as error:
        raise InputError(f"{path}: {error}") from None


def _label_map(path: Path, image: sitk.Image, names: Mapping[int, str]) -> tuple[NamedMask, ...]:
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{path} is no label map: it needs three axes and one value per voxel; give another file."
        )
    array = _whole_numbers(path, sitk.GetArrayFromImage(image))
    grid = grid_of(image)
    values = [int(value) for value in _distinct(array) if value != 0]
    if not values:
        raise InputError(f"{path} holds no label: every voxel is 0; give a file with a contour in it.")
    if values[0] < 0:
        raise InputError(f"{path} holds the negative label {values[0]}; label values must be 1 or more.")
    single = len(values) == 1
    return tuple(
        NamedMask(
            name=names.get(value) or (stem_of(path) if single else f"label_{value}"),
            mask=Mask(array == value, grid),
            value=value,
        )
        for value in values
    )


def _segments(path: Path, image: sitk.Image) -> tuple[NamedMask, ...]:
    layers, grid = _layers(path, image)
    found = []
    index = 0
    while image.HasMetaDataKey(f"Segment{index}_ID") or image.HasMetaDataKey(f"Segment{index}_Name"):
        prefix = f"Segment{index}_"
        layer = _integer(path, image, prefix + "Layer", default=0 if len(layers) == 1 else index)
        # Segmentations from before label values were stored have one layer of 0 and 1 per segment.
        value = _integer(path, image, prefix + "LabelValue", default=1)
        if not 0 <= layer < len(layers):
            raise InputError(
                f"{path} puts segment {index} on layer {layer} of {len(layers)}; save it again in Slicer."
            )
        name = (
            image.GetMetaData(prefix + "Name")
            if image.HasMetaDataKey(prefix + "Name")
            else f"Segment_{index}"
        )
        found.append(NamedMask(name, Mask(layers[layer] == value, grid), value))
        index += 1
    if not found:
        raise InputError(f"{path} describes no segment; save the segmentation again in Slicer.")
    return tuple(found)


def _layers(path: Path, image: sitk.Image) -> tuple[list[np.ndarray], VoxelGrid]:
    """Arrays (K, J, I), one per layer, on the grid of the voxels that the file holds."""
    array = _whole_numbers(path, sitk.GetArrayFromImage(image))
    if image.GetDimension() == 3:
        parts = image.GetNumberOfComponentsPerPixel()
        layers = [array] if parts == 1 else [array[..., part] for part in range(parts)]
        return layers, grid_of(image)
    if image.GetDimension() == 4 and image.GetNumberOfComponentsPerPixel() == 1:
        return list(array), _old_grid(path, image)
    raise InputError(f"{path} is laid out in a way that is not known; save the segmentation again in Slicer.")


def _old_grid(path: Path, image: sitk.Image) -> VoxelGrid:
    """Grid of a Slicer 4.x segmentation: four axes, in RAS, voxels from Segmentation_Extent on."""
    direction = np.array(image.GetDirection()).reshape(4, 4)
    if np.abs(direction[3, :3]).max() > 1e-6 or np.abs(direction[:3, 3]).max() > 1e-6:
        raise InputError(
            f"{path} mixes space and segments in its axes; save the segmentation again in Slicer."
        )
    if not image.HasMetaDataKey("Segmentation_Extent"):
        raise InputError(
            f"{path} does not say where its voxels start; save the segmentation again in Slicer."
        )
    extent = [int(part) for part in re.findall(r"-?\d+", image.GetMetaData("Segmentation_Extent"))]
    spacing = np.array(image.GetSpacing()[:3])
    size = image.GetSize()[:3]
    if len(extent) != 6 or [extent[2 * a + 1] - extent[2 * a] + 1 for a in range(3)] != list(size):
        raise InputError(
            f"{path} has an extent that does not fit its voxels; save the segmentation again in Slicer."
        )
    start = np.array(extent[::2], dtype=float)
    axes = direction[:3, :3]
    origin = np.array(image.GetOrigin()[:3]) + axes @ (spacing * start)
    return VoxelGrid(size[::-1], tuple(spacing), tuple(origin), tuple(map(tuple, axes)))


def _whole_numbers(path: Path, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "ui":
        return array
    if array.dtype.kind != "f":
        raise InputError(f"{path} is no label map: its voxels are not numbers; give another file.")
    whole = np.rint(array)
    if not np.array_equal(whole, array) or np.abs(whole).max() > 2**31 - 1:
        raise InputError(
            f"{path} is no label map: it holds values that are not whole numbers; give another file."
        )
    return whole.astype(np.int32)


def _distinct(array: np.ndarray) -> np.ndarray:
    # Counting is a hundred times faster than sorting for the small values that labels have.
    if array.size and array.min() >= 0 and array.max() < 65536:
        return np.flatnonzero(np.bincount(array.ravel()))
    return np.unique(array)


def _integer(path: Path, image: sitk.Image, key: str, default: int) -> int:
    if not image.HasMetaDataKey(key):
        return default
    text = image.GetMetaData(key).strip()
    if not re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        raise InputError(
            f"{path} has {key} '{text}' instead of a number; save the segmentation again in Slicer."
        )
    return int(text)
