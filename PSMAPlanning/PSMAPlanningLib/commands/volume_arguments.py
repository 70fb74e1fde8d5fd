"""Options that say what the volumes of a case are, and with which margins planning targets are made."""

from __future__ import annotations

import argparse
from typing import Any

from ..rtvolumes.name_mapping import read_name_table
from ..rtvolumes.planning_target import read_institution_margins
from .pet_arguments import existing


def add_volume_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("volumes")
    group.add_argument(
        "--names",
        type=existing,
        metavar="TABLE",
        help='JSON {"name in the file": "TG-263 name"} for structures whose names do not say what they are',
    )
    group.add_argument(
        "--ptv-margins",
        type=existing,
        metavar="M.json",
        help="your institution's margins from CTV to PTV, six per role (bed, nodes, boost); no PTV is made "
        "without them",
    )


def volume_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of CaseFiles."""
    return {
        "structure_names": read_name_table(arguments.names) if arguments.names else {},
        "ptv_margins": read_institution_margins(arguments.ptv_margins) if arguments.ptv_margins else None,
    }
