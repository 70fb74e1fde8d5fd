"""Options for the dose of a case: RTDOSE files, prescriptions, constraints."""

from __future__ import annotations

import argparse
from typing import Any

from ..coverage.prescribed_dose import PrescribedDose, parse_prescription
from ..errors import PrescriptionError
from .pet_arguments import existing


def add_dose_arguments(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """--dose and what belongs to it."""
    group = parser.add_argument_group("dose (RTDOSE in Gy, in the frame of reference of the plan)")
    group.add_argument("--dose", type=existing, required=required, metavar="R", help="RTDOSE file or folder")
    group.add_argument(
        "--compare-dose",
        type=existing,
        metavar="R2",
        help="RTDOSE of a second plan: the same constraints and the targets' doses side by side",
    )
    group.add_argument(
        "--sum-doses",
        action="store_true",
        help="add up the RTDOSE files of a folder (beams or fraction groups of one plan)",
    )
    group.add_argument(
        "--prescription",
        type=_prescription,
        action="append",
        default=[],
        metavar="VOLUME=GY/FRACTIONS",
        help="dose of a target, such as PTVsb=70/35; GY/FRACTIONS alone: for lesions that no target holds. "
        "Doses in TG-263 names (PTVn_5600x35) count where nothing is given",
    )
    group.add_argument(
        "--constraints", type=existing, metavar="C.json", help="table of dose constraints to use instead"
    )


def dose_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fields of CaseFiles."""
    return {
        "dose": arguments.dose,
        "comparison_dose": arguments.compare_dose,
        "sum_doses": arguments.sum_doses,
        "prescriptions": tuple(arguments.prescription),
        "constraints": arguments.constraints,
    }


def _prescription(text: str) -> PrescribedDose:
    try:
        return parse_prescription(text)
    except PrescriptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
