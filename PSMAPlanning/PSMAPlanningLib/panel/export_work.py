"""The files of an export, written into one new folder that appears whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..case import PlanningCase
from ..case_document import case_document
from ..case_export import CaseExportRequest, export_case, export_warnings
from ..coverage.what_if import WhatIfColumn
from ..dicomrt.planning_series import planning_series
from ..errors import ExportError
from ..output import staged_folder
from ..progress import Stage
from ..records import CaseState, LesionState
from ..report.html import report_html
from ..report.tables import coverage_csv
from ..scene import appearance
from ..scene.picture_3d import draw_3d
from ..scene.picture_mip import draw_mip
from ..scene.picture_slices import draw_slices
from ..scene.scene_pictures import ScenePictures
from .export_request import ExportRequest
from .main_thread import MainThread

_MOST_LESION_PICTURES = 12
"""As many as `psma-planning run` takes; each is half a second of the worker's time."""


@dataclass(frozen=True)
class Exported:
    """folder: where the files are; files: their names; notes: what must be known about them."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ExportWork:
    """One export, to be done on a worker thread.

    what_if: the table for the report, None without. scene: asked on the main thread only.
    """

    request: ExportRequest
    destination: Path
    what_if: tuple[WhatIfColumn, ...] | None
    scene: ScenePictures
    main: MainThread

    def write(self, state: CaseState, stage: Stage) -> Exported:
        """Write everything; raises ExportError for a CT of another frame, CancelledError, OutputError."""
        # A case of its own: the thread must not meet the one that is being decided on.
        case = PlanningCase(start=state)
        with staged_folder(self.destination, overwrite=False) as work:
            stage.report(0.0, "working out the report")
            document = case_document(case, self.what_if)
            stage.report(0.2, "contours on the slices of the planning CT")
            self._export(case, document, work)
            pictures = self._pictures(case, document, work, stage.part(0.4, 0.8))
            if self.request.scene:
                self._scene(state, work, stage)
            stage.report(0.95, "writing the report")
            notes = tuple(document["warnings"])
            self._report(document, work, pictures)
            names = tuple(sorted(path.name for path in work.iterdir()))
            # From here on nothing stops it: the folder takes its name.
            stage.report(0.99, "done")
        return Exported(self.destination, names, notes)

    def _export(self, case: PlanningCase, document: dict[str, Any], work: Path) -> None:
        document["export"] = None
        request = self.request
        if request.planning_ct is None:
            return
        if request.structures:
            require_frame(case.state, request.planning_ct)
        wanted = CaseExportRequest(
            request.planning_ct,
            write=bool(request.structures),
            include_undecided=request.include_undecided,
            parts=request.structures,
            colours=shown_colours(case),
        )
        document["export"] = export_case(case, wanted, work)
        document["warnings"] += export_warnings(document["export"], wanted)

    def _pictures(
        self, case: PlanningCase, document: dict[str, Any], work: Path, stage: Stage
    ) -> dict[str, Path]:
        if not self.request.pictures or case.state.pet is None:
            return {}
        # One look at the scene; all the drawing is done here, on the worker.
        content = self.main.call(self.scene.content, stage, 0.0, "pictures")
        pictures: dict[str, Path] = {}
        if case.state.lesions or case.state.volumes:
            pictures["picture_3d"] = work / "picture-3d.png"
            draw_3d(content, pictures["picture_3d"], stage=stage.part(0.0, 0.5))
        stage.report(0.5, "projections")
        pictures["picture_mip"] = work / "picture-mip.png"
        draw_mip(content, pictures["picture_mip"])
        shown = _most_missed_first(case)[:_MOST_LESION_PICTURES]
        for number, lesion in enumerate(shown):
            stage.report(0.6 + 0.4 * number / len(shown), f"slices of lesion {lesion.id}")
            path = pictures[f"picture_{lesion.id}"] = work / f"picture-{lesion.id}.png"
            draw_slices(content, path, lesion.region.peak_ras, title=f"Lesion {lesion.id}")
        return pictures

    def _scene(self, state: CaseState, work: Path, stage: Stage) -> None:
        if state.lesions:
            self.main.call(
                lambda: self.scene.save_lesions(work / "lesions.seg.nrrd"), stage, 0.8, "saving the lesions"
            )
        self.main.call(lambda: self.scene.save(work / "scene.mrb"), stage, 0.85, "saving the scene")

    def _report(self, document: dict[str, Any], work: Path, pictures: Mapping[str, Path]) -> None:
        there = {path.stem.replace("-", "_"): path for path in work.iterdir()}
        files = {**there, "report": work / "report.json", "report_html": work / "report.html"}
        files |= {"coverage_csv": work / "coverage.csv"}
        document["files"] = {key: str(self.destination / path.name) for key, path in files.items()}
        document["timings_s"] = {}
        (work / "coverage.csv").write_text(coverage_csv(document), encoding="utf-8")
        (work / "report.html").write_text(report_html(document, pictures), encoding="utf-8")
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
        (work / "report.json").write_text(text, encoding="utf-8")


def require_frame(state: CaseState, folder: Path) -> None:
    """Raises ExportError when the CT is known to lie in another frame of reference than the case."""
    world = state.planning_ct or state.ct or state.pet
    uid = world.frame_of_reference_uid if world is not None else None
    series = planning_series(folder)
    if uid and series.frame_of_reference_uid and uid != series.frame_of_reference_uid:
        raise ExportError(
            "The CT in the chosen folder has another frame of reference than this case, so no structure "
            "set is written on it; choose the folder of the planning CT."
        )


def shown_colours(case: PlanningCase) -> dict[str, tuple[int, int, int]]:
    """The colours of lesions and volumes on screen, 0 to 255, by lesion id, volume or candidate name."""
    state, coverage = case.state, case.coverage()
    colours = dict(appearance.volume_colors(state.volumes))
    rules = appearance.rule_colors([each.rule for lesion in state.lesions for each in lesion.candidates])
    for lesion in state.lesions:
        key = appearance.coverage_class_of(lesion, state.volumes, coverage)
        colours[lesion.id] = appearance.COVERAGE_COLORS[key]
        colours |= {f"{lesion.id} {each.rule}": rules[each.rule] for each in lesion.candidates}
    return {name: tuple(round(255 * part) for part in colour) for name, colour in colours.items()}


def _most_missed_first(case: PlanningCase) -> list[Any]:
    """Lesions outside the targets before partial before inside, hottest first, rejected ones last."""
    state, coverage = case.state, case.coverage()
    order = ["outside", "partial", "inside"]

    def rank(lesion: Any) -> tuple[bool, int, float]:
        key = appearance.coverage_class_of(lesion, state.volumes, coverage)
        place = order.index(key) if key in order else len(order)
        return lesion.state is LesionState.REJECTED, place, -lesion.region.suv_max

    return sorted(state.lesions, key=rank)
