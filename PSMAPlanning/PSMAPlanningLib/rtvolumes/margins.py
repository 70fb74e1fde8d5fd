"""Margins in the six directions of the patient, accurate below the voxel.

The margin body has a half axis of its own towards left, right, anterior, posterior, superior and inferior
and is an eighth of an ellipsoid in each octant between them. What cannot be made is an error; no number is
ever replaced by another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..errors import MarginError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from .boolean import difference, intersection, on_grid
from .margin_fields import DistanceAt, grown_distance, grown_occupancy
from .margin_work import grown_inside
from .occupancy import OccupancyField

LARGEST_MARGIN_MM = 100.0


@dataclass(frozen=True)
class SixMargins:
    """How far a surface moves, in mm, towards each side of the patient; all grow (0 or more) or all shrink.

    No side has a default. Raises MarginError for a number that is not finite, beyond 100 mm, or when some
    sides grow and others shrink (do it in two steps then, in the order that is meant).
    """

    left_mm: float
    right_mm: float
    anterior_mm: float
    posterior_mm: float
    superior_mm: float
    inferior_mm: float

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
                raise MarginError(f"{each.name} is {value!r}; give a number of millimetres.")
            if not math.isfinite(value) or abs(value) > LARGEST_MARGIN_MM:
                raise MarginError(f"{each.name} is {value:g}; it must lie within {LARGEST_MARGIN_MM:g} mm.")
            object.__setattr__(self, each.name, float(value))
        if min(self.as_tuple()) < 0 < max(self.as_tuple()):
            raise MarginError(
                "Some sides of the margin grow and others shrink; do it in two steps, in the order you mean."
            )

    @classmethod
    def uniform(cls, margin_mm: float) -> SixMargins:
        """The same margin on all sides."""
        return cls(*[margin_mm] * 6)

    def as_tuple(self) -> tuple[float, float, float, float, float, float]:
        """Left, right, anterior, posterior, superior, inferior."""
        return tuple(getattr(self, each.name) for each in fields(self))

    @property
    def is_zero(self) -> bool:
        return not any(self.as_tuple())

    @property
    def shrinks(self) -> bool:
        return min(self.as_tuple()) < 0

    def towards_ras_mm(self) -> tuple[tuple[float, float], ...]:
        """Absolute margins towards (lower, higher) R, A and S: (left, right), (posterior, anterior) ..."""
        left, right, anterior, posterior, superior, inferior = map(abs, self.as_tuple())
        return (left, right), (posterior, anterior), (inferior, superior)


@dataclass(frozen=True, eq=False)
class CropBy:
    """An organ that a grown volume must not enter; with a margin, the organ is grown by it first."""

    name: str
    mask: Mask
    margin: SixMargins | None = None


@dataclass(frozen=True, eq=False)
class Grown:
    """A grown and cropped structure. removed_ml: what each organ took away, one after the other, in order.

    removed_from_source_ml: how much of the structure before growing was taken away; a gross tumour volume
    should not lose any without being told.
    """

    mask: Mask
    volume_ml_before: float
    volume_ml_grown: float
    removed_ml: tuple[tuple[str, float], ...]
    removed_from_source_ml: float

    @property
    def volume_ml_after(self) -> float:
        return self.mask.volume_ml

    @property
    def cropped_ml(self) -> float:
        return sum(volume for _, volume in self.removed_ml)


def grow(mask: Mask, margin: SixMargins, *, cut_at_image_edge: bool = False) -> Mask:
    """The voxels of the mask's grid whose centres lie in the structure grown (or shrunk) by the margin.

    Any grid: margins go along the axes of the patient, not of the image.
    Raises MarginError when the mask is empty, when nothing is left after shrinking, or when the result
    would reach past the image, unless cut_at_image_edge says that it may end there.
    """
    if mask.is_empty:
        raise MarginError("An empty structure has no margin; draw it first.")
    if margin.is_zero:
        return mask
    array, lost = grown_inside(mask, margin.towards_ras_mm(), margin.shrinks)
    _require(array.any(), lost, margin, cut_at_image_edge)
    return Mask(array, mask.grid)


def grow_occupancy(
    occupancy: OccupancyField, margin: SixMargins, *, cut_at_image_edge: bool = False
) -> OccupancyField:
    """The same for a structure known below the voxel; the result is an occupancy field on its grid.

    Shares of voxels do not tell the surface within them. On 1 x 1 x 3 mm, spheres and ellipsoids from 20 mm
    on and boxes along the grid come out within 1 % of the closed form; what sticks out a little of an edge is
    carried along by a side whose neighbours grow much more, so a box oblique to the grid with a side of 0 mm
    beside one of 10 mm may be 3 % too large. Where the shape itself is known, `grow_distance` is within 1 %.

    Raises MarginError as `grow` does, and when no voxel is half occupied: such a structure has no surface
    on this grid.
    """
    if not (occupancy.fraction >= 0.5).any():
        raise MarginError("No voxel is half filled by the structure; use a grid of smaller voxels.")
    if margin.is_zero:
        return occupancy
    array, lost = grown_occupancy(occupancy, margin.towards_ras_mm(), margin.shrinks)
    _require((array > 0).any(), lost, margin, cut_at_image_edge)
    return OccupancyField(array, occupancy.grid)


def grow_distance(
    distance_at: DistanceAt, grid: VoxelGrid, margin: SixMargins, *, cut_at_image_edge: bool = False
) -> OccupancyField:
    """The same for a structure known exactly: spheres, boxes, ellipsoids, meshes; of any size.

    distance_at: signed distance in mm, negative inside, of places (N, 3) in RAS mm; near the surface it may
    be any level proportional to the distance, elsewhere never more than the distance.
    The result is the occupancy of the voxels of `grid`; within 1 % of the closed form from 5 mm on.
    Raises MarginError as `grow` does, and when nothing of the structure lies in the image.
    """
    array, lost = grown_distance(distance_at, grid, margin.towards_ras_mm(), margin.shrinks)
    _require((array > 0).any(), lost, margin, cut_at_image_edge)
    return OccupancyField(array, grid)


def grow_and_crop(
    mask: Mask,
    margin: SixMargins,
    crop_by: Sequence[CropBy] = (),
    *,
    within: Mask | None = None,
    cut_at_image_edge: bool = False,
) -> Grown:
    """A structure grown, then cut back from organs (each with its own margin) and to what lies `within`.

    Organs on another grid are brought to the mask's. Raises MarginError when nothing is left.
    """
    return cropped(mask, grow(mask, margin, cut_at_image_edge=cut_at_image_edge), crop_by, within)


def cropped(source: Mask, grown: Mask, crop_by: Sequence[CropBy] = (), within: Mask | None = None) -> Grown:
    """A structure that was grown from `source`, cut back as `grow_and_crop` does; both on one grid."""
    mask, left = source, grown
    removed = []
    for organ in crop_by:
        away = organ.mask
        if organ.margin is not None and not away.is_empty:
            away = grow(away, organ.margin, cut_at_image_edge=True)
        shorter = difference(left, [on_grid(away, mask.grid)])
        removed.append((organ.name, left.volume_ml - shorter.volume_ml))
        left = shorter
    if within is not None:
        shorter = intersection([left, on_grid(within, mask.grid)])
        removed.append(("outside", left.volume_ml - shorter.volume_ml))
        left = shorter
    if left.is_empty:
        names = ", ".join(name for name, _ in removed)
        raise MarginError(f"Nothing is left after cropping by {names}; check these structures.")
    source_left = intersection([mask, left]).volume_ml
    return Grown(left, mask.volume_ml, grown.volume_ml, tuple(removed), mask.volume_ml - source_left)


def _require(any_left: bool, lost_mm: float, margin: SixMargins, cut_at_image_edge: bool) -> None:
    if not any_left:
        raise MarginError(
            f"Nothing is left after shrinking by {-min(margin.as_tuple()):g} mm; use a smaller number."
        )
    if lost_mm > 0 and not cut_at_image_edge:
        raise MarginError(
            f"The margin reaches {lost_mm:.1f} mm past the edge of the image; use an image that is large "
            "enough, or say that the volume may end at the edge."
        )
