"""Where bone is, on the PET's voxels: from organ masks, else from the CT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from ..imaging.grid import Box, bounding_box, grow_box
from ..imaging.image import Image, Mask
from ..imaging.resampling import occupancy_at, values_at

_BONES = (
    *("vertebra", "sacrum", "hip", "femur", "rib", "sternum", "scapula", "clavicul", "humerus", "skull"),
    *("bone", "skeleton"),
)
_CORTEX_HU = 150.0
_CLOSING_MM = 8.0
_SMALLEST_ML = 2.0
"""Calcified plaques and clips are smaller; ribs are not."""


def is_bone_name(name: str) -> bool:
    """Whether an organ name of TotalSegmentator or CADS is that of a bone."""
    return name.lower().startswith(_BONES)


def bone_mask(pet: Image, anatomy: Mapping[str, Mask], ct: Image | None) -> Mask | None:
    """Bone as a mask on the PET's grid; None without bone masks and without a CT.

    From a CT (in the PET's frame of reference): 150 HU and more, closed over 8 mm so that marrow counts,
    pieces of 2 mL and more. Contrast medium in vessels or urine can pass for bone there.
    """
    bones = [mask for name, mask in anatomy.items() if is_bone_name(name) and not mask.is_empty]
    if bones:
        return _of_masks(pet, bones)
    return None if ct is None else _of_ct(pet, ct)


def _of_masks(pet: Image, bones: list[Mask]) -> Mask:
    inside = np.zeros(pet.grid.shape_kji, dtype=bool)
    for bone in bones:
        box = _box_on(pet, bone)
        if box is None:
            continue
        grid = pet.grid.crop(box)
        points = grid.ras_of(np.moveaxis(np.indices(grid.shape_kji), 0, -1)).reshape(-1, 3)
        inside[box] |= (occupancy_at(bone, points) >= 0.5).reshape(grid.shape_kji)
    return Mask(inside, pet.grid)


def _box_on(pet: Image, mask: Mask) -> Box | None:
    corners = pet.grid.kji_of(mask.cropped().grid.corners_ras())
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, pet.grid.shape_kji)
    if np.any(low >= high):
        return None
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _of_ct(pet: Image, ct: Image) -> Mask:
    hard = np.zeros(pet.grid.shape_kji, dtype=bool)
    plane = np.moveaxis(np.indices((1, *pet.grid.shape_kji[1:])), 0, -1).reshape(-1, 3).astype(float)
    for k in range(pet.grid.shape_kji[0]):
        plane[:, 0] = k
        hounsfield = values_at(ct, pet.grid.ras_of(plane))
        hard[k] = (hounsfield >= _CORTEX_HU).reshape(pet.grid.shape_kji[1:])
    box = bounding_box(hard)
    if box is None:
        return Mask(hard, pet.grid)
    spacing = pet.grid.spacing_kji_mm
    wide = grow_box(box, tuple(int(_CLOSING_MM / s) + 2 for s in spacing), hard.shape)
    near = ndimage.distance_transform_edt(~hard[wide], sampling=spacing) <= _CLOSING_MM
    closed = ndimage.distance_transform_edt(near, sampling=spacing) > _CLOSING_MM
    labels, count = ndimage.label(closed | hard[wide])
    large = np.bincount(labels.ravel(), minlength=count + 1) * pet.grid.voxel_volume_ml >= _SMALLEST_ML
    large[0] = False
    bone = np.zeros_like(hard)
    bone[wide] = large[labels]
    return Mask(bone, pet.grid)
