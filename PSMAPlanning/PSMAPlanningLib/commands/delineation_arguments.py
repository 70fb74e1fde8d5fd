"""Options that `regions` and `delineate` share, and what they become."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..anatomy_import import read_anatomy
from ..case_frames import CaseFrames
from ..delineation.reference_regions import ReferenceRegion
from ..delineation.rule_numbers import measured_references, references_of, rule_numbers
from ..delineation.rules import checked_parameters
from ..errors import InputError, RuleError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Mask
from ..imaging.image_file import SUFFIXES, sitk_image, suffix_of
from ..imaging.read import PetInput, read_pet
from ..output import check_free, staged_file
from .anatomy_arguments import add_anatomy_arguments, label_names
from .pet_arguments import add_pet_arguments, entered_values, existing


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pet", type=existing, metavar="PET", help="DICOM folder, or .nrrd .nii .nii.gz .mha")
    parser.add_argument(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="parameter of the rule; see psma-planning rules",
    )
    add_anatomy_arguments(parser, ".seg.nrrd, or label map and --label-names")
    parser.add_argument("--out", type=existing, metavar="F", help="write a label map (.nrrd .nii.gz .mha)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    add_pet_arguments(parser)


def read_shared(arguments: argparse.Namespace) -> tuple[PetInput, dict[str, Mask]]:
    """The PET and the organ masks that were given; the output's name is checked before anything is read."""
    if arguments.out is not None:
        check_free(arguments.out, arguments.force)
        if suffix_of(arguments.out) is None:
            raise InputError(f"{arguments.out} must end in one of {', '.join(SUFFIXES)}.")
    pet = read_pet(
        arguments.pet, units=arguments.units, series_uid=arguments.series, entered=entered_values(arguments)
    )
    if arguments.anatomy is None:
        return pet, {}
    return pet, read_anatomy(arguments.anatomy, label_names(arguments), CaseFrames(pet.image))


def given_numbers(arguments: argparse.Namespace, rule: str) -> dict[str, float]:
    """The --set values of a rule, checked; raises RuleError for one the rule does not have."""
    given: dict[str, float] = {}
    for key, value in arguments.set:
        if key in given:
            raise RuleError(f"--set {key} was given twice; give it once.")
        given[key] = value
    checked_parameters(rule, given)
    return given


def with_references(
    rule: str, given: Mapping[str, float], pet: Image, anatomy: Mapping[str, Mask]
) -> tuple[dict[str, float], list[ReferenceRegion]]:
    """The rule's numbers with those of the reference regions it takes and was not given, and the regions."""
    regions = measured_references(references_of([(rule, given)]), pet, anatomy)
    return rule_numbers(rule, given, regions), list(regions.values())


def position(text: str) -> tuple[float, float, float]:
    """R,A,S as three numbers; for argparse."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(math.isfinite(value) for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is no position; write --seed=R,A,S in millimetres")
    return values


def write_label_map(labels: np.ndarray, grid: VoxelGrid, path: Path, overwrite: bool) -> None:
    """A label map (K, J, I), whole or not at all."""
    with staged_file(path, overwrite) as work:
        sitk.WriteImage(sitk_image(labels, grid), str(work), useCompression=True)


def _assignment(text: str) -> tuple[str, float]:
    key, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not key or not equals or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no parameter; write --set key=number")
    return key, number
