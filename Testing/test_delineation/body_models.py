"""A body of blocks with organs of known place, size and uptake, for rules on position."""

from dataclasses import dataclass

import numpy as np
from PSMAPlanningLib.imaging.grid import VoxelGrid
from PSMAPlanningLib.imaging.image import Image, Quantity
from scipy import ndimage


@dataclass(frozen=True)
class Body:
    """Trunk and two thighs, RAS mm; the head is a narrower block on top when `head` is asked for."""

    midline_mm: float = 6.0
    half_width_mm: float = 165.0
    back_mm: float = -110.0
    front_mm: float = 110.0
    crotch_mm: float = 40.0
    top_mm: float = 560.0
    head_top_mm: float = 800.0

    @property
    def height_mm(self) -> float:
        return self.top_mm


STANDING = Body()
KIDNEYS = [((81.0, -30.0, 350.0), (60, 55, 110), 35.0), ((-69.0, -30.0, 360.0), (60, 55, 110), 35.0)]
BLADDER = ((6.0, 10.0, 150.0), (80, 75, 70), 20.0)
LIVER = ((91.0, 35.0, 420.0), (110, 130, 150), 6.0)
SPLEEN = ((-104.0, -40.0, 430.0), (50, 75, 95), 8.0)


def body_pet(organs=(), spacing_mm=(4.0, 4.0, 4.0), lowest_mm=0.0, head=False, noise=0.0, soft_suv=0.5):
    """PET of the body with ellipsoids (centre RAS, diameter or three along R A S, SUV), blurred by 6 mm.

    noise: coefficient of variation at SUV 5, variance in proportion to the uptake.
    """
    body = STANDING
    top = body.head_top_mm if head else body.top_mm
    shape = (
        int((top - lowest_mm) / spacing_mm[2]) + (6 if head else 0),
        int(300 / spacing_mm[1]),
        int(440 / spacing_mm[0]),
    )
    grid = VoxelGrid(shape, spacing_mm, (-220.0, -150.0, lowest_mm))
    s, a, r = (
        lowest_mm + spacing_mm[2] * np.arange(shape[0])[:, None, None],
        -150.0 + spacing_mm[1] * np.arange(shape[1])[:, None],
        -220.0 + spacing_mm[0] * np.arange(shape[2]),
    )
    across = np.abs(r - body.midline_mm)
    within = (a >= body.back_mm) & (a <= body.front_mm)
    trunk = within & (across <= body.half_width_mm) & (s >= body.crotch_mm) & (s <= body.top_mm)
    thighs = within & (across <= body.half_width_mm) & (across >= 15) & (s < body.crotch_mm)
    suv = soft_suv * (trunk | thighs).astype(np.float32)
    if head:
        skull = (across <= 80) & (a >= -95) & (a <= 95) & (s > body.top_mm) & (s <= body.head_top_mm)
        suv += soft_suv * skull
    for centre, size, value in organs:
        half = np.broadcast_to(np.asarray(size, dtype=float), 3) / 2
        inside = sum(((x - c) / h) ** 2 for x, c, h in zip((r, a, s), centre, half, strict=True)) <= 1
        suv = np.where(inside, np.float32(value), suv)
    sigma = [6.0 / 2.3548 / mm for mm in spacing_mm[::-1]]
    suv = ndimage.gaussian_filter(suv, sigma)
    if noise:
        field = np.random.default_rng(3).normal(size=suv.shape)
        suv = np.maximum(suv + noise * np.sqrt(5 * np.maximum(suv, 0)) * field, 0)
    return Image(suv.astype(np.float32), grid, Quantity.SUVBW)


def turned(pet, order):
    """The same PET stored with its array axes in another order, the last of them reversed."""
    array = np.transpose(pet.array, order)[:, :, ::-1]
    columns = np.array(pet.grid.direction_ras)[:, ::-1][:, list(order)]
    spacing = [pet.grid.spacing_kji_mm[n] for n in order]
    columns[:, 2] *= -1
    first = np.zeros(3)
    first[order[2]] = pet.array.shape[order[2]] - 1
    grid = VoxelGrid(
        array.shape, tuple(spacing[::-1]), pet.grid.position_of(first), tuple(map(tuple, columns[:, ::-1]))
    )
    return Image(np.ascontiguousarray(array), grid, pet.quantity)
