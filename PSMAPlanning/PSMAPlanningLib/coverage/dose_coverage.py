"""What dose a lesion gets: in-field, marginal or out-of-field of the prescription that is meant for it.

After Dawson et al. (Int J Radiat Oncol Biol Phys 2000;46:1117, doi:10.1016/S0360-3016(99)00550-7): in-field
when at least 95 % of the lesion's volume lies in the 95 % isodose of the prescription, out-of-field when less
than 20 % does, marginal between. The limits are settings; they were not checked against the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from weakref import WeakKeyDictionary

from ..imaging.image import Image
from ..rtvolumes.occupancy import OccupancyField
from ..settings import DoseSettings
from .dvh import StructureDose, dose_of
from .prescribed_dose import PrescribedDose
from .solid import Filled


class DoseField(str, Enum):
    IN_FIELD = "in-field"
    MARGINAL = "marginal"
    OUT_OF_FIELD = "out-of-field"


NO_PRESCRIPTION = "no_prescription"
OUTSIDE_DOSE_GRID = "outside_dose_grid"


@dataclass(frozen=True)
class LesionField:
    """How a lesion lies in the field.

    field: None when it cannot be told, with the reason: NO_PRESCRIPTION (no target with a prescription holds
        the lesion, and none was entered) or OUTSIDE_DOSE_GRID (the part without dose decides).
    prescription: the one it goes by. isodose_gy: the dose its field ends at.
    fraction_bounds: least and greatest part of the lesion's volume at that dose or above; they differ by the
        part outside the dose grid.
    """

    field: DoseField | None
    reason: str | None = None
    prescription: PrescribedDose | None = None
    isodose_gy: float | None = None
    fraction_bounds: tuple[float, float] | None = None


def governing_prescription(
    held_fraction: Mapping[str, float | None],
    prescriptions: Sequence[PrescribedDose],
    settings: DoseSettings,
) -> PrescribedDose | None:
    """The prescription a lesion goes by: of the targets that hold it, the highest.

    held_fraction: the part of the lesion inside each volume, by name. A target holds a lesion from
    `target_holds_from_fraction` of its volume. Where none does, what was entered without a volume; else None.
    """
    holding = [
        each
        for each in prescriptions
        if each.volume is not None
        and (held_fraction.get(each.volume) or 0.0) >= settings.target_holds_from_fraction
    ]
    if holding:
        return max(holding, key=lambda each: each.dose_gy)
    return next((each for each in prescriptions if each.volume is None), None)


def lesion_field(
    lesion: StructureDose, prescription: PrescribedDose | None, settings: DoseSettings
) -> LesionField:
    """The field class of one lesion; one that is empty is outside the dose grid."""
    if prescription is None:
        return LesionField(None, NO_PRESCRIPTION)
    isodose_gy = settings.isodose_percent / 100.0 * prescription.dose_gy
    if lesion.volume_ml <= 0:
        return LesionField(None, OUTSIDE_DOSE_GRID, prescription, isodose_gy)
    inside = lesion.volume_at_ml(isodose_gy) / lesion.volume_ml
    # The volumes of the points add up to the whole but for rounding.
    bounds = (min(inside, 1.0), min(inside + lesion.outside_fraction, 1.0))
    classes = {field_of_fraction(each, settings) for each in bounds}
    if len(classes) > 1:
        return LesionField(None, OUTSIDE_DOSE_GRID, prescription, isodose_gy, bounds)
    return LesionField(classes.pop(), None, prescription, isodose_gy, bounds)


def field_of_fraction(fraction: float, settings: DoseSettings) -> DoseField:
    """The class of the part of a lesion's volume inside the isodose; at a limit the better one."""
    if fraction >= settings.in_field_from_fraction - _ROUNDING:
        return DoseField.IN_FIELD
    if fraction >= settings.marginal_from_fraction - _ROUNDING:
        return DoseField.MARGINAL
    return DoseField.OUT_OF_FIELD


def dosed_structure(filled: Filled, settings: DoseSettings) -> Filled:
    """A structure as its dose is told: one of contours with the ends that the settings say."""
    if settings.end_caps == "tapered" and isinstance(filled, OccupancyField):
        return filled.with_tapered_ends()
    return filled


_ROUNDING = 1e-9


class DoseCache:
    """Dose by structure and dose image; neither ever changes, so neither do the results."""

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[Image, WeakKeyDictionary[Filled, StructureDose]] = WeakKeyDictionary()

    def of(self, filled: Filled, dose: Image, settings: DoseSettings) -> StructureDose:
        """The dose of a structure, computed once."""
        dosed = dosed_structure(filled, settings)
        by_structure = self._found.setdefault(dose, WeakKeyDictionary())
        if dosed not in by_structure:
            by_structure[dosed] = dose_of(dosed, dose)
        return by_structure[dosed]
