"""The surroundings of one lesion on fine voxels: what every delineation rule works on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..imaging.grid import VoxelGrid
from ..imaging.image import Image
from ..imaging.resampling import odd_factors_kji, refine_labels, refine_linear
from ..settings import ContourSettings
from .avid_regions import AvidRegion, box_around, labels_in

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
    background = _background_suv(suv, labels, own, pet.grid, settings)
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
        background_suv=background,
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


def _background_suv(
    suv: np.ndarray, labels: np.ndarray, own: int, grid: VoxelGrid, settings: ContourSettings
) -> float | None:
    """Mean of a shell around the region that keeps its distance from every other region, too."""
    distance_mm = ndimage.distance_transform_edt(labels != own, sampling=grid.spacing_kji_mm)
    shell = (distance_mm >= settings.background_from_mm) & (distance_mm <= settings.background_to_mm)
    others = (labels != 0) & (labels != own)
    if others.any():
        from_others_mm = ndimage.distance_transform_edt(~others, sampling=grid.spacing_kji_mm)
        shell &= from_others_mm >= settings.background_from_mm
    if not shell.any():
        return None
    return float(suv[shell].mean(dtype=np.float64))
