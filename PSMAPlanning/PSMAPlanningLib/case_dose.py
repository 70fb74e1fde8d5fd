"""The dose of a case: read, checked to lie where the plan lies, and what lesions and volumes get of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .case_frames import PET_FRAME, CaseFrames
from .coverage.constraint_table import ConstraintTable, default_constraints, read_constraints
from .coverage.constraints import ConstraintResult, NamedDose, check_constraints
from .coverage.dose_coverage import DoseCache, LesionField, governing_prescription, lesion_field
from .coverage.dvh import StructureDose
from .coverage.isotoxic import PlanComparison, compare_plans
from .coverage.lesion_coverage import LesionVolumeCoverage
from .coverage.prescribed_dose import PrescribedDose, fractions_of, prescribed_doses
from .dicomrt.dose_reader import RtDose, read_rtdose
from .errors import FrameOfReferenceError, GridError
from .imaging.image import Image
from .imaging.patient_identity import IdentifiedFile
from .imaging.read import patient_identity, study_info
from .records import CaseState, RtVolume
from .rtvolumes.name_mapping import NamedStructure, match_names
from .settings import DoseSettings

_SAID_FROM = 1e-3
"""Parts of a structure outside the dose grid are named from a thousandth on: below it is the sampling."""


@dataclass(frozen=True)
class DoseFiles:
    """Where a case's doses come from, and what was entered for them.

    comparison: of a second plan for the same patient. sum_parts: files of a folder are parts of one plan.
    prescriptions: as entered; constraints: a table instead of the one that comes with the program.
    """

    dose: Path | None = None
    comparison: Path | None = None
    sum_parts: bool = False
    prescriptions: tuple[PrescribedDose, ...] = ()
    constraints: Path | None = None


@dataclass(frozen=True, eq=False)
class DoseInputs:
    """The doses as their files have them."""

    dose: RtDose | None = None
    comparison: RtDose | None = None
    constraints: ConstraintTable | None = None

    @property
    def all(self) -> tuple[tuple[str, RtDose], ...]:
        pairs = (("RTDOSE", self.dose), ("RTDOSE 2", self.comparison))
        return tuple((role, dose) for role, dose in pairs if dose is not None)

    @property
    def identities(self) -> tuple[IdentifiedFile, ...]:
        """Whose files the doses are."""
        return tuple(
            IdentifiedFile(role, patient_identity(dose.header), study_info(dose.header))
            for role, dose in self.all
            if dose.header is not None
        )


@dataclass(frozen=True, eq=False)
class CaseDose:
    """What the dose is to the case's lesions and volumes.

    lesions, fields: by lesion id; volumes: in the case's order. comparison: with a second dose, where
    there is one. outside: name (of a volume, or "lesion" and its id) to the part outside the dose grid.
    """

    prescriptions: tuple[PrescribedDose, ...]
    fractions: int | None
    lesions: Mapping[str, StructureDose]
    fields: Mapping[str, LesionField]
    volumes: tuple[NamedDose, ...]
    table: ConstraintTable
    constraints: tuple[ConstraintResult, ...]
    comparison: PlanComparison | None
    outside: Mapping[str, float]


def read_doses(files: DoseFiles) -> DoseInputs:
    """The doses and the constraint table; raises what their readers raise."""
    constraints = read_constraints(files.constraints) if files.constraints else None
    return DoseInputs(
        read_rtdose(files.dose, files.sum_parts) if files.dose else None,
        read_rtdose(files.comparison, files.sum_parts) if files.comparison else None,
        constraints,
    )


def require_planning_frame(inputs: DoseInputs, frames: CaseFrames) -> tuple[str, ...]:
    """What cannot be checked, as warnings.

    Raises FrameOfReferenceError for a dose that is known to lie in another frame of reference than the plan,
    GridError for one that lies elsewhere.
    """
    warnings = []
    world = frames.planning_ct.grid if frames.planning_ct else frames.moved(frames.pet).grid
    for role, dose in inputs.all:
        frame = frames.frame_of(dose.image.frame_of_reference_uid, f"The {role}")
        if frame == PET_FRAME and frames.has_planning:
            raise FrameOfReferenceError(
                f"The {role} lies in the PET's frame of reference and not in the planning CT's, so it is not "
                "the dose of this plan; give the dose that was calculated on the planning CT."
            )
        if frame is None:
            warnings.append(
                f"Whether the {role} and the images share a frame of reference is not stated; it was used "
                "as it lies in space."
            )
        if not dose.image.grid.overlaps(world):
            raise GridError(f"The {role} does not overlap the images; check that it belongs to this plan.")
        warnings += [f"{role}: {warning}" for warning in dose.warnings]
    return tuple(warnings)


def case_dose(
    state: CaseState,
    coverage: Mapping[str, Mapping[str, LesionVolumeCoverage]],
    cache: DoseCache | None = None,
) -> CaseDose | None:
    """The dose of every lesion and volume; None for a case without dose.

    coverage: of lesions by volumes, which tells the target that holds a lesion.
    Raises PrescriptionError when a prescription was entered for a volume that the case does not have.
    """
    if state.dose is None:
        return None
    cache = cache or DoseCache()
    settings = state.settings.dose
    prescriptions = prescribed_doses(
        state.prescriptions,
        [volume.name for volume in state.volumes if volume.is_target],
        [volume.name for volume in state.volumes],
    )
    fractions = fractions_of(prescriptions)
    lesions = {lesion.id: cache.of(lesion.contour.mask, state.dose, settings) for lesion in state.lesions}
    fields = {
        lesion_id: lesion_field(
            dose,
            governing_prescription(
                {name: each.fraction for name, each in coverage[lesion_id].items()}, prescriptions, settings
            ),
            settings,
        )
        for lesion_id, dose in lesions.items()
    }
    table = state.constraints or default_constraints()
    volumes = named_doses(state.volumes, state.dose, cache, settings)
    results = check_constraints(table, volumes, fractions, float(state.dose.array.max()))
    comparison = None
    if state.comparison_dose is not None:
        other = named_doses(state.volumes, state.comparison_dose, cache, settings)
        largest_gy = float(state.comparison_dose.array.max())
        comparison = compare_plans(
            (results, _targets(state.volumes, volumes)),
            (check_constraints(table, other, fractions, largest_gy), _targets(state.volumes, other)),
        )
    outside = {f"lesion {lesion_id}": dose.outside_fraction for lesion_id, dose in lesions.items()}
    outside |= {each.name: each.dose.outside_fraction for each in volumes}
    return CaseDose(
        prescriptions,
        fractions,
        lesions,
        fields,
        volumes,
        table,
        results,
        comparison,
        {name: part for name, part in outside.items() if part > _SAID_FROM},
    )


def named_doses(
    volumes: Sequence[RtVolume], dose: Image, cache: DoseCache, settings: DoseSettings
) -> tuple[NamedDose, ...]:
    """The dose of every volume, in order, with the TG-263 name it was taken for."""
    matches = match_names([NamedStructure(each.name, each.kind, each.mask) for each in volumes])
    return tuple(
        NamedDose(volume.name, volume.tg263 or match.tg263, cache.of(volume.filled, dose, settings))
        for volume, match in zip(volumes, matches, strict=True)
    )


def _targets(volumes: Sequence[RtVolume], doses: Sequence[NamedDose]) -> tuple[NamedDose, ...]:
    return tuple(dose for volume, dose in zip(volumes, doses, strict=True) if volume.is_target)
