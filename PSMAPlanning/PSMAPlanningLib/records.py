"""What a case consists of: frozen records, shared between the case, its history and its views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from .clinical_facts import ClinicalFacts
from .coverage.constraint_table import ConstraintTable
from .coverage.prescribed_dose import PrescribedDose
from .coverage.regions import RegionAssignment
from .delineation.avid_regions import AvidRegion
from .delineation.contour_facts import ContourFacts
from .delineation.detectability import Detectability
from .delineation.detection_threshold import DetectionThreshold
from .delineation.faint_foci import FaintFoci
from .delineation.reference_regions import ReferenceRegion
from .delineation.rules import Delineation
from .errors import RegistrationError
from .imaging.image import Image, Mask
from .imaging.known_patient import KnownPatient
from .imaging.patient_identity import PatientCheck
from .imaging.registration import Matrix4
from .imaging.suv import SuvConversion
from .rtvolumes.eqd2 import Prescription
from .rtvolumes.generated_record import GeneratedRecord
from .rtvolumes.landmarks import Landmarks
from .rtvolumes.occupancy import OccupancyField
from .settings import Settings

Point = tuple[float, float, float]
Sphere = tuple[Point, float]
"""Centre, RAS mm, and radius, mm."""

_LARGEST_UNCERTAINTY_MM = 100.0
MADE_FROM_LESIONS = ("boost", "lesion")
"""Roles of volumes that are drawn around what the PET shows; they cover it by construction."""
IGNORED = "ignored"
"""Role of a structure that the user said is of no use here."""


class LesionState(str, Enum):
    """What people, or nobody yet, decided about a lesion."""

    PROPOSED = "proposed"
    UNDECIDED = "undecided"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Change:
    """One entry of a lesion's record: what happened, who did it, when (ISO 8601, UTC), and why."""

    what: str
    who: str
    when: str
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Contour:
    """The contour a lesion goes by.

    source: a rule's name, "consensus" or "hand"; method: the fusion method of a consensus.
    inputs: names of the candidates a consensus was made from.
    facts: volume interval, uptake, resolution; None when not worked out yet, see `lesion_facts.facts_of`.
    """

    mask: Mask
    source: str
    method: str | None = None
    threshold_suv: float | None = None
    inputs: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    facts: ContourFacts | None = None


@dataclass(frozen=True, eq=False)
class CandidateConsensus:
    """The consensus of a lesion's candidates, whether the lesion goes by it or not.

    inputs: names of the candidates fused; left_out: name to reason (a flag) of the others.
    mask, disputed: on the candidates' voxels; disputed is the shell where 10 to 90 % (by weight) agree.
    refused: why there is no contour; None when there is one.
    weights, sensitivity, specificity: one per input, the latter two of STAPLE in its `domain`.
    order_statistic: which of the nested inputs the consensus equals, 1 being the innermost.
    equivalent_threshold_suv: the threshold that agrees best with it, with what Dice.
    """

    method: str
    domain: str
    inputs: tuple[str, ...]
    left_out: Mapping[str, str]
    mask: Mask | None = None
    disputed: Mask | None = None
    weights: tuple[float, ...] | None = None
    sensitivity: tuple[float, ...] | None = None
    specificity: tuple[float, ...] | None = None
    dropped: tuple[str, ...] = ()
    order_statistic: int | None = None
    nested: bool = False
    equivalent_threshold_suv: float | None = None
    equivalent_threshold_dice: float | None = None
    notes: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, eq=False)
class Lesion:
    """One focus of uptake, its candidate contours, the contour it goes by, and what was decided.

    stated_region: where a user said it lies; nothing automatic replaces it. None: as the anatomy tells.
    """

    id: str
    region: AvidRegion
    candidates: tuple[Delineation, ...]
    contour: Contour
    state: LesionState
    history: tuple[Change, ...]
    consensus: CandidateConsensus | None = None
    stated_region: RegionAssignment | None = None

    @property
    def is_decided(self) -> bool:
        return self.state in (LesionState.ACCEPTED, LesionState.REJECTED)

    @property
    def is_hand_edited(self) -> bool:
        return self.contour.source == "hand"

    @property
    def rejection_reason(self) -> str | None:
        return self.history[-1].reason if self.state is LesionState.REJECTED else None

    def with_state(self, state: LesionState, change: Change) -> Lesion:
        return replace(self, state=state, history=(*self.history, change))

    def with_contour(self, contour: Contour, change: Change) -> Lesion:
        return replace(self, contour=contour, history=(*self.history, change))


@dataclass(frozen=True, eq=False)
class RtVolume:
    """A radiotherapy volume or organ.

    name: unique in the case; kind: interpreted type (GTV, CTV, PTV, ORGAN ...), None when not stated.
    origin: "imported", or how it was made; source_file: the name, without folder, of the file it came from.
    tg263: the name to write it by; role: bed, nodes, boost, lesion, or the organ's; matched_by: what told
        them (user, exact, alias, interpreted_type, geometry); asks: whether a person has to confirm them.
    occupancy: the shares of voxels that its contours fill; None when it came as voxels.
    prescription: what it is to receive; never suggested by this programme.
    generated: guideline, steps and numbers of a generated volume; None for any other.
    """

    name: str
    mask: Mask
    kind: str | None
    origin: str
    source_file: str
    status: str = "ok"
    tg263: str | None = None
    role: str | None = None
    matched_by: str | None = None
    asks: bool = False
    occupancy: OccupancyField | None = None
    prescription: Prescription | None = None
    generated: GeneratedRecord | None = None

    @property
    def unverified(self) -> tuple[str, ...]:
        """Names of the guideline numbers it rests on that nobody read in their source."""
        return self.generated.unverified if self.generated is not None else ()

    @property
    def filled(self) -> Mask | OccupancyField:
        """What coverage and distances are measured on: its contours' shares where it has any, else voxels."""
        return self.mask if self.occupancy is None else self.occupancy

    @property
    def is_target(self) -> bool:
        return self.kind in ("GTV", "CTV", "PTV", "ITV")


def headline_volumes(volumes: Sequence[RtVolume]) -> tuple[RtVolume, ...]:
    """The volumes a lesion's one class is told by: the CTVs; targets where there is no CTV; else all.

    A lesion that only the PTV reaches lies in the setup margin; that is not cover. Neither are volumes drawn
    around the lesions themselves, which cover them by construction, as long as there is any other.
    """
    volumes = tuple(volume for volume in volumes if volume.role != IGNORED)
    volumes = tuple(volume for volume in volumes if volume.role not in MADE_FROM_LESIONS) or volumes
    clinical = tuple(volume for volume in volumes if volume.kind == "CTV")
    return clinical or tuple(volume for volume in volumes if volume.is_target) or volumes


@dataclass(frozen=True)
class Registration:
    """How the frames of PET and planning were brought together; None means not stated, which is not zero.

    source: "same_frame_of_reference", "user_transform", "dicom_spatial_registration",
        "bone_registration" or "not_stated".
    residual_mm: mean distance between the bone surfaces of the PET's CT and the planning CT, measured on
        the two CTs; None without both. It is no uncertainty: the prostate bed moves between the bones.
    uncertainty_mm: stated for everything; uncertainty_bed_mm and uncertainty_nodes_mm (nodes and bone)
        where they were stated apart, because the bed moves with bladder and rectum and nodes hardly do.
    frames: whether PET and planning CT have one frame of reference: "same", "different", "not_stated".
    world: whose RAS millimetres the case's positions are, "pet" or "planning".
    planning_from_pet: 4 x 4 matrix between their RAS millimetres, already applied to PET and CT; None when
        nothing was moved. transform_file: name of the file it came from.
    """

    source: str = "not_stated"
    residual_mm: float | None = None
    uncertainty_mm: float | None = None
    uncertainty_bed_mm: float | None = None
    uncertainty_nodes_mm: float | None = None
    frames: str = "not_stated"
    world: str = "pet"
    planning_from_pet: Matrix4 | None = None
    transform_file: str | None = None

    def __post_init__(self) -> None:
        for name, option in (
            ("uncertainty_mm", "--uncertainty-mm"),
            ("uncertainty_bed_mm", "--uncertainty-bed-mm"),
            ("uncertainty_nodes_mm", "--uncertainty-nodes-mm"),
        ):
            value = getattr(self, name)
            # NaN fails the comparison too.
            if value is not None and not 0.0 <= value <= _LARGEST_UNCERTAINTY_MM:
                raise RegistrationError(
                    f"The registration uncertainty {option} is {value} mm; it must lie between 0 and "
                    f"{_LARGEST_UNCERTAINTY_MM:g} mm."
                )

    @property
    def bed_uncertainty_mm(self) -> float | None:
        """What was stated for the prostate bed, else for everything; None when neither was."""
        return self.uncertainty_mm if self.uncertainty_bed_mm is None else self.uncertainty_bed_mm

    @property
    def nodes_uncertainty_mm(self) -> float | None:
        """What was stated for nodes and bone, else for everything; None when neither was."""
        return self.uncertainty_mm if self.uncertainty_nodes_mm is None else self.uncertainty_nodes_mm


@dataclass(frozen=True, eq=False)
class CaseState:
    """One patient at one moment. Never changed, only replaced; states share what they have in common.

    pet, ct: of the PET/CT, and anatomy drawn on them, lie in the planning CT's frame where there is a
        planning CT: a rigid registration moved their grids, their voxels are those of the files.
    patient_check: what the DICOM headers said about whose files these are; None when nothing was read.
    known_patient: digests of who that is, for files that come later; None when no header said so.
    reference_spheres: centre (RAS mm) and radius (mm) of reference regions that the user placed, by name;
        they go before masks and proposals.
    references: reference regions as measured, by name. detection_threshold, faint_foci, detectability: of
        the last search for lesions; None before it.
    dose, comparison_dose: Gy, in the frame of the plan; of this plan, and of another to compare it with.
    prescriptions: as entered; constraints: a department's own table, None for the one of the program.
    landmarks: found in the anatomy and placed by the user; None where there is neither.
    """

    settings: Settings = field(default_factory=Settings)
    pet: Image | None = None
    suv: SuvConversion | None = None
    ct: Image | None = None
    planning_ct: Image | None = None
    anatomy: Mapping[str, Mask] = field(default_factory=dict)
    registration: Registration = field(default_factory=Registration)
    patient_check: PatientCheck | None = None
    clinical: ClinicalFacts = field(default_factory=ClinicalFacts)
    regions: tuple[AvidRegion, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    volumes: tuple[RtVolume, ...] = ()
    warnings: tuple[str, ...] = ()
    finding_warnings: tuple[str, ...] = ()
    reference_spheres: Mapping[str, Sphere] = field(default_factory=dict)
    references: Mapping[str, ReferenceRegion] = field(default_factory=dict)
    detection_threshold: DetectionThreshold | None = None
    faint_foci: FaintFoci | None = None
    detectability: Detectability | None = None
    dose: Image | None = None
    comparison_dose: Image | None = None
    prescriptions: tuple[PrescribedDose, ...] = ()
    constraints: ConstraintTable | None = None
    landmarks: Landmarks | None = None
    known_patient: KnownPatient | None = None

    def without_findings(self) -> CaseState:
        """The case as it was before lesions were looked for; spheres that the user placed stay."""
        return replace(
            self,
            regions=(),
            lesions=(),
            finding_warnings=(),
            references={},
            detection_threshold=None,
            faint_foci=None,
            detectability=None,
        )

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """What was said about the input, and about the last search for lesions."""
        return (*self.warnings, *self.finding_warnings)
