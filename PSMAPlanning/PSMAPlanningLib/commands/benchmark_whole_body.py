"""The whole-body PET that the delineation rows of psma-planning benchmark are timed on.

Ellipsoids seen through a scanner of 6 mm: the organs that take up PSMA ligands, sixty lesions, noise with
the scanner's grain. It has the size and the share of avid voxels of a real scan and nothing more: no CT, no
truth, and it is made in seconds. The digital patient of `imaging.phantom` is the realistic one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..delineation.psf import FWHM_PER_SIGMA
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity

SHAPE_KJI = (644, 400, 400)
LESIONS = 60
LARGE_LESION_MM = 33.7
"""Diameter of the first lesion: 20 mL."""
LARGE_LESION_RAS = (60.0, 60.0, -200.0)

_LENGTH_MM = 1062.6
"""644 slices of 1.65 mm, as of a scanner with a field of view of one metre."""
_FWHM_MM = 6.0
_NOISE_FRACTION = 0.12
_SEED = 6


@dataclass(frozen=True)
class Ellipsoid:
    """Uniform uptake: SUV, centre (RAS mm from the middle of the image) and half axes (R, A, S mm)."""

    suv: float
    centre_ras: tuple[float, float, float]
    half_axes_mm: tuple[float, float, float]


# Later ones lie on top. Usual uptake an hour after injection, rounded: only how many voxels are avid matters.
BODY = Ellipsoid(0.5, (0, 0, 0), (170, 110, 560))
ORGANS = (
    Ellipsoid(1.5, (-15, 20, 180), (55, 40, 60)),  # blood in the heart
    Ellipsoid(1.6, (0, -30, 60), (12, 12, 210)),  # aorta and vena cava
    Ellipsoid(5.0, (70, 10, 60), (75, 60, 65)),  # liver
    Ellipsoid(7.5, (-95, -30, 70), (28, 35, 45)),  # spleen
    Ellipsoid(40.0, (60, -55, 0), (25, 25, 55)),  # kidneys
    Ellipsoid(40.0, (-60, -55, 0), (25, 25, 55)),
    Ellipsoid(9.0, (20, 25, 0), (40, 18, 15)),  # duodenum
    Ellipsoid(6.0, (-45, 45, -20), (45, 25, 40)),  # jejunum
    Ellipsoid(25.0, (0, 20, -250), (38, 34, 32)),  # bladder
    Ellipsoid(15.0, (58, 0, 400), (13, 18, 24)),  # parotid glands
    Ellipsoid(15.0, (-58, 0, 400), (13, 18, 24)),
    Ellipsoid(14.0, (28, 25, 375), (11, 16, 12)),  # submandibular glands
    Ellipsoid(14.0, (-28, 25, 375), (11, 16, 12)),
    Ellipsoid(6.0, (35, 65, 450), (6, 6, 8)),  # lacrimal glands
    Ellipsoid(6.0, (-35, 65, 450), (6, 6, 8)),
)


def lesions(seed: int = _SEED) -> list[Ellipsoid]:
    """Sixty spheres of 6 to 25 mm and true SUV 4 to 30, the first of 20 mL and SUV 15; seeded."""
    random = np.random.default_rng(seed)
    found = [Ellipsoid(15.0, LARGE_LESION_RAS, (LARGE_LESION_MM / 2,) * 3)]
    while len(found) < LESIONS:
        centre = random.uniform((-110, -70, -450), (110, 70, 350))
        radius = random.uniform(3.0, 12.5)
        if all(_gap_mm(centre, radius, other) > 8.0 for other in (*ORGANS, *found)):
            found.append(Ellipsoid(random.uniform(4.0, 30.0), tuple(centre), (radius,) * 3))
    return found


def _gap_mm(centre: np.ndarray, radius_mm: float, other: Ellipsoid) -> float:
    """Distance from a sphere's surface to an ellipsoid's, along the line between the centres."""
    step = centre - np.array(other.centre_ras)
    distance = float(np.linalg.norm(step))
    return distance * (1 - 1 / max(float(np.linalg.norm(step / other.half_axes_mm)), 1e-6)) - radius_mm


def whole_body(
    shape_kji: tuple[int, int, int] = SHAPE_KJI, columns_around: int = 0, seed: int = _SEED
) -> Image:
    """The PET, float32 SUV; a smaller shape has larger voxels and the same patient.

    columns_around: voxels of empty air added on the four sides of every slice, for a larger image with the
    same content.
    """
    spacing = _LENGTH_MM / shape_kji[0]
    random = np.random.default_rng(seed)
    suv = np.full(shape_kji, 0.02, dtype=np.float32)
    for ellipsoid in (BODY, *ORGANS, *lesions(seed)):
        _paint(suv, ellipsoid, spacing)
    noise = random.standard_normal(shape_kji, dtype=np.float32)
    grain = _FWHM_MM / FWHM_PER_SIGMA / spacing
    ndimage.gaussian_filter(noise, grain, output=noise, truncate=3.0)
    noise *= _NOISE_FRACTION / float(noise.std())
    noise += 1.0
    suv *= noise
    del noise
    if columns_around:
        wide = np.full((shape_kji[0], *(n + 2 * columns_around for n in shape_kji[1:])), 0.02, np.float32)
        inner = slice(columns_around, -columns_around)
        wide[:, inner, inner] = suv
        suv = wide
    middle = -0.5 * spacing * (np.array(suv.shape[::-1]) - 1)
    return Image(suv, VoxelGrid(suv.shape, (spacing,) * 3, tuple(middle)), Quantity.SUVBW)


def _paint(suv: np.ndarray, ellipsoid: Ellipsoid, spacing_mm: float) -> None:
    """Blend an ellipsoid in, its edge as wide as the scanner's point spread."""
    middle = (np.array(suv.shape) - 1) / 2
    centre = middle + np.array(ellipsoid.centre_ras[::-1]) / spacing_mm
    half = (np.array(ellipsoid.half_axes_mm[::-1]) + 2 * _FWHM_MM) / spacing_mm
    low = np.maximum(np.floor(centre - half).astype(int), 0)
    high = np.minimum(np.ceil(centre + half).astype(int) + 1, suv.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    axes = np.ogrid[box]
    squares = sum(
        (((axis - c) * spacing_mm) / a).astype(np.float32) ** 2
        for axis, c, a in zip(axes, centre, ellipsoid.half_axes_mm[::-1], strict=True)
    )
    # Depth below the surface, nearly exact where the edge is, through a logistic step of the same width.
    depth = (1 - np.sqrt(squares)) * min(ellipsoid.half_axes_mm)
    depth *= -1.702 * FWHM_PER_SIGMA / _FWHM_MM
    inside = 1.0 / (1.0 + np.exp(np.clip(depth, -30, 30)))
    part = suv[box]
    part += inside * (ellipsoid.suv - part)
