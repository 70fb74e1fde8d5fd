"""Contours of a structure on the slices of the planning CT.

Each contour encloses the area that the structure has on the plane of the slice, or, when asked for, the area
that times the thickness of its slab is what the structure has in the slab. Contours through the centres of
voxels would cost a node of 6 mm 29 to 41 % of its area on CT pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .crossings import crossing_lines
from .planning_series import PlanningSeries
from .simplify import Lines, simplified, with_areas
from .slab_shares import CROSS_SECTION, Shape, SlabShares, slab_shares
from .slice_lines import Loops, lines_of_level, lines_of_mask

TOLERANCE_MM = 0.1
"""How far a contour may lie from the line it was simplified from (issue 9)."""
SMALLEST_AREA_MM2 = 0.2
"""A part of a slab that fills less, a circle of half a millimetre, gets no contour."""
_EMPTY_SHARE = 0.02
_SAME_SHARE = 1e-3
_IN_PLANE = np.zeros((3, 3, 3), int)
_IN_PLANE[1] = 1


@dataclass(frozen=True, eq=False)
class SliceContour:
    """One closed contour. points: (N, 2) fractional rows and columns of the CT slice; area_mm2: holes
    negative."""

    slice_number: int
    points: np.ndarray
    area_mm2: float


@dataclass(frozen=True, eq=False)
class StructureContours:
    """volume_ml: of the structure itself; outside_ml: beyond the CT; left_out_ml: slabs too small for a
    contour; slices_ml: what the slices can hold of it, each cross-section taken through its slab.

    meets_slice: whether the plane of any slice runs through the structure.
    slices_filled: numbers of the slices in whose slab the structure has anything to draw.
    """

    contours: tuple[SliceContour, ...]
    volume_ml: float
    outside_ml: float
    left_out_ml: float
    meets_slice: bool
    slices_filled: frozenset[int]
    slices_ml: float


def slab_contours(
    shape: Shape,
    series: PlanningSeries,
    tolerance_mm: float = TOLERANCE_MM,
    slices: str = CROSS_SECTION,
) -> StructureContours:
    """The contours of a mask or of occupancies, on any voxels, on the slices of a series.

    slices: "cross-section" (what the plane of each slice shows) or "volume" (what each slab holds).
    """
    found = slab_shares(shape, series, slices)
    if not found.meets_slice:
        # Between two slices there is nothing to draw on that the planner would see the lesion on.
        return StructureContours((), found.volume_ml, found.outside_ml, 0.0, False, frozenset(), 0.0)
    pixel_mm2 = series.pixel_area_mm2 / (found.factors[0] * found.factors[1])
    thickness = series.slab_thickness_mm[found.first_slice : found.first_slice + len(found.share)]
    if found.share.dtype == bool:
        loops = lines_of_mask(found.share)
        wanted, group, left_out = loops.areas * pixel_mm2, np.arange(loops.count), np.zeros(0)
        filled = np.flatnonzero(found.share.any(axis=(1, 2)))
    else:
        loops, wanted, group, left_out = _from_shares(found.share, pixel_mm2)
        filled = np.unique(loops.slices)
    lines = _drawn(loops, found, series, wanted, group, tolerance_mm)
    return StructureContours(
        in_rows_columns(_contours(lines, loops, found), series),
        found.volume_ml,
        found.outside_ml,
        float((left_out * thickness[: len(left_out)]).sum()) / 1000.0,
        True,
        frozenset(int(n) + found.first_slice for n in filled),
        found.slices_ml,
    )


def _from_shares(share: np.ndarray, pixel_mm2: float) -> tuple[Loops, np.ndarray, np.ndarray, np.ndarray]:
    """Lines, the area that each group of them must enclose, the group of each, and what was left out by
    slice.

    Each connected part of a slab is cut off at the share that leaves the part's own area.
    """
    labels, count = ndimage.label(share > _EMPTY_SHARE, _IN_PLANE)
    owner = labels.ravel()
    mass = np.bincount(owner, share.ravel(), count + 1)
    mass[0] = 0.0
    slices = np.zeros(count + 1, int)
    where = np.flatnonzero(owner)
    slices[owner[where]] = where // (share.shape[1] * share.shape[2])
    small = mass * pixel_mm2 < SMALLEST_AREA_MM2
    cut = _cuts(share.ravel()[where], owner[where], mass)
    cut[small] = 2.0
    cut[0] = 0.5
    around = ndimage.maximum_filter(labels, size=(1, 3, 3))
    level = cut[np.where(labels > 0, labels, around)] - share
    loops = lines_of_level(level.astype(np.float32))
    part = _parts_of(loops, labels)
    numbers, group = np.unique(part, return_inverse=True)
    left_out = np.bincount(slices, np.where(small, mass, 0.0) * pixel_mm2, len(share))
    return loops, mass[numbers] * pixel_mm2, group, left_out


def _cuts(values: np.ndarray, owner: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """For each part the share above which as many pixels lie as it has in whole pixels."""
    order = np.lexsort((-values, owner))
    ordered = values[order]
    counts = np.bincount(owner, minlength=len(mass))
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    cut = np.full(len(mass), 0.5)
    for number in np.flatnonzero(counts[1:]) + 1:
        part = ordered[first[number] : first[number] + counts[number]]
        edge = part[min(max(round(mass[number]), 1), len(part)) - 1]
        # Under a flat end many pixels share one value: all of them, and the line is drawn in afterwards.
        below = part[part < edge - _SAME_SHARE]
        cut[number] = 0.5 * (edge + (below[0] if below.size else 0.0))
    # Nearer to full the line would follow the noise of single pixels.
    return np.minimum(cut, 0.9)


def _parts_of(loops: Loops, labels: np.ndarray) -> np.ndarray:
    """(L,) the part of its slab that each loop belongs to."""
    first = loops.points[loops.starts[:-1]]
    grown = ndimage.maximum_filter(labels, size=(1, 3, 3))
    row = np.clip(np.rint(first[:, 0]).astype(int), 0, labels.shape[1] - 1)
    column = np.clip(np.rint(first[:, 1]).astype(int), 0, labels.shape[2] - 1)
    exact = labels[loops.slices, row, column]
    return np.where(exact > 0, exact, grown[loops.slices, row, column])


def _drawn(
    loops: Loops,
    found: SlabShares,
    series: PlanningSeries,
    wanted_mm2: np.ndarray,
    group: np.ndarray,
    tolerance_mm: float,
) -> Lines:
    """The lines in mm, simplified, of the right area; where that makes lines cross, those are left as
    traced."""
    size_mm = np.array([series.grid.spacing_mm[1], series.grid.spacing_mm[0]])
    traced = Lines(found.rows_columns(loops.points) * size_mm, loops.starts)
    if not loops.count:
        return traced
    fewer = simplified(traced, tolerance_mm)
    drawn = with_areas(fewer, wanted_mm2, group)
    # Next best first: what is left in the end is the lines as traced, which never cross.
    for instead in (lambda: with_areas(traced, wanted_mm2, group), lambda: fewer, lambda: traced):
        crossed = crossing_lines(drawn, loops.slices)
        if not crossed.any():
            break
        # Everything on the slices concerned, for a neighbour that moved is as much to blame.
        drawn = _exchanged(drawn, instead(), np.isin(loops.slices, loops.slices[crossed]))
    return drawn


def _exchanged(lines: Lines, others: Lines, chosen: np.ndarray) -> Lines:
    """The lines, those chosen, (L,) bool, taken from the others."""
    pieces = []
    for number, other in enumerate(chosen):
        source = others if other else lines
        pieces.append(source.points[source.starts[number] : source.starts[number + 1]])
    return Lines(np.concatenate(pieces), np.concatenate([[0], np.cumsum([len(p) for p in pieces])]))


def _contours(lines: Lines, loops: Loops, found: SlabShares) -> tuple[SliceContour, ...]:
    return tuple(
        SliceContour(
            int(loops.slices[n]) + found.first_slice,
            lines.points[lines.starts[n] : lines.starts[n + 1]],
            float(area),
        )
        for n, area in enumerate(lines.areas())
    )


def in_rows_columns(contours: Sequence[SliceContour], series: PlanningSeries) -> tuple[SliceContour, ...]:
    size_mm = np.array([series.grid.spacing_mm[1], series.grid.spacing_mm[0]])
    return tuple(replace(each, points=each.points / size_mm) for each in contours)
