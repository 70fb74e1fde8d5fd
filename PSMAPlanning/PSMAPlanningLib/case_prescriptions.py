"""What the targets of a case are prescribed, and the dose in 2 Gy fractions it is worth."""

from __future__ import annotations

from .coverage.prescribed_dose import PrescribedDose, prescribed_doses
from .records import CaseState
from .rtvolumes.eqd2 import Prescription


def stated_prescriptions(state: CaseState) -> dict[str, PrescribedDose]:
    """By target: what was entered, else what its TG-263 name says; targets without either are not in it.

    What was entered for a volume that has gone is left out.
    """
    names = [volume.name for volume in state.volumes]
    targets = [volume.name for volume in state.volumes if volume.is_target]
    entered = [each for each in state.prescriptions if each.volume in names]
    return {each.volume: each for each in prescribed_doses(entered, targets, names) if each.volume}


def prescriptions_of(state: CaseState) -> dict[str, Prescription]:
    """By volume: the prescriptions whose fractions are known, stated for the case or kept with the volume."""
    kept = {volume.name: volume.prescription for volume in state.volumes if volume.prescription is not None}
    stated = {
        name: Prescription(name, each.dose_gy, each.fractions)
        for name, each in stated_prescriptions(state).items()
        if each.fractions is not None
    }
    return {**kept, **stated}
