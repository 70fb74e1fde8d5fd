"""Organ masks from files: label maps with a name table, Slicer segmentations, RTSTRUCT and DICOM SEG."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .case_frames import CaseFrames, frame_of_labels
from .errors import GridError, InputError
from .imaging.image import Mask
from .imaging.image_file import grid_of, read_sitk
from .imaging.label_file import read_labels
from .progress import Stage, no_progress
from .volume_files import is_dicom_volumes, read_volume_files
from .volume_import import import_volumes


def read_label_names(path: Path) -> dict[int, str]:
    """A name table: JSON {"1": "spleen"}, or CSV with the columns label and name.

    Raises InputError, naming the file, when it is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The name table {path} cannot be read as text ({error}).") from error
    try:
        if path.suffix.lower() == ".json":
            pairs = list(json.loads(text).items())
        else:
            pairs = [(row["label"], row["name"]) for row in csv.DictReader(io.StringIO(text))]
        return {int(value): str(name).strip() for value, name in pairs if str(name or "").strip()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            f"The name table {path} must be JSON of values and names, or CSV with the columns label and name."
        ) from error


def read_anatomy(
    path: Path, names: Mapping[int, str], frames: CaseFrames, stated_frame: str | None = None
) -> dict[str, Mask]:
    """Organ masks by name, each cropped to its own box, in the case's world.

    names: label value to name, for label maps; labels without a name are left out. stated_frame: "pet" or
    "planning", needed where PET/CT and planning CT lie differently and the voxels do not tell on which the
    organs were drawn. Raises InputError when no label has a name or nobody can tell the frame, GridError
    when the file shares no space with the PET.
    """
    if is_dicom_volumes(path):
        return _from_dicom(path, frames, stated_frame)
    if path.name.lower().endswith(".seg.nrrd"):
        anatomy = {label.name: label.mask.cropped() for label in read_labels(path) if not label.mask.is_empty}
    else:
        anatomy = _from_label_map(path, names)
    if not anatomy:
        raise InputError(f"{path} holds no organ with a name; give its name table with --label-names.")
    grids = [mask.grid for mask in anatomy.values()]
    frame = frame_of_labels(frames, grids, stated_frame, path.name, "--anatomy-frame")
    anatomy = {name: frames.into_world(mask, frame) for name, mask in anatomy.items()}
    pet_grid = frames.transform.grid(frames.pet.grid)
    if not any(mask.grid.overlaps(pet_grid) for mask in anatomy.values()):
        raise GridError(f"{path} does not overlap the PET; register it to the PET first.")
    return anatomy


def _from_dicom(path: Path, frames: CaseFrames, stated_frame: str | None) -> dict[str, Mask]:
    """Organs of an RTSTRUCT or DICOM SEG, by the names of their structures."""
    files = read_volume_files((path,), Stage(no_progress))
    pet = frames.moved(frames.pet)
    found = import_volumes(files, frames, pet, stated_frame, Stage(no_progress), below_voxel=False)
    return {volume.name: volume.mask.cropped() for volume in found.volumes}


def _from_label_map(path: Path, names: Mapping[int, str]) -> dict[str, Mask]:
    image = read_sitk(path)
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path} is no label map: it needs three axes and one value per voxel.")
    array = sitk.GetArrayFromImage(image)
    labels = np.rint(array).astype(np.int32)
    if labels.min() < 0 or not np.array_equal(labels, array):
        raise InputError(f"{path} is no label map: its voxels are not whole numbers of zero or more.")
    grid = grid_of(image)
    boxes = ndimage.find_objects(labels)
    return {
        names[value]: Mask(labels[box] == value, grid.crop(box))
        for value, box in enumerate(boxes, start=1)
        if box is not None and value in names
    }
