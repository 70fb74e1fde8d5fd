"""Thresholds that divide the uptake in a box around the lesion into lesion and surroundings."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...imaging.grid import bounding_box, grow_box
from ..lesion_crop import LesionCrop
from .connected import connected_to_peak
from .rule import Outcome, Parameter, Rule

_BINS = 1024
_RIDLER_STOP_SUV = 1e-4
_RIDLER_ITERATIONS = 200
_BOX_FRACTION = 0.41


def uptake_around(crop: LesionCrop, margin_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Bin centres (SUV) and voxel counts in the lesion's box grown by a margin, neighbours left out.

    The box is that of the contour at background + 41 % (41 % where there is no background): in a box much
    wider than the lesion the background's own spread would decide.
    """
    background = crop.background_suv or 0.0
    box = bounding_box(connected_to_peak(crop, background + _BOX_FRACTION * (crop.suv_max - background)))
    margins = tuple(math.ceil(margin_mm / s) for s in crop.grid.spacing_kji_mm)
    box = grow_box(box, margins, crop.suv.shape)
    counts, edges = np.histogram(crop.suv[box][crop.territory[box]], bins=_BINS)
    return 0.5 * (edges[:-1] + edges[1:]), counts.astype(float)


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
        "Otsu 1979, 10.1109/TSMC.1979.4310076; for PET: Prieto 2012, 10.1118/1.4754809",
        True,
        (MARGIN,),
        _otsu,
    ),
    Rule(
        "ridler",
        "t = (mean above t + mean below t) / 2, iterated, in the lesion's box + margin",
        "histogram",
        "Ridler and Calvard 1978, 10.1109/TSMC.1978.4310039; for PET: Prieto 2012, 10.1118/1.4754809",
        True,
        (MARGIN,),
        _ridler,
    ),
)
