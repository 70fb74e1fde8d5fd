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

_ROWS = (
    ("units_in", "Voxels in", ""),
    ("quantity", "Converted to", ""),
    ("factor", "Factor", " per unit"),
    ("branch", "Way taken", ""),
    ("decay_correction", "Decay correction", ""),
    ("injection_time", "Injection", ""),
    ("reference_time", "Decayed to", ""),
    ("half_life_s", "Half-life", " s"),
    ("nuclide", "Nuclide", ""),
    ("dose_bq", "Injected activity", " Bq"),
    ("weight_kg", "Body weight", " kg"),
    ("height_m", "Body height", " m"),
    ("sex", "Sex", ""),
    ("tracer", "Tracer", ""),
    ("uptake_time_min", "Uptake time", " min"),
    ("min", "Lowest", ""),
    ("mean", "Mean", ""),
    ("max", "Highest", ""),
    ("shape", "Voxels", ""),
    ("spacing_mm", "Voxel size", " mm"),
)
_SOURCE_OF = {"units_in": "units"}
_ONLY_WHERE_USED = ("height_m", "sex")
_OPTIONS = {"tracer": "--tracer", "uptake_time_min": "--injection-time or --uptake-min"}


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
    """The audit for reading: one line per value with where it came from, then what is to be asked for."""
    sources = document["sources"]
    lines = [
        _line(label, _shown(document[key], unit), sources.get(_SOURCE_OF.get(key, key)))
        for key, label, unit in _ROWS
        if document[key] is not None or key not in _ONLY_WHERE_USED
    ]
    lines += [_line("Tracer known as", text) for text in _tracer_lines(document["tracer_facts"])]
    used = {_SOURCE_OF.get(key, key) for key, *_ in _ROWS}
    lines += [_line(f"{name} from", source) for name, source in sources.items() if name not in used]
    if document["missing"]:
        asked = ", ".join(f"{name} ({_OPTIONS[name]})" for name in document["missing"])
        lines.append(_line("Still to be asked for", asked))
    if "file" in document:
        lines.append(_line("Written to", document["file"]))
    return "\n".join(lines)


def _line(label: str, shown: str, source: str | None = None) -> str:
    return f"{label:<24}{shown}" + (f"   [{source}]" if source else "")


def _shown(value: Any, unit: str) -> str:
    if value is None:
        return "not known"
    if isinstance(value, list):
        return " x ".join(f"{part:.6g}" for part in value) + unit
    return (f"{value:.8g}" if isinstance(value, float) else str(value)) + unit


def _tracer_lines(facts: dict[str, Any] | None) -> list[str]:
    if facts is None:
        return []
    window = facts["uptake_window_min"]
    usual = "usual uptake time not known"
    if window is not None:
        usual = f"usual uptake time {window[0]:g} to {window[1]:g} min"
        usual += "" if facts["uptake_verified"] else " (recalled, not verified)"
    reference = facts["expression_reference"]
    score = f"expression score against the {reference}" if reference else "no expression score from it alone"
    return [f"{facts['name']}: {score}, {usual}"]
