"""Contours for consensus and agreement from label maps, segmentations and RTSTRUCT files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..consensus.inputs import ContourInput
from ..consensus.lesion_matching import ReaderLesions, lesions_of
from ..dicomrt.rasterise import rasterise
from ..dicomrt.rtstruct_reader import read_rtstruct
from ..errors import FrameOfReferenceError, GridError, InputError, SeriesChoiceError
from ..imaging.dicom_series import find_series, series_stack
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.image_file import grid_of, read_sitk, stem_of, suffix_of
from ..imaging.label_file import read_labels
from .pet_arguments import existing


@dataclass(frozen=True)
class _Place:
    """Where an image's voxels are; its values are not needed."""

    grid: VoxelGrid
    frame_of_reference_uid: str | None


@dataclass(frozen=True, eq=False)
class _Found:
    name: str
    mask: Mask
    frame_of_reference_uid: str | None


def add_contour_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "contours",
        type=existing,
        nargs="+",
        metavar="A",
        help="label map, .seg.nrrd or RTSTRUCT; every label or structure is one contour",
    )
    parser.add_argument(
        "--image",
        type=existing,
        metavar="I",
        help="DICOM folder of one series, or image file, on whose voxels RTSTRUCT contours are taken",
    )
    parser.add_argument("--image-series", metavar="UID", help="series to take when that folder holds several")
    parser.add_argument(
        "--name",
        dest="names",
        action="append",
        metavar="NAME",
        help="take only labels, segments or structures of this name; may be repeated",
    )
    parser.add_argument(
        "--per-lesion",
        action="store_true",
        help="every file is one reader of a whole patient; lesions are its labels, or, of a single label, "
        "its separate parts; they are matched between readers by overlap",
    )
    parser.add_argument(
        "--domain",
        default="crop:10",
        metavar="D",
        help="voxels that kappa and STAPLE's performance rest on: full, crop:MM, union, disputed "
        "(default crop:10)",
    )
    parser.add_argument(
        "--tolerance-mm",
        type=float,
        nargs="+",
        default=[2.0, 3.0],
        metavar="MM",
        help="tolerances of surface Dice and added path length (default 2 3)",
    )


def read_contours(
    arguments: argparse.Namespace, families: Sequence[str] | None
) -> tuple[list[ContourInput], list[str]]:
    """Every label of every file as one contour, and warnings.

    Raises InputError for a file that cannot be used, or families that do not fit the contours.
    """
    names = _file_names(arguments.contours)
    place = _place(arguments)
    contours: list[ContourInput] = []
    for path, name in zip(arguments.contours, names, strict=True):
        found = _wanted(_read(path, place), arguments.names, path)
        for each in found:
            full_name = name if len(found) == 1 else f"{name}:{each.name}"
            contours.append(ContourInput(full_name, each.mask, "", each.frame_of_reference_uid))
    _check_families(families, len(contours), "contours")
    if families is not None:
        contours = [
            ContourInput(c.name, c.mask, family, c.frame_of_reference_uid)
            for c, family in zip(contours, families, strict=True)
        ]
    return contours, _frame_warnings([c.frame_of_reference_uid for c in contours])


def read_readers(
    arguments: argparse.Namespace, families: Sequence[str] | None
) -> tuple[list[ReaderLesions], list[str]]:
    """Every file as one reader's lesions, and warnings."""
    if len(arguments.contours) < 2:
        raise InputError("--per-lesion needs two files or more, one per reader; give another file.")
    names = _file_names(arguments.contours)
    _check_families(families, len(names), "readers")
    place = _place(arguments)
    readers = []
    for number, path in enumerate(arguments.contours):
        found = _wanted(_read(path, place), arguments.names, path)
        masks = [each.mask for each in found]
        lesions = lesions_of(masks[0]) if len(masks) == 1 else tuple(masks)
        family = families[number] if families is not None else ""
        readers.append(ReaderLesions(names[number], lesions, family, found[0].frame_of_reference_uid))
    return readers, _frame_warnings([r.frame_of_reference_uid for r in readers])


def _wanted(found: list[_Found], names: Sequence[str] | None, path: Path) -> list[_Found]:
    if names is None:
        return found
    chosen = [each for each in found if each.name in names]
    if not chosen:
        there = ", ".join(each.name for each in found)
        raise InputError(f"{path} has nothing called {' or '.join(names)}; it holds {there}.")
    return chosen


def _read(path: Path, place: _Place | None) -> list[_Found]:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_file() and suffix_of(path) is not None:
        return [_Found(label.name, label.mask, None) for label in read_labels(path)]
    structures = read_rtstruct(path)
    if place is None:
        raise InputError(f"{path} holds contours without voxels; name the image they belong to with --image.")
    found = []
    for roi in structures.rois:
        frame = roi.frame_of_reference_uid or structures.frame_of_reference_uid
        known = frame and place.frame_of_reference_uid
        if known and frame != place.frame_of_reference_uid:
            raise FrameOfReferenceError(
                f"{path}: {roi.name} lies in another frame of reference than the image; "
                "register them and give the contours in the image's frame."
            )
        found.append(_Found(roi.name, rasterise(roi, place.grid), frame))
    return found


def _place(arguments: argparse.Namespace) -> _Place | None:
    path: Path | None = arguments.image
    if path is None:
        return None
    if not path.is_dir():
        image = read_sitk(path)
        if image.GetDimension() != 3:
            raise InputError(f"{path} has {image.GetDimension()} axes; give a volume with three.")
        try:
            return _Place(grid_of(image), None)
        except GridError as error:
            raise InputError(f"{path}: {error}") from None
    series = [
        each
        for each in find_series(path)
        if not each.is_localizer and arguments.image_series in (None, each.uid)
    ]
    if not series:
        raise InputError(f"{path} has no series {arguments.image_series}; check the UID.")
    if len(series) > 1:
        listing = ", ".join(f"{each.uid} ({each.modality}, {each.slice_count} slices)" for each in series)
        raise SeriesChoiceError(f"{path} holds several series; name one with --image-series: {listing}.")
    stack, files = series_stack(series[0])
    return _Place(stack.grid, str(files[0].dataset.get("FrameOfReferenceUID") or "") or None)


def _file_names(paths: Sequence[Path]) -> list[str]:
    """The files' names without suffix; with their folder, or a number, where that is not enough."""
    names = [stem_of(path) for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.resolve().parent.name}/{name}" for path, name in zip(paths, names, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{name} ({number})" for number, name in enumerate(names, start=1)]
    return names


def _check_families(families: Sequence[str] | None, count: int, things: str) -> None:
    if families is not None and len(families) != count:
        raise InputError(f"--families names {len(families)} families for {count} {things}; name one each.")


def _frame_warnings(frames: Sequence[str | None]) -> list[str]:
    if any(frames) and not all(frames):
        return [
            "Some contours state no frame of reference; they were compared as they lie in space, "
            "which is right only when all were drawn on one image."
        ]
    return []
