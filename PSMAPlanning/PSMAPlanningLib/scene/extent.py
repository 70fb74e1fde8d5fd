"""Where in an image the patient is."""

from __future__ import annotations

import numpy as np

from ..imaging.image import Image, Quantity

_COARSE_MM = 6.0
_BODY_HU = -300.0
_BODY_SUV = 0.2


def patient_bounds(image: Image) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest R, A and S of the patient, air and table left out as far as a threshold can."""
    steps = [max(1, int(_COARSE_MM // spacing)) for spacing in image.grid.spacing_kji_mm]
    level = _BODY_HU if image.quantity is Quantity.HOUNSFIELD else _BODY_SUV
    points = np.argwhere(image.array[tuple(slice(None, None, n) for n in steps)] > level) * steps
    if len(points) == 0:
        corners = image.grid.corners_ras()
        return corners.min(axis=0), corners.max(axis=0)
    return tuple(np.percentile(image.grid.ras_of(points), (0.1, 99.9), axis=0))
