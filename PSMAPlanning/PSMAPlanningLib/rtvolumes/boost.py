"""Boost volumes: the PET contour, its margins, and what was cropped from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import MarginError
from ..imaging.image import Mask
from .boolean import difference, on_grid, union
from .margins import CropBy, Grown, SixMargins, grow, grow_and_crop


@dataclass(frozen=True, eq=False)
class Boost:
    """A boost from a PET contour.

    gross: the contour, never cropped. clinical, planning: with their margins, cropped.
    gross_outside_ml: gross tumour that the cropped planning volume does not hold.
    """

    gross: Mask
    clinical: Grown
    planning: Grown
    gross_outside_ml: float


def boost(
    gross: Mask,
    to_clinical: SixMargins,
    to_planning: SixMargins,
    crop_by: Sequence[CropBy] = (),
    body: Mask | None = None,
) -> Boost:
    """GTV to CTV to PTV; organs (each with its own margin) are cut from CTV and PTV, the body bounds both.

    The gross tumour volume itself is never cropped: where it enters an organ, gross_outside_ml says so.
    Raises MarginError for an empty contour, a shrinking margin, or when nothing is left.
    """
    if to_clinical.shrinks or to_planning.shrinks:
        raise MarginError("A boost's margins only grow; give 0 mm or more.")
    clinical = grow_and_crop(gross, to_clinical, crop_by, within=body)
    # From the uncropped CTV, so that setup margin is not lost where the CTV ends at an organ.
    planning = grow_and_crop(grow(gross, to_clinical), to_planning, crop_by, within=body)
    outside = difference(gross, [planning.mask]).volume_ml
    return Boost(gross, clinical, planning, outside)


@dataclass(frozen=True, eq=False)
class DoseLevel:
    """A target of a simultaneous integrated boost and the dose per course it is prescribed."""

    name: str
    mask: Mask
    dose_gy: float


@dataclass(frozen=True, eq=False)
class Ring:
    """A target without those of higher dose (PTV! of TG-263). removed_ml: what they took away."""

    name: str
    mask: Mask
    dose_gy: float
    removed_ml: float


def boost_rings(levels: Sequence[DoseLevel], gap: SixMargins | None = None) -> tuple[Ring, ...]:
    """Each target without all of higher dose, highest first; together they are the union of the targets.

    gap: grow the higher-dose targets by it before they are taken away, for a dose fall-off.
    Equal doses are joined by the planner, not here: MarginError.
    """
    if len({level.dose_gy for level in levels}) < len(levels):
        raise MarginError("Two targets have the same dose; join them before rings are made.")
    ordered = sorted(levels, key=lambda level: level.dose_gy, reverse=True)
    rings: list[Ring] = []
    higher: list[Mask] = []
    for level in ordered:
        mask = level.mask
        if higher:
            away = union(higher)
            if gap is not None:
                away = grow(away, gap, cut_at_image_edge=True)
            mask = difference(mask, [away])
        rings.append(Ring(level.name, mask, level.dose_gy, level.mask.volume_ml - mask.volume_ml))
        higher.append(on_grid(level.mask, ordered[0].mask.grid))
    return tuple(rings)
