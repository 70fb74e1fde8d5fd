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

    def patientSentence(self) -> str:
        """What a planner would say; begins with PROVISIONAL while a lesion is not decided on."""
        from ..coverage.patient_sentence import patient_sentence

        return patient_sentence(self.case.patient())

    def patientResult(self) -> dict[str, typing.Any]:
        """Counts, impact, miTNM, stage group, registration and every lesion's standing, as the report has it.

        Margins in mm, fractions from 0 to 1, None for what cannot be told.
        """
        from ..patient_document import patient_document

        return patient_document(self.case.patient())

    def compareGuidelines(
        self, switches: Sequence[str] = ("mesorectum", "top_at_L4_L5", "para_aortic")
    ) -> list[dict[str, typing.Any]]:
        """Which lesions every guideline and decision would miss; one dictionary each, margins in mm.

        switches: extensions that are tried too. Takes about half a minute.
        """
        from ..case_what_if import what_if_document

        self._do(self.session.presenter.compare_guidelines, tuple(switches))
        return what_if_document(self.session.presenter.view.plan.what_if)

    def loadDose(self, path: str, second: bool = False) -> None:
        """Read a DICOM RTDOSE file (Gy) as this plan's dose, or as the second one to compare with."""
        self._do(self.session.presenter.load_dose, Path(path), second)

    def setDose(self, node: typing.Any, second: bool = False) -> None:
        """Take a volume node in Gy as this plan's dose, or as the second; None takes it out."""
        self._do(self.session.presenter.choose_dose, node, second)

    def prescribe(self, volume: str | None, dose_gy: float | None, fractions: int | None = None) -> None:
        """State what a target is prescribed, Gy; a dose of None takes that back.

        volume: None for lesions that no target holds.
        """
        self._do(self.session.presenter.prescribe, volume, dose_gy, fractions)

    def setConstraints(self, path: str | None) -> None:
        """Check a table of constraints of your own (.json); None goes back to the one of the program."""
        self._do(self.session.presenter.choose_constraints, None if path is None else Path(path))

    def writeConstraints(self, path: str) -> None:
        """Write the program's table of constraints into a .json file to be edited."""
        self._do(self.session.presenter.write_constraints, Path(path))

    def doseTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per lesion: d98_gy, d95_gy, mean_gy and its field class; [] without dose."""
        from ..dose_document import lesion_dose_document

        dose = self.case.dose()
        if dose is None:
            return []
        return [
            {"id": lesion_id, **lesion_dose_document(each, dose.fields[lesion_id])}
            for lesion_id, each in dose.lesions.items()
        ]

    def constraintTable(self) -> list[dict[str, typing.Any]]:
        """One dictionary per constraint (Gy, % or mL) with what is reached and verdict; [] without dose."""
        from ..dose_document import constraints_document

        dose = self.case.dose()
        if dose is None:
            return []
        return constraints_document(dose.constraints, dose.table.name, dose.table.off)["lines"]

    def exportResults(
        self,
        folder: str,
        planningCtFolder: str | None = None,
        pictures: bool = True,
        scene: bool = False,
        structures: Sequence[str] = (),
        includeUndecided: bool = False,
    ) -> str:
        """Write report.html, report.json, coverage.csv and what else is asked for into a new folder.

        folder: in which the new one is made; its path is returned. planningCtFolder: DICOM folder that a
        structure set refers to. structures: parts of it, of "lesions", "volumes" and "candidates"; none: no
        structure set. includeUndecided: also what nobody has accepted, marked so.
        """
        self._do(
            lambda: self.session.presenter.export_results(
                Path(folder),
                planning_ct=Path(planningCtFolder) if planningCtFolder else None,
                pictures=pictures,
                scene=scene,
                structures=frozenset(structures),
                include_undecided=includeUndecided,
            )
        )
        return self.session.presenter.view.plan.written_in

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
