"""Options every command that reads a PET takes, and what they become."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..imaging.suv_entered import SUV_TYPES, EnteredValues


def add_pet_arguments(parser: argparse.ArgumentParser) -> None:
    """What the header lacks; every value given is recorded as entered by the user."""
    group = parser.add_argument_group("what the PET's header lacks (recorded as entered by the user)")
    group.add_argument("--units", choices=("SUVbw", "Bq/ml"), help="units of a PET file that carries none")
    group.add_argument("--weight-kg", type=float, metavar="KG")
    group.add_argument("--dose-bq", type=float, metavar="BQ", help="injected activity")
    group.add_argument("--injection-time", metavar="TIME", help="ISO date and time, or HH:MM:SS")
    group.add_argument("--half-life-s", type=float, metavar="S")
    group.add_argument("--decay", choices=("START", "ADMIN", "NONE"), help="decay correction of the pixels")
    group.add_argument("--reference-time", metavar="TIME", help="time to which pixels are decay corrected")
    group.add_argument("--tracer", metavar="NAME", help="radiopharmaceutical, such as PSMA-11")
    group.add_argument(
        "--uptake-min", type=float, metavar="MIN", help="from injection to scan, for the record"
    )
    group.add_argument(
        "--height-m", type=float, metavar="M", help="body height, for other --suv-type than bw"
    )
    group.add_argument("--sex", choices=("M", "F"), help="for lean and ideal body mass")
    group.add_argument(
        "--suv-type",
        choices=tuple(SUV_TYPES),
        default="bw",
        help="normalise by body weight (default), lean body mass (lbm: Morgan, lbm_james: James, lbm_janma: "
        "Janmahasatian), ideal body mass or body surface; rules for lesions assume bw",
    )
    group.add_argument("--series", metavar="UID", help="series to read when the folder holds several PETs")


def entered_values(arguments: argparse.Namespace) -> EnteredValues:
    return EnteredValues(
        weight_kg=arguments.weight_kg,
        dose_bq=arguments.dose_bq,
        injection_time=arguments.injection_time,
        half_life_s=arguments.half_life_s,
        decay_correction=arguments.decay,
        reference_time=arguments.reference_time,
        tracer=arguments.tracer,
        height_m=arguments.height_m,
        sex=arguments.sex,
        uptake_time_min=arguments.uptake_min,
        suv_type=arguments.suv_type,
    )


def existing(path: str) -> Path:
    """The path, user's home expanded."""
    return Path(path).expanduser()
