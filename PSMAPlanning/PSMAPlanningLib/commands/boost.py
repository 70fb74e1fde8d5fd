"""psma-planning boost: CTV and PTV of PET contours, cropped by organs, with what was cropped."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from ..errors import InputError, MarginError, OutputError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Mask
from ..imaging.segmentation_file import Segment, write_segmentation
from ..output import check_free, staged_file
from ..progress import Progress, Stage
from ..rtvolumes.boost import Boost, boost
from ..rtvolumes.margins import Grown, SixMargins
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
from .structure_files import Structure, read_structures

NAME = "boost"
HELP = "Boost volumes of PET contours: margins you state, cropped by organs, with what was cropped."
_SUFFIX = ".seg.nrrd"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "lesions", type=existing, metavar="F", help="contours: lesions.seg.nrrd of run, label map or RTSTRUCT"
    )
    parser.add_argument(
        "--name",
        dest="names",
        action="append",
        metavar="NAME",
        help="take only this lesion; may be repeated (default: all in the file)",
    )
    for option, what in (("--ctv-mm", "from the contour to the CTV"), ("--ptv-mm", "from CTV to PTV")):
        parser.add_argument(
            option, type=float, nargs=6, required=True, metavar=SIX, help=f"margins in mm {what}"
        )
    add_crop_arguments(parser, "CTV and PTV (the contour itself is never cropped)")
    add_image_arguments(parser)
    parser.add_argument("--out", type=existing, required=True, metavar="F2", help=f"result ({_SUFFIX})")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    check_free(arguments.out, arguments.force)
    if not arguments.out.name.lower().endswith(_SUFFIX):
        raise OutputError(f"{arguments.out} must end in {_SUFFIX}: CTV and PTV overlap.")
    to_clinical, to_planning = SixMargins(*arguments.ctv_mm), SixMargins(*arguments.ptv_mm)
    crop_margin(arguments)
    said: list[str] = []
    stage = Stage(progress)
    stage.report(0.0, "reading")
    place = place_of(arguments)
    lesions = _chosen(read_structures(arguments.lesions, place, said=said), arguments)
    organs = crop_organs(arguments, place, said)
    body = outer_limit(arguments, place)
    made = []
    for number, lesion in enumerate(lesions):
        stage.report(0.2 + 0.6 * number / len(lesions), f"boost of {lesion.name}")
        gross = _with_room(lesion.mask, _reach_mm(to_clinical) + _reach_mm(to_planning))
        made.append((lesion.name, boost(gross, to_clinical, to_planning, organs, body)))
    stage.report(0.8, "writing")
    segments = [
        Segment(f"{kind}_{name}", mask.array)
        for name, each in made
        for kind, mask in (("GTV", each.gross), ("CTV", each.clinical.mask), ("PTV", each.planning.mask))
    ]
    with staged_file(arguments.out, arguments.force) as work:
        write_segmentation(segments, _one_grid([each for _, each in made]), work)
    stage.report(1.0, "done")
    document = {
        "boosts": [_document(name, each) for name, each in made],
        "ctv_mm": list(to_clinical.as_tuple()),
        "ptv_mm": list(to_planning.as_tuple()),
        "status": "proposal",
        "file": str(arguments.out),
        "warnings": said
        + [
            f"{each.gross_outside_ml:.2f} mL of {name}'s PET contour lie outside its cropped PTV."
            for name, each in made
            if each.gross_outside_ml > 0
        ],
    }
    return document, _text(document)


def _chosen(found: list[Structure], arguments: argparse.Namespace) -> list[Structure]:
    if arguments.names is None:
        return found
    missing = set(arguments.names) - {each.name for each in found}
    if missing:
        there = ", ".join(each.name for each in found)
        raise InputError(f"{arguments.lesions} has no {', '.join(sorted(missing))}; it holds {there}.")
    return [each for each in found if each.name in arguments.names]


def _reach_mm(margin: SixMargins) -> float:
    if margin.shrinks:
        raise MarginError("A boost's margins only grow; give 0 mm or more.")
    return max(margin.as_tuple()) * math.sqrt(3.0)


def _with_room(mask: Mask, reach_mm: float) -> Mask:
    """The same voxels on a grid that goes on far enough: a file of PET contours may end where they do."""
    pads = [math.ceil(reach_mm / s) + 2 for s in mask.grid.spacing_kji_mm]
    array = np.pad(mask.array, [(pad, pad) for pad in pads])
    grid = mask.grid
    origin = grid.position_of([-pad for pad in pads])
    return Mask(array, VoxelGrid(array.shape, grid.spacing_mm, origin, grid.direction_ras))


def _one_grid(made: list[Boost]) -> VoxelGrid:
    grid = made[0].gross.grid
    if not all(each.gross.grid.same_as(grid) for each in made):
        raise InputError("The contours lie on different voxels; give those of one file on one image.")
    return grid


def _document(name: str, made: Boost) -> dict[str, Any]:
    return {
        "name": name,
        "gtv_ml": made.gross.volume_ml,
        "ctv_ml": made.clinical.volume_ml_after,
        "ptv_ml": made.planning.volume_ml_after,
        "ctv_cropped_ml": _removed(made.clinical),
        "ptv_cropped_ml": _removed(made.planning),
        "gtv_outside_ptv_ml": made.gross_outside_ml,
    }


def _removed(grown: Grown) -> list[dict[str, Any]]:
    return [{"name": name, "volume_ml": volume} for name, volume in grown.removed_ml]


def _text(document: dict[str, Any]) -> str:
    lines = []
    for row in document["boosts"]:
        lines.append(
            f"{row['name']}: GTV {row['gtv_ml']:.2f}, CTV {row['ctv_ml']:.2f}, PTV {row['ptv_ml']:.2f} mL"
        )
        lines += [
            f"  PTV cropped by {each['name']}: {each['volume_ml']:.2f} mL" for each in row["ptv_cropped_ml"]
        ]
    return "\n".join([*lines, "A proposal; nothing in it has been reviewed."])
