"""psma-planning rtstruct check: whether a structure set and an image series belong together and are fit to
load."""

from __future__ import annotations

import argparse
from typing import Any

from ..dicomrt.contour_check import planned_volume_ml
from ..dicomrt.findings import Finding, errors_of
from ..dicomrt.planning_series import PlanningSeries, referenced_series
from ..dicomrt.rtstruct_check import check_structure_set, read_for_check
from ..dicomrt.rtstruct_contents import RoiRecord, roi_records, series_references
from ..progress import Progress, Stage
from .pet_arguments import existing

NAME = "check"
HELP = "Check an RTSTRUCT, from here or elsewhere, against the images it should lie on."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rtstruct", type=existing, metavar="RS", help="RTSTRUCT file")
    parser.add_argument(
        "--ct", type=existing, required=True, metavar="DICOM", help="folder of the images it lies on"
    )
    parser.add_argument(
        "--ct-series", metavar="UID", help="series to check against, instead of the one it names"
    )


def execute(arguments: argparse.Namespace, progress: Progress) -> tuple[dict[str, Any], str]:
    stage = Stage(progress)
    stage.report(0.0, "reading")
    dataset = read_for_check(arguments.rtstruct)
    named = next((each.series_uid for each in series_references(dataset)), None)
    series = referenced_series(arguments.ct, named, arguments.ct_series)
    stage.report(0.5, "checking")
    findings = check_structure_set(dataset, series)
    stage.report(1.0, "done")
    errors = errors_of(findings)
    document = {
        "file": str(arguments.rtstruct),
        "series": {"modality": series.modality, "slices": len(series.slices)},
        "rois": [_roi_document(each, series) for each in roi_records(dataset)],
        "errors": [_line(each) for each in errors],
        "warnings": [_line(each) for each in findings if each not in errors],
        "checks": [each.to_document() for each in findings],
    }
    return document, _text(document)


def _roi_document(roi: RoiRecord, series: PlanningSeries) -> dict[str, Any]:
    return {
        "number": roi.number,
        "name": roi.name,
        "type": roi.interpreted_type or None,
        "contours": len(roi.contours),
        "points": sum(0 if each.points_lps is None else len(each.points_lps) for each in roi.contours),
        "volume_ml": planned_volume_ml(roi, series),
    }


def _line(finding: Finding) -> str:
    return f"{finding.structure}: {finding.sentence}" if finding.structure else finding.sentence


def _text(document: dict[str, Any]) -> str:
    """Without the warnings, which the command line prints by itself."""
    lines = [f"{'structure':<24}{'type':<12}{'contours':>9}{'points':>9}{'mL':>11}"]
    for roi in document["rois"]:
        volume = "" if roi["volume_ml"] is None else f"{roi['volume_ml']:.3f}"
        lines.append(
            f"{roi['name'] or '-':<24.24}{roi['type'] or '-':<12}{roi['contours']:>9}"
            f"{roi['points']:>9}{volume:>11}"
        )
    lines += [f"error: {each}" for each in document["errors"]]
    lines.append(f"{len(document['errors'])} errors, {len(document['warnings'])} warnings")
    return "\n".join(lines)
