"""psma-planning margin: a structure grown or shrunk by six margins, and cropped by organs."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import OutputError
from ..imaging.image_file import suffix_of, write_image_file
from ..output import check_free, staged_file
from ..progress import Progress, Stage
from ..rtvolumes.margins import Grown, SixMargins, cropped, grow, grow_occupancy
from .crop_arguments import (
    SIX,
    add_crop_arguments,
    add_image_arguments,
    crop_margin,
    crop_organs,
    outer_limit,
    place_of,
)
from .pet_arguments import existing
from .structure_files import Structure, one_structure, read_structures

NAME = "margin"
HELP = "Grow or shrink a structure by six margins (left, right, anterior, posterior, superior, inferior)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("structure", type=existing, metavar="F", help="label map, .seg.nrrd or RTSTRUCT")
    parser.add_argument(
        "--mm",
        type=float,
        nargs=6,
        required=True,
        metavar=SIX,
        help="margins in mm towards left, right, anterior, posterior, superior, inferior; negative shrinks",
    )
    parser.add_argument("--name", metavar="NAME", help="structure to take when F holds several")
    add_crop_arguments(parser, "the result")
    add_image_arguments(parser)
    parser.add_argument(
        "--cut-at-image-edge",
        action="store_true",
        help="let the result end at the edge of the image instead of refusing a margin that reaches past it",
    )
    parser.add_argument(
        "--out", type=existing, required=True, metavar="F2", help="result (.nrrd .nii.gz .mha)"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    check_free(arguments.out, arguments.force)
    if suffix_of(arguments.out) is None:
        raise OutputError(f"{arguments.out} must end in .nrrd, .nii, .nii.gz or .mha.")
    margin = SixMargins(*arguments.mm)
    crop_margin(arguments)
    said: list[str] = []
    stage = Stage(progress)
    stage.report(0.0, "reading")
    place = place_of(arguments)
    found = read_structures(arguments.structure, place, below_voxel=True, said=said)
    structure = one_structure(found, arguments.name, arguments.structure)
    organs = crop_organs(arguments, place, said)
    within = outer_limit(arguments, place)
    stage.report(0.3, "growing")
    result, before_ml = _grown(structure, margin, arguments.cut_at_image_edge)
    grown = cropped(structure.mask, result, organs, within)
    stage.report(0.8, "writing")
    with staged_file(arguments.out, arguments.force) as work:
        write_image_file(grown.mask, work)
    stage.report(1.0, "done")
    document = _document(structure, grown, before_ml, margin, str(arguments.out))
    document["warnings"] += said
    return document, _text(document)


def _grown(structure: Structure, margin: SixMargins, cut: bool) -> tuple[Any, float]:
    """The mask, and the volume before: that of the contours themselves where there are any."""
    field = structure.occupancy
    if field is not None and (field.fraction >= 0.5).any():
        return grow_occupancy(field, margin, cut_at_image_edge=cut).mask(), field.volume_ml
    return grow(structure.mask, margin, cut_at_image_edge=cut), structure.mask.volume_ml


def _document(
    structure: Structure, grown: Grown, before_ml: float, margin: SixMargins, file: str
) -> dict[str, Any]:
    warnings = []
    if not margin.shrinks and grown.removed_from_source_ml > 0:
        warnings.append(
            f"{grown.removed_from_source_ml:.2f} mL of {structure.name} itself, before growing, were cropped."
        )
    return {
        "name": structure.name,
        "margin_mm": dict(
            zip(
                ("left", "right", "anterior", "posterior", "superior", "inferior"),
                margin.as_tuple(),
                strict=True,
            )
        ),
        "below_voxel": structure.occupancy is not None,
        "volume_ml_before": before_ml,
        "volume_ml_grown": grown.volume_ml_grown,
        "volume_ml_after": grown.volume_ml_after,
        "cropped_ml": grown.cropped_ml,
        "cropped_by_ml": [{"name": name, "volume_ml": volume} for name, volume in grown.removed_ml],
        "cropped_from_source_ml": 0.0 if margin.shrinks else grown.removed_from_source_ml,
        "file": file,
        "warnings": warnings,
    }


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{document['name']}: {document['volume_ml_before']:.2f} mL before, "
        f"{document['volume_ml_after']:.2f} mL after"
    ]
    lines += [f"  cropped by {row['name']}: {row['volume_ml']:.2f} mL" for row in document["cropped_by_ml"]]
    return "\n".join(lines)
