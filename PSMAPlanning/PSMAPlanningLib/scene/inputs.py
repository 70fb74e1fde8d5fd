"""Nodes that the user chose, as the case's images and volumes; refused where anything would be a guess.

A node under a transform that moves it is refused, not resampled: SUV and contours are compared where they
were measured, and hardening a transform is one click the user should know about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import GridError, SceneError, UnitsError
from ..imaging.image import Image, Quantity
from ..imaging.registration import RigidTransform
from ..records import RtVolume
from ..rtvolumes.name_mapping import NamedStructure, match_names
from ..rtvolumes.names import unique_names
from .frame_of_reference import frame_of_reference_uid
from .segments import mask_of_segment, segment_tag
from .volume_nodes import image_voxels, numpy_matrix

_IDENTITY_TOLERANCE = 1e-6


Reading = Callable[[], Image]
"""The longer half of reading an image node: it asks no node any more, so any thread can do it."""


def read_pet_node(node: Any) -> Image:
    """The PET in a volume node; raises UnitsError unless its units code says SUV by body weight."""
    return take_pet_node(node)()


def take_pet_node(node: Any) -> Reading:
    """The first half of `read_pet_node`; either half raises what that does."""
    refuse_moved(node)
    image, name, uid = image_voxels(node), node.GetName(), frame_of_reference_uid(node)
    if image.quantity is not Quantity.SUVBW:
        raise UnitsError(
            f"{name} is not taken as a PET because its voxels are {_units_text(node)}; "
            "choose the PET in SUV or in Bq/ml."
        )

    def read() -> Image:
        array = image.array.copy()
        if not np.isfinite(array).all():
            raise SceneError(f"{name} holds voxels that are no numbers; load it again from its source.")
        return replace(image, array=array, frame_of_reference_uid=uid)

    return read


def read_ct_node(node: Any) -> Image:
    """The CT in a volume node; a volume whose units code says something else than Hounsfield is refused.

    Volumes without any units code are taken: Slicer writes none for most CT files.
    """
    return take_ct_node(node)()


def take_ct_node(node: Any) -> Reading:
    """The first half of `read_ct_node`; either half raises what that does."""
    refuse_moved(node)
    image, uid = image_voxels(node), frame_of_reference_uid(node)
    if image.quantity not in (Quantity.HOUNSFIELD, Quantity.UNKNOWN):
        raise UnitsError(f"{node.GetName()} is not taken as a CT because its voxels are {_units_text(node)}.")
    return lambda: Image(image.array.copy(), image.grid, Quantity.HOUNSFIELD, uid)


def read_rigid_transform(node: Any) -> RigidTransform:
    """How a linear transform node moves what is put under it, as a map of RAS millimetres.

    Raises SceneError for one under another transform, RegistrationError when it is not rigid.
    """
    from vtk import vtkMatrix4x4

    refuse_moved(node)
    matrix = vtkMatrix4x4()
    node.GetMatrixTransformToParent(matrix)
    return RigidTransform(tuple(map(tuple, numpy_matrix(matrix))))


def with_labelmaps(node: Any, held: str) -> Any:
    """The node's vtkSegmentation with voxels of every segment; a copy where it has only contours or surfaces.

    held: what the segmentation is to hold, for the error. Raises SceneError for a node that is moved, has no
    segments or cannot become voxels.
    """
    refuse_moved(node)
    from slicer import vtkSegmentation, vtkSegmentationConverter

    labelmap = vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() == 0:
        raise SceneError(f"{node.GetName()} has no segments; choose the segmentation that holds the {held}.")
    if not segmentation.ContainsRepresentation(labelmap):
        copy = vtkSegmentation()
        copy.DeepCopy(segmentation)
        if not copy.CreateRepresentation(labelmap):
            raise SceneError(
                f"{node.GetName()} cannot be turned into voxels; set its reference image in Segmentations."
            )
        return copy
    return segmentation


def read_volumes_node(
    node: Any, pet: Image | None, tag_prefix: str
) -> tuple[tuple[RtVolume, ...], tuple[str, ...]]:
    """Every filled segment of a segmentation as an RT volume, on the segmentation's own voxels; warnings.

    The node stays as it is: contours and surfaces become voxels in a copy.
    """
    segmentation = with_labelmaps(node, "volumes")
    found: list[NamedStructure] = []
    warnings: list[str] = []
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        mask = mask_of_segment(segment)
        if mask is None or mask.is_empty:
            warnings.append(f"{node.GetName()}: {segment.GetName()} is empty and was left out.")
            continue
        if pet is not None and not mask.grid.overlaps(pet.grid):
            raise GridError(f"{segment.GetName()} does not overlap the PET; register it to the PET first.")
        kind = segment_tag(segment, tag_prefix + "Kind") or None
        found.append(NamedStructure(segment.GetName(), kind, mask))
    if not found:
        raise SceneError(f"{node.GetName()} has only empty segments; draw or import the volumes first.")
    return volumes_of_structures(found, node.GetName()), tuple(warnings)


def volumes_of_structures(found: list[NamedStructure], source: str) -> tuple[RtVolume, ...]:
    """Structures as volumes, with what each was taken for by its name, type or place."""
    names = unique_names([each.name for each in found])
    return tuple(
        RtVolume(
            name,
            each.mask,
            match.kind,
            "scene",
            source,
            tg263=match.tg263,
            role=match.role,
            matched_by=match.matched_by,
            asks=match.asks,
        )
        for name, each, match in zip(names, found, match_names(found), strict=True)
    )


def refuse_moved(node: Any) -> None:
    """Raise SceneError for a node that a transform moves."""
    transform = node.GetParentTransformNode()
    if transform is None:
        return
    from vtk import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    is_linear = bool(transform.IsTransformToWorldLinear())
    if is_linear:
        transform.GetMatrixTransformToWorld(matrix)
        if np.abs(numpy_matrix(matrix) - np.eye(4)).max() <= _IDENTITY_TOLERANCE:
            return
    raise SceneError(
        f"{node.GetName()} is moved by the transform {transform.GetName()}; "
        "harden the transform in the Transforms module, then choose the node again."
    )


def _units_text(node: Any) -> str:
    units = node.GetVoxelValueUnits()
    if units is None or not units.GetCodeValue():
        return "in no stated units"
    return f"in {units.GetCodeMeaning() or units.GetCodeValue()} ({units.GetCodeValue()})"
