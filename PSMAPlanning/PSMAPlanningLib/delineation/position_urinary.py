"""Kidneys and bladder told by position, size, shape and uptake."""

from __future__ import annotations

import numpy as np

from .body_frame import BodyFrame
from .organ_search import HIGH, MODERATE, OrganByPosition, Search, between, kidney_axis, ratio
from .uptake_blobs import Blob, grown, largest_part, opened

_KIDNEY_ML = (40.0, 450.0)
_KIDNEY_LENGTH_MM = (75.0, 175.0)
_KIDNEY_ACROSS_MM = (25.0, 100.0)
_KIDNEY_ASIDE = (0.2, 0.72)
_KIDNEY_DEPTH = (0.12, 0.58)
_KIDNEY_LEVEL_SHARE = (0.4, 0.92)
_KIDNEYS_APART_S_MM = 60.0
_KIDNEYS_VOLUME_RATIO = 3.0
_KIDNEYS_UPTAKE_RATIO = 2.0
_KIDNEY_OVER_BODY = 4.0
_PSMA_KIDNEY_SUV = 10.0
_KIDNEY_OPENING_MM = 10.0
"""What touches a pole and is less than 20 mm wide is no part of the kidney."""
_HIGH_LEVEL_SHARE = 0.6
_WALL_MM = 5.0

_BLADDER_ML = (25.0, 1200.0)
_BLADDER_ASIDE_MM = 25.0
_BLADDER_DEPTH = (0.3, 0.85)
_BLADDER_ABOVE_CROTCH_MM = (70.0, 260.0)
_BLADDER_BELOW_KIDNEYS_MM = (130.0, 360.0)
_BLADDER_LEVEL_SHARE = (0.4, 0.62)
_BLADDER_OVER_BODY = 12.0
_BLADDER_SHAPE = 0.6
_BLADDER_OPENING_MM = 8.0
_URINE_HU = (-20.0, 28.0)
_CONTRAST_HU = 120.0
_HEPATOBILIARY_RATIO = 0.3
"""Liver over kidney: above it the tracer leaves by the liver (PSMA-1007), and urine is no hot landmark."""


def kidneys(search: Search) -> list[OrganByPosition | None]:
    """A pair: one on each side, long, behind the middle, alike in size and uptake, at one level."""
    fitting = [blob for blob in search.blobs if _like_kidney(search.frame, blob)]
    pairs = [
        (right, left)
        for right in fitting
        if right.right_mm > 0
        for left in fitting
        if left.right_mm < 0 and _like_pair(right, left)
    ]
    if not pairs:
        return []
    # The lowest level at which both still stand alone shows most of them; one that has run into the spleen
    # or the liver is no match for the other.
    pair = max(pairs, key=lambda both: _size_of_pair(*both))
    hot = min(blob.median_suv for blob in pair) >= _PSMA_KIDNEY_SUV
    organs = []
    for side, blob in zip(("right", "left"), pair, strict=True):
        tiles = opened(blob.tiles(search.suv.shape), search.frame.coarse.spacing_mm, _KIDNEY_OPENING_MM)
        if blob.level_share > _HIGH_LEVEL_SHARE:
            tiles = _down_to_half(search, tiles)
        if tiles.any():
            organs.append(search.organ(f"kidney_{side}", HIGH if hot else MODERATE, tiles, whole_only=hot))
    return organs if len(organs) == 2 else []


def bladder(search: Search) -> list[OrganByPosition | None]:
    """One large, compact, very hot piece in the midline above the legs and well below the kidneys."""
    frame = search.frame
    if not _urine_is_hot(search) and search.ct_hu is None:
        return []
    fitting = [blob for blob in search.blobs if _like_bladder(search, blob)]
    if not fitting:
        return []
    best = min(fitting, key=lambda blob: abs(blob.level_share - 0.5))
    others = [blob for blob in fitting if not _overlap(blob, best)]
    if others:
        return []
    tiles = best.tiles(search.suv.shape)
    if search.ct_hu is not None:
        hu = search.ct_hu
        tiles = tiles & (((hu >= _URINE_HU[0]) & (hu <= _URINE_HU[1])) | (hu >= _CONTRAST_HU))
    tiles = largest_part(opened(tiles, frame.coarse.spacing_mm, _BLADDER_OPENING_MM))
    if np.count_nonzero(tiles) * frame.coarse.tile_ml < 0.5 * best.volume_ml:
        return []
    certain = search.ct_hu is not None or "kidney_left" in search.found
    return [search.organ("urinary_bladder", HIGH if certain else MODERATE, tiles, whole_only=True)]


def _like_kidney(frame: BodyFrame, blob: Blob) -> bool:
    length, front_to_back, across = blob.extent_mm
    return (
        between(blob.volume_ml, _KIDNEY_ML)
        and between(length, _KIDNEY_LENGTH_MM)
        and between(front_to_back, _KIDNEY_ACROSS_MM)
        and between(across, _KIDNEY_ACROSS_MM)
        and length >= max(front_to_back, across)
        and between(abs(blob.right_mm) / frame.half_width_mm, _KIDNEY_ASIDE)
        and between(blob.depth, _KIDNEY_DEPTH)
        and between(blob.level_share, _KIDNEY_LEVEL_SHARE)
        and blob.median_suv >= _KIDNEY_OVER_BODY * frame.soft_suv
    )


def _like_pair(right: Blob, left: Blob) -> bool:
    return (
        abs(right.s_mm - left.s_mm) <= _KIDNEYS_APART_S_MM
        and ratio(right.volume_ml, left.volume_ml) <= _KIDNEYS_VOLUME_RATIO
        and ratio(right.median_suv, left.median_suv) <= _KIDNEYS_UPTAKE_RATIO
        and ratio(right.right_mm, -left.right_mm) <= 2.0
    )


def _down_to_half(search: Search, tiles: np.ndarray) -> np.ndarray:
    """A kidney that stands alone only at a high level, grown to its wall at half of its uptake."""
    if not tiles.any():
        return tiles
    half_suv = max(0.5 * float(np.median(search.suv[tiles])), search.threshold_suv)
    near = grown(tiles, search.frame.coarse.spacing_mm, _WALL_MM)
    return near & (search.suv >= half_suv)


def _size_of_pair(right: Blob, left: Blob) -> float:
    return (right.volume_ml + left.volume_ml) / ratio(right.volume_ml, left.volume_ml) ** 2


def _like_bladder(search: Search, blob: Blob) -> bool:
    frame = search.frame
    if not (
        between(blob.volume_ml, _BLADDER_ML)
        and abs(blob.right_mm) <= _BLADDER_ASIDE_MM
        and between(blob.depth, _BLADDER_DEPTH)
        and between(blob.level_share, _BLADDER_LEVEL_SHARE)
        and blob.median_suv >= _BLADDER_OVER_BODY * frame.soft_suv
        # Volume over that of the ellipsoid of the same extents: 1 for an egg, little for a band of nodes.
        and blob.volume_ml >= _BLADDER_SHAPE * np.pi / 6 * np.prod(blob.extent_mm) / 1000
    ):
        return False
    axis = kidney_axis(search)
    above = None if frame.crotch_mm is None else blob.s_mm - frame.crotch_mm
    below = None if axis is None else axis.middle_s - blob.s_mm
    if above is None and below is None:
        return False
    return (above is None or between(above, _BLADDER_ABOVE_CROTCH_MM)) and (
        below is None or between(below, _BLADDER_BELOW_KIDNEYS_MM)
    )


def _urine_is_hot(search: Search) -> bool:
    """Whether the tracer leaves by the kidneys, by the liver's uptake over theirs; unknown counts as yes."""
    if "liver" not in search.found or "kidney_right" not in search.found:
        return True
    kidney_suv = search.found["kidney_right"].median_suv
    return search.found["liver"].median_suv <= _HEPATOBILIARY_RATIO * kidney_suv


def _overlap(first: Blob, second: Blob) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(first.box, second.box, strict=True))
