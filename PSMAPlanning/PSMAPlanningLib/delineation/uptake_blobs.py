"""Connected pieces of uptake at rising levels, with the size, shape and place that rules on organs need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..imaging.grid import Box, bounding_box, grow_box
from .avid_regions import TWENTY_SIX_CONNECTED
from .body_frame import BodyFrame

_STEP = 0.85
_SMALLEST_ML = 15.0
_SMOOTHING_SIGMA_MM = 4.0


@dataclass(frozen=True, eq=False)
class Blob:
    """A connected piece of the smoothed uptake at or above a level.

    inside: bool on the box of the tiles (S, A, R); right_mm: of its centre from the midline;
    depth: of its centre, back 0 to front 1; s_mm: level of its centre; extent_mm: along S, A, R;
    level_share: the level over its median.
    """

    box: Box
    inside: np.ndarray
    level_suv: float
    median_suv: float
    volume_ml: float
    centre_ras: tuple[float, float, float]
    right_mm: float
    depth: float
    extent_mm: tuple[float, float, float]

    @property
    def s_mm(self) -> float:
        return self.centre_ras[2]

    @property
    def level_share(self) -> float:
        return self.level_suv / self.median_suv

    def tiles(self, shape: tuple[int, ...]) -> np.ndarray:
        """The piece as a mask of all tiles."""
        whole = np.zeros(shape, dtype=bool)
        whole[self.box] = self.inside
        return whole


def smoothed(frame: BodyFrame) -> np.ndarray:
    """The tiles' uptake under a Gaussian of 4 mm, which noise of single voxels does not survive."""
    sigma = [_SMOOTHING_SIGMA_MM / s for s in frame.coarse.spacing_mm]
    return ndimage.gaussian_filter(frame.coarse.suv, sigma, mode="nearest", truncate=3.0)


def blobs(frame: BodyFrame, suv: np.ndarray, lowest_suv: float) -> Iterator[Blob]:
    """All connected pieces of at least 15 mL, at levels from `lowest_suv` up in steps of 18 %.

    suv: `smoothed(frame)`. Each level is looked for inside the pieces of the level below only.
    """
    whole: Box = tuple(slice(0, n) for n in suv.shape)
    yield from _within(frame, suv, whole, frame.body, lowest_suv)


def blob_of(frame: BodyFrame, suv: np.ndarray, box: Box, inside: np.ndarray, level_suv: float) -> Blob:
    """The blob of a non-empty mask on a box of the tiles."""
    tiles = np.argwhere(inside) + [s.start for s in box]
    positions = frame.coarse.positions(tiles)
    centre = positions.mean(axis=0)
    right_mm, depth = frame.place(centre)
    extent = (tiles.max(axis=0) - tiles.min(axis=0) + 1) * np.array(frame.coarse.spacing_mm)
    return Blob(
        box=box,
        inside=inside,
        level_suv=level_suv,
        median_suv=float(np.median(suv[box][inside])),
        volume_ml=len(tiles) * frame.coarse.tile_ml,
        centre_ras=tuple(float(x) for x in centre),
        right_mm=right_mm,
        depth=depth,
        extent_mm=tuple(float(e) for e in extent),
    )


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest 26-connected part of a mask; empty when it is."""
    labels, count = ndimage.label(mask, structure=TWENTY_SIX_CONNECTED)
    if count == 0:
        return mask
    return labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())


def opened(mask: np.ndarray, spacing_mm: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    """The mask without what is too narrow to hold a ball: bumps on an organ's flank are not the organ."""
    result = np.zeros_like(mask)
    box = bounding_box(mask)
    if box is None:
        return result
    part = np.pad(mask[box], 1)
    core = ndimage.distance_transform_edt(part, sampling=spacing_mm) > radius_mm
    if core.any():
        back = ndimage.distance_transform_edt(~core, sampling=spacing_mm) <= radius_mm
        result[box] = (back & part)[1:-1, 1:-1, 1:-1]
    return result


def grown(mask: np.ndarray, spacing_mm: tuple[float, float, float], margin_mm: float) -> np.ndarray:
    """The mask and every tile within a margin of it."""
    result = np.zeros_like(mask)
    reach = tuple(int(np.ceil(margin_mm / s)) for s in spacing_mm)
    box = bounding_box(mask)
    if box is not None:
        wide = grow_box(box, reach, mask.shape)
        result[wide] = ndimage.distance_transform_edt(~mask[wide], sampling=spacing_mm) <= margin_mm
    return result


def _within(
    frame: BodyFrame, suv: np.ndarray, box: Box, inside: np.ndarray, level_suv: float
) -> Iterator[Blob]:
    labels, _ = ndimage.label(inside & (suv[box] >= level_suv), structure=TWENTY_SIX_CONNECTED)
    sizes = np.bincount(labels.ravel())
    for label, inner in enumerate(ndimage.find_objects(labels), start=1):
        if sizes[label] * frame.coarse.tile_ml < _SMALLEST_ML:
            continue
        part_box = tuple(slice(o.start + i.start, o.start + i.stop) for o, i in zip(box, inner, strict=True))
        part = labels[inner] == label
        yield blob_of(frame, suv, part_box, part, level_suv)
        yield from _within(frame, suv, part_box, part, level_suv / _STEP)
