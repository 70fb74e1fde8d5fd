"""psma-planning consensus: one contour out of several, of one lesion or of a whole patient."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..consensus.agreement import agreement
from ..consensus.consensus import Consensus, consensus
from ..consensus.domain import Domain
from ..consensus.fusion import METHODS
from ..consensus.lesion_matching import ReaderLesions, merged
from ..consensus.patient import LesionConsensus, patient_consensus
from ..errors import ConsensusError, InputError, OutputError
from ..imaging.image import Image, Mask, Quantity
from ..imaging.image_file import suffix_of, write_image_file
from ..imaging.read import read_pet
from ..output import check_free, staged_file
from ..progress import Progress, Stage
from .agreement import agreement_document
from .contour_files import add_contour_arguments, read_contours, read_readers
from .pet_arguments import add_pet_arguments, entered_values, existing

NAME = "consensus"
HELP = "Fuse several contours of a lesion (or of all lesions of a patient) and tell where they disagree."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_contour_arguments(parser)
    parser.add_argument("--method", required=True, metavar="NAME", help=f"one of: {', '.join(METHODS)}")
    parser.add_argument(
        "--set",
        dest="set_values",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="k=N: how many must agree, for at_least (default 2)",
    )
    parser.add_argument(
        "--families",
        metavar="A,B,...",
        help="family of each contour (fixed, relative, adaptive, gradient, ...); each family has one vote",
    )
    parser.add_argument("--pet", type=existing, metavar="P", help="tell the equivalent SUV threshold on it")
    parser.add_argument("--out", type=existing, metavar="F", help="write the contour (.nrrd .nii.gz .mha)")
    parser.add_argument("--probability-out", type=existing, metavar="G", help="write the probability image")
    parser.add_argument(
        "--disputed-out", type=existing, metavar="H", help="write the shell where 10 to 90 %% agree"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_pet_arguments(parser)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    outputs = [arguments.out, arguments.probability_out, arguments.disputed_out]
    for path in filter(None, outputs):
        check_free(path, arguments.force)
        if suffix_of(path) is None:
            raise OutputError(f"{path} must end in .nrrd, .nii, .nii.gz or .mha.")
    if len({path for path in outputs if path}) < len([path for path in outputs if path]):
        raise OutputError("Two results would go to the same file; give each a name of its own.")
    domain = Domain.parse(arguments.domain)
    options: dict[str, Any] = {
        "domain": domain,
        "at_least": _at_least(arguments.set_values),
        "weigh_families": arguments.families is not None,
    }
    stage = Stage(progress)
    stage.report(0.0, "reading")
    if arguments.pet is not None:
        pet = read_pet(
            arguments.pet,
            units=arguments.units,
            series_uid=arguments.series,
            entered=entered_values(arguments),
        )
        options["pet"] = pet.image
    run = _patient if arguments.per_lesion else _one_lesion
    return run(arguments, options, stage)


def _one_lesion(
    arguments: argparse.Namespace, options: dict[str, Any], stage: Stage
) -> tuple[dict[str, Any], str]:
    contours, warnings = read_contours(arguments, _families(arguments))
    stage.report(0.3, "fusing")
    answer = consensus(contours, arguments.method, **options)
    document = {**consensus_document(answer, options["domain"]), "warnings": warnings}
    stage.report(0.6, "comparing")
    if len(answer.inputs) > 1:
        compared = agreement(
            answer.inputs, domain=options["domain"], tolerances_mm=tuple(arguments.tolerance_mm)
        )
        document["agreement"] = agreement_document(compared)
    if arguments.probability_out is not None and answer.fusion.probability is None:
        raise OutputError(
            f"{arguments.method} gives no probability; leave --probability-out away or take probability, "
            "staple or simple."
        )
    stage.report(0.9, "writing")
    probability = answer.fusion.probability
    document["files"] = _written(
        arguments,
        answer.mask,
        None if probability is None else Image(probability, answer.mask.grid, Quantity.UNKNOWN),
        answer.disputed,
    )
    stage.report(1.0, "done")
    return document, _text(document)


def _patient(
    arguments: argparse.Namespace, options: dict[str, Any], stage: Stage
) -> tuple[dict[str, Any], str]:
    if arguments.probability_out is not None:
        raise OutputError("--probability-out is for one lesion; leave it away or leave --per-lesion away.")
    readers, warnings = read_readers(arguments, _families(arguments))

    def follow(fraction: float, doing: str) -> None:
        stage.report(0.3 + 0.6 * fraction, doing)

    domain = options["domain"]
    lesions = patient_consensus(readers, arguments.method, **options, progress=follow)
    document: dict[str, Any] = {
        "method": arguments.method,
        "domain": str(domain),
        "volume_ml": sum(lesion.consensus.mask.volume_ml for lesion in lesions if lesion.consensus),
        "inputs": [_reader_document(reader) for reader in readers],
        "agreement": None,
        "lesions": [
            _lesion_document(number, lesion, domain) for number, lesion in enumerate(lesions, start=1)
        ],
        "warnings": warnings,
    }
    fused = [lesion.consensus for lesion in lesions if lesion.consensus]
    document["files"] = _written(
        arguments,
        _joined([one.mask for one in fused], readers) if arguments.out else None,
        None,
        _joined([one.disputed for one in fused], readers) if arguments.disputed_out else None,
    )
    stage.report(1.0, "done")
    return document, _patient_text(document)


def consensus_document(answer: Consensus, domain: Domain) -> dict[str, Any]:
    """What a consensus is, in plain numbers; `agreement` is null until it is asked for.

    domain: the one asked for; `domain_voxels` is null for methods that do not depend on it.
    """
    fusion = answer.fusion
    names = [each.name for each in answer.inputs]
    threshold = answer.threshold
    return {
        "method": fusion.method,
        "domain": str(domain),
        "domain_voxels": fusion.domain_voxels,
        "volume_ml": fusion.mask.volume_ml,
        "disputed_ml": answer.disputed.volume_ml,
        "inputs": [
            {
                "name": each.name,
                "family": each.family or None,
                "volume_ml": each.mask.volume_ml,
                "weight": None if answer.weights is None else answer.weights[number],
                "dropped": number in fusion.dropped,
            }
            for number, each in enumerate(answer.inputs)
        ],
        "left_out_empty": list(answer.empty),
        "agreement": None,
        "sensitivity": None if fusion.sensitivity is None else list(fusion.sensitivity),
        "specificity": None if fusion.specificity is None else list(fusion.specificity),
        "iterations": fusion.iterations,
        "nested": answer.nesting.nested,
        "nested_chain": [names[number] for number in answer.nesting.chain],
        "order_statistic": answer.nesting.rank,
        "equivalent_threshold_suv": None if threshold is None else threshold.suv,
        "equivalent_threshold_dice": None if threshold is None else threshold.dice,
        "resampled": answer.resampled,
        "spacing_mm": list(answer.mask.grid.spacing_mm),
        "notes": list(answer.notes),
    }


def _lesion_document(number: int, lesion: LesionConsensus, domain: Domain) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"L{number}",
        "found_by": list(lesion.match.found_by),
        "not_found_by": list(lesion.not_found_by),
        "bridged": lesion.match.bridged,
        "refused": lesion.refused,
        "centroid": None,
    }
    if lesion.consensus is not None:
        document.update(consensus_document(lesion.consensus, domain))
        del document["agreement"]
        if not lesion.consensus.mask.is_empty:
            document["centroid"] = list(lesion.consensus.mask.centroid_ras())
    return document


def _reader_document(reader: ReaderLesions) -> dict[str, Any]:
    return {"name": reader.reader, "family": reader.family or None, "lesions": len(reader.lesions)}


def _joined(masks: Sequence[Mask], readers: Sequence[ReaderLesions]) -> Mask:
    filled = [mask.cropped() for mask in masks if not mask.is_empty]
    if not filled:
        grid = next(mask.grid for reader in readers for mask in reader.lesions)
        return Mask(np.zeros(grid.shape_kji, dtype=bool), grid)
    return merged(filled)


def _written(
    arguments: argparse.Namespace, mask: Mask | None, probability: Image | None, disputed: Mask | None
) -> list[str]:
    wanted: list[tuple[Path | None, Image | Mask | None]] = [
        (arguments.out, mask),
        (arguments.probability_out, probability),
        (arguments.disputed_out, disputed),
    ]
    files = []
    for path, volume in wanted:
        if path is not None and volume is not None:
            with staged_file(path, arguments.force) as work:
                write_image_file(volume, work)
            files.append(str(path))
    return files


def _at_least(given: Sequence[str]) -> int:
    count = 2
    for item in given:
        key, _, value = item.partition("=")
        if key != "k" or not value.isascii() or not value.isdigit() or int(value) < 1:
            raise ConsensusError(f"--set {item} is not known here; write --set k=3 for at least three.")
        count = int(value)
    return count


def _families(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    if arguments.families is None:
        return None
    families = tuple(part.strip() for part in arguments.families.split(","))
    if not any(families):
        raise InputError("--families is empty; name one family per contour, separated by commas.")
    return families


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{document['method']}: {document['volume_ml']:.3f} mL, "
        f"disputed shell (10 to 90 %) {document['disputed_ml']:.3f} mL"
    ]
    if document["equivalent_threshold_suv"] is not None:
        lines.append(
            f"equivalent threshold SUV {document['equivalent_threshold_suv']:.2f} "
            f"(Dice {document['equivalent_threshold_dice']:.3f})"
        )
    if document["sensitivity"] is not None:
        lines.append(f"performance in the domain {document['domain']} ({document['domain_voxels']} voxels):")
    performance = zip(document["sensitivity"] or (), document["specificity"] or (), strict=True)
    figures = [f"  sensitivity {p:.4f}  specificity {q:.4f}" for p, q in performance]
    for number, each in enumerate(document["inputs"]):
        dropped = "  dropped" if each["dropped"] else ""
        lines.append(
            f"  {each['name']:<28}{each['volume_ml']:>9.3f} mL{figures[number] if figures else ''}{dropped}"
        )
    if document["agreement"] is not None:
        compared = document["agreement"]
        kappa = compared["fleiss_kappa"]
        lines.append(
            f"conformity index {compared['conformity_index']:.3f}, "
            f"Fleiss' kappa {'undefined' if kappa is None else format(kappa, '.3f')} "
            f"in the domain {compared['kappa_domain']} ({compared['kappa_domain_voxels']} voxels)"
        )
    return "\n".join([*lines, *document["notes"]])


def _patient_text(document: dict[str, Any]) -> str:
    lines = [f"{document['method']}: {len(document['lesions'])} lesions, {document['volume_ml']:.3f} mL"]
    for lesion in document["lesions"]:
        volume = "     none" if lesion["refused"] else f"{lesion['volume_ml']:9.3f}"
        missed = f"; not by {', '.join(lesion['not_found_by'])}" if lesion["not_found_by"] else ""
        lines.append(f"  {lesion['id']:<5}{volume} mL  found by {', '.join(lesion['found_by'])}{missed}")
        if lesion["refused"]:
            lines.append(f"       {lesion['refused']}")
    return "\n".join(lines)
