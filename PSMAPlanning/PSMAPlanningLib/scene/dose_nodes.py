"""Volume nodes that hold a dose in gray."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DoseError
from ..imaging.image import Image, Quantity
from .frame_of_reference import frame_of_reference_uid
from .inputs import Reading, refuse_moved
from .volume_nodes import image_voxels, quantity_of

_UNIT_ATTRIBUTE = "DicomRtImport.DoseUnitName"
"""Set by SlicerRT on the volumes of RTDOSE files; it has no units code."""


def is_dose_node(node: Any) -> bool:
    """Whether a volume node says that its voxels are gray."""
    unit = node.GetAttribute(_UNIT_ATTRIBUTE) or ""
    return quantity_of(node) is Quantity.DOSE or unit.strip().casefold() in ("gy", "gray")


def read_dose_node(node: Any) -> Image:
    """The dose in a volume node, Gy.

    Raises DoseError unless its units say gray, or where a voxel is no number or negative; SceneError for a
    node that a transform moves.
    """
    return take_dose_node(node)()


def take_dose_node(node: Any) -> Reading:
    """The first half of `read_dose_node`; either half raises what that does."""
    refuse_moved(node)
    if not is_dose_node(node):
        raise DoseError(
            f"{node.GetName()} does not say that its voxels are gray (Gy), so it is not taken as a dose; "
            "load the RTDOSE file instead."
        )
    image, name, uid = image_voxels(node), node.GetName(), frame_of_reference_uid(node)

    def read() -> Image:
        array = image.array.astype(np.float32)
        if not np.isfinite(array).all() or array.min() < 0:
            raise DoseError(f"{name} holds voxels that are no dose; load it again from its source.")
        return replace(image, array=array, quantity=Quantity.DOSE, frame_of_reference_uid=uid)

    return read
