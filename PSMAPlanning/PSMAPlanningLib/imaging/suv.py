"""From header values to SUV normalised by body weight, with every input and decision on record.

Order of decisions: IBSI SUV working group's manual (oncoray/suv_computation), DICOM PS3.3 C.8.9.1.
Nothing is assumed: what the header lacks is asked for, what contradicts itself is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import GridError, SuvHeaderError, UnitsError
from .suv_audit import ENTERED, Audit, dose_bq, height_m, sex_of, weight_kg
from .suv_decay import activity_factors, reported_facts
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_tables import body_surface_m2, lean_body_mass_kg
from .suv_tags import TAGS
from .suv_times import scan_times

LEAN_TYPES = ("LBM", "LBMJAMES128", "LBMJANMA", "IBW")
_KNOWN_UNITS = ("BQML", "GML", "CM2ML", "CNTS")
_SAME_FACTOR = 1e-6


@dataclass(frozen=True)
class SuvConversion:
    """How the voxel values of a series become SUV normalised by body weight.

    units_in: of the voxels as stored and rescaled. factors: SUV per rescaled unit, one per slice.
    injection_time, reference_time: ISO 8601, without a date when none is known; None when not used.
    branch: the path taken through the vendors' cases. sources: where each value came from.
    """

    units_in: str
    factors: tuple[float, ...]
    branch: str
    quantity: str = "SUVbw"
    decay_correction: str | None = None
    injection_time: str | None = None
    reference_time: str | None = None
    half_life_s: float | None = None
    dose_bq: float | None = None
    weight_kg: float | None = None
    tracer: str | None = None
    uptake_time_min: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.factors or not all(math.isfinite(f) and f > 0.0 for f in self.factors):
            raise SuvHeaderError(
                "The header values lead to no positive SUV factor; check them, or enter them with --dose-bq, "
                "--weight-kg, --half-life-s, --injection-time and --reference-time."
            )

    @property
    def factor(self) -> float | None:
        """SUV per rescaled unit; None when it differs between slices by more than a millionth."""
        low, high = min(self.factors), max(self.factors)
        return self.factors[0] if high - low <= _SAME_FACTOR * low else None

    def to_document(self) -> dict[str, Any]:
        """The audit as JSON-ready values, named as the `suv` command prints them."""
        return {
            "units_in": self.units_in,
            "quantity": self.quantity,
            "factor": self.factor,
            "decay_correction": self.decay_correction,
            "injection_time": self.injection_time,
            "reference_time": self.reference_time,
            "half_life_s": self.half_life_s,
            "dose_bq": self.dose_bq,
            "weight_kg": self.weight_kg,
            "tracer": self.tracer,
            "uptake_time_min": self.uptake_time_min,
            "branch": self.branch,
            "sources": dict(self.sources),
            "warnings": list(self.warnings),
        }


def suv_conversion(header: SuvHeader, entered: EnteredValues | None = None) -> SuvConversion:
    """The conversion of a series to SUVbw from its header values and what the user entered.

    Entered values win over the header's, with a warning that names both; entered units do not.
    Raises UnitsError for units without an SUV and SuvHeaderError for values that are missing,
    impossible or contradictory; one message names every missing value and the option that supplies it.
    """
    entered = entered or EnteredValues()
    audit = Audit()
    _require_usable_voxels(header, audit)
    units = _units(header, entered, audit)
    if entered.tracer is not None or header.tracer is not None:
        audit.choose("tracer", header.tracer, entered.tracer)
    if units == "SUVbw":
        return _direct(header, entered, audit, units, 1.0, "suvbw_entered")
    if units == "GML":
        return _from_mass(header, entered, audit)
    if units == "CM2ML":
        return _from_surface(header, entered, audit)
    if units == "CNTS":
        return _from_counts(header, entered, audit)
    return _from_activity(header, entered, audit, units, "bqml", (1.0,) * len(header.slices))


def apply(conversion: SuvConversion, rescaled: np.ndarray) -> np.ndarray:
    """SUV, (K, J, I) float32, of an array of rescaled values whose K axis is the series' slice order.

    Raises GridError when the number of slices is not that of the conversion.
    """
    if rescaled.ndim != 3 or rescaled.shape[0] != len(conversion.factors):
        raise GridError(
            f"An array of {rescaled.shape} does not fit a series of {len(conversion.factors)} slices; "
            "convert the series it was read from."
        )
    suv = np.empty(rescaled.shape, dtype=np.float32)
    for index, factor in enumerate(conversion.factors):
        # A Python float leaves float32 as it is; one rounding per voxel is below 1e-7 relative.
        np.multiply(rescaled[index], factor, out=suv[index], casting="same_kind")
    return suv


def _units(header: SuvHeader, entered: EnteredValues, audit: Audit) -> str | None:
    stated = header.units.upper() if header.units is not None else None
    if stated is not None and stated not in _KNOWN_UNITS:
        raise UnitsError(
            f"Voxels in units of {stated} {TAGS['units']} cannot be converted to SUV; "
            "export the PET in BQML (Bq/ml) or GML (SUV)."
        )
    if stated is None:
        if entered.units is None:
            audit.missing("units", "--units SUVbw or --units Bq/ml")
            return None
        audit.sources["units"] = ENTERED
        return entered.units
    agrees = {"BQML": "Bq/ml", "GML": "SUVbw"}.get(stated)
    if entered.units is not None and entered.units != agrees:
        raise UnitsError(
            f"The header says the voxels are in {stated} {TAGS['units']} and --units says {entered.units}; "
            "leave --units out."
        )
    audit.from_header("units")
    return stated


def _require_usable_voxels(header: SuvHeader, audit: Audit) -> None:
    if any(s.rescale_intercept not in (None, 0.0) for s in header.slices):
        raise UnitsError(
            f"The PET has a rescale intercept {TAGS['rescale_intercept']} other than 0, so zero uptake "
            "is not zero; export the series again from the scanner."
        )
    if any(s.rescale_slope is not None and s.rescale_slope <= 0.0 for s in header.slices):
        raise UnitsError(
            f"The PET has a rescale slope {TAGS['rescale_slope']} of zero or below; export the series again."
        )
    if not header.from_dicom:
        audit.warn(
            "The file does not say whether the PET was corrected for attenuation; the user vouches for it."
        )
    elif "ATTN" not in (header.corrected_image or ()):
        raise UnitsError(
            f"The corrections {TAGS['corrected_image']} of the PET do not include attenuation (ATTN), "
            "so it has no SUV; choose the attenuation-corrected series."
        )


def _from_mass(header: SuvHeader, entered: EnteredValues, audit: Audit) -> SuvConversion:
    suv_type = (header.suv_type or "BW").upper()
    if header.suv_type is not None:
        audit.from_header("suv_type")
    if suv_type == "BW":
        return _direct(header, entered, audit, "GML", 1.0, "gml_bw")
    if suv_type not in LEAN_TYPES:
        raise UnitsError(
            f"Units GML {TAGS['units']} with the SUV type {suv_type} {TAGS['suv_type']} contradict "
            "each other; export the PET in BQML (Bq/ml)."
        )
    weight, height = weight_kg(header, entered, audit), height_m(header, entered, audit)
    sex = sex_of(header, suv_type)
    audit.raise_if_missing()
    if suv_type == "LBM":
        audit.warn("The header says LBM without a formula (0054,1006); Morgan's formula was taken.")
    lean = lean_body_mass_kg(suv_type, weight, height, sex)
    return _direct(header, entered, audit, "GML", weight / lean, f"gml_{suv_type.lower()}", weight)


def _from_surface(header: SuvHeader, entered: EnteredValues, audit: Audit) -> SuvConversion:
    if header.suv_type is not None and header.suv_type.upper() != "BSA":
        raise UnitsError(
            f"Units CM2ML {TAGS['units']} with the SUV type {header.suv_type} {TAGS['suv_type']} contradict "
            "each other; export the PET in BQML (Bq/ml)."
        )
    weight, height = weight_kg(header, entered, audit), height_m(header, entered, audit)
    audit.raise_if_missing()
    factor = weight * 1000.0 / (body_surface_m2(weight, height) * 1e4)
    return _direct(header, entered, audit, "CM2ML", factor, "cm2ml_bsa", weight)


def _from_counts(header: SuvHeader, entered: EnteredValues, audit: Audit) -> SuvConversion:
    for name, branch in (
        ("philips_suv_factor", "cnts_philips_suv"),
        ("philips_activity_factor", "cnts_philips_activity"),
    ):
        scales = [getattr(s, name) for s in header.slices]
        if all(scale in (None, 0.0) for scale in scales):
            continue
        if not all(scale is not None and scale > 0.0 for scale in scales):
            raise SuvHeaderError(
                f"The Philips factor {TAGS[name]} is missing, zero or negative in some slices; "
                "export the series again from the scanner, in BQML."
            )
        audit.from_header(name)
        if branch == "cnts_philips_suv":
            return _direct(header, entered, audit, "CNTS", tuple(scales), branch)
        return _from_activity(header, entered, audit, "CNTS", branch, tuple(scales))
    raise UnitsError(
        f"The voxels are counts (CNTS {TAGS['units']}) and the header has neither Philips factor, "
        f"{TAGS['philips_suv_factor']} nor {TAGS['philips_activity_factor']}; export the PET in BQML."
    )


def _direct(
    header: SuvHeader,
    entered: EnteredValues,
    audit: Audit,
    units: str,
    factor: float | tuple[float, ...],
    branch: str,
    weight: float | None = None,
) -> SuvConversion:
    """Voxels that already are an SUV; times and dose are reported where known and change no number."""
    factors = factor if isinstance(factor, tuple) else (factor,) * len(header.slices)
    facts = reported_facts(header, entered, audit)
    if weight is not None:
        facts["weight_kg"] = weight
    return SuvConversion(
        units_in=units,
        factors=factors,
        branch=branch,
        sources=audit.sources,
        warnings=tuple(audit.warnings),
        **facts,
    )


def _from_activity(
    header: SuvHeader,
    entered: EnteredValues,
    audit: Audit,
    units: str | None,
    branch: str,
    scales: tuple[float, ...],
) -> SuvConversion:
    weight = weight_kg(header, entered, audit)
    dose = dose_bq(header, entered, audit)
    decay = activity_factors(header, entered, audit, scan_times(header))
    grams_per_bq = weight * 1000.0 / dose
    factors = tuple(scale * grams_per_bq * gain for scale, gain in zip(scales, decay.gains, strict=True))
    return SuvConversion(
        units_in=units or "Bq/ml",
        factors=factors,
        branch=f"{branch}_{decay.branch}",
        decay_correction=decay.correction,
        injection_time=decay.injection_time,
        reference_time=decay.reference_time,
        half_life_s=decay.half_life_s,
        dose_bq=dose,
        weight_kg=weight,
        tracer=entered.tracer or header.tracer,
        uptake_time_min=decay.uptake_time_min,
        sources=audit.sources,
        warnings=tuple(audit.warnings),
    )
