"""psma-planning rtstruct import: every structure of an RTSTRUCT as labels on an image's voxels."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ..dicomrt.roi_import import ImportedRoi, import_rois
from ..dicomrt.rtstruct_reader import read_rtstruct
from ..errors import InputError, OutputError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Quantity
from ..imaging.image_file import suffix_of, write_image_file
from ..imaging.segmentation_file import Segment, write_segmentation
from ..output import check_free, staged_file
from ..progress import Progress, Stage
from ..rtvolumes.name_mapping import read_name_table
from .pet_arguments import existing
from .structure_files import image_place

NAME = "import"
HELP = "RTSTRUCT to labels, by voxel centre; names matched to TG-263; each structure with its status."
_SUFFIX = ".seg.nrrd"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rtstruct", type=existing, metavar="RS", help="RTSTRUCT file, or a folder with one")
    parser.add_argument(
        "--image", type=existing, required=True, metavar="I", help="DICOM folder or image file"
    )
    parser.add_argument("--image-series", metavar="UID", help="series to take when that folder holds several")
    parser.add_argument(
        "--names", type=existing, metavar="TABLE", help='JSON {"name in the file": "TG-263 name"}, or matches'
    )
    parser.add_argument(
        "--out",
        type=existing,
        required=True,
        metavar="F",
        help=f"segmentation ({_SUFFIX}), or a label map (.nrrd .nii.gz .mha), which cannot hold overlap",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    check_free(arguments.out, arguments.force)
    if suffix_of(arguments.out) is None:
        raise OutputError(f"{arguments.out} must end in {_SUFFIX}, .nrrd, .nii, .nii.gz or .mha.")
    stage = Stage(progress)
    stage.report(0.0, "reading")
    overrides = read_name_table(arguments.names) if arguments.names else None
    structures = read_rtstruct(arguments.rtstruct)
    place = image_place(arguments.image, arguments.image_series)
    stage.report(0.2, "contours to voxels")
    found = import_rois(structures, place.grid, place.frame_of_reference_uid, overrides)
    usable = [each for each in found if each.mask is not None]
    if not usable:
        reasons = ", ".join(f"{each.roi.name} {each.status}" for each in found[:8])
        raise InputError(
            f"{arguments.rtstruct} has no structure on this image ({reasons}); "
            "check that both belong to the same patient and study."
        )
    stage.report(0.8, "writing")
    hidden = _written(usable, place.grid, arguments)
    stage.report(1.0, "done")
    document = {
        "rois": [roi_document(each) for each in found],
        "file": str(arguments.out),
        "warnings": hidden + _warnings(found, structures.referenced_series_uid is None),
    }
    return document, _text(document)


def _written(usable: list[ImportedRoi], grid: VoxelGrid, arguments: argparse.Namespace) -> list[str]:
    """Writes the file; returns what a label map could not hold."""
    with staged_file(arguments.out, arguments.force) as work:
        if arguments.out.name.lower().endswith(_SUFFIX):
            segments = [Segment(each.roi.name, each.mask.array, each.roi.colour) for each in usable]
            write_segmentation(segments, grid, work)
            return []
        values = _label_values(usable)
        labels = np.zeros(grid.shape_kji, dtype=np.int32)
        # The largest first, so that an organ is not hidden under the body.
        for each in sorted(usable, key=lambda one: -one.mask.voxels):
            labels[each.mask.array] = values[each]
        write_image_file(Image(labels, grid, Quantity.UNKNOWN), work)
    hidden = []
    for each in usable:
        lost = each.mask.voxels - int(np.count_nonzero(labels[each.mask.array] == values[each]))
        if lost:
            hidden.append(
                f"{each.roi.name}: {lost} of {each.mask.voxels} voxels lie under smaller structures in the "
                f"label map; a {_SUFFIX} file keeps them."
            )
    return hidden


def _label_values(usable: list[ImportedRoi]) -> dict[ImportedRoi, int]:
    """ROI numbers, as in the file; places in the list where one of them is no label."""
    numbers = [each.roi.number for each in usable]
    if min(numbers) < 1 or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(usable) + 1))
    return dict(zip(usable, numbers, strict=True))


def roi_document(found: ImportedRoi) -> dict[str, Any]:
    """One structure of the contract's list; `type` is the file's own, `kind` what it was taken for."""
    return {
        "number": found.roi.number,
        "name": found.roi.name,
        "type": found.roi.kind,
        "kind": found.match.kind,
        "tg263": found.match.tg263,
        "role": found.match.role,
        "matched_by": found.match.matched_by,
        "asks": found.match.asks,
        "choices": list(found.match.choices),
        "voxels": 0 if found.mask is None else found.mask.voxels,
        "volume_ml": found.volume_ml,
        "status": found.status,
        "problem": found.problem,
        "faults": dict(found.faults),
    }


def _warnings(found: tuple[ImportedRoi, ...], no_reference: bool) -> list[str]:
    warnings = [
        f"{each.roi.name}: {each.status}{f' ({each.problem})' if each.problem else ''}; left out."
        for each in found
        if each.mask is None
    ]
    for each in found:
        faults = ", ".join(f"{fault} {count}" for fault, count in each.faults.items())
        if faults:
            warnings.append(f"{each.roi.name}: {faults}.")
    if no_reference:
        warnings.append(
            "The file does not say which image it was drawn on; it was placed as it lies in space."
        )
    return warnings


def _text(document: dict[str, Any]) -> str:
    lines = [f"{'structure':<24}{'TG-263':<18}{'by':<18}{'mL':>10}  status"]
    for roi in document["rois"]:
        volume = "" if roi["volume_ml"] is None else f"{roi['volume_ml']:.2f}"
        asks = " ?" if roi["asks"] else ""
        lines.append(
            f"{roi['name']:<24.24}{(roi['tg263'] or '-') + asks:<18}{roi['matched_by'] or '-':<18}"
            f"{volume:>10}  {roi['status']}"
        )
    lines.append("? asks to be confirmed or named (--names)")
    return "\n".join(lines)
