"""The surroundings of one lesion on fine voxels: what every delineation rule works on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from ..imaging.grid import Box, VoxelGrid, bounding_box
from ..imaging.image import Image
from ..imaging.resampling import odd_factors_kji, refine_labels, refine_linear
from ..settings import ContourSettings
from .avid_regions import NOT_FINITE, AvidRegion, box_around, labels_in
from .background import local_background_suv

_LARGEST_FINE_CROP_VOXELS = 24_000_000
"""Above this a region (a brain, a liver) is contoured on PET voxels; there sampling hardly matters."""
_HOT = "hot"
_HOT_FRACTION = 0.1
"""Of the uptake above background: the lowest level at which rules ask what hangs together with the peak."""


@dataclass(frozen=True, eq=False)
class LesionCrop:
    """One lesion and its surroundings.

    suv: (K, J, I) float32 on `grid`, interpolated linearly; territory: bool, where this lesion's contour
    may reach, the rest belongs to neighbouring regions; peak_kji: index of the hottest voxel.
    suv_max: of the measured voxels; background_suv: mean of the shell around the region, None when no
    voxel of the shell is free of other avid regions.
    flags: "not_refined" when the crop was too large for fine voxels; "not_finite" when the image holds NaN or
    infinity there. cache: what was found out about it, by rules and beforehand; `dataclasses.replace` starts
    an empty one.
    """

    suv: np.ndarray
    grid: VoxelGrid
    territory: np.ndarray
    peak_kji: tuple[int, int, int]
    suv_max: float
    background_suv: float | None
    flags: tuple[str, ...] = ()
    cache: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def box_at_or_above(self, threshold_suv: float) -> Box:
        """A box that holds all voxels of the territory at or above a threshold; often the whole crop."""
        hot_suv, box = self.cache.get(_HOT, (math.inf, None))
        if box is None or threshold_suv < hot_suv:
            return tuple(slice(0, n) for n in self.suv.shape)
        return box


def lesion_crop(
    pet: Image, regions: tuple[AvidRegion, ...], region: AvidRegion, settings: ContourSettings
) -> LesionCrop:
    """The crop of one of `regions` on voxels no larger than `settings.fine_spacing_mm`."""
    box = box_around(region, settings.crop_margin_mm, pet.grid)
    measured = pet.array[box]
    finite = np.isfinite(measured)
    # NaN and infinity are never inside a contour, and would spread over their neighbours.
    suv = measured if finite.all() else np.where(finite, measured, measured[finite].min())
    labels = labels_in(regions, box)
    own = regions.index(region) + 1
    territory = _territory(suv, labels, own)
    factors = odd_factors_kji(pet.grid, settings.fine_spacing_mm)
    refined = suv.size * math.prod(factors) <= _LARGEST_FINE_CROP_VOXELS
    if not refined:
        factors = (1, 1, 1)
    coarse_peak = np.argwhere(labels == own)[np.argmax(suv[labels == own])]
    crop = LesionCrop(
        suv=refine_linear(suv, factors),
        grid=pet.grid.crop(box).refine(factors),
        territory=refine_labels(territory, factors),
        peak_kji=tuple(int(p) * f + f // 2 for p, f in zip(coarse_peak, factors, strict=True)),
        suv_max=region.suv_max,
        background_suv=local_background_suv(pet, regions, region, settings),
        flags=(
            *(() if refined else ("not_refined",)),
            *(() if finite.all() else (NOT_FINITE,)),
        ),
    )
    background = crop.background_suv or 0.0
    hot_suv = background + _HOT_FRACTION * (crop.suv_max - background)
    crop.cache[_HOT] = (hot_suv, bounding_box((crop.suv >= hot_suv) & crop.territory))
    return crop


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
