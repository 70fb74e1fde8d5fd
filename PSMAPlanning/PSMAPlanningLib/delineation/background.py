"""Uptake around a region: the local background that contrast and background-corrected rules rest on."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..imaging.image import Image
from ..settings import ContourSettings
from .avid_regions import AvidRegion, box_around, labels_in


def local_background_suv(
    pet: Image, regions: tuple[AvidRegion, ...], region: AvidRegion, settings: ContourSettings
) -> float | None:
    """Mean SUV of a shell around one of `regions`; None when no voxel of the shell is free of uptake.

    The shell lies between `settings.background_from_mm` and `background_to_mm` from the region's voxels,
    and keeps the inner distance from every other region, too.
    """
    box = box_around(region, settings.background_to_mm, pet.grid)
    labels = labels_in(regions, box)
    own = regions.index(region) + 1
    spacing_mm = pet.grid.spacing_kji_mm
    distance_mm = ndimage.distance_transform_edt(labels != own, sampling=spacing_mm)
    shell = (distance_mm >= settings.background_from_mm) & (distance_mm <= settings.background_to_mm)
    others = (labels != 0) & (labels != own)
    if others.any():
        from_others_mm = ndimage.distance_transform_edt(~others, sampling=spacing_mm)
        shell &= from_others_mm >= settings.background_from_mm
    suv = pet.array[box][shell]
    suv = suv[np.isfinite(suv)]
    if suv.size == 0:
        return None
    return float(suv.mean(dtype=float))
