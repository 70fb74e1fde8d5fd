"""Volume nodes that hold a dose in gray."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DoseError
from ..imaging.image import Image, Quantity
from .frame_of_reference import frame_of_reference_uid
from .inputs import refuse_moved
from .volume_nodes import quantity_of, read_image

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
    refuse_moved(node)
    if not is_dose_node(node):
        raise DoseError(
            f"{node.GetName()} does not say that its voxels are gray (Gy), so it is not taken as a dose; "
            "load the RTDOSE file instead."
        )
    image = read_image(node)
    array = image.array.astype(np.float32)
    if not np.isfinite(array).all() or array.min() < 0:
        raise DoseError(f"{node.GetName()} holds voxels that are no dose; load it again from its source.")
    return replace(
        image, array=array, quantity=Quantity.DOSE, frame_of_reference_uid=frame_of_reference_uid(node)
    )
