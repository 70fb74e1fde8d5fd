"""psma-planning run: the whole chain, from files to report, scene and pictures."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from ..case_export import CaseExportRequest
from ..case_what_if import case_what_if
from ..chain import CaseFiles, run_chain
from ..output import staged_folder
from ..progress import Progress, Stage
from ..settings import Settings
from ..version import VERSION
from .anatomy_arguments import add_anatomy_arguments, label_names
from .case_arguments import (
    add_patient_arguments,
    add_registration_arguments,
    patient_values,
    registration_values,
)
from .dose_arguments import add_dose_arguments, dose_values
from .generation_arguments import add_generation_arguments, generation_values
from .pet_arguments import add_pet_arguments, entered_values, existing
from .volume_arguments import add_volume_arguments, volume_values
from .write_case import summary_text, write_case

NAME = "run"
HELP = "Find lesions in a PSMA PET and tell which ones the radiotherapy volumes would miss."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    image = "DICOM folder, or .nrrd .nii .nii.gz .mha"
    parser.add_argument("--pet", type=existing, required=True, metavar="P", help=image)
    parser.add_argument("--ct", type=existing, metavar="C", help=f"the CT of the PET/CT: {image}")
    parser.add_argument("--ct-series", metavar="UID", help="series to read when the folder holds several CTs")
    parser.add_argument(
        "--volumes",
        type=existing,
        nargs="+",
        action="extend",
        default=[],
        metavar="V",
        help="RTSTRUCT, .seg.nrrd or label maps",
    )
    add_anatomy_arguments(parser, ".seg.nrrd, RTSTRUCT, DICOM SEG, or label map and --label-names")
    parser.add_argument("--settings", type=existing, metavar="S.json", help="settings file")
    parser.add_argument("--out", type=existing, required=True, metavar="OUT", help="folder for the results")
    parser.add_argument("--force", action="store_true", help="replace an existing folder")
    parser.add_argument(
        "--export-rtstruct",
        action="store_true",
        help="write rtstruct.dcm on the planning CT (or --ct): the volumes and the accepted lesions",
    )
    parser.add_argument(
        "--include-undecided",
        action="store_true",
        help="with --export-rtstruct: also what nobody has accepted, marked so in its description",
    )
    parser.add_argument(
        "--what-if",
        action="store_true",
        help="also the table of every guideline preset, some extensions and the trials' decisions side by "
        "side; takes half a minute more and needs --anatomy for the presets",
    )
    add_pet_arguments(parser)
    add_registration_arguments(parser)
    add_patient_arguments(parser)
    add_dose_arguments(parser)
    add_volume_arguments(parser)
    add_generation_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    settings = Settings.read(arguments.settings) if arguments.settings else Settings()
    files = CaseFiles(
        pet=arguments.pet,
        ct=arguments.ct,
        volumes=tuple(arguments.volumes),
        anatomy=arguments.anatomy,
        names=label_names(arguments),
        units=arguments.units,
        pet_series_uid=arguments.series,
        ct_series_uid=arguments.ct_series,
        entered=entered_values(arguments),
        **registration_values(arguments),
        **patient_values(arguments),
        **volume_values(arguments),
        **generation_values(arguments),
        **dose_values(arguments),
    )
    export = CaseExportRequest.of_files(files, arguments.export_rtstruct, arguments.include_undecided)
    stage = Stage(progress)
    with staged_folder(arguments.out, arguments.force) as work:
        document = run_into(work, arguments.out, files, settings, stage, export, arguments.what_if)
    stage.report(1.0, "done")
    return document, summary_text(document, arguments.out)


def run_into(
    work: Path,
    destination: Path,
    files: CaseFiles,
    settings: Settings,
    stage: Stage,
    export: CaseExportRequest | None = None,
    what_if: bool = False,
) -> dict[str, Any]:
    """Run the chain and write everything into `work`, which will be called `destination`."""
    started = time.perf_counter()
    case = run_chain(files, settings, f"psma-planning {VERSION}", stage.part(0.0, 0.5))
    timings_s = {"chain": time.perf_counter() - started}
    columns = None
    if what_if:
        started = time.perf_counter()
        columns = case_what_if(case, stage=stage.part(0.5, 0.6))
        timings_s["what_if"] = time.perf_counter() - started
    return write_case(
        case, work, destination, timings_s, stage.part(0.6, 1.0), export=export, what_if=columns
    )
