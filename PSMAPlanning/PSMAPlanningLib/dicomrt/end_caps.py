"""How a structure of contours ends: what is lost when its ends taper to nothing over half a slice.

A contour stands for half a slice to either side, so a structure ends flat, half a slice beyond its last
contour. Planning systems differ there: dose-volume histograms of one plan parted by it in five of them (Pepin
et al., Med Phys 2022, doi:10.1002/mp.15916). Eclipse's volumes of a real plan (`Testing/dvh_table.py`) are
those of ends whose outline shrinks evenly to nothing, within 0.4 %, and CERR's those of flat ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..rtvolumes.occupancy import EndCaps

_TOUCHING = 1.5
"""Planes further apart than so many usual gaps have nothing between them."""


@dataclass(frozen=True, eq=False)
class PlaneCoverage:
    """How much of its pixels a plane's contours cover: a window of the slice, and shares of 0 to 1.

    low_mm, height_mm, high_mm: of the slab they stand for and of the contours, along the normal.
    """

    window: tuple[slice, slice]
    covered: np.ndarray
    low_mm: float
    height_mm: float
    high_mm: float


class CapFinder:
    """Collects what tapering takes from the slices of a grid, plane by plane.

    shape: of the array, the contours' normal first; slices_mm: heights of its slices; half_mm: half of one.
    """

    def __init__(
        self, shape: tuple[int, int, int], slices_mm: np.ndarray, half_mm: float, spacing_mm: float
    ) -> None:
        self._taken = np.zeros(shape, dtype=np.float32)
        self._slices_mm, self._half_mm = slices_mm, half_mm
        self._spacing_mm = spacing_mm
        self._last: PlaneCoverage | None = None
        self._is_below_known = True

    def add(self, plane: PlaneCoverage) -> None:
        """The next plane upwards."""
        below = self._last
        is_near = below is not None and plane.height_mm - below.height_mm <= _TOUCHING * self._spacing_mm
        if below is not None:
            self._end(below, plane if is_near else None, up=True)
        if self._is_below_known:
            self._end(plane, below if is_near else None, up=False)
        self._last, self._is_below_known = plane, True

    def pass_over(self) -> None:
        """The next plane upwards lies outside the grid, so its neighbours in the grid may not end."""
        self._last, self._is_below_known = None, False

    def found(self, axis: int) -> EndCaps | None:
        """All of it, for an array whose `axis` is the normal; None when nothing ends inside the grid."""
        if self._last is not None:
            self._end(self._last, None, up=True)
            self._last = None
        taken = np.moveaxis(self._taken, 0, axis).reshape(-1)
        flat = np.flatnonzero(taken)
        return EndCaps(flat, taken[flat]) if flat.size else None

    def _end(self, plane: PlaneCoverage, beside: PlaneCoverage | None, up: bool) -> None:
        ending = _without_neighbour(plane, beside)
        if not ending.any():
            return
        reach_mm = plane.high_mm - plane.height_mm if up else plane.height_mm - plane.low_mm
        covered = np.where(ending, plane.covered, np.float32(0))
        # From here on to the end of the slab the shrinking outline has left the pixel behind.
        from_mm = _kept_part(ending, plane.covered) * reach_mm
        for number in np.flatnonzero(np.abs(self._slices_mm - plane.height_mm) < reach_mm + self._half_mm):
            along_mm = (self._slices_mm[number] - plane.height_mm) * (1 if up else -1)
            low_mm, high_mm = along_mm - self._half_mm, along_mm + self._half_mm
            lost = np.minimum(high_mm, reach_mm) - np.maximum(low_mm, from_mm)
            share = np.clip(lost, 0, None) / (2 * self._half_mm)
            self._taken[number][plane.window] += (share * covered).astype(np.float32)


def _without_neighbour(plane: PlaneCoverage, beside: PlaneCoverage | None) -> np.ndarray:
    """Pixels of those parts that no contour of the plane beside meets."""
    inside = plane.covered > 0
    if beside is None or not inside.any():
        return inside
    parts, _count = ndimage.label(inside)
    meets = np.zeros_like(inside)
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(plane.window, beside.window, strict=True)
    )
    if rows.start < rows.stop and columns.start < columns.stop:
        own, other = ((_within(rows, columns, each.window)) for each in (plane, beside))
        meets[own] = beside.covered[other] > 0
    return inside & ~np.isin(parts, np.unique(parts[meets & inside]))


def _within(rows: slice, columns: slice, window: tuple[slice, slice]) -> tuple[slice, slice]:
    return tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip((rows, columns), window, strict=True)
    )


def _kept_part(ending: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """How far along the taper each pixel stays inside, 0 to 1: its depth below the outline by the deepest."""
    parts, count = ndimage.label(ending)
    # Half a pixel less than to the next centre outside; pixels that the outline cuts lie on it.
    depth = ndimage.distance_transform_edt(np.pad(ending & (covered >= 0.5), 1))[1:-1, 1:-1]
    depth = np.clip(depth - 0.5, 0, None)
    deepest = np.concatenate([[1.0], ndimage.maximum(depth, parts, np.arange(1, count + 1))])
    return depth / np.maximum(deepest, 1e-6)[parts]
