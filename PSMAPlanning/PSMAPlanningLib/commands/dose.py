"""psma-planning dose: dose-volume figures and constraints of structures, for one plan or two."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from ..case_dose import DoseFiles, DoseInputs, read_doses
from ..coverage.constraint_table import default_constraints
from ..coverage.constraints import ConstraintResult, NamedDose, check_constraints
from ..coverage.dose_coverage import dosed_structure
from ..coverage.dvh import dose_of
from ..coverage.isotoxic import compare_plans
from ..coverage.prescribed_dose import fractions_of, prescribed_doses
from ..dicomrt.contour_occupancy import roi_occupancy
from ..dicomrt.rtstruct_reader import STATUS_OK
from ..dose_document import (
    comparison_document,
    constraints_document,
    dvh_document,
    structure_dose_document,
)
from ..errors import FrameOfReferenceError, GridError, InputError
from ..imaging.grid import VoxelGrid
from ..imaging.image import Image, Mask
from ..imaging.patient_identity import check_patient
from ..progress import Progress, Stage
from ..rtvolumes.name_mapping import TARGET_KINDS, NamedStructure, match_names
from ..rtvolumes.names import kind_of, unique_names
from ..rtvolumes.occupancy import OccupancyField
from ..settings import DoseSettings
from ..volume_files import VolumeFile, identities_of, read_volume_files
from .dose_arguments import add_dose_arguments, dose_values
from .pet_arguments import existing

NAME = "dose"
HELP = "Tell the dose of structures: D98, D95, mean, histograms, and which constraints are met."
_PIXEL_MM = 1.25
"""Contours become shares of pixels no larger than this: those of a planning CT are about 1 mm."""


@dataclass(frozen=True, eq=False)
class _Structure:
    name: str
    kind: str | None
    filled: Mask | OccupancyField


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--volumes",
        type=existing,
        nargs="+",
        required=True,
        metavar="V",
        help="RTSTRUCT, DICOM SEG, .seg.nrrd or label maps in the frame of the dose",
    )
    parser.add_argument(
        "--confirm-same-patient",
        metavar="WHO",
        help="WHO confirms that the files are one patient's although patient ID, name or birth date differ",
    )
    add_dose_arguments(parser, required=True)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    stage = Stage(progress)
    given = dose_values(arguments)
    inputs = read_doses(
        DoseFiles(
            given["dose"],
            given["comparison_dose"],
            given["sum_doses"],
            given["prescriptions"],
            given["constraints"],
        )
    )
    files = read_volume_files(tuple(arguments.volumes), stage.part(0.2, 0.4))
    check = check_patient((*identities_of(files), *inputs.identities))
    who = (arguments.confirm_same_patient or "").strip()
    if who:
        check = check.confirm(who, datetime.now(timezone.utc).isoformat(timespec="seconds"))
    check.require_one_patient()
    warnings = [f"{role}: {warning}" for role, dose in inputs.all for warning in dose.warnings]
    warnings += check.warnings
    _require_one_frame(files, inputs)
    structures = _structures(files, inputs.dose.image, warnings)
    names = [each.name for each in structures]
    targets = [each.name for each in structures if each.kind in TARGET_KINDS]
    prescriptions = prescribed_doses(given["prescriptions"], targets, names)
    fractions = fractions_of(prescriptions)
    table = inputs.constraints or default_constraints()

    def plan(dose: Image) -> tuple[Sequence[ConstraintResult], tuple[NamedDose, ...]]:
        doses = _doses(structures, dose)
        return check_constraints(table, doses, fractions, float(dose.array.max())), doses

    stage.report(0.5, "dose of the structures")
    results, doses = plan(inputs.dose.image)
    comparison = None
    if inputs.comparison is not None:
        other_results, other = plan(inputs.comparison.image)
        comparison = compare_plans(
            (results, [each for each in doses if each.name in targets]),
            (other_results, [each for each in other if each.name in targets]),
        )
    document = {
        "patient_check": check.to_document(),
        "max_gy": float(inputs.dose.image.array.max()),
        "summation_type": inputs.dose.summation_type,
        "end_caps": DoseSettings().end_caps,
        "prescriptions": [asdict(each) for each in prescriptions],
        "fractions": fractions,
        "volumes": [
            {
                "name": each.name,
                "type": structure.kind,
                "tg263": each.tg263,
                "volume_ml": structure.filled.volume_ml,
                **structure_dose_document(each.dose),
            }
            for each, structure in zip(doses, structures, strict=True)
        ],
        "constraints": constraints_document(results, table.name, table.off),
        "dvh": [
            dvh_document(each.name, structure.kind, each.dose, DoseSettings().dvh_bin_gy)
            for each, structure in zip(doses, structures, strict=True)
        ],
        "comparison": comparison and comparison_document(comparison),
        "warnings": warnings,
    }
    return document, _text(document)


def _require_one_frame(files: Sequence[VolumeFile], inputs: DoseInputs) -> None:
    frame = inputs.dose.image.frame_of_reference_uid
    others = [(file.path.name, file.frame_uid) for file in files]
    others += [(role, dose.image.frame_of_reference_uid) for role, dose in inputs.all]
    for name, uid in others:
        if uid is not None and uid != frame:
            raise FrameOfReferenceError(
                f"{name} has another frame of reference than the RTDOSE, so they are not compared; give the "
                "structures and doses of one planning CT."
            )


def _structures(files: Sequence[VolumeFile], dose: Image, warnings: list[str]) -> list[_Structure]:
    """Every structure with contours or voxels; contours as shares of pixels of the dose grid's space."""
    factors = tuple(math.ceil(s / _PIXEL_MM - 1e-6) for s in dose.grid.spacing_kji_mm)
    found = []
    for file in files:
        for roi in file.structure_set.rois if file.structure_set else ():
            if roi.status != STATUS_OK:
                warnings.append(
                    f"{file.path.name}: {roi.name} has no contours ({roi.status}) and was left out."
                )
                continue
            kind, _ = kind_of(roi.name, roi.kind)
            fine = _around(np.concatenate(roi.contours), dose.grid).refine(factors)
            try:
                occupancy = roi_occupancy(roi, fine)
            except GridError as error:
                raise GridError(f"{file.path.name}: {error}") from None
            found.append(_Structure(roi.name, kind, occupancy))
        masks = [(s.name, None, s.mask) for s in file.segments.segments] if file.segments else []
        masks += [(label.name, label.kind, label.mask) for label in file.labels]
        for name, stated, mask in masks:
            kind, _ = kind_of(name, stated)
            found.append(_Structure(name, kind, mask))
    if not found:
        raise InputError("None of the files holds a structure with contours or voxels; check them.")
    names = unique_names([each.name for each in found])
    return [_Structure(name, each.kind, each.filled) for name, each in zip(names, found, strict=True)]


def _around(points_ras: np.ndarray, grid: VoxelGrid) -> VoxelGrid:
    """The lattice of the dose grid around some points, beyond the grid's ends where they lie outside."""
    kji = grid.kji_of(points_ras)
    # Three planes more: contours stand for half a slice to either side, slices being up to 10 mm.
    room = np.ceil(10.0 / np.array(grid.spacing_kji_mm))
    low = np.floor(kji.min(axis=0)) - room
    high = np.ceil(kji.max(axis=0)) + room
    shape = tuple(int(n) for n in high - low + 1)
    return VoxelGrid(shape, grid.spacing_mm, grid.position_of(low), grid.direction_ras)


def _doses(structures: Sequence[_Structure], dose: Image) -> tuple[NamedDose, ...]:
    matches = match_names([NamedStructure(each.name, each.kind) for each in structures])
    return tuple(
        NamedDose(each.name, match.tg263, dose_of(dosed_structure(each.filled, DoseSettings()), dose))
        for each, match in zip(structures, matches, strict=True)
    )


def _text(document: dict[str, Any]) -> str:
    def gray(value: float | None) -> str:
        return "      –" if value is None else f"{value:7.2f}"

    lines = ["Structure           mL      D98     D95    mean      D2  Gy"]
    for row in document["volumes"]:
        figures = " ".join(gray(row[key]) for key in ("d98_gy", "d95_gy", "mean_gy", "d2_gy"))
        outside = row["outside_dose_grid"]
        note = f"  {outside:.1%} outside the dose grid" if outside > 0.001 else ""
        lines.append(f"{row['name']:<14.14s} {row['volume_ml']:8.1f}  {figures}{note}")
    for line in document["constraints"]["lines"]:
        if line["volume"] is not None:
            reached = "–" if line["reached"] is None else f"{line['reached']:.1f} {line['unit']}"
            aim = " (aim)" if line["kind"] == "aim" else ""
            lines.append(f"{line['volume']}: {line['constraint']}{aim}: {reached}, {line['verdict']}")
    if document["fractions"] is None:
        lines.append("Fractions are not stated: constraints are compared as published, for 2 Gy fractions.")
    comparison = document["comparison"]
    if comparison is not None:
        for target in comparison["targets"]:
            first, second = target["first"]["mean_gy"], target["second"]["mean_gy"]
            lines.append(f"{target['volume']}: mean {gray(first).strip()} -> {gray(second).strip()} Gy")
        said = {True: "yes", False: "no", None: "not determined"}[comparison["isotoxic"]]
        lines.append(f"The second plan breaks no constraint that the first keeps: {said}")
    return "\n".join(lines)
