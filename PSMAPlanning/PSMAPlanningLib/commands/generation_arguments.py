"""Options for volumes that are generated from the anatomy: guidelines and landmarks."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import LandmarkError
from ..records import Point
from ..rtvolumes.guideline_files import GUIDELINES
from ..rtvolumes.landmarks import LANDMARK_NAMES
from ..volume_generation import GenerationRequest
from .pet_arguments import existing


def add_generation_arguments(parser: argparse.ArgumentParser) -> None:
    """--guideline, --landmark and --landmarks of a case."""
    group = parser.add_argument_group(
        "proposed volumes, generated from --anatomy (without --volumes: by the guidelines of the settings)"
    )
    group.add_argument(
        "--guideline",
        action="append",
        default=[],
        metavar="NAME",
        help=f"generate a CTV by this guideline, besides --volumes too; repeatable. {', '.join(GUIDELINES)}, "
        "or a .json file. One for the bed needs its four landmarks",
    )
    add_landmark_arguments(group)


def add_landmark_arguments(parser: Any) -> None:
    """--landmark and --landmarks, to a parser or a group of one."""
    parser.add_argument(
        "--landmark",
        action="append",
        default=[],
        metavar="NAME=R,A,S",
        help=f"place a landmark (RAS mm, of the planning CT where there is one); {', '.join(LANDMARK_NAMES)}",
    )
    parser.add_argument(
        "--landmarks", type=existing, metavar="L", help="landmarks of an earlier `volumes --landmarks-out`"
    )


def generation_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of CaseFiles."""
    return {"generation": generation_request(arguments, tuple(arguments.guideline))}


def generation_request(arguments: argparse.Namespace, guidelines: tuple[str, ...] = ()) -> GenerationRequest:
    """Guidelines and landmarks as they were given; raises LandmarkError for one that is no place."""
    return GenerationRequest(
        guidelines, tuple(_landmark(text) for text in arguments.landmark), arguments.landmarks
    )


def _landmark(text: str) -> tuple[str, Point]:
    name, separator, place = text.partition("=")
    try:
        point = tuple(float(x) for x in place.split(","))
    except ValueError:
        point = ()
    if not separator or len(point) != 3:
        raise LandmarkError(f"--landmark {text} must be NAME=R,A,S in RAS millimetres.")
    if name not in LANDMARK_NAMES:
        raise LandmarkError(f"There is no landmark {name!r}; known: {', '.join(LANDMARK_NAMES)}.")
    return name, point
