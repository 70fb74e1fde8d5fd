"""Thresholds that divide the uptake in a box around the lesion into lesion and surroundings."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...imaging.grid import bounding_box, grow_box
from ..lesion_crop import LesionCrop
from .connected import contour_at
from .rule import Outcome, Parameter, Rule

_BINS = 1024
_ROUNDING_BINS = 5e-4
"""Single precision places a value in 1024 bins to within 2e-4 of a bin, besides the edges' rounding."""
_RIDLER_STOP_SUV = 1e-4
_RIDLER_ITERATIONS = 200
_BOX_FRACTION = 0.41


def uptake_around(crop: LesionCrop, margin_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres (SUV) and voxel counts in the lesion's box grown by a margin, neighbours left out.

    The box is that of the contour at background + 41 % (41 % where there is no background): in a box much
    wider than the lesion the background's own spread would decide.
    """
    background = crop.background_suv or 0.0
    box = bounding_box(contour_at(crop, background + _BOX_FRACTION * (crop.suv_max - background)))
    margins = tuple(math.ceil(margin_mm / s) for s in crop.grid.spacing_kji_mm)
    box = grow_box(box, margins, crop.suv.shape)
    territory = crop.territory[box]
    values = crop.suv[box].ravel() if territory.all() else crop.suv[box][territory]
    counts, edges = _histogram(values)
    return 0.5 * (edges[:-1] + edges[1:]), counts.astype(float)


def _histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts and edges as of `np.histogram`, (N,) float32, in half its time.

    It holds every value against the edges of its bin; here only those that rounding may have put wrong.
    """
    edges = np.histogram_bin_edges(values, bins=_BINS)
    low, high = edges[0], edges[-1]
    width = (float(high) - float(low)) / _BINS
    rounding = _ROUNDING_BINS + float(np.spacing(np.abs(edges).max())) / width
    place = (values - low) * np.float32(1.0 / width)
    index = place.astype(np.intp)
    place -= index
    place -= np.float32(0.5)
    doubtful = np.flatnonzero(np.abs(place, out=place) > np.float32(0.5 - rounding))
    index[doubtful] = np.searchsorted(edges, values[doubtful], side="right") - 1
    return np.bincount(np.minimum(index, _BINS - 1, out=index), minlength=_BINS), edges


def _otsu(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    values, counts = uptake_around(crop, numbers["margin_mm"])
    below, sum_below = np.cumsum(counts)[:-1], np.cumsum(counts * values)[:-1]
    above, sum_above = counts.sum() - below, float(counts @ values) - sum_below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sum_above / above - sum_below / below) ** 2
    best = int(np.argmax(np.nan_to_num(between)))
    return Outcome(float(0.5 * (values[best] + values[best + 1])))


def _ridler(crop: LesionCrop, numbers: Mapping[str, float]) -> Outcome:
    values, counts = uptake_around(crop, numbers["margin_mm"])
    threshold = float(counts @ values / counts.sum())
    for _ in range(_RIDLER_ITERATIONS):
        high = values >= threshold
        if not counts[high].any() or not counts[~high].any():
            return Outcome(threshold)
        upper = float(counts[high] @ values[high] / counts[high].sum())
        lower = float(counts[~high] @ values[~high] / counts[~high].sum())
        following = 0.5 * (upper + lower)
        if abs(following - threshold) < _RIDLER_STOP_SUV:
            return Outcome(following)
        threshold = following
    return Outcome(threshold, flags=("not_converged",))


MARGIN = Parameter("margin_mm", "mm", 10.0, 1.0, 50.0)

RULES = (
    Rule(
        "otsu",
        "t that makes the variance between lesion and surroundings largest, in the lesion's box + margin",
        "histogram",
        "Otsu 1979, 10.1109/TSMC.1979.4310076, not re-read; for PET: Prieto 2012, 10.1118/1.4754809, "
        "abstract read; the margin is ours",
        False,
        (MARGIN,),
        _otsu,
    ),
    Rule(
        "ridler",
        "t = (mean above t + mean below t) / 2, iterated, in the lesion's box + margin",
        "histogram",
        "Ridler and Calvard 1978, 10.1109/TSMC.1978.4310039, not re-read; for PET: Prieto 2012, "
        "10.1118/1.4754809, abstract read; the margin is ours",
        False,
        (MARGIN,),
        _ridler,
    ),
)
