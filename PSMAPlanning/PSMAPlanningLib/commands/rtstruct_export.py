"""psma-planning rtstruct export: labels to an RTSTRUCT on the slices of the planning CT."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..coverage.lesion_coverage import LesionVolumeCoverage
from ..dicomrt.export_coverage import coverage_after_export
from ..dicomrt.export_plan import KEYHOLE, XOR, Algorithm, ExportOptions, ExportStructure, PlannedRoi
from ..dicomrt.planning_series import planning_series
from ..dicomrt.rtstruct_export import Export, prepare_export
from ..dicomrt.slab_shares import CROSS_SECTION, VOLUME
from ..errors import InputError
from ..output import check_free
from ..progress import Progress, Stage
from ..rtvolumes.name_mapping import overrides_from_document
from ..settings import CoverageSettings, Settings
from ..structure_export import write_export
from .export_input import Said, export_structures, kinds_from
from .pet_arguments import existing

NAME = "export"
HELP = "Labels to RTSTRUCT on the planning CT, checked before it is written."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "labels",
        type=existing,
        metavar="F",
        help="label map, .seg.nrrd, DICOM SEG or RTSTRUCT, in the CT's space",
    )
    parser.add_argument(
        "--ct", type=existing, required=True, metavar="DICOM", help="folder of the planning CT's own files"
    )
    parser.add_argument(
        "--ct-series", metavar="UID", help="series to take when that folder holds several CTs"
    )
    parser.add_argument(
        "--out", type=existing, required=True, metavar="RS.dcm", help="structure set to write"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--holes",
        choices=(XOR, KEYHOLE),
        default=XOR,
        help="holes as contours of their own, which most planning systems prefer, or as channels "
        f"(default {XOR})",
    )
    parser.add_argument(
        "--slices",
        choices=(CROSS_SECTION, VOLUME),
        default=CROSS_SECTION,
        help="contours hold the cross-section at the plane of each slice, or the volume of its slab "
        f"(default {CROSS_SECTION})",
    )
    parser.add_argument(
        "--include-undecided",
        action="store_true",
        help="also lesions that nobody accepted and regions nobody decided on; marked in their description",
    )
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        dest="types",
        metavar="NAME=TYPE",
        help="GTV, CTV, PTV, ORGAN ...",
    )
    parser.add_argument(
        "--names", type=existing, metavar="TABLE", help='JSON {"name in the file": "TG-263 name"}, or matches'
    )
    parser.add_argument(
        "--algorithm",
        choices=[each.value for each in Algorithm],
        default=Algorithm.AUTOMATIC.value,
        help="how the labels were made, where the file does not say "
        "(default AUTOMATIC: no person touched them)",
    )
    parser.add_argument(
        "--label",
        default=ExportOptions().label,
        metavar="TEXT",
        help="of the structure set, at most 16 characters",
    )


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    check_free(arguments.out, arguments.force)
    options = ExportOptions(
        arguments.holes, arguments.include_undecided, arguments.label, slices=arguments.slices
    )
    said = Said(kinds_from(arguments.types), _names(arguments.names), Algorithm(arguments.algorithm))
    stage = Stage(progress)
    stage.report(0.0, "reading the CT's headers")
    series = planning_series(arguments.ct, arguments.ct_series)
    stage.report(0.2, "reading structures")
    structures = export_structures(arguments.labels, series, said)
    stage.report(0.4, "contours and check")
    export = prepare_export(structures, series, options)
    stage.report(0.9, "writing")
    write_export(export, arguments.out, arguments.force)
    stage.report(1.0, "done")
    document = export_document(export, arguments.out, Settings().coverage)
    return document, _text(document)


def export_document(export: Export, path: Path, coverage: CoverageSettings) -> dict[str, Any]:
    """The contract's document: what was written, what was not, and what the check found."""
    lesions = [roi for roi in export.rois if roi.structure.is_lesion]
    volumes = [roi for roi in export.rois if roi.interpreted_type in ("CTV", "PTV")]
    after = coverage_after_export(lesions, None, volumes, export.plan.series, coverage)
    return {
        "rois": [
            *({**roi_document(roi), "coverage": _coverage(after.get(roi.name, {}))} for roi in export.rois),
            *(_left_out(each, "left out: " + each.decision.value) for each in export.plan.left_out),
            *(_left_out(each, "left out: empty") for each in export.plan.empty),
        ],
        "checks": [each.to_document() for each in export.findings],
        "file": str(path),
    }


def roi_document(roi: PlannedRoi) -> dict[str, Any]:
    """volume_ml: of the structure itself; exported_volume_ml: as a planning system will see it."""
    true_ml = roi.drawn.volume_ml
    return {
        "number": roi.number,
        "name": roi.name,
        "source_name": roi.structure.original_name,
        "type": roi.interpreted_type,
        "code": roi.code.value if roi.code else None,
        "algorithm": roi.structure.algorithm.value,
        "status": "exported",
        "slices": len({each.slice_number for each in roi.contours}),
        "contours": len(roi.contours),
        "points": roi.point_count,
        "volume_ml": true_ml,
        "exported_volume_ml": roi.exported_ml,
        "volume_change_percent": 100.0 * (roi.exported_ml / true_ml - 1.0) if true_ml else None,
    }


def _coverage(by_volume: Mapping[str, LesionVolumeCoverage]) -> dict[str, dict[str, Any]]:
    """Of a lesion by the exported volumes, from the contours as written; empty for anything else."""
    return {
        name: {"class": found.coverage_class.value, "fraction": found.fraction}
        for name, found in by_volume.items()
        if found.coverage_class is not None
    }


def _left_out(structure: ExportStructure, status: str) -> dict[str, Any]:
    return {
        "number": None,
        "name": structure.name,
        "source_name": structure.original_name,
        "type": structure.kind,
        "code": None,
        "algorithm": structure.algorithm.value,
        "status": status,
        "slices": 0,
        "contours": 0,
        "points": 0,
        "volume_ml": None,
        "exported_volume_ml": None,
        "volume_change_percent": None,
        "coverage": {},
    }


def _names(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path} is no JSON file; write a table of names.") from None
    return overrides_from_document(document)


def _percent(roi: Mapping[str, Any]) -> str:
    change = roi["volume_change_percent"]
    return "" if change is None else f"{change:+.1f} %"


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"{'structure':<18}{'type':<10}{'slices':>7}{'points':>8}{'mL':>11}{'exported mL':>13}{'change':>9}"
        "  status"
    ]
    for roi in document["rois"]:
        volumes = ("", "", "")
        if roi["volume_ml"] is not None:
            volumes = (f"{roi['volume_ml']:.3f}", f"{roi['exported_volume_ml']:.3f}", _percent(roi))
        lines.append(
            f"{roi['name']:<18.18}{roi['type'] or '-':<10}{roi['slices']:>7}{roi['points']:>8}"
            f"{volumes[0]:>11}{volumes[1]:>13}{volumes[2]:>9}  {roi['status']}"
        )
    for roi in document["rois"]:
        for name, found in roi["coverage"].items():
            lines.append(f"{roi['name']} by {name}: {found['class']}, {found['fraction']:.1%} (as exported)")
    lines += [
        f"{each['severity']}: {each['structure'] or ''} {each['sentence']}" for each in document["checks"]
    ]
    lines.append(f"Written: {document['file']}")
    return "\n".join(lines)
