"""Avid regions: where the PET is at or above a threshold, split where two peaks have run together.

One whole-body mask, 26-connected components, then a watershed inside each component, so that a node
comes away from the bladder (the two-stage design of the DEEP-PSMA challenge's open pipeline).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..imaging.grid import Box, VoxelGrid, bounding_box, grow_box
from ..imaging.image import Image, Mask
from ..settings import DetectionSettings
from .connected_components import Components, find_components

TWENTY_SIX_CONNECTED = np.ones((3, 3, 3), dtype=bool)
CUT_BY_FIELD_OF_VIEW = "cut_by_field_of_view"
NOT_FINITE = "not_finite"
ABOVE_MAXIMUM = "above_maximum"
NOTHING_ABOVE_ZERO = "nothing_above_zero"
_SMALLEST_SPLIT_VOXELS = 3


class RegionClass(str, Enum):
    """What a region is taken for; a proposal, never a deletion."""

    LESION = "lesion"
    PHYSIOLOGIC = "physiologic"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class AvidRegion:
    """One connected, single-peaked region of uptake.

    mask: on the part `box` of the PET's grid; peak_ras: centre of the hottest voxel.
    flags: "cut_by_field_of_view" when it touches the edge of the image.
    """

    id: str
    box: Box
    mask: Mask
    suv_max: float
    suv_mean: float
    centroid_ras: tuple[float, float, float]
    peak_ras: tuple[float, float, float]
    region_class: RegionClass = RegionClass.UNDECIDED
    reason: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def volume_ml(self) -> float:
        return self.mask.volume_ml

    def classified(self, region_class: RegionClass, reason: str | None) -> AvidRegion:
        return replace(self, region_class=region_class, reason=reason)


@dataclass(frozen=True)
class AvidRegions:
    """The regions, hottest first, and how many were left out for being smaller than asked for.

    warnings: codes. "not_finite": the PET holds NaN or infinity, which count as not avid;
    "above_maximum": nothing reaches the threshold; "nothing_above_zero": nothing could reach any;
    "cut_by_field_of_view": a component touches the edge of the image, its volume is a lower bound.
    """

    regions: tuple[AvidRegion, ...]
    left_out: int
    warnings: tuple[str, ...] = ()


def find_avid_regions(pet: Image, settings: DetectionSettings) -> AvidRegions:
    """All avid regions of a PET in SUV.

    A threshold above the maximum gives no region; that means no region at this threshold, not no disease.
    """
    components = find_components(pet.array, settings.threshold_suv)
    found: list[AvidRegion] = []
    for box, component in zip(components.boxes(), components.masks(), strict=True):
        parts, count = single_peaked_parts(pet.array[box], component, settings.split_saddle_fraction)
        for part, part_box in enumerate(ndimage.find_objects(parts, max_label=count), start=1):
            if part_box is not None:
                whole_box = tuple(
                    slice(outer.start + inner.start, outer.start + inner.stop)
                    for outer, inner in zip(box, part_box, strict=True)
                )
                found.append(_region(pet, whole_box, parts[part_box] == part))
    kept = [region for region in found if region.volume_ml >= settings.minimum_volume_ml]
    return AvidRegions(renumbered(kept), len(found) - len(kept), finding_warnings(components))


def finding_warnings(components: Components) -> tuple[str, ...]:
    """What to beware of in the components of a PET: the codes of AvidRegions."""
    candidates = components.candidates
    warnings = [NOT_FINITE] if candidates.not_finite else []
    if components.count == 0:
        warnings.append(ABOVE_MAXIMUM if candidates.image_max > 0 else NOTHING_ABOVE_ZERO)
    if components.touches_edge.any():
        warnings.append(CUT_BY_FIELD_OF_VIEW)
    return tuple(warnings)


def renumbered(regions: Iterable[AvidRegion]) -> tuple[AvidRegion, ...]:
    """The regions hottest first, named R1, R2 ... in that order."""
    hottest_first = sorted(regions, key=lambda region: (-region.suv_max, region.peak_ras))
    return tuple(replace(region, id=f"R{n}") for n, region in enumerate(hottest_first, start=1))


def part_of(region: AvidRegion, inside: np.ndarray, pet: Image) -> AvidRegion:
    """The region that holds only the voxels `inside`, a non-empty mask on the region's box."""
    box = bounding_box(inside)
    whole_box = tuple(
        slice(outer.start + inner.start, outer.start + inner.stop)
        for outer, inner in zip(region.box, box, strict=True)
    )
    return _region(pet, whole_box, inside[box])


def single_peaked_parts(
    suv: np.ndarray, component: np.ndarray, saddle_fraction: float
) -> tuple[np.ndarray, int]:
    """Labels of the single-peaked parts of a component, and their number.

    Watershed of the logarithm, so that the depth which separates two peaks is a fraction of the uptake
    and noise in a kidney is judged like noise in a node.
    """
    if np.count_nonzero(component) < _SMALLEST_SPLIT_VOXELS:
        return component.astype(np.uint32), 1
    padded = np.pad(component, 1)
    depth = -np.log(np.pad(suv, 1, mode="edge"), where=padded, out=np.zeros(padded.shape, dtype=np.float32))
    # Outside the component everything is shallower than any saddle inside it, so that a faint part
    # cannot be absorbed by its surroundings.
    depth[~padded] = float(depth[padded].max()) - 2 * math.log(saddle_fraction)
    image = sitk.GetImageFromArray(depth)
    # The steps of SimpleITK's MorphologicalWatershed one by one: most components turn out to have a single
    # peak after the first three, which take a quarter of the time.
    filled = sitk.HMinima(image, -math.log(saddle_fraction), fullyConnected=True)
    bottoms = sitk.RegionalMinima(filled, backgroundValue=0, foregroundValue=1, fullyConnected=True)
    markers = sitk.ConnectedComponent(bottoms, True)
    if sitk.GetArrayViewFromImage(markers).max() <= 1:
        return component.astype(np.uint32), 1
    basins = sitk.MorphologicalWatershedFromMarkers(
        image, markers, markWatershedLine=False, fullyConnected=True
    )
    parts = sitk.GetArrayFromImage(basins)[1:-1, 1:-1, 1:-1] * component
    present = np.unique(parts)
    present = present[present > 0]
    renumbered = np.zeros(int(present.max()) + 1, dtype=np.uint32)
    renumbered[present] = np.arange(1, present.size + 1)
    return renumbered[parts], int(present.size)


def _region(pet: Image, box: Box, inside: np.ndarray) -> AvidRegion:
    values = np.where(inside, pet.array[box], -np.inf)
    peak = np.unravel_index(int(values.argmax()), values.shape)
    mask = Mask(inside, pet.grid.crop(box))
    return AvidRegion(
        id="",
        box=box,
        mask=mask,
        suv_max=float(values[peak]),
        suv_mean=float(pet.array[box][inside].mean(dtype=np.float64)),
        centroid_ras=mask.centroid_ras(),
        peak_ras=mask.grid.position_of(peak),
        flags=(CUT_BY_FIELD_OF_VIEW,) if _touches_edge(box, pet.grid) else (),
    )


def _touches_edge(box: Box, grid: VoxelGrid) -> bool:
    return any(s.start == 0 or s.stop == n for s, n in zip(box, grid.shape_kji, strict=True))


def labels_in(regions: tuple[AvidRegion, ...], box: Box) -> np.ndarray:
    """Region numbers (position in `regions` plus 1) inside a box of the PET's array, int32."""
    labels = np.zeros(tuple(s.stop - s.start for s in box), dtype=np.int32)
    for number, region in enumerate(regions, start=1):
        shared = tuple(
            slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, region.box, strict=True)
        )
        if all(s.start < s.stop for s in shared):
            inside = region.mask.array[_relative(shared, region.box)]
            labels[_relative(shared, box)][inside] = number
    return labels


def _relative(box: Box, outer: Box) -> Box:
    return tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, outer, strict=True))


def box_around(region: AvidRegion, margin_mm: float, grid: VoxelGrid) -> Box:
    """The region's box in the PET's array, grown by a margin and clipped to the image."""
    margins = tuple(math.ceil(margin_mm / s) for s in grid.spacing_kji_mm)
    return grow_box(region.box, margins, grid.shape_kji)
