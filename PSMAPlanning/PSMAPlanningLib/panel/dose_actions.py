"""What the Dose part of the Coverage section does: doses, prescriptions, constraints."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from ..case_dose import DoseInputs, require_planning_frame
from ..case_frames import CaseFrames
from ..case_prescriptions import stated_prescriptions
from ..coverage.constraint_table import read_constraints
from ..coverage.prescribed_dose import PrescribedDose
from ..dicomrt.dose_reader import RtDose, read_rtdose
from ..errors import OutputError, PrescriptionError
from ..imaging.image import Image
from ..output import staged_file
from ..progress import Progress, Stage
from ..records import CaseState
from ..scene.dose_nodes import read_dose_node
from ..scene.node_identity import identified_node
from .later_files import with_later_files
from .one_patient import OnePatient
from .plan_view import TargetRow
from .running_work import Outcome
from .view_state import Action, Message, Notice, Reason

LOAD_DOSE = "load RTDOSE"


class DoseActions(OnePatient):
    """Actions on the doses of this plan and of one to compare it with."""

    def __init__(self, *arguments: Any) -> None:
        self._dose_sources: WeakKeyDictionary[Image, tuple[str, str | None]] = WeakKeyDictionary()
        super().__init__(*arguments)

    def load_dose(self, path: Path, second: bool = False) -> bool:
        """Start reading an RTDOSE file, or a folder that holds one, as this plan's dose or the second."""
        action = Action.COMPARE_DOSE if second else Action.LOAD_DOSE

        def start(confirmed_by: str | None = None) -> None:
            def compute(state: CaseState, progress: Progress) -> CaseState:
                stage = Stage(progress)
                stage.report(0.0, "reading the dose")
                dose = read_rtdose(path)
                stage.report(0.8, "checking whose it is and where it lies")
                whose = with_later_files(state, _inputs(dose, second).identities, confirmed_by)
                self._dose_sources[dose.image] = (path.name, None)
                return _with_dose(whose, dose, second)

            self._start(LOAD_DOSE, compute)

        return self._do(action, lambda: self._unless_another_patient(start))

    def choose_dose(self, node: Any | None, second: bool = False) -> bool:
        """Take a volume node in gray as this plan's dose, or as the second; None takes it out."""
        action = Action.COMPARE_DOSE if second else Action.LOAD_DOSE
        field = "comparison_dose" if second else "dose"

        def choose(confirmed_by: str | None = None) -> None:
            state = self.case.state
            if node is None:
                after = replace(state, **{field: None})
                self.case.perform("clear dose", after if second else replace(after, comparison_dose=None))
                return
            role = "RTDOSE 2" if second else "RTDOSE"
            whose = with_later_files(state, identified_node(node, role), confirmed_by)
            dose = RtDose(read_dose_node(node), "PLAN")
            self._dose_sources[dose.image] = (node.GetName(), node.GetID())
            self.case.perform("choose dose", _with_dose(whose, dose, second))
            self._message = Message(Notice.DOSE_LOADED, node.GetName())

        return self._do(action, lambda: self._unless_another_patient(choose))

    def clear_dose(self) -> bool:
        """Take both doses out of the case."""
        return self._do(
            Action.CLEAR_DOSE, lambda: self._perform("clear doses", dose=None, comparison_dose=None)
        )

    def prescribe(self, volume: str | None, dose_gy: float | None, fractions: float | None = None) -> bool:
        """State what a target is prescribed, Gy; None takes the statement back.

        volume: None is for lesions that no target holds. fractions: a whole number, None where not stated.
        """

        def prescribe() -> None:
            state = self.case.state
            number = _whole(volume, fractions)
            kept = tuple(each for each in state.prescriptions if each.volume != volume)
            if dose_gy is not None:
                kept = (*kept, PrescribedDose(volume, float(dose_gy), number))
            if kept != state.prescriptions:
                self._perform(f"prescribe {volume or 'lesions outside the targets'}", prescriptions=kept)

        return self._do(Action.PRESCRIBE, prescribe)

    def state_alpha_beta(self, target_gy: float, late_gy: float) -> bool:
        """State the alpha/beta in Gy, of targets and of late reactions, that EQD2 is told with."""

        def state() -> None:
            settings = self.case.state.settings
            volumes = replace(settings.volumes, target_alpha_beta_gy=target_gy, late_alpha_beta_gy=late_gy)
            if volumes != settings.volumes:
                self._perform("state alpha/beta", settings=replace(settings, volumes=volumes))

        return self._do(Action.PRESCRIBE, state)

    def choose_constraints(self, path: Path | None) -> bool:
        """Check a department's own table of constraints; None goes back to the one of the program."""

        def choose() -> None:
            table = None if path is None else read_constraints(path)
            self._perform("choose constraints", constraints=table)

        return self._do(Action.CHOOSE_CONSTRAINTS, choose)

    def write_constraints(self, path: Path) -> bool:
        """Write the program's table of constraints into a file that can be edited; an old one stays."""

        def write() -> None:
            source = files("PSMAPlanningLib.data") / "constraints.json"
            try:
                with staged_file(path, overwrite=False) as work:
                    work.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
            except OSError as error:
                raise OutputError(f"{path} cannot be written ({error.strerror}).") from error
            self._message = Message(Notice.SAVED, path.name)

        return self._do(None, write)

    def _blocked(self) -> dict[Action, Reason]:
        blocked = super()._blocked()
        state = self.case.state
        reasons = {
            Action.LOAD_DOSE: Reason.NO_PET if state.pet is None else None,
            Action.COMPARE_DOSE: Reason.NO_DOSE if state.dose is None else None,
            Action.CLEAR_DOSE: Reason.NO_DOSE if state.dose is None else None,
            Action.PRESCRIBE: None if any(each.is_target for each in state.volumes) else Reason.NO_TARGETS,
        }
        return {**{action: reason for action, reason in reasons.items() if reason is not None}, **blocked}

    def _take_outcome(self, outcome: Outcome) -> None:
        is_current = outcome.started_from is self.case.state
        if outcome.name != LOAD_DOSE or outcome.error is not None or not is_current:
            super()._take_outcome(outcome)
            return
        after = outcome.result
        is_second = after.comparison_dose is not outcome.started_from.comparison_dose
        self.case.perform(LOAD_DOSE, after)
        newest = after.comparison_dose if is_second else after.dose
        self._message = Message(Notice.DOSE_LOADED, self._dose_sources[newest][0])

    def _dose_view(self) -> dict[str, Any]:
        state = self.case.state
        name, node_id = self._dose_sources.get(state.dose, ("", None)) if state.dose else ("", None)
        second = ("", None)
        if state.comparison_dose is not None:
            second = self._dose_sources.get(state.comparison_dose, ("", None))
        return {
            "targets": _target_rows(state),
            "dose_name": name,
            "dose_node": self._scene.by_id(node_id),
            "has_dose": state.dose is not None,
            "comparison_name": second[0],
            "comparison_node": self._scene.by_id(second[1]),
            "constraints_name": state.constraints.name if state.constraints is not None else "",
        }


def _whole(volume: str | None, fractions: float | None) -> int | None:
    if fractions is None:
        return None
    # NaN is no whole number either.
    if not float(fractions).is_integer():
        whose = volume or "Lesions outside the targets"
        raise PrescriptionError(f"{whose}: {fractions:g} fractions; give a whole number, 1 to 100.")
    return int(fractions)


def _inputs(dose: RtDose, second: bool) -> DoseInputs:
    return DoseInputs(comparison=dose) if second else DoseInputs(dose=dose)


def _with_dose(state: CaseState, dose: RtDose, second: bool) -> CaseState:
    """The state with a dose that lies where the plan lies; raises FrameOfReferenceError or GridError."""
    inputs = _inputs(dose, second)
    said = require_planning_frame(inputs, CaseFrames(state.pet, state.ct, state.planning_ct))
    warnings = tuple(dict.fromkeys((*state.warnings, *said)))
    if second:
        return replace(state, comparison_dose=dose.image, warnings=warnings)
    return replace(state, dose=dose.image, warnings=warnings)


def _target_rows(state: CaseState) -> tuple[TargetRow, ...]:
    known = stated_prescriptions(state)
    return tuple(
        TargetRow(volume.name, known.get(volume.name)) for volume in state.volumes if volume.is_target
    )
