"""How PET and planning CT come together: from a file, from the bones, or because they share a frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from .case_frames import CaseFrames
from .errors import InputError, RegistrationError
from .imaging.bone_surface import BoneResidual, bone_surface, residual
from .imaging.registration_bone import LARGEST_RESIDUAL_MM, register_bone
from .imaging.transform_file import PlanningTransform
from .progress import Stage
from .records import Registration

_CLEARLY_BETTER_MM = 1.0
"""The other direction must fit the bones better by this much before it is spoken of."""


@dataclass(frozen=True)
class RegistrationRequest:
    """What the user asked for and stated.

    transform: file of a transform; direction: which image it carries onto which, see read_planning_transform.
    bone: register on bone. uncertainty_*_mm: stated, None is not stated.
    """

    transform: Path | None = None
    direction: str | None = None
    bone: bool = False
    uncertainty_mm: float | None = None
    uncertainty_bed_mm: float | None = None
    uncertainty_nodes_mm: float | None = None

    def __post_init__(self) -> None:
        if self.transform is not None and self.bone:
            raise RegistrationError("Give either --transform or --register-bone, not both.")
        if self.direction is not None and self.transform is None:
            raise RegistrationError("--transform-direction needs a --transform.")
        # Out of range is found before anything is read.
        self.record()

    def record(self) -> Registration:
        """What was stated about the uncertainty, as a registration that is not stated otherwise."""
        return Registration(
            uncertainty_mm=self.uncertainty_mm,
            uncertainty_bed_mm=self.uncertainty_bed_mm,
            uncertainty_nodes_mm=self.uncertainty_nodes_mm,
        )


def register(
    frames: CaseFrames, request: RegistrationRequest, file: PlanningTransform | None, stage: Stage
) -> tuple[CaseFrames, Registration, tuple[str, ...]]:
    """The frames with the registration in them, its record, and warnings.

    file: the transform that was read from `request.transform`. Raises FrameOfReferenceError when PET and
    planning CT differ and nothing says how, RegistrationError when the bones do not come together.
    """
    record = replace(request.record(), frames=frames.relation)
    warnings: list[str] = []
    if file is not None:
        frames = replace(frames, planning_from_pet=file.planning_from_pet)
        record = replace(record, source=file.source, transform_file=request.transform.name)
        if frames.relation == "same":
            warnings.append(
                "PET and planning CT state the same frame of reference; the transform was applied anyway."
            )
    elif request.bone:
        if frames.ct is None or frames.planning_ct is None:
            raise InputError("--register-bone needs the CT of the PET/CT (--ct) and the --planning-ct.")
        found = register_bone(frames.planning_ct, frames.ct, stage.part(0.0, 0.8))
        frames = replace(frames, planning_from_pet=found.planning_from_pet)
        record = replace(record, source="bone_registration", residual_mm=found.residual_mm)
    elif frames.planning_ct is not None:
        frames.require_registered()
        if frames.relation == "same":
            record = replace(record, source="same_frame_of_reference")
        else:
            warnings.append(
                "Whether PET and planning CT share a frame of reference is not stated; "
                "they were compared as they lie in space."
            )
    if frames.planning_from_pet is not None:
        record = replace(record, planning_from_pet=frames.planning_from_pet.matrix)
    stage.report(0.8, "comparing bones")
    if record.residual_mm is None and frames.ct is not None and frames.planning_ct is not None:
        record, doubts = _measured(frames, record)
        warnings += doubts
    return frames, replace(record, world=frames.world), tuple(warnings)


def _measured(frames: CaseFrames, record: Registration) -> tuple[Registration, list[str]]:
    """The record with the residual on bone, and doubts about the direction of a transform."""
    try:
        surfaces = bone_surface(frames.planning_ct), bone_surface(frames.ct)
    except RegistrationError:
        return record, ["A CT shows next to no bone, so the residual of the registration is not known."]
    found = residual(*surfaces, frames.transform)
    doubts = []
    if frames.planning_from_pet is not None and record.source == "user_transform":
        other = residual(*surfaces, frames.planning_from_pet.inverse())
        if _fits_better(other, found):
            doubts.append(
                f"The bones fit better when the transform is turned round ({other.mean_mm:.1f} instead of "
                f"{_text(found)}); check --transform-direction."
            )
    if not found.is_plausible:
        doubts.append(
            f"After registration only {found.matched_fraction:.0%} of the bone surfaces of PET/CT and "
            "planning CT lies within 10 mm of each other; check the registration."
        )
        return record, doubts
    if found.mean_mm > LARGEST_RESIDUAL_MM:
        doubts.append(
            f"The bones of PET/CT and planning CT lie {found.mean_mm:.1f} mm apart on average; "
            "check the registration."
        )
    return replace(record, residual_mm=found.mean_mm), doubts


def _fits_better(other: BoneResidual, found: BoneResidual) -> bool:
    if not other.is_plausible:
        return False
    return not found.is_plausible or other.mean_mm + _CLEARLY_BETTER_MM < found.mean_mm


def _text(found: BoneResidual) -> str:
    return f"{found.mean_mm:.1f} mm" if found.is_plausible else "no match"
