"""The Coverage and Export sections' steps for the Python console."""

from __future__ import annotations

import json
import typing
from collections.abc import Sequence
from pathlib import Path

from .console import ConsoleSteps

if typing.TYPE_CHECKING:
    from ..case import PlanningCase


class PlanSteps(ConsoleSteps):
    """What the volumes miss, and everything that is written."""

    def coverageTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per lesion and volume: class, fraction (0 to 1), distance_mm (negative inside)."""
        return [
            {
                "id": row.id,
                "volume": cell.volume,
                "class": cell.coverage_class,
                "fraction": cell.fraction,
                "is_covered": cell.is_covered,
                "margin_mm": cell.margin_mm,
                "direction": cell.direction,
                "distance_mm": cell.distance_mm,
            }
            for row, cell in self.session.presenter.view.coverage_rows
        ]

    def saveScene(self, path: str) -> None:
        """Write everything that is loaded, the case included, as .mrb."""
        self._do(self.session.presenter.save, Path(path))

    def runFromFiles(
        self,
        pet: str,
        ct: str | None = None,
        volumes: Sequence[str] = (),
        out: str | None = None,
        units: str | None = None,
    ) -> PlanningCase:
        """The whole chain on files or DICOM folders, without touching the scene.

        out: folder that is made for report.json; scene and pictures are written by `psma-planning run`.
        units: "SUVbw" or "Bq/ml", needed when the PET file states none (.nrrd, .nii, .mha).
        """
        from ..case_document import case_document
        from ..chain import CaseFiles, run_chain
        from ..output import staged_folder
        from ..settings import Settings
        from ..version import VERSION

        files = CaseFiles(
            pet=Path(pet),
            ct=Path(ct) if ct else None,
            volumes=tuple(Path(volume) for volume in volumes),
            units=units,
        )
        case = run_chain(files, Settings(), f"PSMAPlanning {VERSION}")
        if out is not None:
            with staged_folder(Path(out), overwrite=False) as work:
                report = json.dumps(case_document(case), indent=2, allow_nan=False)
                (work / "report.json").write_text(report + "\n", encoding="utf-8")
        return case
