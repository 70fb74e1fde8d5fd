"""What the Patient section does: PET and its SUV, CT, planning CT, registration, clinical facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FrameOfReferenceError, SceneError
from ..imaging.image import Image
from ..imaging.patient_identity import PET as PET_ROLE
from ..imaging.patient_identity import PET_CT, IdentifiedFile
from ..imaging.patient_identity import PLANNING_CT as PLANNING
from ..imaging.registration import RigidTransform
from ..imaging.suv import SuvConversion
from ..progress import Progress, Stage
from ..records import CaseState, Registration
from ..scene.node_identity import identified_node
from ..scene.owned_nodes import CT, PET, PLANNING_CT, REGISTRATION
from .later_files import holds_another_file, with_first_files, with_later_files
from .one_patient import OnePatient
from .presenter_core import LOAD_FOLDER, REGISTER
from .register_case import (
    FOUND_NOTHING,
    Registering,
    UnmovedImages,
    registered,
    with_ct,
    without_registration,
)
from .running_work import Outcome
from .study_folder import (
    PatientNotConfirmedError,
    Study,
    SuvNotKnownError,
    identities_in,
    read_study,
    study_in,
)
from .suv_entry import SuvEntry
from .view_state import Action, Message, Notice


class PatientActions(OnePatient):
    """Actions on where the patient's images come from and what is known about them."""

    def __init__(self, *arguments: Any) -> None:
        self._images = UnmovedImages()
        self._said_by: dict[Registration, tuple[str, ...]] = {}
        self._planning_files: tuple[tuple[IdentifiedFile, ...], str | None] = ((), None)
        super().__init__(*arguments)

    # PET and its SUV

    def choose_pet(self, node: Any | None) -> bool:
        """Take a volume node as the PET; what was found in the former one goes, until undo.

        A node that is not in SUV opens the form that asks for what its SUV needs.
        """
        if node is self._scene.node(PET) and (node is None or self.case.state.pet is not None):
            return True
        return self._do(Action.CHOOSE, lambda: self._choose_pet(node))

    def enter_suv(self, name: str, text: str) -> bool:
        """Fill in one row of the SUV form, in the row's unit; empty goes back to the header's value."""

        def enter() -> None:
            self._suv_entry = self._suv_entry.with_text(name, text)

        return self._do(Action.ENTER_SUV, enter)

    def convert_pet(self) -> bool:
        """Convert the volume of the form to SUV, which the press consents to, and take it as the PET.

        For a folder: read it with what was entered.
        """
        return self._do(Action.CONVERT, self._convert)

    def dismiss_suv_form(self) -> bool:
        """Close the form; nothing is converted."""

        def dismiss() -> None:
            self._suv_entry = None

        return self._do(Action.ENTER_SUV, dismiss)

    def _choose_pet(self, node: Any | None) -> None:
        self._suv_entry = self._mismatch = self._planning_candidate = None
        if node is not None and self._scene.can_become_suv(node):
            header, units = self._scene.suv_header(node)
            self._suv_entry = SuvEntry(node.GetName(), header, node=node, stated_units=units)
            self._message = Message(Notice.SUV_ASKED, node.GetName())
            return

        def take(confirmed_by: str | None = None) -> None:
            whose = self._with_pet_of(node, confirmed_by)
            pet = None if node is None else self._scene.read_pet(node)
            suv = None if node is None else self._scene.conversion_of(node)
            self._take_pet("choose PET", whose, pet, suv)

        self._unless_another_patient(take)

    def _with_pet_of(self, node: Any | None, confirmed_by: str | None) -> CaseState:
        """The case with the patient of another PET; raises PatientNotConfirmedError."""
        state, files = self.case.state, identified_node(node, PET_ROLE)
        if node is None:
            return state
        if holds_another_file(state):
            return with_later_files(state, files, confirmed_by)
        return with_first_files(state, files)

    def _take_pet(self, name: str, whose: CaseState, pet: Image | None, suv: SuvConversion | None) -> None:
        state = self.case.state
        self._perform(
            name,
            known_patient=whose.known_patient,
            patient_check=whose.patient_check,
            pet=pet,
            suv=suv,
            anatomy={},
            landmarks=None,
            warnings=() if suv is None else suv.warnings,
            **FOUND_NOTHING,
            **without_registration(state, self._images),
        )

    def _convert(self) -> None:
        entry = self._suv_entry
        if entry.study is not None:
            self._load_study(entry.study.with_files(entered=entry.entered))
            return
        if not self._scene.has(entry.node):
            self._suv_entry = None
            raise SceneError("The volume of the form is not in the scene any more; choose the PET again.")

        def take(confirmed_by: str | None = None) -> None:
            whose = self._with_pet_of(entry.node, confirmed_by)
            suv = self._scene.convert_pet(entry.node, entry.conversion)
            self._suv_entry = None
            self._take_pet("convert PET to SUV", whose, self._scene.read_pet(entry.node), suv)
            self._message = Message(Notice.CONVERTED, entry.title)

        self._unless_another_patient(take)

    # A folder

    def load_folder(self, folder: Path) -> bool:
        """Read PET, CT and structure sets from a DICOM folder; the form opens for what the header lacks."""
        return self._do(Action.LOAD_FOLDER, lambda: self._load_study(folder))

    def confirm_same_patient(self) -> bool:
        """Say that the files are one patient's although their headers differ; kept with a name."""

        def confirm() -> None:
            study, again = self._mismatch.study, self._confirm_again
            if study is not None:
                self._load_study(study.with_files(confirmed_by=self.case.who))
                return
            self._mismatch = None
            again(self.case.who)

        return self._do(Action.CONFIRM_PATIENT, confirm)

    def _load_study(self, source: Path | Study) -> None:
        self._mismatch = self._suv_entry = None

        def compute(state: CaseState, progress: Progress) -> CaseState:
            stage = Stage(progress)
            study = source if isinstance(source, Study) else study_in(source)
            after = read_study(study, state.settings, stage)
            # What was stated about one patient is not said of another.
            known = state.known_patient
            is_other = known is not None and known.differences(identities_in(study))
            return after if is_other else replace(after, clinical=state.clinical)

        self._start(LOAD_FOLDER, compute)

    def _work_failed(self, outcome: Outcome) -> None:
        error = outcome.error
        if isinstance(error, SuvNotKnownError):
            files = error.study.files
            self._suv_entry = SuvEntry(files.pet.name, error.header, study=error.study, entered=files.entered)
            self._message = Message(Notice.SUV_ASKED, files.pet.name)
            return
        if isinstance(error, PatientNotConfirmedError):
            self._ask_whose(error)
            return
        if isinstance(error, FrameOfReferenceError) and outcome.name == REGISTER:
            # The bones or a transform can still bring them together.
            self._message = Message(Notice.WAITS_FOR_TRANSFORM)
            return
        self._planning_candidate = None
        super()._work_failed(outcome)

    # CT and planning CT

    def choose_ct(self, node: Any | None) -> bool:
        """Take a volume node as the CT of the PET/CT."""
        if node is self._scene.node(CT) and (node is None or self.case.state.ct is not None):
            return True

        def choose(confirmed_by: str | None = None) -> None:
            whose = with_later_files(self.case.state, identified_node(node, PET_CT), confirmed_by)
            ct = None if node is None else self._scene.read_ct(node)
            self.case.perform("choose CT", with_ct(whose, ct, self._images))

        return self._do(Action.CHOOSE, lambda: self._unless_another_patient(choose))

    def choose_planning_ct(self, node: Any | None) -> bool:
        """Take a volume node as the CT the plan is made on; its millimetres are the case's from then on."""
        if node is self._scene.node(PLANNING_CT) and (
            node is None or self.case.state.planning_ct is not None
        ):
            self._planning_candidate = None
            return True

        def choose(confirmed_by: str | None = None) -> None:
            files = identified_node(node, PLANNING)
            with_later_files(self.case.state, files, confirmed_by)
            image = None if node is None else self._scene.read_ct(node)
            self._planning_candidate = None if node is None else (node, image)
            self._planning_files = (files, confirmed_by)
            self._register(Registering(image, *self._current_transform()))

        return self._do(Action.REGISTER, lambda: self._unless_another_patient(choose))

    def choose_transform(self, node: Any | None) -> bool:
        """Move the PET onto the planning CT as a linear transform node says; None moves it back."""
        if node is self.view.nodes["transform"]:
            return True

        def choose() -> None:
            rigid = None if node is None else self._scene.read_transform(node)
            if rigid is not None:
                self._transform_ids[rigid.matrix] = node.GetID()
            self._register(Registering(self._planning_ct(), rigid, "" if node is None else node.GetName()))

        return self._do(Action.REGISTER, choose)

    def register_on_bone(self) -> bool:
        """Start the rigid registration of the PET/CT's bones onto the planning CT's."""
        return self._do(
            Action.REGISTER_BONE, lambda: self._register(Registering(self._planning_ct(), on_bone=True))
        )

    def state_uncertainty(
        self, overall_mm: float | None, bed_mm: float | None = None, nodes_mm: float | None = None
    ) -> bool:
        """State how uncertain the registration is, in mm; None is not stated, which is not zero."""
        registration = self.case.state.registration
        stated = {
            "uncertainty_mm": overall_mm,
            "uncertainty_bed_mm": bed_mm,
            "uncertainty_nodes_mm": nodes_mm,
        }
        if all(getattr(registration, name) == value for name, value in stated.items()):
            return True

        def state() -> None:
            said = self._said_by.get(registration, ())
            after = replace(registration, **stated)
            self._said_by[after] = said
            self._perform("state registration uncertainty", registration=after)

        return self._do(Action.STATE_UNCERTAINTY, state)

    def _planning_ct(self) -> Image | None:
        return self._planning_candidate[1] if self._planning_candidate else self.case.state.planning_ct

    def _current_transform(self) -> tuple[RigidTransform | None, str]:
        registration = self.case.state.registration
        if registration.planning_from_pet is None or registration.source == "bone_registration":
            return None, ""
        return RigidTransform(registration.planning_from_pet), registration.transform_file or REGISTRATION

    def _register(self, wanted: Registering) -> None:
        files, confirmed_by = self._planning_files if self._planning_candidate else ((), None)

        def compute(state: CaseState, progress: Progress) -> CaseState:
            whose = with_later_files(state, files, confirmed_by)
            after, said = registered(whose, wanted, self._images, Stage(progress))
            before = self._said_by.get(state.registration, ())
            self._said_by[after.registration] = said
            kept = tuple(warning for warning in whose.warnings if warning not in before)
            return replace(after, warnings=(*kept, *said))

        self._start(REGISTER, compute)

    # Clinical facts

    def state_facts(self, **facts: Any) -> bool:
        """State clinical facts by name, see ClinicalFacts; None is not known."""

        def state() -> None:
            after = replace(self.case.state.clinical, **facts)
            if after != self.case.state.clinical:
                self._perform("state clinical facts", clinical=after)

        return self._do(Action.STATE_FACTS, state)
