"""Images in files of research formats: .nrrd, .nii, .nii.gz and .mha."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from .grid import VoxelGrid
from .image import Image, Mask, Quantity

SUFFIXES = (".nrrd", ".nii", ".nii.gz", ".mha")


def suffix_of(path: Path) -> str | None:
    """The suffix of an image file in lower case, .nii.gz whole; None for any other file."""
    name = path.name.lower()
    return next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.endswith(suffix)), None)


def stem_of(path: Path) -> str:
    """The file's name without an image suffix (.seg.nrrd whole)."""
    name = path.name
    for suffix in (".seg.nrrd", *sorted(SUFFIXES, key=len, reverse=True)):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def read_sitk(path: Path | str) -> sitk.Image:
    """The file as SimpleITK reads it; raises InputError when it is missing, of another kind or damaged."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_dir() or suffix_of(path) is None:
        raise InputError(
            f"{path} is no image file; give a DICOM folder or a file ending in {', '.join(SUFFIXES)}."
        )
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError:
        raise InputError(f"{path} cannot be read as an image; it is damaged, write it again.") from None


def read_image_file(path: Path | str, quantity: Quantity = Quantity.UNKNOWN) -> Image:
    """A scalar 3D image as float32; such files carry no units, so the caller states the quantity.

    Raises InputError, naming the file, for anything but one finite number per voxel of a volume.
    """
    image = read_sitk(path)
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{path} has {image.GetDimension()} axes and {image.GetNumberOfComponentsPerPixel()} values per "
            "voxel; give a volume with three axes and one value per voxel."
        )
    if "complex" in image.GetPixelIDTypeAsString() or "label" in image.GetPixelIDTypeAsString():
        raise InputError(f"{path} holds no real numbers; give a scalar volume.")
    array = sitk.GetArrayFromImage(image).astype(np.float32, copy=False)
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise InputError(f"{path} holds {bad} voxels that are not finite numbers; replace them before use.")
    return Image(array, grid_of(image), quantity)


def write_image_file(volume: Image | Mask, path: Path | str) -> None:
    """Writes an image as float32 or a mask as 0 and 1, compressed, under a temporary name first.

    Raises OutputError when the place cannot be written to or the suffix is unknown.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if suffix is None:
        raise OutputError(f"{path} must end in one of {', '.join(SUFFIXES)}.")
    array = volume.array.astype(np.uint8) if isinstance(volume, Mask) else volume.array
    # The suffix decides the format, so the temporary name keeps it.
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        sitk.WriteImage(sitk_image(array, volume.grid), str(temporary), useCompression=True)
        temporary.replace(path)
    except (RuntimeError, OSError):
        temporary.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written; check that its folder exists and is writable."
        ) from None


def sitk_image(array: np.ndarray, grid: VoxelGrid) -> sitk.Image:
    """A SimpleITK image of an array (K, J, I) in the place of its grid."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin([float(x) for x in grid.origin_lps])
    image.SetDirection(grid.direction_lps.ravel().tolist())
    return image


def grid_of(image: sitk.Image) -> VoxelGrid:
    """The grid of a 3D SimpleITK image."""
    return VoxelGrid.from_lps(
        image.GetSize()[::-1], image.GetSpacing(), image.GetOrigin(), np.array(image.GetDirection())
    )
