"""The boxes, in RAS millimetres, that the views can be brought to: pelvis, whole body, one lesion."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from ..imaging.grid import bounding_box
from ..imaging.image import Image, Mask
from ..records import CaseState, Lesion, headline_volumes
from .extent import patient_bounds

Bounds = tuple[np.ndarray, np.ndarray]
"""Lowest and highest R, A and S."""

_PELVIC_BONES = ("hip_left", "hip_right", "sacrum")
_PELVIC_ORGANS = ("urinary_bladder", "rectum", "prostate")
_AROUND_TARGETS_MM = 30.0
_AROUND_ORGANS_MM = 80.0
_AROUND_LESION_MM = 40.0

_of_image: WeakKeyDictionary[Image, Bounds] = WeakKeyDictionary()
_of_mask: WeakKeyDictionary[Mask, np.ndarray | None] = WeakKeyDictionary()


def body_bounds(state: CaseState) -> Bounds | None:
    """The patient in PET or CT; None without images."""
    image = state.pet or state.ct or state.planning_ct
    if image is None:
        return None
    if image not in _of_image:
        _of_image[image] = patient_bounds(image)
    return _of_image[image]


def pelvis_bounds(state: CaseState) -> Bounds | None:
    """The pelvis: its bones, else the targets around it, else organs in it; None when nothing tells."""
    bones = [state.anatomy[name] for name in _PELVIC_BONES if name in state.anatomy]
    if len(bones) == len(_PELVIC_BONES):
        return _around(bones, 0.0)
    targets = [volume.mask for volume in headline_volumes(state.volumes) if volume.is_target]
    if targets:
        return _around(targets, _AROUND_TARGETS_MM)
    organs = [state.anatomy[name] for name in _PELVIC_ORGANS if name in state.anatomy]
    return _around(organs, _AROUND_ORGANS_MM)


def lesion_bounds(lesion: Lesion) -> Bounds | None:
    """A lesion with what lies around it; None when its contour is empty."""
    return _around([lesion.contour.mask], _AROUND_LESION_MM)


def _around(masks: list[Mask], margin_mm: float) -> Bounds | None:
    corners = [found for mask in masks if (found := _corners(mask)) is not None]
    if not corners:
        return None
    points = np.concatenate(corners)
    return points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm


def _corners(mask: Mask) -> np.ndarray | None:
    """Corners, RAS, of the box around a mask, worked out once; None when it is empty."""
    if mask not in _of_mask:
        box = bounding_box(mask.array)
        _of_mask[mask] = None if box is None else mask.grid.crop(box).corners_ras()
    return _of_mask[mask]
