"""Growing, smoothing and joining arrays of a working space, each on the smallest box that matters."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..imaging.grid import Box, VoxelGrid, bounding_box, grow_box
from ..imaging.image import Mask
from .margins import SixMargins, grow


def box_within(array: np.ndarray, reach_mm: float, spacing_kji: tuple[float, float, float]) -> Box | None:
    """The box around an array's true voxels, grown by a reach; None when it is empty."""
    box = bounding_box(array)
    if box is None:
        return None
    margin = tuple(int(np.ceil(reach_mm / s)) + 1 for s in spacing_kji)
    return grow_box(box, margin, array.shape)


def distance_within(
    array: np.ndarray, reach_mm: float, spacing_kji: tuple[float, float, float]
) -> np.ndarray:
    """Distance to the nearest true voxel's centre, float32 mm; `reach_mm` + 1 where it is further."""
    far = np.float32(reach_mm + 1.0)
    result = np.full(array.shape, far, np.float32)
    box = box_within(array, reach_mm, spacing_kji)
    if box is not None:
        distance = ndimage.distance_transform_edt(~array[box], sampling=spacing_kji)
        result[box] = np.minimum(distance, far)
    return result


def grown_by(array: np.ndarray, margin_mm: float, spacing_kji: tuple[float, float, float]) -> np.ndarray:
    """An array grown by the same margin on all sides, accurate below the voxel; cut at the array's edge."""
    result = array.copy()
    box = box_within(array, margin_mm, spacing_kji) if margin_mm > 0 else None
    if box is not None:
        part = array[box]
        mask = Mask(part, VoxelGrid(part.shape, spacing_kji[::-1]))
        result[box] |= grow(mask, SixMargins.uniform(margin_mm), cut_at_image_edge=True).array
    return result


def smoothed(array: np.ndarray, radius_mm: float, spacing_kji: tuple[float, float, float]) -> np.ndarray:
    """An array without details finer than a radius: blurred, then cut at a half."""
    result = np.zeros_like(array)
    box = box_within(array, 2 * radius_mm, spacing_kji)
    if box is not None and radius_mm > 0:
        sigma = [0.7 * radius_mm / s for s in spacing_kji]
        blurred = ndimage.gaussian_filter(array[box].astype(np.float32), sigma, truncate=2.5)
        result[box] = blurred >= 0.5
        return result
    return array.copy()


def opened(array: np.ndarray, radius_mm: float, spacing_kji: tuple[float, float, float]) -> np.ndarray:
    """An array without what a ball of a radius does not fit into."""
    result = np.zeros_like(array)
    box = box_within(array, radius_mm, spacing_kji)
    if box is not None:
        core = ndimage.distance_transform_edt(array[box], sampling=spacing_kji) > radius_mm
        if core.any():
            result[box] = ndimage.distance_transform_edt(~core, sampling=spacing_kji) <= radius_mm
    return result & array


def pieces(array: np.ndarray) -> tuple[np.ndarray, int]:
    """Labels 1, 2, ... of the pieces that hang together by faces, edges or corners, and how many."""
    image = sitk.GetImageFromArray(array.view(np.uint8))
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(image, True))
    return labels, int(labels.max())
