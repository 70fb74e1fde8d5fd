"""Brain and heart of tracers the brain takes up, and the paired glands of the face."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .organ_search import HIGH, MODERATE, OrganByPosition, Search, kidney_axis
from .uptake_blobs import Blob

_SHORTEST_BODY_MM = 600.0
"""A head is looked for only where more of the body than a trunk is in view."""
_HEAD_MM = 260.0
_BRAIN_ML = 30.0
_BRAIN_BEGINS_MM = 40.0
_BRAIN_ASIDE_MM = 25.0
_BRAIN_FILLS = 0.2
_BRAIN_CLOSING_MM = 15.0
_BRAIN_OVER_BODY = 5.0
_HEART_ML = (60.0, 700.0)
_HEART_LEFT_MM = (10.0, 75.0)
_HEART_DEPTH = (0.45, 0.9)
_HEART_BELOW_TOP_MM = (180.0, 480.0)
_HEART_ABOVE_KIDNEYS_MM = (90.0, 300.0)
_HEART_OVER_BODY = 5.0


def brain_and_heart(search: Search) -> list[OrganByPosition | None]:
    """The brain fills the skull at the top; the heart counts only with it, as one large piece on the left."""
    brain = _brain(search)
    if brain is None:
        return []
    organs = [search.organ("brain", HIGH, brain)]
    hearts = [blob for blob in search.blobs if _like_heart(search, blob)]
    if hearts:
        best = max(hearts, key=lambda blob: blob.volume_ml)
        alone = all(_inside(blob, best) for blob in hearts)
        if alone:
            organs.append(search.organ("heart", MODERATE, best.tiles(search.suv.shape)))
    return organs


def _brain(search: Search) -> np.ndarray | None:
    """The tiles of the brain, from the uppermost levels at which uptake takes a good part of the head."""
    frame = search.frame
    if frame.height_mm < _SHORTEST_BODY_MM:
        return None
    top, lowest = frame.level(frame.top_mm), frame.level(frame.top_mm - _HEAD_MM)
    level_suv = max(search.threshold_suv, _BRAIN_OVER_BODY * frame.soft_suv)
    brain = np.zeros(search.suv.shape, dtype=bool)
    for k in range(top, lowest - 1, -1):
        within = _cortex(search, k, search.suv[k] >= level_suv)
        if within is not None:
            brain[k] = within
        elif brain.any() or (top - k) * frame.coarse.spacing_mm[0] > _BRAIN_BEGINS_MM:
            break
    if np.count_nonzero(brain) * frame.coarse.tile_ml < _BRAIN_ML:
        return None
    return brain


def _cortex(search: Search, k: int, hot: np.ndarray) -> np.ndarray | None:
    """What of a level's uptake, ventricles included, fills the skull; None where it does not."""
    frame = search.frame
    labels, count = ndimage.label(frame.body[k])
    if count == 0 or not hot.any():
        return None
    # The head is the part of the body's cross-section that holds most of the uptake; arms are not.
    head = labels == 1 + int(np.bincount(labels[hot & (labels > 0)], minlength=count + 1)[1:].argmax())
    reach = [round(_BRAIN_CLOSING_MM / s) for s in frame.coarse.spacing_mm[1:]]
    square = np.ones((2 * reach[0] + 1, 2 * reach[1] + 1), dtype=bool)
    padded = np.pad(hot & head, [(n, n) for n in reach])
    closed = ndimage.binary_closing(padded, square)[reach[0] : -reach[0], reach[1] : -reach[1]] & head
    right_mm = frame.coarse.positions(np.column_stack([np.full(closed.sum(), k), *np.nonzero(closed)]))[:, 0]
    aside_mm = abs(float(np.mean(right_mm)) - frame.midline_mm[k])
    fills = np.count_nonzero(closed) >= _BRAIN_FILLS * np.count_nonzero(head)
    return closed if fills and aside_mm <= _BRAIN_ASIDE_MM else None


def _like_heart(search: Search, blob: Blob) -> bool:
    frame = search.frame
    axis = kidney_axis(search)
    return (
        _HEART_ML[0] <= blob.volume_ml <= _HEART_ML[1]
        and _HEART_LEFT_MM[0] <= -blob.right_mm <= _HEART_LEFT_MM[1]
        and _HEART_DEPTH[0] <= blob.depth <= _HEART_DEPTH[1]
        and _HEART_BELOW_TOP_MM[0] <= frame.top_mm - blob.s_mm <= _HEART_BELOW_TOP_MM[1]
        and (axis is None or _HEART_ABOVE_KIDNEYS_MM[0] <= blob.s_mm - axis[0] <= _HEART_ABOVE_KIDNEYS_MM[1])
        and 0.4 <= blob.level_share <= 0.75
        and blob.median_suv >= _HEART_OVER_BODY * frame.soft_suv
        and max(blob.extent_mm) <= 1.8 * min(blob.extent_mm)
    )


def _inside(blob: Blob, outer: Blob) -> bool:
    return all(o.start <= b.start and b.stop <= o.stop for b, o in zip(blob.box, outer.box, strict=True))
