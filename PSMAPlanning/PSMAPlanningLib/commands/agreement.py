"""psma-planning agreement: how far several contours agree."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np

from ..consensus.agreement import Agreement, agreement
from ..consensus.domain import Domain
from ..consensus.patient import PatientAgreement, patient_agreement
from ..progress import Progress, Stage
from .contour_files import add_contour_arguments, read_contours, read_readers

NAME = "agreement"
HELP = "Compare two or more contours of a lesion, or all lesions of a patient, by overlap and distance."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_contour_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    domain = Domain.parse(arguments.domain)
    tolerances_mm = tuple(arguments.tolerance_mm)
    stage = Stage(progress)
    stage.report(0.0, "reading")
    if arguments.per_lesion:
        readers, warnings = read_readers(arguments, None)
        stage.report(0.3, "matching and comparing")
        answer = patient_agreement(readers, domain=domain, tolerances_mm=tolerances_mm)
        document = {**patient_document(answer), "warnings": warnings}
        text = _patient_text(document)
    else:
        contours, warnings = read_contours(arguments, None)
        stage.report(0.3, "comparing")
        compared = agreement(contours, domain=domain, tolerances_mm=tolerances_mm)
        document = {**agreement_document(compared), "warnings": warnings}
        text = agreement_text(document)
    stage.report(1.0, "done")
    return document, text


def agreement_document(answer: Agreement) -> dict[str, Any]:
    """An agreement in plain numbers; what does not exist is null."""
    return {
        "names": list(answer.names),
        "left_out_empty": list(answer.empty),
        "volumes_ml": list(answer.volumes_ml),
        "dice": plain(answer.dice),
        "mean_dice": plain(answer.mean_dice),
        "conformity_index": plain(answer.conformity_index),
        "fleiss_kappa": plain(answer.fleiss_kappa),
        "kappa_domain": str(answer.kappa_domain),
        "kappa_domain_voxels": answer.kappa_domain_voxels,
        "hd95_mm": plain(answer.hd95_mm),
        "mean_surface_distance_mm": plain(answer.mean_surface_distance_mm),
        "surface_dice": {f"{t:g}": plain(matrix) for t, matrix in answer.surface_dice.items()},
        "added_path_length_mm": plain(answer.added_path_length_mm),
        "added_path_length_by_slice_mm": plain(answer.path_by_slice_mm),
        "added_path_length_at_tolerance_mm": {
            f"{t:g}": plain(matrix) for t, matrix in answer.path_tolerated_mm.items()
        },
        "spacing_mm": list(answer.spacing_mm),
        "resampled": answer.resampled,
    }


def patient_document(answer: PatientAgreement) -> dict[str, Any]:
    """Agreement over a patient: `whole` takes all lesions of a reader as one contour."""
    lesions = [
        {
            "id": f"L{number}",
            "found_by": list(lesion.match.found_by),
            "not_found_by": list(lesion.not_found_by),
            "bridged": lesion.match.bridged,
            "agreement": None if lesion.agreement is None else agreement_document(lesion.agreement),
        }
        for number, lesion in enumerate(answer.lesions, start=1)
    ]
    return {
        "found": dict(answer.found),
        "lesions": lesions,
        "by_one_reader_only": [one["id"] for one in lesions if len(one["found_by"]) == 1],
        "whole": None if answer.whole is None else agreement_document(answer.whole),
    }


def plain(value: Any) -> Any:
    """Nested lists of numbers; NaN, which JSON does not have, becomes None."""
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value]
    return None if math.isnan(value) else float(value)


def agreement_text(document: dict[str, Any]) -> str:
    """The figures in words, and one matrix after the other."""
    kappa = document["fleiss_kappa"]
    lines = [
        f"generalised conformity index {document['conformity_index']:.4f}, "
        f"mean Dice {document['mean_dice']:.4f}",
        f"Fleiss' kappa {'undefined' if kappa is None else format(kappa, '.4f')} "
        f"in the domain {document['kappa_domain']} ({document['kappa_domain_voxels']} voxels)",
        *_matrix("Dice", document["names"], document["dice"]),
        *_matrix("HD95, mm", document["names"], document["hd95_mm"]),
        *_matrix("mean surface distance, mm", document["names"], document["mean_surface_distance_mm"]),
    ]
    for tolerance, matrix in document["surface_dice"].items():
        lines += _matrix(f"surface Dice at {tolerance} mm", document["names"], matrix)
    lines += _matrix(
        "added path length, mm (row: reference)", document["names"], document["added_path_length_mm"]
    )
    if document["left_out_empty"]:
        lines.append(f"Empty and left out: {', '.join(document['left_out_empty'])}.")
    return "\n".join(lines)


def _matrix(title: str, names: list[str], rows: list[list[float]]) -> list[str]:
    lines = ["", title]
    for name, row in zip(names, rows, strict=True):
        lines.append(f"  {name:<28}" + "".join(f"{value:>10.3f}" for value in row))
    return lines


def _patient_text(document: dict[str, Any]) -> str:
    found = ", ".join(f"{name} {count}" for name, count in document["found"].items())
    lines = [f"lesions found: {found}"]
    for lesion in document["lesions"]:
        compared = lesion["agreement"]
        figures = (
            "found by one reader only"
            if compared is None
            else f"conformity {compared['conformity_index']:.3f}  mean Dice {compared['mean_dice']:.3f}"
        )
        missed = f"; not by {', '.join(lesion['not_found_by'])}" if lesion["not_found_by"] else ""
        lines.append(f"  {lesion['id']:<5}{figures}  by {', '.join(lesion['found_by'])}{missed}")
    if document["whole"] is not None:
        lines += ["", "whole patient", agreement_text(document["whole"])]
    return "\n".join(lines)
