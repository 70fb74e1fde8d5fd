"""A case's results as files: report, lesions, scene and pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..case import PlanningCase
from ..case_document import best_class, case_document
from ..case_export import FILE_NAME, CaseExportRequest, export_case, export_warnings
from ..coverage.lesion_coverage import CoverageClass
from ..coverage.what_if import WhatIfColumn
from ..progress import Stage
from ..records import Lesion, LesionState
from ..report.html import report_html
from ..report.tables import coverage_csv
from ..report.what_if_card import region_words, what_if_text

_MOST_LESION_PICTURES = 12

_FILES = {
    "report": "report.json",
    "report_html": "report.html",
    "coverage_csv": "coverage.csv",
    "lesions": "lesions.seg.nrrd",
    "scene": "scene.mrb",
}


def write_case(
    case: PlanningCase,
    work: Path,
    destination: Path,
    timings_s: dict[str, float],
    stage: Stage,
    truth: list[dict[str, Any]] | None = None,
    export: CaseExportRequest | None = None,
    what_if: tuple[WhatIfColumn, ...] | None = None,
) -> dict[str, Any]:
    """Write all results of a case into `work`; returns the report document.

    destination: the name `work` will get, for the paths in the document.
    truth: what is known about the lesions of a phantom. export: the CT whose slices structures go on; without
    it nothing is said about export. what_if: the table of `case_what_if`, where it was asked for.
    """
    # Slicer's half is imported late: everything but scene and pictures must work where it is not wanted.
    from ..scene.headless import HeadlessSlicer
    from ..scene.owned_nodes import LESIONS
    from ..scene.projection import SceneProjection
    from ..scene.save import save_scene, save_segmentation

    document = case_document(case, what_if)
    if truth is not None:
        document["truth"] = truth
    with HeadlessSlicer() as slicer_app:
        stage.report(0.0, "building the scene")
        with _timed(timings_s, "scene"):
            projection = SceneProjection(slicer_app.scene)
            projection.update(None, case.state, case.coverage())
            projection.show_context()
            lesions_node = projection.nodes.get(LESIONS)
            if lesions_node is not None:
                save_segmentation(lesions_node, work / _FILES["lesions"])
            save_scene(slicer_app.scene, work / _FILES["scene"])
        stage.report(0.4, "taking pictures")
        with _timed(timings_s, "pictures"):
            pictures = _take_pictures(slicer_app.scene, case, work, stage.part(0.4, 0.9))
        projection.remove()
    stage.report(0.9, "contours on the slices of the CT")
    document["export"] = None
    if export is not None:
        with _timed(timings_s, "export"):
            document["export"] = export_case(case, export, work)
        document["warnings"] += export_warnings(document["export"], export)
    stage.report(0.95, "writing the report")
    # A case without lesions has no segmentation of them.
    made = _FILES.keys() - ({"lesions"} if not case.state.lesions else set())
    document["files"] = {
        **{key: str(destination / name) for key, name in _FILES.items() if key in made},
        **{key: str(destination / path.name) for key, path in pictures.items()},
        **({"rtstruct": str(destination / FILE_NAME)} if (work / FILE_NAME).exists() else {}),
    }
    document["timings_s"] = timings_s
    (work / "coverage.csv").write_text(coverage_csv(document), encoding="utf-8")
    (work / "report.html").write_text(report_html(document, pictures), encoding="utf-8")
    (work / "report.json").write_text(
        json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
    return document


def summary_text(document: dict[str, Any], destination: Path) -> str:
    """What a person reads on the terminal."""
    patient = document["patient"]
    lines = []
    if patient["provisional"]:
        lines.append("PROVISIONAL: no lesion has been reviewed by a person.")
    volumes = ", ".join(patient["compared_with"])
    if volumes:
        lines.append(
            f"{patient['lesions']} lesions against {volumes}: {patient['lesions_inside']} inside, "
            f"{patient['lesions_partial']} partial, {patient['lesions_outside']} outside."
        )
    else:
        lines.append(f"{patient['lesions']} lesions; no volumes were given, so no coverage.")
    if document["what_if"]:
        lines += ["", what_if_text(document["what_if"], region_words(document)), ""]
    export = document["export"]
    lines += _export_lines(export) if export else []
    lines.append(f"Report: {destination / 'report.html'}")
    return "\n".join(lines)


def _export_lines(export: dict[str, Any]) -> list[str]:
    lines = []
    if export["lesions"]:
        changed = [each["id"] for each in export["lesions"] if each["class_changes"]]
        change = f"changes for {', '.join(changed)}" if changed else "stays for every lesion"
        lines.append(f"On the slices of the CT the coverage class {change}.")
    if export["file"]:
        lines.append(f"Structure set: {export['file']} with {len(export['exported'])} structures.")
    return lines


def _take_pictures(scene: Any, case: PlanningCase, work: Path, stage: Stage) -> dict[str, Path]:
    """3D, MIP, and slices through the lesions that matter most; by name."""
    from ..scene.picture_3d import render_3d
    from ..scene.picture_mip import render_mip
    from ..scene.picture_slices import render_slices

    pictures = {}
    if case.state.lesions or case.state.volumes:
        pictures["picture_3d"] = work / "picture-3d.png"
        render_3d(scene, pictures["picture_3d"])
    stage.report(0.3, "taking pictures")
    pictures["picture_mip"] = work / "picture-mip.png"
    render_mip(scene, pictures["picture_mip"])
    shown = _most_missed_first(case)[:_MOST_LESION_PICTURES]
    for number, lesion in enumerate(shown):
        stage.report(0.4 + 0.6 * number / len(shown), f"picture of lesion {lesion.id}")
        name = f"picture_{lesion.id}"
        pictures[name] = work / f"picture-{lesion.id}.png"
        render_slices(scene, pictures[name], lesion.region.peak_ras, title=f"Lesion {lesion.id}")
    return pictures


def _most_missed_first(case: PlanningCase) -> list[Lesion]:
    """Lesions outside the volumes before partial before inside, hottest first, rejected ones last."""
    order = [CoverageClass.OUTSIDE, CoverageClass.PARTIAL, CoverageClass.INSIDE, None]
    coverage = case.coverage()

    def rank(lesion: Lesion) -> tuple[bool, int, float]:
        rejected = lesion.state is LesionState.REJECTED
        return rejected, order.index(best_class(case, coverage[lesion.id])), -lesion.region.suv_max

    return sorted(case.state.lesions, key=rank)


@contextmanager
def _timed(timings_s: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings_s[name] = time.perf_counter() - started
