"""Which avid regions are physiologic. Nothing is deleted; everything has a reason.

A region is physiologic when its hottest voxel, or more than half of its voxels, lie in an organ that
takes up PSMA ligands. What such a region reaches beyond the organ's own spill-out is taken out as a
region of its own, undecided: a recurrence behind the bladder often has no maximum of its own. Without
organ masks every region is undecided.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from scipy import ndimage
from scipy.special import ndtri

from ..imaging.grid import VoxelGrid, bounding_box
from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at
from ..settings import Settings
from .avid_regions import TWENTY_SIX_CONNECTED, AvidRegion, RegionClass, part_of, renumbered
from .background import local_background_suv

FAINT = "low_contrast"
NO_ANATOMY = "no_anatomy"
ORGAN = "organ:"
BEYOND = "beyond:"

_FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
_UPTAKE_PERCENTILE = 90
_SMALLEST_FOCUS_VOXELS = 3
_SAMPLED_VOXELS = 4000


@cache
def physiologic_organs() -> frozenset[str]:
    """Names (TotalSegmentator, CADS) of the organs whose uptake is physiologic."""
    text = (files("PSMAPlanningLib.data") / "physiologic_organs.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["organs"])


def spill_out_mm(organ_suv: float, threshold_suv: float, fwhm_mm: float) -> float:
    """How far beyond a plane wall an organ's blurred uptake stays at or above a threshold.

    x = sigma * inverse normal(1 - threshold / uptake); 0 for an organ below twice the threshold.
    """
    if organ_suv <= 2 * threshold_suv:
        return 0.0
    return float(fwhm_mm / _FWHM_PER_SIGMA * ndtri(1.0 - threshold_suv / organ_suv))


def classify_regions(
    regions: tuple[AvidRegion, ...],
    anatomy: Mapping[str, Mask],
    pet: Image,
    settings: Settings,
    go_on: Callable[[], None] = lambda: None,
) -> tuple[AvidRegion, ...]:
    """The regions with class and reason code: "organ:NAME", "beyond:NAME", "no_anatomy", "low_contrast".

    A region that reaches beyond an organ's spill-out comes back as the organ's part and the foci beyond,
    so there can be more regions than before; all are named anew, hottest first.
    go_on: called before each piece of work; what it raises ends the work.
    """
    organs = {name: mask for name, mask in anatomy.items() if name in physiologic_organs()}
    classified: list[AvidRegion] = []
    for region in regions:
        go_on()
        organ = _organ_of(region, organs)
        if organ is not None:
            classified += _organ_and_foci(region, organ, organs, pet, settings, go_on)
        elif anatomy:
            classified.append(region.classified(RegionClass.LESION, None))
        else:
            classified.append(region.classified(RegionClass.UNDECIDED, NO_ANATOMY))
    named = renumbered(classified)
    judged = []
    for region in named:
        go_on()
        faint = _is_faint(pet, named, region, settings)
        judged.append(region.classified(RegionClass.UNDECIDED, FAINT) if faint else region)
    return tuple(judged)


def _organ_of(region: AvidRegion, organs: Mapping[str, Mask]) -> str | None:
    """The organ that holds the hottest voxel or most of the region; None when there is none."""
    points = region.mask.points_ras()
    peak = np.array([region.peak_ras])
    for name, mask in organs.items():
        if occupancy_at(mask, peak)[0] >= 0.5 or np.mean(occupancy_at(mask, points) >= 0.5) > 0.5:
            return name
    return None


def _organ_and_foci(
    region: AvidRegion,
    name: str,
    organs: Mapping[str, Mask],
    pet: Image,
    settings: Settings,
    go_on: Callable[[], None],
) -> list[AvidRegion]:
    """The organs' part of a region, named after the main organ, and what lies beyond their spill-out."""
    detection = settings.detection
    values = pet.array[region.box][region.mask.array]
    points = region.mask.points_ras()
    beyond = region.mask.array.copy()
    for other, organ in organs.items():
        go_on()
        inside = occupancy_at(organ, points) >= 0.5
        if not inside.any():
            continue
        # Beside the main organ only what an organ takes up as a whole counts: the few voxels of a ureter
        # next to a node hold the node's uptake, and would hide it.
        uptake_suv = (
            float(np.percentile(values[inside], _UPTAKE_PERCENTILE))
            if other == name
            else _median_suv(organ, pet)
        )
        reach_mm = spill_out_mm(uptake_suv, detection.threshold_suv, detection.fwhm_mm)
        # A voxel half in the shell is not beyond it.
        reach_mm += 0.5 * max(pet.grid.spacing_mm)
        beyond &= _distance_mm(organ, region.mask.grid, reach_mm) > reach_mm
    labels, count = ndimage.label(beyond, structure=TWENTY_SIX_CONNECTED)
    foci = [labels == n for n in range(1, count + 1)]
    foci = [focus for focus in foci if np.count_nonzero(focus) >= _SMALLEST_FOCUS_VOXELS]
    rest = region.mask.array.copy()
    for focus in foci:
        rest &= ~focus
    parts = [part_of(region, rest, pet).classified(RegionClass.PHYSIOLOGIC, ORGAN + name)]
    parts += [part_of(region, focus, pet).classified(RegionClass.UNDECIDED, BEYOND + name) for focus in foci]
    return parts


def _median_suv(organ: Mask, pet: Image) -> float:
    """Median uptake of an organ, from some thousand of its voxels; 0 outside the PET."""
    indices = np.argwhere(organ.array)
    kji = pet.grid.kji_of(organ.grid.ras_of(indices[:: max(1, len(indices) // _SAMPLED_VOXELS)]))
    nearest = np.rint(kji).astype(int)
    nearest = nearest[np.all((nearest >= 0) & (nearest < pet.array.shape), axis=1)]
    return float(np.median(pet.array[tuple(nearest.T)])) if len(nearest) else 0.0


def _distance_mm(organ: Mask, grid: VoxelGrid, reach_mm: float) -> np.ndarray:
    """Distance of each voxel centre of `grid` from the wall of an organ; 0 inside, right up to `reach_mm`."""
    cap_mm = reach_mm + 2.0 * max(organ.grid.spacing_mm)
    spacing_mm = np.array(organ.grid.spacing_kji_mm)
    corners = organ.grid.kji_of(grid.corners_ras())
    margin = np.ceil(cap_mm / spacing_mm)
    start = np.floor(corners.min(axis=0) - margin).astype(int)
    stop = np.ceil(corners.max(axis=0) + margin).astype(int) + 1
    window = np.zeros(tuple(stop - start), dtype=bool)
    low, high = np.maximum(start, 0), np.minimum(stop, organ.grid.shape_kji)
    if np.any(low >= high):
        return np.full(grid.shape_kji, cap_mm)
    inner = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
    window[inner] = organ.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    if bounding_box(window) is None:
        return np.full(grid.shape_kji, cap_mm)
    # Distances run between voxel centres; the wall lies half a voxel before the first centre outside.
    outside_mm = ndimage.distance_transform_edt(~window, sampling=spacing_mm) - 0.5 * spacing_mm.min()
    indices = np.moveaxis(np.indices(grid.shape_kji), 0, -1)
    coordinates = organ.grid.kji_of(grid.ras_of(indices)) - start
    distance_mm = ndimage.map_coordinates(
        outside_mm, np.moveaxis(coordinates, -1, 0), order=1, mode="nearest", prefilter=False
    )
    return np.clip(distance_mm, 0.0, cap_mm)


def _is_faint(pet: Image, regions: tuple[AvidRegion, ...], region: AvidRegion, settings: Settings) -> bool:
    """Whether a region's maximum stands less than the minimum contrast above its surroundings.

    A region without free surroundings is not faint: what cannot be told is shown.
    """
    if region.region_class is RegionClass.PHYSIOLOGIC:
        return False
    background_suv = local_background_suv(pet, regions, region, settings.contours)
    return (
        background_suv is not None and region.suv_max < settings.detection.minimum_contrast * background_suv
    )
