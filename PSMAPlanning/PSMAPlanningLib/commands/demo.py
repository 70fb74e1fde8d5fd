"""psma-planning demo: a digital patient, the whole chain on it, and what was found against the truth."""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..case import PlanningCase
from ..case_export import CaseExportRequest
from ..chain import CaseFiles, run_chain
from ..coverage.lesion_coverage import class_of_fraction
from ..imaging.image import Image, Quantity
from ..imaging.image_file import write_image_file
from ..imaging.phantom import Phantom, PhantomParameters, make_phantom, write_dicom
from ..imaging.phantom.tissues import STRUCTURES
from ..output import staged_folder
from ..progress import Progress, Stage
from ..records import Lesion
from ..settings import Settings
from ..version import VERSION
from .pet_arguments import existing
from .write_case import summary_text, write_case

NAME = "demo"
HELP = "Make a digital patient with known lesions, run the whole chain on it and compare with the truth."

_PATIENT = "patient"
_DETECTABLE_DIAMETER_MM = 8.0
_DETECTABLE_CONTRAST = 8.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=existing, metavar="OUT", help="folder for the patient and the results")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another patient (default 1)")
    parser.add_argument("--small", action="store_true", help="coarser voxels, for a quick look")
    parser.add_argument("--force", action="store_true", help="replace an existing folder")


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    parameters = PhantomParameters(seed=arguments.seed, variant="small" if arguments.small else "full")
    stage = Stage(progress)
    with staged_folder(arguments.out, arguments.force) as work:
        started = time.perf_counter()
        phantom = make_phantom(parameters, _within(stage.part(0.0, 0.25)))
        stage.report(0.25, "writing the patient as DICOM")
        files = write_patient(phantom, work / _PATIENT)
        timings_s = {"phantom": time.perf_counter() - started}
        started = time.perf_counter()
        case = run_chain(files, Settings(), f"psma-planning {VERSION}", stage.part(0.4, 0.7))
        timings_s["chain"] = time.perf_counter() - started
        truth = truth_documents(phantom, case)
        export = CaseExportRequest.of_files(files)
        document = write_case(case, work, arguments.out, timings_s, stage.part(0.7, 1.0), truth, export)
    stage.report(1.0, "done")
    return document, f"{_truth_text(truth)}\n{summary_text(document, arguments.out)}"


def write_patient(phantom: Phantom, folder: Path) -> CaseFiles:
    """The phantom as a clinic would send it: DICOM PET and CT, volumes and organs as label maps."""
    write_dicom(phantom, folder)
    volumes = []
    for name, mask in phantom.volumes.items():
        volumes.append(folder / f"{name}.nrrd")
        write_image_file(mask, volumes[-1])
    names = dict(enumerate(phantom.structure_names, start=1))
    # Structures overlap (a vessel and its branches); the finer ones come later and stay.
    structure_of_tissue = np.zeros(256, dtype=np.uint8)
    for value, name in names.items():
        structure_of_tissue[list(STRUCTURES[name])] = value
    organs = structure_of_tissue[phantom.labels]
    write_image_file(Image(organs, phantom.ct.grid, Quantity.UNKNOWN), folder / "anatomy.nrrd")
    with (folder / "anatomy-names.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("label", "name"), *names.items()])
    return CaseFiles(
        pet=folder / "PT",
        ct=folder / "CT",
        volumes=tuple(volumes),
        anatomy=folder / "anatomy.nrrd",
        names=names,
    )


def truth_documents(phantom: Phantom, case: PlanningCase) -> list[dict[str, Any]]:
    """Each lesion of the phantom: what it is, what was found there, and whether the class is right."""
    coverage = case.coverage()
    limits = case.state.settings.coverage
    documents = []
    for truth in phantom.lesions:
        found = _found_at(case, truth.centre_ras, truth.diameter_mm)
        expected = {name: class_of_fraction(f, limits).value for name, f in truth.coverage.items()}
        got = {n: c.coverage_class.value for n, c in coverage[found.id].items()} if found else None
        documents.append(
            {
                "name": truth.name,
                "region": truth.region,
                "side": truth.side,
                "centre": list(truth.centre_ras),
                "diameter_mm": truth.diameter_mm,
                "volume_ml": truth.volume_ml,
                "true_suv": truth.true_suv,
                "contrast": truth.contrast,
                "classes": expected,
                "must_be_found": truth.diameter_mm >= _DETECTABLE_DIAMETER_MM
                and truth.contrast >= _DETECTABLE_CONTRAST,
                "found_as": found.id if found else None,
                "found_volume_ml": found.contour.mask.volume_ml if found else None,
                "found_suv_max": found.region.suv_max if found else None,
                "classes_right": got == expected if found else None,
            }
        )
    return documents


def _found_at(
    case: PlanningCase, centre_ras: tuple[float, float, float], diameter_mm: float
) -> Lesion | None:
    """The lesion whose contour's centroid or hottest voxel lies in the true sphere, or within 4 mm of it."""

    def distance_mm(lesion: Lesion) -> float:
        places = (lesion.contour.mask.centroid_ras(), lesion.region.peak_ras)
        return min(float(np.linalg.norm(np.subtract(place, centre_ras))) for place in places)

    nearest = min(case.state.lesions, key=distance_mm, default=None)
    within = nearest is not None and distance_mm(nearest) <= diameter_mm / 2 + 4.0
    return nearest if within else None


def _within(stage: Stage) -> Progress:
    return lambda fraction, doing: stage.report(fraction, doing)


def _truth_text(truth: list[dict[str, Any]]) -> str:
    lines = [
        f"{'truth':<16}{'mm':>6}{'SUV':>7}{'contrast':>10}  {'found as':<10}{'true mL':>8}{'found':>7}  class"
    ]
    for row in truth:
        found = row["found_as"] or "not found"
        volume = "" if row["found_volume_ml"] is None else f"{row['found_volume_ml']:.2f}"
        right = {True: "right", False: "WRONG", None: ""}[row["classes_right"]]
        lines.append(
            f"{row['name']:<16}{row['diameter_mm']:>6.1f}{row['true_suv']:>7.1f}{row['contrast']:>8.1f}:1  "
            f"{found:<10}{row['volume_ml']:>8.2f}{volume:>7}  {right}"
        )
    due = [row for row in truth if row["must_be_found"]]
    good = sum(bool(row["classes_right"]) for row in due)
    lines.append(
        f"{good} of {len(due)} lesions of {_DETECTABLE_DIAMETER_MM:g} mm or more and a contrast of "
        f"{_DETECTABLE_CONTRAST:g}:1 or more found and in the right class."
    )
    return "\n".join(lines)
