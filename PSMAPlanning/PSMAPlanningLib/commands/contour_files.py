"""Contours for consensus and agreement from label maps, segmentations, RTSTRUCT and DICOM SEG files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..consensus.inputs import ContourInput
from ..consensus.lesion_matching import ReaderLesions, lesions_of
from ..dicomrt.rasterise import rasterise
from ..dicomrt.rtstruct_reader import read_rtstruct
from ..dicomrt.seg_reader import read_seg, seg_file
from ..errors import FrameOfReferenceError, InputError
from ..imaging.image import Mask
from ..imaging.image_file import grid_of, read_sitk, stem_of, suffix_of
from ..imaging.label_file import read_labels
from .pet_arguments import existing
from .structure_files import ImagePlace, image_place


@dataclass(frozen=True, eq=False)
class _Found:
    name: str
    mask: Mask
    frame_of_reference_uid: str | None
    warnings: tuple[str, ...] = ()


def add_contour_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "contours",
        type=existing,
        nargs="+",
        metavar="A",
        help="label map, .seg.nrrd, DICOM SEG or RTSTRUCT; every label or structure is one contour",
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
    warnings: list[str] = []
    for path, name in zip(arguments.contours, names, strict=True):
        found = _wanted(_read(path, place), arguments.names, path)
        warnings += [f"{name}: {warning}" for warning in found[0].warnings]
        for each in found:
            full_name = name if len(found) == 1 else f"{name}:{each.name}"
            contours.append(ContourInput(full_name, each.mask, "", each.frame_of_reference_uid))
    _check_families(families, len(contours), "contours")
    if families is not None:
        contours = [
            ContourInput(c.name, c.mask, family, c.frame_of_reference_uid)
            for c, family in zip(contours, families, strict=True)
        ]
    return contours, warnings + _frame_warnings([c.frame_of_reference_uid for c in contours])


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
    warnings: list[str] = []
    for number, path in enumerate(arguments.contours):
        found = _wanted(_read(path, place), arguments.names, path)
        warnings += [f"{names[number]}: {warning}" for warning in found[0].warnings]
        masks = [each.mask for each in found]
        lesions = lesions_of(masks[0]) if len(masks) == 1 else tuple(masks)
        family = families[number] if families is not None else ""
        readers.append(ReaderLesions(names[number], lesions, family, found[0].frame_of_reference_uid))
    return readers, warnings + _frame_warnings([r.frame_of_reference_uid for r in readers])


def _wanted(found: list[_Found], names: Sequence[str] | None, path: Path) -> list[_Found]:
    if names is None:
        return found
    chosen = [each for each in found if each.name in names]
    if not chosen:
        there = ", ".join(each.name for each in found)
        raise InputError(f"{path} has nothing called {' or '.join(names)}; it holds {there}.")
    return chosen


def _read(path: Path, place: ImagePlace | None) -> list[_Found]:
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path.")
    if path.is_file() and suffix_of(path) is not None:
        return _labels(path)
    seg = seg_file(path)
    if seg is not None:
        return _segments(seg, place)
    structures = read_rtstruct(path)
    if place is None:
        raise InputError(f"{path} holds contours without voxels; name the image they belong to with --image.")
    found = []
    for roi in structures.rois:
        frame = roi.frame_of_reference_uid or structures.frame_of_reference_uid
        _check_frame(path, roi.name, frame, place)
        found.append(_Found(roi.name, rasterise(roi, place.grid), frame))
    return found


def _labels(path: Path) -> list[_Found]:
    try:
        return [_Found(label.name, label.mask, None) for label in read_labels(path)]
    except InputError:
        image = read_sitk(path)
        values = sitk.GetArrayViewFromImage(image)
        if image.GetDimension() != 3 or values.ndim != 3 or values.any():
            raise
        # A reader who drew nothing: said and left out by what is done with the contours.
        return [_Found(stem_of(path), Mask(np.zeros(values.shape, dtype=bool), grid_of(image)), None)]


def _segments(path: Path, place: ImagePlace | None) -> list[_Found]:
    segments = read_seg(path)
    frame = segments.frame_of_reference_uid
    found = []
    for segment in segments.segments:
        if place is not None:
            _check_frame(path, segment.name, frame, place)
        found.append(_Found(segment.name, segment.mask, frame, segments.warnings))
    return found


def _check_frame(path: Path, name: str, frame: str | None, place: ImagePlace) -> None:
    if frame and place.frame_of_reference_uid and frame != place.frame_of_reference_uid:
        raise FrameOfReferenceError(
            f"{path}: {name} lies in another frame of reference than the image; "
            "register them and give the contours in the image's frame."
        )


def _place(arguments: argparse.Namespace) -> ImagePlace | None:
    return image_place(arguments.image, arguments.image_series) if arguments.image is not None else None


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
