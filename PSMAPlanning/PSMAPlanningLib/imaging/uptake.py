"""What a region of the PET holds: volume, SUVmax, SUVmean, total uptake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .image import Image, Mask
from .resampling import values_at


@dataclass(frozen=True)
class Uptake:
    """Uptake inside a contour.

    suv_max, suv_mean: None when no part of the contour lies in the PET.
    total_uptake: SUVmean times volume in millilitres.
    fraction_in_pet: part of the contour's voxels that lies inside the PET.
    """

    volume_ml: float
    suv_max: float | None
    suv_mean: float | None
    total_uptake: float | None
    fraction_in_pet: float


def measure_uptake(mask: Mask, pet: Image) -> Uptake:
    """Uptake of the PET (SUV) inside a contour.

    A contour on the PET's own grid is measured voxel by voxel; any other one by linear interpolation at
    the centres of its own voxels.
    """
    if mask.is_empty:
        return Uptake(0.0, None, None, None, 0.0)
    values = pet.array[mask.array] if mask.grid.same_as(pet.grid) else values_at(pet, mask.points_ras())
    inside = values[np.isfinite(values)]
    if inside.size == 0:
        return Uptake(mask.volume_ml, None, None, None, 0.0)
    mean = float(inside.mean(dtype=np.float64))
    return Uptake(
        volume_ml=mask.volume_ml,
        suv_max=float(inside.max()),
        suv_mean=mean,
        total_uptake=mean * mask.volume_ml,
        fraction_in_pet=inside.size / values.size,
    )
