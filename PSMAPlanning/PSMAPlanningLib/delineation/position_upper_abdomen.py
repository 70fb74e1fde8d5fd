"""Liver, spleen and small bowel told by their place about the kidneys; none of them without the kidneys."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .organ_search import MODERATE, Found, KidneyAxis, OrganByPosition, Search, beside_kidneys, between
from .uptake_blobs import grown, largest_part, opened

_HOT_RATIO = 1.6
"""A smoothed voxel above this many medians is no parenchyma: it is a focus, or another organ."""
_COOL_RATIO = 0.6
_LARGEST_SPREAD = 0.25
_LIVER_ML = (450.0, 3500.0)
_LIVER_RIGHT_MM = 30.0
_SPLEEN_ML = (60.0, 900.0)
_SPLEEN_ASIDE = (0.4, 0.9)
_SPLEEN_DEPTH = (0.1, 0.65)
_PARENCHYMA_OPENING_MM = 10.0
_BOWEL_ML = 20.0
_BOWEL_BEFORE_KIDNEYS_MM = 55.0
"""Nodes lie beside aorta and vena cava, up to about 45 mm before the kidneys' middle; bowel before that."""
_BOWEL_BELOW_KIDNEYS_MM = 20.0
_BOWEL_LARGEST_RATIO = 2.0
_BOWEL_OF_KIDNEY = 0.4
_BOWEL_OPENING_MM = 3.0
_SKIN_MM = 12.0
_RIM_MM = 8.0


@beside_kidneys
def liver(search: Search, axis: KidneyAxis) -> Found:
    """A large even piece on the right, at and above the right kidney."""
    _, kidney_a, lowest_s, highest_s = axis
    right, front, up = _places(search)
    half = search.frame.half_width_mm
    core = (right > 0.3 * half) & (right < 0.75 * half) & (front > kidney_a + 10)
    core &= (up > highest_s - 30) & (up < highest_s + 60)
    # Only above the kidneys does the left lobe cross the midline; below lie duodenum and jejunum.
    reach = ((right > 0.33 * half) & (up > lowest_s - 40)) | ((right > -0.4 * half) & (up > highest_s - 15))
    reach &= up < highest_s + 190
    tiles = _parenchyma(search, core, reach)
    if tiles is None or not between(_millilitres(search, tiles), _LIVER_ML):
        return []
    if float(right[tiles].mean()) < _LIVER_RIGHT_MM:
        return []
    return [_even_organ(search, "liver", tiles)]


@beside_kidneys
def spleen(search: Search, axis: KidneyAxis) -> Found:
    """An even piece far to the left and behind, at and above the left kidney."""
    middle_s, _, _, highest_s = axis
    right, _, up = _places(search)
    half = search.frame.half_width_mm
    aside = -right / half
    core = (aside > 0.5) & (aside < 0.85) & (up > middle_s + 10) & (up < highest_s + 60)
    core &= _depth(search) < 0.55
    reach = (aside > 0.3) & (aside < 0.97) & (up > middle_s - 30) & (up < highest_s + 130)
    tiles = _parenchyma(search, core, reach)
    if tiles is None or not between(_millilitres(search, tiles), _SPLEEN_ML):
        return []
    if not between(float(aside[tiles].mean()), _SPLEEN_ASIDE):
        return []
    if not between(float(_depth(search)[tiles].mean()), _SPLEEN_DEPTH):
        return []
    return [_even_organ(search, "spleen", tiles)]


@beside_kidneys
def bowel(search: Search, axis: KidneyAxis) -> Found:
    """Large even pieces well in front of the kidneys' level, where nodes beside the great vessels do not lie.

    Moderately avid, at the kidneys' level, under the abdominal wall.
    """
    middle_s, kidney_a, lowest_s, highest_s = axis
    frame = search.frame
    right, front, up = _places(search)
    kidney_suv = min(search.found[f"kidney_{side}"].median_suv for side in ("right", "left"))
    room = (front > kidney_a + _BOWEL_BEFORE_KIDNEYS_MM) & (up > lowest_s - _BOWEL_BELOW_KIDNEYS_MM)
    room &= up < highest_s + 20
    # Up on the right lies the liver, also one too full of metastases to be told.
    room &= (right < 0.3 * frame.half_width_mm) | (up < middle_s)
    room &= search.suv >= 0.8 * search.threshold_suv
    known = _near_others(search)
    room &= ~known
    room &= ndimage.distance_transform_edt(frame.body, sampling=frame.coarse.spacing_mm) > _SKIN_MM
    labels, count = ndimage.label(room)
    chosen = np.zeros(room.shape, dtype=bool)
    for label in range(1, count + 1):
        piece = labels == label
        if _millilitres(search, piece) < _BOWEL_ML:
            continue
        median = float(np.median(search.suv[piece]))
        # What stands out of its loop, or beside it, is left to the reader with its surroundings.
        hot = (search.suv > _BOWEL_LARGEST_RATIO * median) & ~known
        even = piece & ~grown(hot, frame.coarse.spacing_mm, _RIM_MM)
        if median <= _BOWEL_OF_KIDNEY * kidney_suv:
            chosen |= opened(even, frame.coarse.spacing_mm, _BOWEL_OPENING_MM)
    if not chosen.any():
        return []
    hottest = _BOWEL_LARGEST_RATIO * float(np.median(search.suv[chosen]))
    return [search.organ("small_bowel", MODERATE, chosen, hottest)]


def _parenchyma(search: Search, core: np.ndarray, reach: np.ndarray) -> np.ndarray | None:
    """The largest piece of even uptake about the usual value of the places `core`; None without one."""
    known = _near_others(search)
    avid = core & search.frame.body & ~known & (search.suv >= 0.8 * search.threshold_suv)
    if _millilitres(search, avid) < 20:
        return None
    usual = float(np.median(search.suv[avid]))
    held = reach & search.frame.body & ~known
    held &= search.suv >= max(_COOL_RATIO * usual, 0.8 * search.threshold_suv)
    held &= search.suv <= _HOT_RATIO * usual
    tiles = largest_part(opened(held, search.frame.coarse.spacing_mm, _PARENCHYMA_OPENING_MM))
    if not tiles.any():
        return None
    values = search.suv[tiles]
    # A liver full of metastases is no even piece, and is not called liver.
    return tiles if float(values.std()) <= _LARGEST_SPREAD * float(values.mean()) else None


def _even_organ(search: Search, name: str, tiles: np.ndarray) -> OrganByPosition | None:
    return search.organ(name, MODERATE, tiles, _HOT_RATIO * float(np.median(search.suv[tiles])))


def _places(search: Search) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right of the midline, A and S (mm) of every tile."""
    coarse = search.frame.coarse
    s, a, r = (np.arange(n) for n in search.suv.shape)
    matrix = coarse.grid.ijk_to_ras_matrix
    axes = [
        matrix[row, 0] * r + matrix[row, 1] * a[:, None] + matrix[row, 2] * s[:, None, None] + matrix[row, 3]
        for row in range(3)
    ]
    return axes[0] - search.frame.midline_mm[:, None, None], axes[1], axes[2]


def _depth(search: Search) -> np.ndarray:
    """Depth of every tile, back 0 to front 1."""
    frame = search.frame
    back, front = frame.back_mm[:, None, None], frame.front_mm[:, None, None]
    return (_places(search)[1] - back) / np.maximum(front - back, 1.0)


def _near_others(search: Search) -> np.ndarray:
    """The organs named so far, with their rims."""
    united = np.zeros(search.suv.shape, dtype=bool)
    for organ in search.found.values():
        united |= grown(organ.tiles, search.frame.coarse.spacing_mm, _RIM_MM)
    return united


def _millilitres(search: Search, tiles: np.ndarray) -> float:
    return np.count_nonzero(tiles) * search.frame.coarse.tile_ml
