"""Distance to a contour, negative inside."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def signed_distance_mm(inside: np.ndarray, spacing_kji_mm: tuple[float, float, float]) -> np.ndarray:
    """Signed distance in mm, negative inside, of a mask (K, J, I) bool with at least one true voxel.

    From the centres of voxels to the centre of the nearest voxel on the other side, less half a step,
    so that the zero level runs half-way between two centres. The contour is taken to end at the edge of
    the array.
    """
    padded = np.pad(inside, 1)
    step = 0.5 * min(spacing_kji_mm)
    outward = ndimage.distance_transform_edt(~padded, sampling=spacing_kji_mm)
    inward = ndimage.distance_transform_edt(padded, sampling=spacing_kji_mm)
    signed = np.where(padded, step - inward, outward - step)
    return signed[1:-1, 1:-1, 1:-1]
