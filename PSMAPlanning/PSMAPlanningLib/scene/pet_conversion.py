"""A PET volume node that is not in SUV yet: where it was loaded from, and its conversion in place."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GridError, UnitsError
from ..imaging.dicom_series import choose_series, series_of_files, series_stack
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity
from ..imaging.read import pet_header
from ..imaging.suv import SuvConversion, apply
from ..imaging.suv_header import SuvHeader
from .volume_nodes import quantity_of, read_image, show_pet, write_image

_CONVERSION_ATTRIBUTE = "PSMAPlanning.SuvConversion"
_SAME_PLACE_MM = 0.1
"""Far below the distance of two slices, far above the rounding of positions."""


def can_become_suv(node: Any) -> bool:
    """Whether the units code of a volume node leaves its SUV to be worked out: Bq/ml, or none at all."""
    units = node.GetVoxelValueUnits()
    return units is None or not units.GetCodeValue() or quantity_of(node) is Quantity.ACTIVITY


def suv_header_of(node: Any) -> SuvHeader:
    """What is known about the SUV of a volume node: its DICOM header where Slicer's database has the files.

    Raises the errors of `pet_header`; a volume from another file knows its units code at most.
    """
    files = dicom_files(node)
    if files:
        return pet_header(files)
    return SuvHeader.of_file_without_header(node.GetImageData().GetDimensions()[2])


def dicom_files(node: Any) -> tuple[Path, ...]:
    """The files a volume node was loaded from; empty when it was not DICOM or they are gone."""
    import slicer

    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return ()
    files = [database.fileForInstance(uid) for uid in uids]
    return tuple(map(Path, files)) if all(file and Path(file).is_file() for file in files) else ()


def convert_node(node: Any, conversion: SuvConversion) -> SuvConversion:
    """Turn a node's voxels into SUV in place and set its units code; returns the conversion by its slices.

    Raises UnitsError when the node has become SUV in the meantime, or SUV of another kind was asked for, and
    GridError when a factor differs between slices and the node's slices are not those of the files.
    """
    if conversion.quantity != "SUVbw":
        raise UnitsError("Only SUV by body weight is a PET here; leave the normalisation at body weight.")
    if not can_become_suv(node):
        raise UnitsError(f"{node.GetName()} has been converted already; choose it as the PET.")
    image = read_image(node)
    on_node = _on_slices(node, image.grid, conversion)
    suv = apply(on_node, image.array)
    write_image(Image(suv, image.grid, Quantity.SUVBW), node)
    node.SetAttribute(_CONVERSION_ATTRIBUTE, json.dumps(asdict(on_node)))
    show_pet(node)
    return on_node


def conversion_of(node: Any) -> SuvConversion | None:
    """How a node was converted here, kept with it; None when it came in SUV."""
    text = node.GetAttribute(_CONVERSION_ATTRIBUTE)
    if not text:
        return None
    document = json.loads(text)
    for name in ("factors", "warnings", "missing"):
        document[name] = tuple(document[name])
    return SuvConversion(**document)


def _on_slices(node: Any, grid: VoxelGrid, conversion: SuvConversion) -> SuvConversion:
    """The conversion with one factor per slice of the node, in the node's order."""
    slices = grid.shape_kji[0]
    if conversion.factor is not None:
        return replace(conversion, factors=(conversion.factor,) * slices)
    files = dicom_files(node)
    if files:
        stack, _ = series_stack(choose_series(series_of_files(files), "PT"))
        ours, theirs = _slice_centres(grid), _slice_centres(stack.grid)
        for order in (1, -1):
            if ours.shape == theirs.shape and np.abs(ours - theirs[::order]).max() < _SAME_PLACE_MM:
                return replace(conversion, factors=conversion.factors[::order])
    raise GridError(
        f"The SUV factor differs from slice to slice, and the slices of {node.GetName()} are not those of "
        "its DICOM files; load the folder of the study instead (Study folder)."
    )


def _slice_centres(grid: VoxelGrid) -> np.ndarray:
    """(K, 3) RAS mm: loaders differ in the order of rows and columns, which changes no factor."""
    _, rows, columns = grid.shape_kji
    middle = ((rows - 1) / 2, (columns - 1) / 2)
    return grid.ras_of(np.array([(k, *middle) for k in range(grid.shape_kji[0])]))
