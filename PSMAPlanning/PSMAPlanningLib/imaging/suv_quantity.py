"""SUV normalised by something else than body weight: lean body mass, ideal body mass, body surface."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnitsError
from .suv_audit import Audit, height_m, sex_of, weight_kg
from .suv_entered import SUV_TYPES, EnteredValues
from .suv_header import SuvHeader
from .suv_tables import body_surface_m2, lean_body_mass_kg
from .suv_tags import TAGS

LEAN_TYPES = ("LBM", "LBMJAMES128", "LBMJANMA", "IBW")
QUANTITIES: dict[str, str] = {
    "BW": "SUVbw",
    "LBM": "SUVlbm",
    "LBMJAMES128": "SUVlbm(James128)",
    "LBMJANMA": "SUVlbm(Janma)",
    "IBW": "SUVibw",
    "BSA": "SUVbsa",
}
"""Names by DICOM SUV type, as in the UCUM codes of context group 85."""
UNITS_OF: dict[str, str] = {
    name: f"{{{name}}}" + ("cm2/ml" if name == "SUVbsa" else "g/ml") for name in QUANTITIES.values()
}
"""UCUM code of each quantity in the form that 3D Slicer uses."""


@dataclass(frozen=True)
class BodySize:
    """What a body-size measure was computed from; None where it was not needed or is missing."""

    weight_kg: float | None = None
    height_m: float | None = None
    sex: str | None = None

    @property
    def facts(self) -> dict[str, float | str]:
        return {name: value for name, value in vars(self).items() if value is not None}


def body_size(suv_type: str, header: SuvHeader, entered: EnteredValues, audit: Audit) -> BodySize:
    """Weight, height and sex as far as a DICOM SUV type needs them; what is missing is noted in `audit`."""
    return BodySize(
        weight_kg(header, entered, audit),
        height_m(header, entered, audit),
        sex_of(header, entered, audit) if suv_type in LEAN_TYPES else None,
    )


def bw_per(suv_type: str, body: BodySize) -> float:
    """SUVbw per SUV of another DICOM SUV type: body weight over lean mass, or over surface (g/cm2).

    Raises SuvHeaderError when the formula has no positive answer for this body.
    """
    if suv_type == "BW":
        return 1.0
    if suv_type == "BSA":
        return body.weight_kg * 1000.0 / (body_surface_m2(body.weight_kg, body.height_m) * 1e4)
    return body.weight_kg / lean_body_mass_kg(suv_type, body.weight_kg, body.height_m, body.sex)


def stored_type(header: SuvHeader, units: str | None) -> str | None:
    """DICOM SUV type of the voxels as they are stored; None when they are no SUV.

    Raises UnitsError when units and SUV type contradict each other.
    """
    stated = None if header.suv_type is None else header.suv_type.upper()
    if units == "SUVbw":
        return "BW"
    if units == "GML":
        allowed, found = ("BW", *LEAN_TYPES), stated or "BW"
    elif units == "CM2ML":
        allowed, found = ("BSA",), stated or "BSA"
    else:
        return None
    if found not in allowed:
        raise UnitsError(
            f"Units {units} {TAGS['units']} with the SUV type {found} {TAGS['suv_type']} contradict "
            "each other; export the PET in BQML (Bq/ml)."
        )
    return found


def wanted_type(entered: EnteredValues) -> str:
    """The DICOM SUV type that the user asked for."""
    return SUV_TYPES[entered.suv_type]
