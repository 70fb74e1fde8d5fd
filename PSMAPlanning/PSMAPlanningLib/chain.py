"""The whole way from files to a planning case: read, find, contour, fuse.

Each step takes a state and returns a new one, or raises and changes nothing; the panel runs the same
steps one at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from .anatomy_import import read_anatomy
from .case import PlanningCase
from .case_dose import DoseFiles, DoseInputs, read_doses, require_planning_frame
from .case_frames import PET_FRAME, CaseFrames
from .case_registration import RegistrationRequest, register
from .case_targets import with_planning_targets
from .clinical_facts import ClinicalFacts
from .coverage.prescribed_dose import PrescribedDose
from .errors import FrameOfReferenceError, InputError
from .imaging.known_patient import KnownPatient
from .imaging.patient_identity import PET, PET_CT, PLANNING_CT, IdentifiedFile, PatientCheck, check_patient
from .imaging.read import CtInput, PetInput, patient_identity, read_ct_input, read_pet, study_info
from .imaging.suv import EnteredValues
from .imaging.transform_file import PlanningTransform, read_planning_transform
from .lesion_finding import find_lesions
from .progress import Stage, no_progress
from .records import CaseState, Registration
from .rtvolumes.planning_target import InstitutionMargins
from .settings import Settings
from .volume_files import VolumeFile, identities_of, is_dicom_volumes, read_volume_files
from .volume_generation import GenerationRequest, generate_for_case, wanted_guidelines
from .volume_import import ImportedVolumes, import_volumes, with_prescriptions


@dataclass(frozen=True)
class CaseFiles:
    """Where a case comes from; what was entered for values that the PET's header lacks.

    ct: of the PET/CT; planning_ct: the one the volumes belong to, whose frame the case then counts in.
    units: "SUVbw" or "Bq/ml", for a PET file without units.
    names: label value to organ name, for an anatomy label map.
    volumes_frame, anatomy_frame: "pet" or "planning", for files that carry no frame of reference.
    transform, transform_direction, register_bone, uncertainty_*_mm: see RegistrationRequest.
    structure_names: the user's TG-263 names by structure name. ptv_margins: PTVs are made with them.
    confirmed_by: who says that all files are one patient's, although their headers differ.
    dose, comparison_dose, sum_doses, prescriptions, constraints: see DoseFiles.
    generation: guidelines and landmarks for volumes that are generated from the anatomy.
    """

    pet: Path
    ct: Path | None = None
    volumes: tuple[Path, ...] = ()
    anatomy: Path | None = None
    units: str | None = None
    pet_series_uid: str | None = None
    ct_series_uid: str | None = None
    entered: EnteredValues = field(default_factory=EnteredValues)
    uncertainty_mm: float | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    planning_ct: Path | None = None
    planning_ct_series_uid: str | None = None
    transform: Path | None = None
    transform_direction: str | None = None
    register_bone: bool = False
    uncertainty_bed_mm: float | None = None
    uncertainty_nodes_mm: float | None = None
    volumes_frame: str | None = None
    anatomy_frame: str | None = None
    confirmed_by: str | None = None
    clinical: ClinicalFacts = field(default_factory=ClinicalFacts)
    dose: Path | None = None
    comparison_dose: Path | None = None
    sum_doses: bool = False
    prescriptions: tuple[PrescribedDose, ...] = ()
    constraints: Path | None = None
    structure_names: Mapping[str, str] = field(default_factory=dict)
    ptv_margins: InstitutionMargins | None = None
    generation: GenerationRequest = field(default_factory=GenerationRequest)

    @property
    def registration(self) -> RegistrationRequest:
        return RegistrationRequest(
            self.transform,
            self.transform_direction,
            self.register_bone,
            self.uncertainty_mm,
            self.uncertainty_bed_mm,
            self.uncertainty_nodes_mm,
        )

    @property
    def doses(self) -> DoseFiles:
        return DoseFiles(
            self.dose, self.comparison_dose, self.sum_doses, self.prescriptions, self.constraints
        )


@dataclass(frozen=True, eq=False)
class _Inputs:
    """Everything as its file has it: nothing moved, no contour turned into voxels."""

    pet: PetInput
    ct: CtInput | None
    planning_ct: CtInput | None
    transform: PlanningTransform | None
    volumes: tuple[VolumeFile, ...]
    organs: tuple[VolumeFile, ...] = ()
    doses: DoseInputs = field(default_factory=DoseInputs)

    @property
    def identities(self) -> tuple[IdentifiedFile, ...]:
        images = ((PET, self.pet), (PET_CT, self.ct), (PLANNING_CT, self.planning_ct))
        found = [
            IdentifiedFile(role, image.patient, image.study)
            for role, image in images
            if image is not None and image.patient is not None and image.study is not None
        ]
        header = self.transform.header if self.transform else None
        if header is not None:
            found.append(IdentifiedFile("spatial registration", patient_identity(header), study_info(header)))
        return (*found, *identities_of((*self.volumes, *self.organs)), *self.doses.identities)

    @property
    def frames(self) -> CaseFrames:
        return CaseFrames(
            self.pet.image, self.ct and self.ct.image, self.planning_ct and self.planning_ct.image
        )


def read_case(files: CaseFiles, settings: Settings, stage: Stage) -> CaseState:
    """Images and volumes read from files, brought into one world; no lesions yet.

    Raises PatientMismatchError when the headers name different patients and nobody confirmed that they are
    one, FrameOfReferenceError when images have different frames of reference without a registration.
    """
    request = files.registration
    # Unknown guidelines are refused here, before the long work.
    has_anatomy, has_volumes = files.anatomy is not None, bool(files.volumes)
    guidelines = wanted_guidelines(files.generation, settings, has_anatomy, has_volumes)
    inputs = _read(files, stage.part(0.0, 0.5))
    check = _checked_patient(inputs, files.confirmed_by)
    _require_ct_of_pet(inputs)
    frames, registration, said = register(inputs.frames, request, inputs.transform, stage.part(0.5, 0.7))
    pet = frames.moved(frames.pet)
    imported = import_volumes(
        inputs.volumes, frames, pet, files.volumes_frame, stage.part(0.7, 0.8), files.structure_names
    )
    registration, unstated = _with_volumes(registration, frames, imported, bool(inputs.volumes))
    ct = frames.moved(frames.ct) if frames.ct is not None else None
    stage.report(0.8, "reading anatomy")
    anatomy = read_anatomy(files.anatomy, files.names, frames, files.anatomy_frame) if files.anatomy else {}
    made = generate_for_case(
        anatomy,
        ct if frames.planning_ct is None else frames.planning_ct,
        files.generation,
        guidelines,
        [volume.name for volume in imported.volumes],
        stage.part(0.85, 1.0),
    )
    volumes, margin_notes = (*imported.volumes, *made.volumes), ()
    if files.ptv_margins is not None:
        volumes, margin_notes = with_planning_targets(volumes, files.ptv_margins)
    # Refused here, before the long work, when a prescription is for a volume that is not there.
    volumes = with_prescriptions(volumes, files.prescriptions)
    dose_warnings = require_planning_frame(inputs.doses, frames)
    ct_warnings = [w for image in (inputs.ct, inputs.planning_ct) if image for w in image.warnings]
    return CaseState(
        settings=settings,
        pet=pet,
        suv=inputs.pet.suv,
        ct=ct,
        planning_ct=frames.planning_ct,
        registration=registration,
        patient_check=check,
        clinical=files.clinical,
        anatomy=anatomy,
        volumes=volumes,
        warnings=(
            *inputs.pet.all_warnings,
            *ct_warnings,
            *check.warnings,
            *said,
            *imported.warnings,
            *made.warnings,
            *margin_notes,
            *unstated,
            *dose_warnings,
        ),
        dose=inputs.doses.dose and inputs.doses.dose.image,
        comparison_dose=inputs.doses.comparison and inputs.doses.comparison.image,
        prescriptions=files.prescriptions,
        constraints=inputs.doses.constraints,
        landmarks=made.landmarks,
        known_patient=KnownPatient.of(inputs.identities),
    )


def run_chain(files: CaseFiles, settings: Settings, who: str, stage: Stage | None = None) -> PlanningCase:
    """A case read from files, with its lesions found and contoured; nothing is reviewed."""
    case = PlanningCase(settings, who)
    stage = stage or Stage(no_progress)
    case.perform("load images and volumes", read_case(files, settings, stage.part(0.0, 0.4)))
    case.perform("find lesions", find_lesions(case.state, case.change("found"), stage.part(0.4, 1.0)))
    return case


def _read(files: CaseFiles, stage: Stage) -> _Inputs:
    stage.report(0.0, "reading PET")
    pet = read_pet(files.pet, units=files.units, series_uid=files.pet_series_uid, entered=files.entered)
    ct = planning = transform = None
    if files.ct is not None:
        stage.report(0.3, "reading CT")
        ct = read_ct_input(files.ct, files.ct_series_uid)
    if files.planning_ct is not None:
        stage.report(0.5, "reading planning CT")
        planning = read_ct_input(files.planning_ct, files.planning_ct_series_uid, "--planning-ct-series")
    if files.transform is not None:
        transform = read_planning_transform(
            files.transform,
            files.transform_direction,
            pet.image.frame_of_reference_uid,
            planning.image.frame_of_reference_uid if planning else None,
        )
    volumes = read_volume_files(files.volumes, stage.part(0.7, 0.9))
    # Label maps carry no identity, and need their name table to be read.
    organs = (files.anatomy,) if files.anatomy is not None and is_dicom_volumes(files.anatomy) else ()
    organ_files = read_volume_files(organs, stage.part(0.9, 1.0))
    return _Inputs(pet, ct, planning, transform, volumes, organ_files, read_doses(files.doses))


def _checked_patient(inputs: _Inputs, confirmed_by: str | None) -> PatientCheck:
    check = check_patient(inputs.identities)
    if confirmed_by is not None:
        if not confirmed_by.strip():
            raise InputError("--confirm-same-patient needs the name or initials of who confirms.")
        check = check.confirm(confirmed_by.strip(), datetime.now(timezone.utc).isoformat(timespec="seconds"))
    check.require_one_patient()
    return check


def _require_ct_of_pet(inputs: _Inputs) -> None:
    """Raises FrameOfReferenceError when the CT that came with the PET is known to lie in another frame."""
    if inputs.ct is None:
        return
    frames = inputs.pet.image.frame_of_reference_uid, inputs.ct.image.frame_of_reference_uid
    if all(frames) and frames[0] != frames[1]:
        raise FrameOfReferenceError(
            "The CT has another frame of reference than the PET, so it is not the CT of this PET/CT; if it "
            "is the planning CT, give it with --planning-ct, and their registration with --transform."
        )


def _with_volumes(
    registration: Registration, frames: CaseFrames, imported: ImportedVolumes, has_volumes: bool
) -> tuple[Registration, list[str]]:
    """The registration once the volumes' frames are known, and what nobody stated."""
    known = imported.frames_known
    if frames.ct is not None and not frames.has_planning:
        known = (
            known and CaseFrames(frames.pet).frame_of(frames.ct.frame_of_reference_uid, "the CT") == PET_FRAME
        )
    unstated = []
    if has_volumes and not known and (not frames.has_planning or frames.transform.is_identity):
        unstated.append(
            "Whether PET and volumes share a frame of reference is not stated; "
            "they were compared as they lie in space."
        )
    if not frames.has_planning and known:
        registration = replace(registration, source="same_frame_of_reference")
    return registration, unstated
