"""Whether a contour has collapsed onto a hot spot inside the lesion.

A watershed or a random walk starts from the hottest part. In a tumour of uneven uptake the strongest change
of uptake may lie between two of its own parts, and the contour then stops there. A threshold that is iterated
with the contour's own size, as by recovery, may run up to the maximum where a lesion is smaller than the
image can tell: it then holds two voxels of a quarter of a millilitre.
"""

from __future__ import annotations

import numpy as np

from ..lesion_crop import LesionCrop
from .connected import contour_at

_REFERENCE_FRACTION = 0.41
_LEAST_UPTAKE_SHARE = 0.25
"""Of the uptake above background at background + 41 %. Contours of whole spheres of 6 to 13 mm with noise
held 0.33 or more; three of eight contours of sarcomas, which no expert would have drawn, 0.05 to 0.16."""


_HIGH_FRACTION = 0.6
"""Of the contrast; contours by lower thresholds hold more of a lesion's uptake than that quarter."""


def has_collapsed(
    crop: LesionCrop, inside: np.ndarray, background_suv: float | None, threshold_suv: float | None = None
) -> bool:
    """Whether a contour on the crop's grid holds less than a quarter of the lesion's uptake.

    threshold_suv: of a contour that is one by threshold. False for an empty contour, which is said otherwise,
    and where nothing stands out from the background.
    """
    background = background_suv or 0.0
    contrast = crop.suv_max - background
    if contrast <= 0 or not inside.any():
        return False
    if threshold_suv is not None and threshold_suv < background + _HIGH_FRACTION * contrast:
        return False
    lesion = contour_at(crop, background + _REFERENCE_FRACTION * contrast)
    held = float((crop.suv[inside] - background).sum(dtype=float))
    whole = float((crop.suv[lesion] - background).sum(dtype=float))
    return held < _LEAST_UPTAKE_SHARE * whole
