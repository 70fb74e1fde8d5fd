"""What psma-planning benchmark times of radiotherapy volumes, beside SimpleITK on the same grid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import SimpleITK as sitk

from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.image_file import sitk_image
from ..rtvolumes.margins import SixMargins, grow
from .benchmark_works import Sides, Work

_SHAPE_KJI = (200, 512, 512)
_SPACING_MM = (0.977, 0.977, 2.5)
_LIMB_RADIUS_MM = 17.9
"""Gives 300 mL, the middle of the published pelvic nodal volumes."""
PTV_MARGIN = SixMargins(5.0, 5.0, 9.0, 6.0, 7.0, 8.0)
"""Six different kinds of side, as in planning practice (7 mm along, 9 in front, 5 aside)."""


def nodal_volume() -> Mask:
    """A nodal CTV on a planning CT: two bent limbs from a common stem, on 512 x 512 x 200 voxels."""
    columns, rows, slices = _SHAPE_KJI[::-1]
    origin = [-0.5 * (n - 1) * s for n, s in zip((columns, rows, slices), _SPACING_MM, strict=True)]
    grid = VoxelGrid(_SHAPE_KJI, _SPACING_MM, tuple(origin))
    right, anterior, superior = (
        start + step * np.arange(n)
        for start, step, n in zip(origin, _SPACING_MM, (columns, rows, slices), strict=True)
    )
    array = np.zeros(_SHAPE_KJI, dtype=bool)
    for number, height in enumerate(superior):
        down = (70.0 - height) / 150.0
        if not 0.0 <= down <= 1.0:
            continue
        aside, forward = 12.0 + 45.0 * down, 25.0 * np.sin(3.0 * down)
        for side in (-1, 1):
            squares = (right[None, :] - side * aside) ** 2 + (anterior[:, None] - forward) ** 2
            array[number] |= squares < _LIMB_RADIUS_MM**2
    return Mask(array, grid)


@contextmanager
def _margin() -> Iterator[Sides]:
    mask = nodal_volume()
    image = sitk_image(mask.array.view(np.uint8), mask.grid)

    def distance_map() -> None:
        sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)

    yield Sides(lambda: grow(mask, PTV_MARGIN), distance_map)


WORKS = (
    Work(
        "margin",
        "SimpleITK SignedMaurerDistanceMap of the same mask (one distance for all sides, no growth yet)",
        10.0,
        "from a 300 mL nodal CTV on 512 x 512 x 200 voxels to the grown mask on them; six different sides",
        _margin,
    ),
)
