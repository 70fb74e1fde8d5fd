"""psma-planning suv: SUV conversion with its audit."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ..imaging.image_file import write_image_file
from ..imaging.read import read_pet
from ..output import check_free, staged_file
from ..progress import Progress
from .pet_arguments import add_pet_arguments, entered_values, existing

NAME = "suv"
HELP = "Convert a PET to SUV normalised to body weight and show every value the conversion rests on."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pet", type=existing, metavar="P", help="DICOM folder, or .nrrd .nii .nii.gz .mha")
    parser.add_argument("--out", type=existing, metavar="F", help="write the SUV image (.nrrd .nii.gz .mha)")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    add_pet_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    if arguments.out is not None:
        check_free(arguments.out, arguments.force)
    progress(0.0, "reading PET")
    pet = read_pet(
        arguments.pet,
        units=arguments.units,
        series_uid=arguments.series,
        entered=entered_values(arguments),
    )
    array, grid = pet.image.array, pet.image.grid
    document = {
        **pet.suv.to_document(),
        "warnings": list(pet.all_warnings),
        "min": float(array.min()),
        "mean": float(array.mean(dtype=np.float64)),
        "max": float(array.max()),
        "shape": list(reversed(grid.shape_kji)),
        "spacing_mm": list(grid.spacing_mm),
    }
    if arguments.out is not None:
        progress(0.8, "writing")
        with staged_file(arguments.out, arguments.force) as work:
            write_image_file(pet.image, work)
        document["file"] = str(arguments.out)
    progress(1.0, "done")
    return document, _text(document)


def _text(document: dict[str, Any]) -> str:
    rows = [(key, value) for key, value in document.items() if key not in ("warnings", "sources")]
    sources = document.get("sources") or {}
    width = max(len(key) for key, _ in rows)
    lines = []
    for key, value in rows:
        shown = "not known" if value is None else f"{value:.8g}" if isinstance(value, float) else value
        source = f"   [{sources[key]}]" if key in sources else ""
        lines.append(f"{key:<{width}}  {shown}{source}")
    return "\n".join(lines)
