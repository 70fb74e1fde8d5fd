"""One structure out of a label map, segmentation or RTSTRUCT, kept below the voxel where it has contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..dicomrt.contour_occupancy import roi_occupancy
from ..dicomrt.roi_import import import_rois
from ..dicomrt.rtstruct_reader import read_rtstruct
from ..errors import GridError, InputError, SeriesChoiceError
from ..imaging.dicom_series import find_series, series_stack
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.image_file import grid_of, read_sitk, suffix_of
from ..imaging.label_file import read_labels
from ..rtvolumes.occupancy import OccupancyField
from ..volume_import import said_of


@dataclass(frozen=True)
class ImagePlace:
    """Where an image's voxels are, and its frame of reference where it states one."""

    grid: VoxelGrid
    frame_of_reference_uid: str | None


@dataclass(frozen=True, eq=False)
class Structure:
    """occupancy: None for voxels that are only in or out."""

    name: str
    mask: Mask
    occupancy: OccupancyField | None = None


def image_place(path: Path, series_uid: str | None = None) -> ImagePlace:
    """The voxels of an image file or of one DICOM series.

    Raises InputError, or SeriesChoiceError when the folder holds several series and none is named.
    """
    if not path.is_dir():
        image = read_sitk(path)
        if image.GetDimension() != 3:
            raise InputError(f"{path} has {image.GetDimension()} axes; give a volume with three.")
        try:
            return ImagePlace(grid_of(image), None)
        except GridError as error:
            raise InputError(f"{path}: {error}") from None
    series = [each for each in find_series(path) if not each.is_localizer and series_uid in (None, each.uid)]
    if not series:
        named = f"series {series_uid}; check the UID" if series_uid else "image series; check the folder"
        raise InputError(f"{path} has no {named}.")
    if len(series) > 1:
        listing = ", ".join(f"{each.uid} ({each.modality}, {each.slice_count} slices)" for each in series)
        raise SeriesChoiceError(f"{path} holds several series; name one with --image-series: {listing}.")
    stack, files = series_stack(series[0])
    return ImagePlace(stack.grid, str(files[0].dataset.get("FrameOfReferenceUID") or "") or None)


def read_structures(
    path: Path, place: ImagePlace | None, below_voxel: bool = False, said: list[str] | None = None
) -> list[Structure]:
    """Every structure of a file that holds anything.

    below_voxel: RTSTRUCT contours also as occupancy. said: gets a sentence for every structure that was left
    out or is odd. Raises InputError when there is none, or when an RTSTRUCT comes without an image.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    told: list[str] = []
    if path.is_file() and suffix_of(path) is not None:
        found = []
        for label in read_labels(path):
            if label.mask.is_empty:
                told.append(f"{label.name} is empty and was left out.")
            else:
                found.append(Structure(label.name, label.mask))
    else:
        found = _from_contours(path, place, below_voxel, told)
    if not found:
        raise InputError(f"{path} holds no structure with a voxel on the image; give another file.")
    if said is not None:
        said += [f"{path.name}: {sentence}" for sentence in told]
    return found


def _from_contours(
    path: Path, place: ImagePlace | None, below_voxel: bool, told: list[str]
) -> list[Structure]:
    structures = read_rtstruct(path)
    if place is None:
        raise InputError(f"{path} holds contours without voxels; name the image they belong to with --image.")
    found = []
    for each in import_rois(structures, place.grid, place.frame_of_reference_uid):
        told += said_of(each)
        if each.mask is not None:
            field = roi_occupancy(each.roi, place.grid) if below_voxel else None
            found.append(Structure(each.roi.name, each.mask, field))
    return found


def one_structure(found: Sequence[Structure], name: str | None, path: Path) -> Structure:
    """The structure of that name, or the only one; InputError, listing the names, otherwise."""
    chosen = [each for each in found if name in (None, each.name)]
    if len(chosen) != 1:
        there = ", ".join(each.name for each in found)
        raise InputError(f"{path} holds {there}; name one of them with --name.")
    return chosen[0]
