"""One contour cut along the saddles of its uptake, where two peaks have run together."""

from __future__ import annotations

import numpy as np

from ..errors import RuleError
from ..imaging.grid import bounding_box
from ..imaging.image import Image, Mask
from ..imaging.resampling import values_at
from .avid_regions import single_peaked_parts

_SADDLE_FRACTIONS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Deepest saddle first, so that noise on one peak is never cut before two peaks are. Above 0.98 of the lower
peak a saddle is noise."""
_LEAST_UPTAKE_SUV = 1e-3


def parts_at_saddles(pet: Image, contour: Mask) -> tuple[Mask, ...]:
    """The parts of a contour, hottest first, that a watershed of the PET's uptake cuts it into.

    The parts are disjoint, together they are the contour, and each lies on the contour's own voxels (K, J, I)
    cropped. The saddle that is cut is the deepest one there is. Raises RuleError when the contour holds one
    peak only, or lies outside the PET.
    """
    box = bounding_box(contour.array, 1)
    if box is None:
        raise RuleError("The contour is empty; there is nothing to split.")
    grid, inside = contour.grid.crop(box), contour.array[box]
    points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1).reshape(-1, 3))
    suv = values_at(pet, points).reshape(grid.shape_kji)
    # Its logarithm is taken, and what is not measured must not become a peak.
    suv = np.where(np.isfinite(suv), np.maximum(suv, _LEAST_UPTAKE_SUV), _LEAST_UPTAKE_SUV).astype(np.float32)
    if not (suv[inside] > _LEAST_UPTAKE_SUV).any():
        raise RuleError("The contour lies outside the PET's uptake; there is nothing to split it by.")
    for fraction in _SADDLE_FRACTIONS:
        labels, count = single_peaked_parts(suv, inside, fraction)
        if count > 1:
            parts = [labels == number for number in range(1, count + 1)]
            parts.sort(key=lambda part: -float(suv[part].max()))
            return tuple(Mask(part, grid).cropped() for part in parts)
    raise RuleError(
        "The uptake inside this contour has one peak only, so there is no saddle to split it at; draw the "
        "parts by hand, or add the second lesion at the crosshair."
    )
