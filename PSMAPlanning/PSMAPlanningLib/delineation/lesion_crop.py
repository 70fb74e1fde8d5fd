"""The surroundings of one lesion on fine voxels: what every delineation rule works on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..imaging.grid import VoxelGrid
from ..imaging.image import Image
from ..imaging.resampling import odd_factors_kji, refine_labels, refine_linear
from ..settings import ContourSettings
from .avid_regions import AvidRegion, box_around, labels_in
from .background import local_background_suv

_LARGEST_FINE_CROP_VOXELS = 24_000_000
"""Above this a region (a brain, a liver) is contoured on PET voxels; there sampling hardly matters."""


@dataclass(frozen=True, eq=False)
class LesionCrop:
    """One lesion and its surroundings.

    suv: (K, J, I) float32 on `grid`, interpolated linearly; territory: bool, where this lesion's contour
    may reach, the rest belongs to neighbouring regions; peak_kji: index of the hottest voxel.
    suv_max: of the measured voxels; background_suv: mean of the shell around the region, None when no
    voxel of the shell is free of other avid regions.
    flags: "not_refined" when the crop was too large for fine voxels.
    """

    suv: np.ndarray
    grid: VoxelGrid
    territory: np.ndarray
    peak_kji: tuple[int, int, int]
    suv_max: float
    background_suv: float | None
    flags: tuple[str, ...] = ()


def lesion_crop(
    pet: Image, regions: tuple[AvidRegion, ...], region: AvidRegion, settings: ContourSettings
) -> LesionCrop:
    """The crop of one of `regions` on voxels no larger than `settings.fine_spacing_mm`."""
    box = box_around(region, settings.crop_margin_mm, pet.grid)
    suv = pet.array[box]
    labels = labels_in(regions, box)
    own = regions.index(region) + 1
    territory = _territory(suv, labels, own)
    factors = odd_factors_kji(pet.grid, settings.fine_spacing_mm)
    refined = suv.size * math.prod(factors) <= _LARGEST_FINE_CROP_VOXELS
    if not refined:
        factors = (1, 1, 1)
    coarse_peak = np.argwhere(labels == own)[np.argmax(suv[labels == own])]
    return LesionCrop(
        suv=refine_linear(suv, factors),
        grid=pet.grid.crop(box).refine(factors),
        territory=refine_labels(territory, factors),
        peak_kji=tuple(int(p) * f + f // 2 for p, f in zip(coarse_peak, factors, strict=True)),
        suv_max=region.suv_max,
        background_suv=local_background_suv(pet, regions, region, settings),
        flags=() if refined else ("not_refined",),
    )


def _territory(suv: np.ndarray, labels: np.ndarray, own: int) -> np.ndarray:
    """Voxels that belong to this region when all regions in the crop are flooded downhill."""
    if np.all((labels == 0) | (labels == own)):
        return np.ones(labels.shape, dtype=bool)
    basins = sitk.MorphologicalWatershedFromMarkers(
        sitk.GetImageFromArray(-np.asarray(suv, dtype=np.float32)),
        sitk.GetImageFromArray(labels.astype(np.uint32)),
        markWatershedLine=False,
        fullyConnected=True,
    )
    return sitk.GetArrayFromImage(basins) == own
