"""psma-planning coverage: which lesions lie inside which volumes, and by how much those miss the others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..case_document import coverage_document
from ..case_patient import MADE_FROM_LESIONS
from ..case_what_if import WhatIfInputs, what_if_columns, what_if_document
from ..consensus.lesion_matching import lesions_of
from ..coverage.lesion_coverage import CoverageCache
from ..coverage.patient_result import PatientFacts, PatientLesion, PatientResult, Target, patient_result
from ..coverage.regions import RegionAssignment
from ..coverage.regions_anatomy import RegionAnatomy
from ..coverage.regions_assign import assign_regions
from ..errors import InputError
from ..imaging.image import Mask
from ..imaging.label_file import read_labels
from ..imaging.read import read_ct
from ..imaging.tracers import tracer_facts
from ..patient_document import patient_document, region_document
from ..progress import Progress, Stage
from ..records import Registration
from ..report.what_if_card import region_words, what_if_text
from ..rtvolumes.name_mapping import NamedStructure, match_names
from ..rtvolumes.names import unique_names
from ..settings import Settings
from ..volume_generation import VolumeGenerator, case_anatomy, case_landmarks
from .anatomy_arguments import add_anatomy_arguments, label_names
from .generation_arguments import add_landmark_arguments, generation_request
from .pet_arguments import existing
from .structure_files import ImagePlace, Structure, image_place, read_structures

NAME = "coverage"
_TARGET_KINDS = ("CTV", "ITV", "PTV")
HELP = "Which lesions lie inside which volumes, by how much the others are missed, and what that means."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lesions",
        type=existing,
        required=True,
        metavar="F",
        help="every label or structure is a lesion; of a single one, every separate part",
    )
    parser.add_argument(
        "--volumes",
        type=existing,
        nargs="+",
        action="extend",
        required=True,
        metavar="G",
        help="targets by name (CTVn, PTVn, CTVsb ...); label map, .seg.nrrd or RTSTRUCT",
    )
    add_anatomy_arguments(parser, "label map or .seg.nrrd")
    parser.add_argument(
        "--image", type=existing, metavar="I", help="image on whose voxels contours are taken"
    )
    parser.add_argument("--image-series", metavar="UID", help="series to take when that folder holds several")
    parser.add_argument("--uncertainty-mm", type=float, metavar="U", help="of the registration")
    parser.add_argument("--uncertainty-bed-mm", type=float, metavar="U", help="of it, for the prostate bed")
    parser.add_argument("--uncertainty-nodes-mm", type=float, metavar="U", help="of it, for nodes and bone")
    parser.add_argument("--tracer", metavar="NAME", help="radiopharmaceutical, such as PSMA-11")
    parser.add_argument("--settings", type=existing, metavar="S", help="settings (.json)")
    group = parser.add_argument_group("what if")
    group.add_argument(
        "--what-if",
        action="store_true",
        help="also every guideline preset, some extensions and the trials' decisions side by side; presets "
        "are made from --anatomy, those for the bed need its landmarks",
    )
    group.add_argument(
        "--ct", type=existing, metavar="C", help="CT of the anatomy, for muscles without label"
    )
    add_landmark_arguments(group)


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    if not arguments.what_if and (arguments.ct or arguments.landmark or arguments.landmarks):
        raise InputError("--ct, --landmark and --landmarks serve --what-if; give that too.")
    settings = Settings.read(arguments.settings) if arguments.settings else Settings()
    registration = Registration(
        uncertainty_mm=arguments.uncertainty_mm,
        uncertainty_bed_mm=arguments.uncertainty_bed_mm,
        uncertainty_nodes_mm=arguments.uncertainty_nodes_mm,
    )
    stage = Stage(progress)
    stage.report(0.0, "reading")
    place = image_place(arguments.image, arguments.image_series) if arguments.image else None
    warnings: list[str] = []
    lesions = _lesions(arguments.lesions, place, warnings)
    volumes = _volumes(arguments.volumes, place, warnings)
    targets = _targets(volumes, warnings)
    structures = _anatomy(arguments)
    warnings += _apart(lesions, volumes)
    stage.report(0.3, "comparing")
    cache = CoverageCache()
    regions = assign_regions(lesions, RegionAnatomy(structures), settings.regions)
    counted = [PatientLesion(id_, mask, mask.centroid_ras()) for id_, mask in lesions.items()]
    result = patient_result(
        counted,
        [target for _, target in targets],
        regions,
        PatientFacts(
            structures,
            tracer_facts(arguments.tracer),
            bed_uncertainty_mm=registration.bed_uncertainty_mm,
            nodes_uncertainty_mm=registration.nodes_uncertainty_mm,
        ),
        settings.coverage,
        settings.regions,
        cache,
    )
    document = {
        "lesions": [
            {
                "id": id_,
                **_region(regions.get(id_)),
                "volume_ml": mask.volume_ml,
                "centroid": list(mask.centroid_ras()),
                "volumes": {
                    volume.name: coverage_document(
                        cache.of(mask, mask.centroid_ras(), _filled(volume), settings.coverage)
                    )
                    for volume in volumes
                },
            }
            for id_, mask in lesions.items()
        ],
        "patient": patient_document(result),
        "what_if": None,
        "warnings": warnings,
    }
    if arguments.what_if:
        generator = _generator(arguments, structures)
        inputs = WhatIfInputs(counted, regions, targets, generator, settings)
        document["what_if"] = what_if_document(what_if_columns(inputs, stage=stage.part(0.4, 1.0)))
    stage.report(1.0, "done")
    return document, _text(document, result)


def _lesions(path: Path, place: ImagePlace | None, warnings: list[str]) -> dict[str, Mask]:
    found = read_structures(path, place, said=warnings)
    if len(found) > 1:
        names = unique_names([each.name for each in found])
        return {name: each.mask.cropped() for name, each in zip(names, found, strict=True)}
    parts = lesions_of(found[0].mask)
    if len(parts) == 1:
        return {found[0].name: parts[0]}
    return {f"{found[0].name} {number}": part for number, part in enumerate(parts, start=1)}


def _volumes(paths: list[Path], place: ImagePlace | None, warnings: list[str]) -> list[Structure]:
    found = []
    for path in paths:
        found += read_structures(path, place, below_voxel=True, said=warnings)
    names = unique_names([each.name for each in found])
    return [Structure(name, each.mask, each.occupancy) for name, each in zip(names, found, strict=True)]


def _targets(volumes: list[Structure], warnings: list[str]) -> list[tuple[str | None, Target]]:
    """Role and target by the names; organs and volumes drawn around lesions are compared and do not count."""
    targets = []
    matches = match_names([NamedStructure(each.name, None, each.mask) for each in volumes])
    for volume, match in zip(volumes, matches, strict=True):
        if match.kind is None:
            warnings.append(f"{volume.name} is no known name of a target or organ; it was taken as a CTV.")
        if match.kind in (None, *_TARGET_KINDS) and match.role not in MADE_FROM_LESIONS:
            kind = "PTV" if match.kind == "PTV" else "CTV"
            targets.append((match.role, Target(volume.name, _filled(volume), kind)))
    return targets


def _filled(volume: Structure) -> Any:
    return volume.mask if volume.occupancy is None else volume.occupancy


def _anatomy(arguments: argparse.Namespace) -> dict[str, Mask]:
    if arguments.anatomy is None:
        if arguments.label_names is not None:
            raise InputError("--label-names names the labels of --anatomy; give both.")
        return {}
    labels = read_labels(arguments.anatomy, label_names(arguments))
    return {label.name: label.mask.cropped() for label in labels if not label.mask.is_empty}


def _generator(arguments: argparse.Namespace, structures: dict[str, Mask]) -> VolumeGenerator | None:
    if not structures:
        return None
    anatomy = case_anatomy(structures)
    ct = read_ct(arguments.ct) if arguments.ct else None
    return VolumeGenerator(anatomy, ct, case_landmarks(anatomy, generation_request(arguments)))


def _apart(lesions: dict[str, Mask], volumes: list[Structure]) -> list[str]:
    """Files of two patients, or in two frames, show by having nothing in common."""
    grids = [volume.mask.grid for volume in volumes]
    if any(mask.grid.overlaps(grid) for mask in lesions.values() for grid in grids):
        return []
    return [
        "No lesion lies on the voxels of any volume; check that the files belong to one patient and lie in "
        "one frame of reference."
    ]


def _region(region: RegionAssignment | None) -> dict[str, Any]:
    if region is None:
        return {"region": None, "region_detail": None}
    return {"region": region.region.value, "region_detail": region_document(region)}


def _text(document: dict[str, Any], result: PatientResult) -> str:
    lines = [f"{'lesion':<18}{'region':<26}{'volume':<16}{'class':<9}{'inside':>7}  {'margin':>8}  direction"]
    words = {each["id"]: each["region"]["words"] for each in document["patient"]["by_lesion"]}
    for lesion in document["lesions"]:
        for name, row in lesion["volumes"].items():
            margin = row["missing_margin_mm"]
            lines.append(
                f"{lesion['id']:<18.17}{words[lesion['id']]:<26.25}{name:<16.15}{row['class'] or '-':<9}"
                f"{100 * (row['fraction'] or 0):>6.1f}%  "
                f"{'-' if margin is None else format(margin['to_1'], '.1f'):>5} mm  {row['direction'] or ''}"
            )
    lines += ["", document["patient"]["sentence"], *document["patient"]["notes"]]
    if document["what_if"] is not None:
        lines += ["", what_if_text(document["what_if"], region_words(document))]
    return "\n".join(lines)
