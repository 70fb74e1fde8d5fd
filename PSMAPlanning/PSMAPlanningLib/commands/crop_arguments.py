"""Options of commands that grow structures: what the result is cut back from, and on which image all lie."""

from __future__ import annotations

import argparse

from ..errors import MarginError
from ..imaging.image import Mask
from ..imaging.image_file import stem_of
from ..rtvolumes.margins import CropBy, SixMargins
from .pet_arguments import existing
from .structure_files import ImagePlace, image_place, one_structure, read_structures

SIX = ("L", "R", "A", "P", "S", "I")


def add_crop_arguments(parser: argparse.ArgumentParser, what: str) -> None:
    """what: must not enter the organs ("the result", "CTV and PTV")."""
    parser.add_argument(
        "--crop",
        type=existing,
        nargs="+",
        action="extend",
        default=[],
        metavar="G",
        help=f"files of organs that {what} must not enter",
    )
    parser.add_argument(
        "--crop-margin-mm",
        type=float,
        nargs="+",
        default=[0.0],
        metavar="MM",
        help="margin around these organs: one number, or six (L R A P S I) (default 0)",
    )
    parser.add_argument(
        "--within", type=existing, metavar="B", help="file of the body or another outer limit"
    )


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """On whose voxels contours are taken."""
    parser.add_argument(
        "--image", type=existing, metavar="I", help="image on whose voxels contours are taken"
    )
    parser.add_argument("--image-series", metavar="UID", help="series to take when that folder holds several")


def place_of(arguments: argparse.Namespace) -> ImagePlace | None:
    """Where the voxels of --image are; None without it."""
    return image_place(arguments.image, arguments.image_series) if arguments.image else None


def crop_margin(arguments: argparse.Namespace) -> SixMargins | None:
    """The margin around the organs of --crop; None for none. Raises MarginError for other than 1 or 6."""
    values = arguments.crop_margin_mm
    if len(values) not in (1, 6):
        raise MarginError(f"--crop-margin-mm has {len(values)} numbers; give one, or six (L R A P S I).")
    margin = SixMargins.uniform(values[0]) if len(values) == 1 else SixMargins(*values)
    return None if margin.is_zero else margin


def crop_organs(arguments: argparse.Namespace, place: ImagePlace | None, said: list[str]) -> list[CropBy]:
    """The organs of --crop with their margin. said: as of read_structures."""
    around = crop_margin(arguments)
    organs = []
    for path in arguments.crop:
        found = read_structures(path, place, said=said)
        for each in found:
            name = stem_of(path) if len(found) == 1 else f"{stem_of(path)}:{each.name}"
            organs.append(CropBy(name, each.mask, around))
    return organs


def outer_limit(arguments: argparse.Namespace, place: ImagePlace | None) -> Mask | None:
    """The only structure of --within; None without it. Raises InputError when the file holds several."""
    if arguments.within is None:
        return None
    return one_structure(read_structures(arguments.within, place), None, arguments.within).mask
