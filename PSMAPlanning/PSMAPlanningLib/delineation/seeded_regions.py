"""The region a click means: the avid region it lies in, else the focus nearby, however faint."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..errors import RuleError
from ..imaging.grid import Box, bounding_box, grow_box
from ..imaging.image import Image, Mask
from .avid_regions import CUT_BY_FIELD_OF_VIEW, AvidRegion, labels_in
from .connected_components import part_at

BELOW_THRESHOLD = "below_threshold"
SEARCH_MM = 6.0
_REACH_MM = 20.0


def region_at(
    pet: Image, regions: tuple[AvidRegion, ...], seed_ras: tuple[float, float, float]
) -> AvidRegion:
    """One of `regions`, or a new one with the flag "below_threshold" for a focus that is in none.

    The focus is the hottest voxel within 6 mm of the seed and what is connected to it down to half-way to the
    median of its surroundings. Raises RuleError for a seed outside the PET or where nothing stands out.
    """
    position = np.array(seed_ras, dtype=float)
    if not np.isfinite(position).all() or not pet.grid.holds(position):
        raise RuleError(f"The seed {_text(seed_ras)} lies outside the PET; give RAS mm as Slicer shows them.")
    seed = np.rint(pet.grid.kji_of(position)).astype(int)
    at_seed: Box = tuple(slice(int(n), int(n) + 1) for n in seed)
    near = _grown(pet, at_seed, SEARCH_MM)
    label = int(labels_in(regions, at_seed)[0, 0, 0])
    if label:
        return regions[label - 1]
    # The seed may stand beside its focus: a region that begins within the search distance is meant.
    labels = labels_in(regions, near)
    if labels.any():
        hottest = np.unravel_index(int(np.where(labels > 0, pet.array[near], -np.inf).argmax()), labels.shape)
        return regions[int(labels[hottest]) - 1]
    return _focus(pet, regions, seed_ras, near)


def _focus(
    pet: Image, regions: tuple[AvidRegion, ...], seed_ras: tuple[float, float, float], near: Box
) -> AvidRegion:
    values = _finite(pet, near)
    peak = np.unravel_index(int(values.argmax()), values.shape)
    peak = tuple(int(p) + s.start for p, s in zip(peak, near, strict=True))
    window = _grown(pet, tuple(slice(p, p + 1) for p in peak), _REACH_MM)
    free = labels_in(regions, window) == 0
    suv = _finite(pet, window)
    known = suv[free & (suv > -np.inf)]
    top = float(values.max())
    if known.size == 0 or not top > max(float(np.median(known)), 0.0):
        raise RuleError(f"Nothing stands out at the seed {_text(seed_ras)}; place it on a focus.")
    half_way = 0.5 * (top + float(np.median(known)))
    inside = part_at(free & (suv >= half_way), tuple(p - s.start for p, s in zip(peak, window, strict=True)))
    inner = bounding_box(inside)
    box = tuple(slice(w.start + s.start, w.start + s.stop) for w, s in zip(window, inner, strict=True))
    mask = Mask(inside[inner].copy(), pet.grid.crop(box))
    values = pet.array[box][mask.array]
    hottest = np.argwhere(mask.array)[int(values.argmax())] + [s.start for s in box]
    cut = any(s.start == 0 or s.stop == n for s, n in zip(box, pet.grid.shape_kji, strict=True))
    return AvidRegion(
        id="",
        box=box,
        mask=mask,
        suv_max=float(values.max()),
        suv_mean=float(values.mean(dtype=np.float64)),
        centroid_ras=mask.centroid_ras(),
        peak_ras=pet.grid.position_of(hottest),
        flags=(BELOW_THRESHOLD, CUT_BY_FIELD_OF_VIEW) if cut else (BELOW_THRESHOLD,),
    )


def with_focus(regions: tuple[AvidRegion, ...], focus: AvidRegion) -> tuple[AvidRegion, ...]:
    """The regions and a focus of `region_at`, named after the last; unchanged if it is one of them."""
    if focus in regions:
        return regions
    return (*regions, replace(focus, id=f"R{len(regions) + 1}"))


def _finite(pet: Image, box: Box) -> np.ndarray:
    """SUV in a box, minus infinity where the image holds no number: never a maximum, never inside."""
    values = pet.array[box]
    return np.where(np.isfinite(values), values, -np.inf)


def _grown(pet: Image, box: Box, margin_mm: float) -> Box:
    margins = tuple(math.ceil(margin_mm / s) for s in pet.grid.spacing_kji_mm)
    return grow_box(box, margins, pet.grid.shape_kji)


def _text(position: tuple[float, float, float]) -> str:
    return ",".join(f"{x:g}" for x in position)
