"""psma-planning rtstruct: RTSTRUCT files in, out and checked; each part is a module of its own."""

from __future__ import annotations

import argparse
from typing import Any

from ..progress import Progress
from . import rtstruct_check, rtstruct_export, rtstruct_import

NAME = "rtstruct"
HELP = "Read a DICOM RTSTRUCT into labels, write one on the planning CT, or check one."
PARTS = (rtstruct_import, rtstruct_export, rtstruct_check)
"""Each has NAME, HELP, `add_arguments` and `execute`, as a command has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True, metavar="WHAT")
    for part in PARTS:
        sub = parts.add_parser(part.NAME, help=part.HELP, description=part.HELP)
        part.add_arguments(sub)
        # Also behind the part's name, where people write it; absent there, the command's own value stays.
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        sub.set_defaults(execute_part=part.execute)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    return arguments.execute_part(arguments, progress)
