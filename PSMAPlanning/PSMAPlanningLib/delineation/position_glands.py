"""The paired glands of the face: parotid, submandibular and lacrimal, told by their mirror symmetry.

Nodes of the neck are seldom alike on both sides in place, size and uptake at once; a gland that lacks its
fellow (after surgery or radiotherapy) stays undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .avid_regions import TWENTY_SIX_CONNECTED
from .body_frame import BodyFrame
from .organ_search import HIGH, MODERATE, OrganByPosition, Search, between, ratio

_SHORTEST_BODY_MM = 600.0
_HEAD_MM = 300.0
_OVER_BODY = 5.0
_LEVELS = (1.0, 1.5, 2.25, 3.4, 5.0)
_APART_MM = 12.0
_VOLUME_RATIO = 2.2
_UPTAKE_RATIO = 1.7


@dataclass(frozen=True)
class Gland:
    """Where a gland lies and how large it is at the level at which it stands alone.

    aside_mm: from the midline; above_mm, before_mm: of the parotids, None for these themselves.
    """

    name: str
    volume_ml: tuple[float, float]
    aside_mm: tuple[float, float]
    above_mm: tuple[float, float] | None
    before_mm: tuple[float, float] | None
    confidence: str


PAROTID = Gland("parotid_gland", (5.0, 60.0), (38.0, 85.0), None, None, HIGH)
OTHERS = (
    Gland("submandibular_gland", (1.5, 25.0), (14.0, 50.0), (-80.0, -8.0), (-10.0, 65.0), MODERATE),
    Gland("lacrimal_gland", (0.2, 5.0), (18.0, 52.0), (15.0, 90.0), (25.0, 115.0), MODERATE),
)


@dataclass(frozen=True, eq=False)
class _Piece:
    tiles: np.ndarray
    volume_ml: float
    right_mm: float
    front_mm: float
    up_mm: float
    median_suv: float


def paired_glands(search: Search) -> list[OrganByPosition | None]:
    """Parotids, and the other pairs only beside parotids; nothing without a head in view."""
    frame = search.frame
    if frame.height_mm < _SHORTEST_BODY_MM:
        return []
    pieces = _pieces(search)
    parotids = _pair(pieces, PAROTID, None)
    if parotids is None:
        return []
    found = _organs(search, PAROTID, parotids)
    for gland in OTHERS:
        pair = _pair(pieces, gland, parotids)
        if pair is not None:
            found += _organs(search, gland, pair)
    return found


def _organs(search: Search, gland: Gland, pair: tuple[_Piece, _Piece]) -> list[OrganByPosition | None]:
    return [
        search.organ(f"{gland.name}_{side}", gland.confidence, piece.tiles)
        for side, piece in zip(("right", "left"), pair, strict=True)
    ]


def _pieces(search: Search) -> list[_Piece]:
    """Connected pieces in the head at a few levels: glands that touch at one come apart at another."""
    frame = search.frame
    top, lowest = frame.level(frame.top_mm), frame.level(frame.top_mm - _HEAD_MM)
    part = slice(lowest, top + 1)
    pieces = []
    base = max(search.threshold_suv, _OVER_BODY * frame.soft_suv)
    for factor in _LEVELS:
        labels, _ = ndimage.label(search.frame.coarse.suv[part] >= factor * base, TWENTY_SIX_CONNECTED)
        sizes = np.bincount(labels.ravel()) * frame.coarse.tile_ml
        for label, box in enumerate(ndimage.find_objects(labels), start=1):
            if between(float(sizes[label]), (OTHERS[1].volume_ml[0], PAROTID.volume_ml[1])):
                whole = (slice(box[0].start + lowest, box[0].stop + lowest), *box[1:])
                pieces.append(_piece(frame, whole, labels[box] == label))
    return pieces


def _piece(frame: BodyFrame, box: tuple[slice, slice, slice], inside: np.ndarray) -> _Piece:
    tiles = np.zeros(frame.coarse.suv.shape, dtype=bool)
    tiles[box] = inside
    centre = frame.coarse.positions(np.argwhere(inside) + [s.start for s in box]).mean(axis=0)
    return _Piece(
        tiles,
        np.count_nonzero(inside) * frame.coarse.tile_ml,
        frame.place(centre)[0],
        float(centre[1]),
        float(centre[2]),
        float(np.median(frame.coarse.suv[box][inside])),
    )


def _pair(
    pieces: list[_Piece], gland: Gland, parotids: tuple[_Piece, _Piece] | None
) -> tuple[_Piece, _Piece] | None:
    """The largest pair of a kind; None when there is none, or two that are not the same at another level."""
    fitting = [piece for piece in pieces if _fits(piece, gland, parotids)]
    pairs = [
        (right, left)
        for right in fitting
        if right.right_mm > 0
        for left in fitting
        if left.right_mm < 0 and _alike(right, left)
    ]
    if not pairs:
        return None
    best = max(pairs, key=lambda pair: pair[0].volume_ml + pair[1].volume_ml)
    same = all((pair[n].tiles & best[n].tiles).any() for pair in pairs for n in (0, 1))
    return best if same else None


def _fits(piece: _Piece, gland: Gland, parotids: tuple[_Piece, _Piece] | None) -> bool:
    if not (between(piece.volume_ml, gland.volume_ml) and between(abs(piece.right_mm), gland.aside_mm)):
        return False
    if parotids is None or gland.above_mm is None or gland.before_mm is None:
        return True
    up_mm = piece.up_mm - sum(p.up_mm for p in parotids) / 2
    front_mm = piece.front_mm - sum(p.front_mm for p in parotids) / 2
    return between(up_mm, gland.above_mm) and between(front_mm, gland.before_mm)


def _alike(right: _Piece, left: _Piece) -> bool:
    return (
        abs(right.right_mm + left.right_mm) <= 2 * _APART_MM
        and abs(right.up_mm - left.up_mm) <= _APART_MM
        and abs(right.front_mm - left.front_mm) <= _APART_MM
        and ratio(right.volume_ml, left.volume_ml) <= _VOLUME_RATIO
        and ratio(right.median_suv, left.median_suv) <= _UPTAKE_RATIO
    )
