"""--anatomy and --label-names, which several commands take."""

from __future__ import annotations

import argparse

from ..anatomy_import import read_label_names
from .pet_arguments import existing


def add_anatomy_arguments(parser: argparse.ArgumentParser, formats: str, required: bool = False) -> None:
    """Organ masks, and the names of a label map's values. formats: what the masks may be."""
    parser.add_argument(
        "--anatomy", type=existing, required=required, metavar="A", help=f"organ masks: {formats}"
    )
    parser.add_argument(
        "--label-names",
        type=existing,
        metavar="N",
        help="names of the organ labels: CSV (label,name) or JSON",
    )


def label_names(arguments: argparse.Namespace) -> dict[int, str]:
    """The names by label; empty where none were given. Raises InputError for a file that is no such table."""
    return read_label_names(arguments.label_names) if arguments.label_names else {}
