"""From header values to SUV normalised by body weight, with every input and decision on record.

Order of decisions: IBSI SUV working group's manual (oncoray/suv_computation), DICOM PS3.3 C.8.9.1.
Nothing is assumed: what the header lacks is asked for, what contradicts itself is refused.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import SuvHeaderError, UnitsError
from .suv_audit import ENTERED, Audit, dose_bq, weight_kg
from .suv_decay import activity_factors, reported_facts
from .suv_entered import EnteredValues
from .suv_header import SuvHeader
from .suv_quantity import QUANTITIES, BodySize, body_size, bw_per, stored_type, wanted_type
from .suv_record import SuvConversion, apply
from .suv_tags import TAGS
from .suv_times import scan_times
from .suv_tracer import with_tracer

__all__ = ["EnteredValues", "SuvConversion", "apply", "converted", "suv_conversion"]

_KNOWN_UNITS = ("BQML", "GML", "CM2ML", "CNTS")


def suv_conversion(header: SuvHeader, entered: EnteredValues | None = None) -> SuvConversion:
    """The conversion of a series to SUVbw, or the SUV asked for, from its header and what the user entered.

    Entered values win over the header's, with a warning that names both; entered units do not.
    Raises UnitsError for units without an SUV and SuvHeaderError for values that are missing,
    impossible or contradictory; one message names every missing value and the option that supplies it.
    """
    entered = entered or EnteredValues()
    return converted(header, entered, Audit(header.is_enhanced))


def converted(header: SuvHeader, entered: EnteredValues, audit: Audit) -> SuvConversion:
    """`suv_conversion` with a record of the caller's, which tells what is missing when this raises."""
    _require_usable_voxels(header, audit)
    units = _units(header, entered, audit)
    stored, wanted = stored_type(header, units), wanted_type(entered)
    body = BodySize()
    if wanted not in ("BW", stored):
        body = body_size(wanted, header, entered, audit)
    if stored is not None:
        conversion = _from_suv(header, entered, audit, units, stored)
    elif units == "CNTS":
        conversion = _from_counts(header, entered, audit)
    else:
        conversion = _from_activity(header, entered, audit, units, "bqml", (1.0,) * len(header.slices))
    if wanted not in ("BW", stored):
        conversion = _normalised(conversion, wanted, body)
    idle = [name for name in ("height_m", "sex") if getattr(entered, name) and name not in audit.sources]
    if idle:
        audit.warn(f"{conversion.quantity} needs no {' nor '.join(idle)}; what was entered was not used.")
    return with_tracer(conversion, header, entered, audit)


def _normalised(conversion: SuvConversion, wanted: str, body: BodySize) -> SuvConversion:
    """A conversion to SUVbw turned into one to another SUV type."""
    share = 1.0 / bw_per(wanted, body)
    return replace(
        conversion,
        factors=tuple(factor * share for factor in conversion.factors),
        quantity=QUANTITIES[wanted],
        branch=f"{conversion.branch}_to_{wanted.lower()}",
        **body.facts,
    )


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


def _from_suv(
    header: SuvHeader, entered: EnteredValues, audit: Audit, units: str, stored: str
) -> SuvConversion:
    """Voxels that are an SUV of the DICOM SUV type `stored`."""
    if header.suv_type is not None:
        audit.from_header("suv_type")
    if units == "SUVbw":
        branch = "suvbw_entered"
    else:
        branch = f"{units.lower()}_{stored.lower()}"
    if stored == wanted_type(entered):
        return _direct(header, entered, audit, units, 1.0, branch, quantity=QUANTITIES[stored])
    body = BodySize() if stored == "BW" else body_size(stored, header, entered, audit)
    audit.raise_if_missing()
    if stored == "LBM":
        audit.warn("The header says LBM without a formula (0054,1006); Morgan's formula was taken.")
    return _direct(header, entered, audit, units, bw_per(stored, body), branch, body)


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
    body: BodySize | None = None,
    quantity: str = "SUVbw",
) -> SuvConversion:
    """Voxels that already are an SUV; times and dose are reported where known and change no number."""
    factors = factor if isinstance(factor, tuple) else (factor,) * len(header.slices)
    facts = reported_facts(header, entered, audit)
    audit.raise_if_missing()
    if body is not None:
        facts |= body.facts
    return SuvConversion(
        units_in=units,
        factors=factors,
        branch=branch,
        quantity=quantity,
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
        uptake_time_min=decay.uptake_time_min,
    )
